/* Softmax: three short passes over a row that stays in the cache.
 *
 *     m = max x      e = exp(x - m), s = sum e      y = e / s
 *
 * exp is taken once for each element. With m no exp exceeds 1 and s is at least
 * 1, so nothing overflows (Blanchard, Higham, Higham, Accurately computing the
 * log-sum-exp and softmax functions, 2021). A long row is taken in parts
 * (core/rows.h): m is the largest element so far, the last pass makes up for
 * what was added to it later, and memory is read once.
 *
 * Three roads, by how rows lie in memory; a task is some rows:
 * - side by side: lanes are rows (softmax_columns.h)
 * - one after the other: a pass goes over several short rows before the next
 *   one begins, so that no row waits for its own maximum or sum
 * - in any other way: through a tile, in which they are one after the other */
#include "softmax.h"
#include "par.h"
#include "rows.h"
#include "softmax_columns.h"

typedef struct {
    const real *a, *b; /* [n] each, b of the second input */
    real *y;
} row_t;

enum {
    TOGETHER = 8,        /* rows of a pass, at most, */
    PASS_ELEMENTS = 2048 /* and their elements */
};

/* row[0 … count), 1 <= count <= TOGETHER. */
typedef void rows_function(const row_t *row, int count, int64_t n);

static void softmax_long(const row_t *row, int64_t n) {
    real top[ROW_PARTS], last;
    const real sum = row_exp_parts(row->a, row->y, n, top, &last);
    const int64_t part = row_part(n);
    for (int64_t j = 0; j < n; j += part)
        row_scale(row->y + j, row_raise(top[j / part], last) / sum,
                  n - j < part ? n - j : part);
}

static void softmax_rows(const row_t *row, int count, int64_t n) {
    real top[TOGETHER], sum[TOGETHER];
    if (n > row_part(n)) {
        for (int r = 0; r < count; r++) softmax_long(&row[r], n);
        return;
    }
    for (int r = 0; r < count; r++) top[r] = row_top(row[r].a, n);
    for (int r = 0; r < count; r++)
        sum[r] = row_exp(row[r].a, top[r], row[r].y, n);
    for (int r = 0; r < count; r++) row_scale(row[r].y, 1 / sum[r], n);
}

static void softmax_rows_backward(const row_t *row, int count, int64_t n) {
    real dot[TOGETHER];
    for (int r = 0; r < count; r++) dot[r] = row_dot(row[r].a, row[r].b, n);
    for (int r = 0; r < count; r++) {
        const real *pa = row[r].a, *pb = row[r].b;
        real *py = row[r].y;
        const vreal sum = v_set(dot[r]);
        ROW_MAP(a * (b - sum));
    }
}

static void log_softmax_rows(const row_t *row, int count, int64_t n) {
    real top[TOGETHER], sum[TOGETHER];
    for (int r = 0; r < count; r++)
        sum[r] = row_exp_parts(row[r].a, NULL, n, NULL, &top[r]);
    for (int r = 0; r < count; r++) {
        const real *pa = row[r].a, *pb = pa;
        real *py = row[r].y;
        const vreal m = v_set(top[r]), log_sum = vm_log(v_set(sum[r]));
        ROW_MAP((a - m) - log_sum);
    }
}

static void log_softmax_rows_backward(const row_t *row, int count, int64_t n) {
    real sums[TOGETHER];
    for (int r = 0; r < count; r++) sums[r] = row_dot(row[r].b, NULL, n);
    for (int r = 0; r < count; r++) {
        const real *pa = row[r].a, *pb = row[r].b;
        real *py = row[r].y;
        const vreal sum = v_set(sums[r]);
        ROW_MAP(b - vm_exp(a) * sum);
    }
}

typedef struct {
    const pd_softmax_geometry *g;
    rows_function *run_rows;
    columns_function *run_columns;
    int inputs;
    const real *in[2];
    real *y;
    int64_t rows, per_task;
    int64_t line, strips; /* rows side by side, cut in strips */
    _Atomic int no_memory;
} work_t;

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- rows side by side -------------------------------------------------- */

enum { STRIP = 256 }; /* rows that are taken together */

/* Tasks are some strips. */
static void task_strips(void *context, int64_t task) {
    work_t *w = context;
    const pd_softmax_geometry *g = w->g;
    const int64_t all = w->rows / w->line * w->strips;
    const int64_t end = min((task + 1) * w->per_task, all);
    const int64_t elements = columns_tile(g->n, w->inputs);
    columns_t c = {
        .n = g->n, .a_stride = g->stride[1], .y_stride = g->stride[0]};
    c.tile = pd_scratch(PD_SCRATCH_A, (size_t)elements * sizeof(real));
    if (!c.tile) {
        w->no_memory = 1;
        return;
    }
    for (int64_t t = task * w->per_task; t < end; t++) {
        const int64_t j = t % w->strips * STRIP;
        const int64_t first = t / w->strips * w->line + j;
        c.count = min(STRIP, w->line - j);
        c.a = w->in[0] + pd_space_offset(&g->rows, 1, first);
        c.y = w->y + pd_space_offset(&g->rows, 0, first);
        if (w->inputs == 2) {
            c.b = w->in[1] + pd_space_offset(&g->rows, 2, first);
            c.b_stride = g->stride[2];
        }
        w->run_columns(&c);
    }
}

/* Rows of all operands lie side by side, enough of them. */
static int rows_are_columns(const work_t *w) {
    const pd_space *rows = &w->g->rows;
    const int last = (int)rows->axes - 1;
    for (int k = 0; k <= w->inputs; k++)
        if (rows->stride[k][last] != 1) return 0;
    return rows->size[last] >= FEWEST && w->g->n > 1;
}

/* ---- rows one after the other, or in a tile ----------------------------- */

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
    const int64_t together =
        min(TOGETHER, n < PASS_ELEMENTS ? PASS_ELEMENTS / n : 1);
    for (int64_t r = 0; r < count;) {
        row_t row[TOGETHER];
        int m = 0;
        for (; m < together && r < count; m++, r++) {
            row[m].a = a + row_at(w, 1, tile[1], first, r);
            row[m].b =
                w->inputs == 2 ? b + row_at(w, 2, tile[2], first, r) : NULL;
            row[m].y = y + row_at(w, 0, tile[0], first, r);
        }
        w->run_rows(row, m, n);
    }
    if (tile[0])
        rows_scatter(tile[0], w->y, &g->rows, 0, g->stride[0], n, first, count);
}

static int64_t rows_apply(rows_function *run_rows,
                          columns_function *run_columns, int inputs,
                          void *const *arrays, const pd_softmax_geometry *g) {
    work_t w = {.g = g,
                .run_rows = run_rows,
                .run_columns = run_columns,
                .inputs = inputs,
                .in = {arrays[0], arrays[1]},
                .y = arrays[inputs],
                .rows = pd_space_elements(&g->rows)};
    if (w.rows == 0 || g->n == 0) return 0;
    double ns = (double)w.rows * ((double)g->n * sizeof(real) / 16 + 10);
    int64_t tasks;
    if (rows_are_columns(&w)) {
        w.line = g->rows.size[g->rows.axes - 1];
        w.strips = (w.line + STRIP - 1) / STRIP;
        w.per_task = rows_per_task(g->n * min(STRIP, w.line));
        tasks = w.rows / w.line * w.strips;
        tasks = (tasks + w.per_task - 1) / w.per_task;
        pd_parallel(tasks, ns, task_strips, &w);
    } else {
        int in_place = 1;
        for (int k = 0; k <= inputs; k++) in_place &= g->stride[k] == 1;
        w.per_task = in_place ? rows_per_task(g->n) : rows_per_tile(g->n);
        tasks = (w.rows + w.per_task - 1) / w.per_task;
        pd_parallel(tasks, ns, task_rows, &w);
    }
    return w.no_memory ? PD_NO_MEMORY : 0;
}

int64_t K(softmax_forward)(void *const *arrays, const void *geometry) {
    return rows_apply(softmax_rows, softmax_columns, 1, arrays, geometry);
}
int64_t K(softmax_backward)(void *const *arrays, const void *geometry) {
    return rows_apply(softmax_rows_backward, softmax_columns_backward, 2,
                      arrays, geometry);
}
int64_t K(log_softmax_forward)(void *const *arrays, const void *geometry) {
    return rows_apply(log_softmax_rows, log_softmax_columns, 1, arrays,
                      geometry);
}
int64_t K(log_softmax_backward)(void *const *arrays, const void *geometry) {
    return rows_apply(log_softmax_rows_backward, log_softmax_columns_backward,
                      2, arrays, geometry);
}
