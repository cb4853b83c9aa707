/* Losses of two arrays: forward reads x and t once and writes a number, or all
 * the losses; backward reads them once more and writes dx.
 *
 *     x ──┐
 *         ├─ f ──(sum of a chunk)── partial[chunk] ── sum ── loss
 *     t ──┘
 *
 * Chunks are cut by size alone, and their sums added in order by one thread. */
#include "loss.h"
#include "par.h"
#include "rows.h"

enum { CHUNK = 16384 };

/* ---- the functions ------------------------------------------------------- */

/* -1, 0 or 1; NaN of NaN. */
V_INLINE vreal sign(vreal d) {
    const vreal zero = v_set(0), one = v_set(1);
    return v_select(v_lt(zero, d), one, v_select(v_lt(d, zero), -one, d));
}

/* d, cut to [-p, p]; NaN stays. */
V_INLINE vreal within(vreal p, vreal d) { return v_max(-p, v_min(p, d)); }

V_INLINE vreal smooth_l1(vreal d, vreal p) {
    const vreal half = v_set((real)0.5), size = v_abs(d);
    return v_select(v_lt(size, p), half * d * d / p, size - half * p);
}

V_INLINE vreal huber(vreal d, vreal p) {
    const vreal half = v_set((real)0.5), size = v_abs(d);
    return v_select(v_le(size, p), half * d * d, p * (size - half * p));
}

/* -t log x - (1 - t) log(1 - x), no logarithm below -100. */
V_INLINE vreal cross_entropy(vreal x, vreal t) {
    const vreal least = v_set(-100), one = v_set(1);
    vreal hit = v_max(least, vm_log(x)), miss = v_max(least, vm_log1p(-x));
    return (t - one) * miss - t * hit;
}

V_INLINE vreal cross_entropy_slope(vreal x, vreal t) {
    const vreal least = v_set((real)1e-12);
    return (x - t) / v_max(least, (v_set(1) - x) * x);
}

/* log(1 + exp(-|x|)) plus |x| times what is wrong in its sign: neither part
 * cancels where the prediction is right, nor is 0 times infinity formed. */
V_INLINE vreal of_logits(vreal x, vreal t) {
    const vreal zero = v_set(0), size = v_abs(x);
    vreal wrong = v_select(v_lt(x, zero), t, v_set(1) - t);
    vreal line = v_select(v_eq(wrong, zero), zero, wrong * size);
    return line + vm_softplus(-size);
}

/* sigmoid(x) - t, from the smaller of sigmoid(x) and 1 - sigmoid(x). */
V_INLINE vreal of_logits_slope(vreal x, vreal t) {
    vreal s = vm_sigmoid(-v_abs(x));
    return v_select(v_lt(x, v_set(0)), s - t, (v_set(1) - t) - s);
}

/* ---- their loops --------------------------------------------------------- */

/* forward: y[0..n) where y is not NULL, else the sum of them.
 * backward: y = slope * g, with g a single number where pg is NULL. */
typedef real forward_span(const real *px, const real *pt, real *y, int64_t n,
                          real constant);
typedef void backward_span(const real *px, const real *pt, const real *pg,
                           real single, real *y, int64_t n, real constant);

#define LOSS(name, ns, formula, slope)                                         \
    static real name##_span(const real *px, const real *pt, real *y,           \
                            int64_t n, real constant) {                        \
        const vreal p = v_set(constant);                                       \
        vreal total = v_set(0);                                                \
        (void)p;                                                               \
        for (int64_t i = 0; i < n;) {                                          \
            vreal sum = v_set(0);                                              \
            int64_t end = n - i < ROW_BLOCK ? n : i + ROW_BLOCK;               \
            for (; i + VL <= end; i += VL) {                                   \
                vreal x = v_load(px + i), t = v_load(pt + i), f = formula;     \
                if (y)                                                         \
                    v_store(y + i, f);                                         \
                else                                                           \
                    sum = sum + f;                                             \
            }                                                                  \
            if (i < end) {                                                     \
                real first[V_LANES] = {0};                                     \
                vreal x = v_load_first(px + i, end - i);                       \
                vreal t = v_load_first(pt + i, end - i), f = formula;          \
                v_store_first(y ? y + i : first, f, end - i);                  \
                sum = sum + v_load(first);                                     \
                i = end;                                                       \
            }                                                                  \
            total = total + sum;                                               \
        }                                                                      \
        return v_sum(total);                                                   \
    }                                                                          \
    static void name##_backward_span(const real *px, const real *pt,           \
                                     const real *pg, real single, real *y,     \
                                     int64_t n, real constant) {               \
        const vreal p = v_set(constant), one_g = v_set(single);                \
        int64_t i = 0;                                                         \
        (void)p;                                                               \
        for (; i + VL <= n; i += VL) {                                         \
            vreal x = v_load(px + i), t = v_load(pt + i);                      \
            v_store(y + i, (slope) * (pg ? v_load(pg + i) : one_g));           \
        }                                                                      \
        if (i < n) {                                                           \
            vreal x = v_load_first(px + i, n - i);                             \
            vreal t = v_load_first(pt + i, n - i);                             \
            vreal g = pg ? v_load_first(pg + i, n - i) : one_g;                \
            v_store_first(y + i, (slope) * g, n - i);                          \
        }                                                                      \
    }
#include "loss.inc"
#undef LOSS

typedef struct {
    forward_span *forward;
    backward_span *backward;
    double ns; /* per 16 float32 */
} function_t;

#define LOSS(name, ns, formula, slope) {name##_span, name##_backward_span, ns},
static const function_t functions[] = {
#include "loss.inc"
};
#undef LOSS

/* ---- the work ------------------------------------------------------------ */

typedef struct {
    const pd_loss_geometry *g;
    const function_t *f;
    const real *x, *t;
    real *loss;        /* [n], NULL where it is reduced */
    real *partial;     /* [chunks]: sums */
    int64_t *bad;      /* [chunks]: 1 + the first bad element, or 0 */
    const real *dloss; /* [n], NULL where it is a single number */
    real single;
    real *dx;
} work_t;

/* 1 + the first x outside [0, 1]; 0 where there is none. */
static int64_t first_outside(const real *x, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!(x[i] >= 0 && x[i] <= 1)) return 1 + i;
    return 0;
}

static void chunk_loss(void *context, int64_t c) {
    const work_t *w = context;
    int64_t from = c * CHUNK, n = w->g->elements - from;
    if (n > CHUNK) n = CHUNK;
    const real *x = w->x + from, *t = w->t + from;
    const real p = (real)w->g->p;
    if (w->dx) {
        const real *dloss = w->dloss ? w->dloss + from : NULL;
        w->f->backward(x, t, dloss, w->single, w->dx + from, n, p);
        return;
    }
    w->bad[c] = 0;
    if (w->g->function == PD_LOSS_binary_cross_entropy) {
        int64_t bad = first_outside(x, n);
        w->bad[c] = bad ? from + bad : 0;
    }
    w->partial[c] = w->f->forward(x, t, w->loss ? w->loss + from : NULL, n, p);
}

static int64_t chunks_of(const work_t *w) {
    return (w->g->elements + CHUNK - 1) / CHUNK;
}

static void work_run(work_t *w) {
    double ns = w->f->ns * (double)w->g->elements * sizeof(real) / 64;
    pd_parallel(chunks_of(w), ns, chunk_loss, w);
}

int64_t K(loss_forward)(void *const *arrays, const void *geometry) {
    const pd_loss_geometry *g = geometry;
    work_t w = {.g = g, .f = &functions[g->function]};
    w.x = arrays[0];
    w.t = arrays[1];
    real *loss = arrays[2];
    const int64_t chunks = chunks_of(&w);
    int64_t *room = pd_scratch(PD_SCRATCH_A, (size_t)(chunks + 1) *
                                                 (sizeof *room + sizeof(real)));
    if (!room) return PD_NO_MEMORY;
    w.bad = room;
    w.partial = (real *)(room + chunks);
    if (g->reduction == PD_LOSS_NONE) w.loss = loss;
    work_run(&w);
    for (int64_t c = 0; c < chunks; c++)
        if (w.bad[c]) return w.bad[c];
    if (g->reduction == PD_LOSS_NONE) return 0;
    *loss = row_dot(w.partial, NULL, chunks);
    if (g->reduction == PD_LOSS_MEAN) *loss /= (real)g->elements;
    return 0;
}

int64_t K(loss_backward)(void *const *arrays, const void *geometry) {
    const pd_loss_geometry *g = geometry;
    work_t w = {.g = g, .f = &functions[g->function]};
    w.x = arrays[0];
    w.t = arrays[1];
    const real *dloss = arrays[2];
    w.dx = arrays[3];
    if (g->reduction == PD_LOSS_NONE) {
        w.dloss = dloss;
    } else {
        w.single = *dloss;
        if (g->reduction == PD_LOSS_MEAN) w.single /= (real)g->elements;
    }
    work_run(&w);
    return 0;
}
