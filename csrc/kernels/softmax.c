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

/* Rows of one operand, contiguous: in place, or in this thread's tile. */
typedef struct {
    real *base;
    const pd_space *space; /* NULL: a tile of rows one after the other */
    int operand;
} rows_t;

V_INLINE real *row_of(const rows_t *rows, int64_t first, int64_t r, int64_t n) {
    if (!rows->space) return rows->base + r * n;
    return rows->base + pd_space_offset(rows->space, rows->operand, first + r);
}

static void task_rows(void *context, int64_t task) {
    work_t *w = context;
    const pd_softmax_geometry *g = w->g;
    int64_t n = g->n, first = task * w->per_task;
    int64_t count =
        w->rows - first < w->per_task ? w->rows - first : w->per_task;
    rows_t rows[3];
    for (int k = 0; k <= w->inputs; k++) {
        real *array = k ? (real *)w->in[k - 1] : w->y;
        rows[k] = (rows_t){array, &g->rows, k};
        if (g->stride[k] == 1) continue;
        real *tile =
            pd_scratch(PD_SCRATCH_A + k, (size_t)(count * n) * sizeof(real));
        if (!tile) {
            w->no_memory = 1;
            return;
        }
        rows[k] = (rows_t){tile, NULL, k};
        if (k)
            rows_gather(tile, array, &g->rows, k, g->stride[k], n, first,
                        count);
    }
    for (int64_t r = 0; r < count; r++) {
        const real *a = row_of(&rows[1], first, r, n);
        const real *b = w->inputs == 2 ? row_of(&rows[2], first, r, n) : a;
        w->row(a, b, row_of(&rows[0], first, r, n), n);
    }
    if (g->stride[0] != 1)
        rows_scatter(rows[0].base, w->y, &g->rows, 0, g->stride[0], n, first,
                     count);
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
