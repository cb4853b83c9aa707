/* Softmax: three short passes over a row that stays in the cache.
 *
 *     m = max x      e = exp(x - m), s = sum e      y = e / s
 *
 * exp is taken once for each element; a single pass with a running maximum
 * would take it twice. With m no exp exceeds 1 and s is at least 1, so nothing
 * overflows (Blanchard, Higham, Higham, Accurately computing the log-sum-exp
 * and softmax functions, 2021).
 *
 * A task is some rows. Rows whose elements are not neighbours go through a
 * tile (core/rows.h); the arithmetic sees contiguous rows only. */
#include "softmax.h"
#include "par.h"
#include "rows.h"

/* py[0 … n) of the row pa (and pb, which is pa where there is one input). */
typedef void row_function(const real *pa, const real *pb, real *py, int64_t n);

static void softmax_row(const real *x, const real *pb, real *py, int64_t n) {
    (void)pb;
    real sum = row_exp(x, row_top(x, n), py, n);
    const vreal scale = v_set(1 / sum);
    const real *pa = py;
    pb = py;
    ROW_MAP(a * scale);
}

static void softmax_row_backward(const real *pa, const real *pb, real *py,
                                 int64_t n) {
    const vreal dot = v_set(row_dot(pa, pb, n));
    ROW_MAP(a * (b - dot));
}

static void log_softmax_row(const real *pa, const real *pb, real *py,
                            int64_t n) {
    real top = row_top(pa, n);
    const vreal m = v_set(top);
    const vreal log_sum = vm_log(v_set(row_exp(pa, top, NULL, n)));
    ROW_MAP((a - m) - log_sum);
}

static void log_softmax_row_backward(const real *pa, const real *pb, real *py,
                                     int64_t n) {
    const vreal sum = v_set(row_dot(pb, NULL, n));
    ROW_MAP(b - vm_exp(a) * sum);
}

typedef struct {
    const pd_softmax_geometry *g;
    row_function *row;
    int inputs;
    const real *in[2];
    real *y;
    int64_t rows, per_task;
    _Atomic int no_memory;
} work_t;

/* Row first + r of operand k: in place, or in its tile. */
V_INLINE int64_t row_at(const work_t *w, int k, const real *tile, int64_t first,
                        int64_t r) {
    return tile ? r * w->g->n : pd_space_offset(&w->g->rows, k, first + r);
}

static void task_rows(void *context, int64_t task) {
    work_t *w = context;
    const pd_softmax_geometry *g = w->g;
    int64_t n = g->n, first = task * w->per_task;
    int64_t count =
        w->rows - first < w->per_task ? w->rows - first : w->per_task;
    real *tile[3] = {NULL, NULL, NULL}; /* operands that need one */
    for (int k = 0; k <= w->inputs; k++) {
        if (g->stride[k] == 1) continue;
        tile[k] =
            pd_scratch(PD_SCRATCH_A + k, (size_t)(count * n) * sizeof(real));
        if (!tile[k]) {
            w->no_memory = 1;
            return;
        }
        if (k)
            rows_gather(tile[k], w->in[k - 1], &g->rows, k, g->stride[k], n,
                        first, count);
    }
    const real *a = tile[1] ? tile[1] : w->in[0];
    const real *b = tile[2] ? tile[2] : w->in[1];
    real *y = tile[0] ? tile[0] : w->y;
    for (int64_t r = 0; r < count; r++) {
        const real *row_a = a + row_at(w, 1, tile[1], first, r);
        const real *row_b = row_a;
        if (w->inputs == 2) row_b = b + row_at(w, 2, tile[2], first, r);
        w->row(row_a, row_b, y + row_at(w, 0, tile[0], first, r), n);
    }
    if (tile[0])
        rows_scatter(tile[0], w->y, &g->rows, 0, g->stride[0], n, first, count);
}

static int64_t rows_apply(row_function *row, int inputs, void *const *arrays,
                          const pd_softmax_geometry *g) {
    work_t w = {.g = g,
                .row = row,
                .inputs = inputs,
                .in = {arrays[0], arrays[1]},
                .y = arrays[inputs],
                .rows = pd_space_elements(&g->rows)};
    if (w.rows == 0 || g->n == 0) return 0;
    w.per_task = rows_per_task(g->n);
    double ns = (double)w.rows * ((double)g->n * sizeof(real) / 8 + 10);
    pd_parallel((w.rows + w.per_task - 1) / w.per_task, ns, task_rows, &w);
    return w.no_memory ? PD_NO_MEMORY : 0;
}

int64_t K(softmax_forward)(void *const *arrays, const void *geometry) {
    return rows_apply(softmax_row, 1, arrays, geometry);
}
int64_t K(softmax_backward)(void *const *arrays, const void *geometry) {
    return rows_apply(softmax_row_backward, 2, arrays, geometry);
}
int64_t K(log_softmax_forward)(void *const *arrays, const void *geometry) {
    return rows_apply(log_softmax_row, 1, arrays, geometry);
}
int64_t K(log_softmax_backward)(void *const *arrays, const void *geometry) {
    return rows_apply(log_softmax_row_backward, 2, arrays, geometry);
}
