/* Local response norm, channels-last: lanes are channels, and the window over
 * channels is a few loads of a row of squares that begin one element apart.
 *
 *     zeros                   x^2                    zeros
 *     ├ before ┤ 0  1  2  …                    c - 1 ├ after ┤
 *              [ window of 0    ]
 *                 [ window of 1    ]
 *
 * Backward: with p = t^-beta and u = dy x p / t,
 *
 *     dx[i] = dy[i] p[i] - 2 beta scale x[i] sum of u[o] over the o whose
 *                                            windows have i
 *
 * which are i - after <= o <= i + before: the same sum, mirrored. t is computed
 * again from x, so forward keeps nothing.
 *
 * Krizhevsky, Sutskever, Hinton, ImageNet classification with deep
 * convolutional neural networks, 2012, section 3.3. */
#include "local_response_norm.h"
#include "par.h"
#include "real.h"
#include "simd.h"
#include "vmath.h"

enum { TASK = 8192 /* elements */ };

typedef struct {
    const pd_local_response_norm_geometry *g;
    const real *x, *dy;
    real *out; /* y or dx */
    int64_t rows, per_task;
    _Atomic int no_memory;
} work_t;

/* The buffers of a task: room[0 … c) with zeros around, and p. */
typedef struct {
    real *squares, *terms, *p;
} buffers_t;

/* The sum of `count` neighbours from each lane of p on. */
V_INLINE vreal window_sum(const real *p, int64_t count, int64_t lanes) {
    vreal sum = v_load_lanes(p, lanes);
    for (int64_t i = 1; i < count; i++) sum = sum + v_load_lanes(p + i, lanes);
    return sum;
}

V_INLINE vreal denominator(const pd_local_response_norm_geometry *g,
                           const real *squares, int64_t j, int64_t lanes) {
    vreal sum =
        window_sum(squares + j - g->before, g->before + 1 + g->after, lanes);
    return v_fma(sum, v_set((real)g->scale), v_set((real)g->k));
}

/* t^-beta; by roots for the paper's beta, which costs a third. */
V_INLINE vreal to_power(const pd_local_response_norm_geometry *g, vreal t) {
    if (g->beta != 0.75) return vm_pow(t, v_set((real)-g->beta));
    vreal root = v_sqrt(t);
    return v_set(1) / (root * v_sqrt(root));
}

static void row_squares(const real *x, real *squares, int64_t n) {
    int64_t j = 0;
    for (; j + VL <= n; j += VL) {
        vreal a = v_load(x + j);
        v_store(squares + j, a * a);
    }
    for (; j < n; j++) squares[j] = x[j] * x[j];
}

static void row_forward(const pd_local_response_norm_geometry *g,
                        const buffers_t *b, const real *x, real *y) {
    row_squares(x, b->squares, g->c);
    for (int64_t j = 0; j < g->c; j += VL) {
        const int64_t lanes = g->c - j < VL ? g->c - j : VL;
        vreal t = denominator(g, b->squares, j, lanes);
        v_store_lanes(y + j, v_load_lanes(x + j, lanes) * to_power(g, t),
                      lanes);
    }
}

static void row_backward(const pd_local_response_norm_geometry *g,
                         const buffers_t *b, const real *x, const real *dy,
                         real *dx) {
    const vreal slope = v_set((real)(-2 * g->beta * g->scale));
    const int64_t window = g->before + 1 + g->after;
    row_squares(x, b->squares, g->c);
    for (int64_t j = 0; j < g->c; j += VL) {
        const int64_t lanes = g->c - j < VL ? g->c - j : VL;
        vreal t = denominator(g, b->squares, j, lanes);
        vreal p = to_power(g, t);
        vreal u = v_load_lanes(dy + j, lanes) * v_load_lanes(x + j, lanes);
        v_store_lanes(b->p + j, p, lanes);
        v_store_lanes(b->terms + j, u * p / t, lanes);
    }
    for (int64_t j = 0; j < g->c; j += VL) {
        const int64_t lanes = g->c - j < VL ? g->c - j : VL;
        vreal sum = window_sum(b->terms + j - g->after, window, lanes);
        vreal direct =
            v_load_lanes(dy + j, lanes) * v_load_lanes(b->p + j, lanes);
        vreal d = v_fma(v_load_lanes(x + j, lanes) * slope, sum, direct);
        v_store_lanes(dx + j, d, lanes);
    }
}

/* Zeros around the room for a row: squares has `before` of them in front and
 * `after` behind, terms the other way round. */
static int buffers_begin(const pd_local_response_norm_geometry *g,
                         buffers_t *b) {
    const int64_t padded = g->before + g->c + g->after;
    size_t bytes = (size_t)(2 * padded + g->c) * sizeof(real);
    real *memory = pd_scratch(PD_SCRATCH_A, bytes);
    if (!memory) return 0;
    memset(memory, 0, bytes);
    b->squares = memory + g->before;
    b->terms = memory + padded + g->after;
    b->p = memory + 2 * padded;
    return 1;
}

static void task_rows(void *context, int64_t task) {
    work_t *w = context;
    const pd_local_response_norm_geometry *g = w->g;
    int64_t end = (task + 1) * w->per_task;
    if (end > w->rows) end = w->rows;
    buffers_t b;
    if (!buffers_begin(g, &b)) {
        w->no_memory = 1;
        return;
    }
    for (int64_t r = task * w->per_task; r < end; r++) {
        const real *x = w->x + pd_space_offset(&g->rows, 1, r);
        real *out = w->out + r * g->c;
        if (!w->dy)
            row_forward(g, &b, x, out);
        else
            row_backward(g, &b, x, w->dy + pd_space_offset(&g->rows, 2, r),
                         out);
    }
}

static int64_t rows_run(work_t *w) {
    const pd_local_response_norm_geometry *g = w->g;
    w->rows = pd_space_elements(&g->rows);
    if (w->rows == 0 || g->c == 0) return 0;
    w->per_task = g->c < TASK ? TASK / g->c : 1;
    double window = (double)(g->before + 1 + g->after);
    double ns = (double)(w->rows * g->c) * sizeof(real) / 4;
    ns *= (w->dy ? 2 : 1) * (1 + window / 16);
    pd_parallel((w->rows + w->per_task - 1) / w->per_task, ns, task_rows, w);
    return w->no_memory ? PD_NO_MEMORY : 0;
}

int64_t K(local_response_norm_forward)(void *const *arrays,
                                       const void *geometry) {
    work_t w = {.g = geometry, .x = arrays[0], .out = arrays[1]};
    return rows_run(&w);
}
int64_t K(local_response_norm_backward)(void *const *arrays,
                                        const void *geometry) {
    work_t w = {
        .g = geometry, .x = arrays[0], .dy = arrays[1], .out = arrays[2]};
    return rows_run(&w);
}
