/* Stochastic gradient descent; see sgd.h for the formula and multi_tensor.h for
 * how parameters become tasks. Memory is the limit: p and momentum are read and
 * written once, dp is read once.
 *
 * PyTorch's formula: torch/optim/sgd.py, _single_tensor_sgd. */
#include "sgd.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum { GROUP = 5 }; /* arrays per parameter */

typedef struct {
    void *const *arrays;
    const pd_multi_tensor_geometry *g;
    int64_t *first_task; /* of each parameter */
} work_t;

/* The scalars of one parameter's update. */
typedef struct {
    vreal lr, mu, share, decay; /* share: of g that enters the momentum */
    int decays, nesterov, first;
} update_t;

V_INLINE vreal lanes_update(const update_t *u, vreal p, vreal g,
                            vreal *momentum) {
    if (u->decays) g = g + u->decay * p;
    if (momentum) {
        *momentum = u->first ? g : u->mu * *momentum + u->share * g;
        g = u->nesterov ? g + u->mu * *momentum : *momentum;
    }
    return p - u->lr * g;
}

static void span_update(const update_t *u, real *p, const real *g, real *m,
                        int64_t n) {
    int64_t i = 0;
    vreal momentum = v_set(0);
    for (; i + VL <= n; i += VL) {
        if (m) momentum = v_load(m + i);
        v_store(p + i, lanes_update(u, v_load(p + i), v_load(g + i),
                                    m ? &momentum : NULL));
        if (m) v_store(m + i, momentum);
    }
    if (i == n) return;
    n -= i;
    if (m) momentum = v_load_first(m + i, n);
    vreal updated = lanes_update(u, v_load_first(p + i, n),
                                 v_load_first(g + i, n), m ? &momentum : NULL);
    v_store_first(p + i, updated, n);
    if (m) v_store_first(m + i, momentum, n);
}

static void task_update(void *context, int64_t t) {
    const work_t *w = context;
    int64_t k = pd_parameter_of(w->first_task, w->g->count, t);
    void *const *arrays = w->arrays + GROUP * k;
    const double *setting = arrays[0], *step = arrays[1];
    real *p = arrays[2], *m = arrays[4];
    const real *g = arrays[3];
    update_t u = {
        .lr = v_set((real)setting[PD_SGD_LR]),
        .mu = v_set((real)setting[PD_SGD_MOMENTUM]),
        .share = v_set((real)(1 - setting[PD_SGD_DAMPENING])),
        .decay = v_set((real)setting[PD_SGD_WEIGHT_DECAY]),
        .decays = setting[PD_SGD_WEIGHT_DECAY] != 0,
        .nesterov = setting[PD_SGD_NESTEROV] != 0,
        .first = *step == 1,
    };
    int64_t begin = (t - w->first_task[k]) * PD_SPAN;
    int64_t n = w->g->elements[k] - begin;
    span_update(&u, p + begin, g + begin, m ? m + begin : NULL,
                n < PD_SPAN ? n : PD_SPAN);
}

int64_t K(sgd)(void *const *arrays, const void *geometry) {
    const pd_multi_tensor_geometry *g = geometry;
    size_t bytes = (size_t)g->count * sizeof(int64_t);
    work_t w = {arrays, g, pd_scratch(PD_SCRATCH_A, bytes)};
    if (!w.first_task) return PD_NO_MEMORY;
    int64_t tasks = 0;
    double ns = 0;
    for (int64_t k = 0; k < g->count; k++) {
        w.first_task[k] = tasks;
        tasks += pd_spans(g->elements[k]);
        ns += 0.4 * (double)g->elements[k];
        *(double *)arrays[GROUP * k + 1] += 1;
    }
    pd_parallel_whole(tasks, ns, task_update, &w);
    return 0;
}
