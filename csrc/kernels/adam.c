/* Adam and AdamW; see adam.h for the formula and multi_tensor.h for how
 * parameters become tasks. Memory is the limit: p, m and v are read and written
 * once, dp is read once.
 *
 * Kingma and Ba 2015, Adam; Loshchilov and Hutter 2019, Decoupled weight decay.
 * PyTorch's order of operations: torch/optim/adam.py, _single_tensor_adam. */
#include "adam.h"
#include "par.h"
#include "real.h"
#include "simd.h"

#include <math.h>

enum { GROUP = 6 }; /* arrays per parameter */

typedef struct {
    void *const *arrays;
    const pd_multi_tensor_geometry *g;
    int64_t *first_task; /* of each parameter */
} work_t;

/* The scalars of one parameter's update. */
typedef struct {
    vreal keep;                  /* AdamW: 1 - lr * weight_decay */
    vreal decay;                 /* Adam: weight_decay */
    vreal share1, beta2, share2; /* share: 1 - beta */
    vreal rate;                  /* lr / (1 - beta1^step) */
    vreal root2;                 /* sqrt(1 - beta2^step) */
    vreal eps;
    int decays, decoupled;
} update_t;

static update_t update_of(const double *setting, double step) {
    double lr = setting[PD_ADAM_LR], decay = setting[PD_ADAM_WEIGHT_DECAY];
    double beta1 = setting[PD_ADAM_BETA1], beta2 = setting[PD_ADAM_BETA2];
    return (update_t){
        .keep = v_set((real)(1 - lr * decay)),
        .decay = v_set((real)decay),
        .share1 = v_set((real)(1 - beta1)),
        .beta2 = v_set((real)beta2),
        .share2 = v_set((real)(1 - beta2)),
        .rate = v_set((real)(lr / (1 - pow(beta1, step)))),
        .root2 = v_set((real)sqrt(1 - pow(beta2, step))),
        .eps = v_set((real)setting[PD_ADAM_EPS]),
        .decays = decay != 0,
        .decoupled = setting[PD_ADAM_DECOUPLED] != 0,
    };
}

V_INLINE vreal lanes_update(const update_t *u, vreal p, vreal g, vreal *m,
                            vreal *v) {
    if (u->decays && u->decoupled) p = p * u->keep;
    if (u->decays && !u->decoupled) g = g + u->decay * p;
    *m = *m + u->share1 * (g - *m);
    *v = u->beta2 * *v + u->share2 * g * g;
    return p - u->rate * (*m / (v_sqrt(*v) / u->root2 + u->eps));
}

static void span_update(const update_t *u, real *p, const real *g, real *m,
                        real *v, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) {
        vreal a = v_load(m + i), b = v_load(v + i);
        v_store(p + i, lanes_update(u, v_load(p + i), v_load(g + i), &a, &b));
        v_store(m + i, a);
        v_store(v + i, b);
    }
    if (i == n) return;
    n -= i;
    vreal a = v_load_first(m + i, n), b = v_load_first(v + i, n);
    vreal updated =
        lanes_update(u, v_load_first(p + i, n), v_load_first(g + i, n), &a, &b);
    v_store_first(p + i, updated, n);
    v_store_first(m + i, a, n);
    v_store_first(v + i, b, n);
}

static void task_update(void *context, int64_t t) {
    const work_t *w = context;
    int64_t k = pd_parameter_of(w->first_task, w->g->count, t);
    void *const *arrays = w->arrays + GROUP * k;
    const double *setting = arrays[0], *step = arrays[1];
    real *p = arrays[2], *m = arrays[4], *v = arrays[5];
    const real *g = arrays[3];
    update_t u = update_of(setting, *step);
    int64_t begin = (t - w->first_task[k]) * PD_SPAN;
    int64_t n = w->g->elements[k] - begin;
    span_update(&u, p + begin, g + begin, m + begin, v + begin,
                n < PD_SPAN ? n : PD_SPAN);
}

int64_t K(adam)(void *const *arrays, const void *geometry) {
    const pd_multi_tensor_geometry *g = geometry;
    size_t bytes = (size_t)g->count * sizeof(int64_t);
    work_t w = {arrays, g, pd_scratch(PD_SCRATCH_A, bytes)};
    if (!w.first_task) return PD_NO_MEMORY;
    int64_t tasks = 0;
    double ns = 0;
    for (int64_t k = 0; k < g->count; k++) {
        w.first_task[k] = tasks;
        tasks += pd_spans(g->elements[k]);
        ns += 0.7 * (double)g->elements[k];
        *(double *)arrays[GROUP * k + 1] += 1;
    }
    pd_parallel_whole(tasks, ns, task_update, &w);
    return 0;
}
