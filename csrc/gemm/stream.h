/* A few rows times a B in place that is far away, at the speed of memory:
 * some rows of B are walked side by side from end to end, and the rows of C,
 * which stay in the first level of cache, collect.
 *
 *     A  x x x x      B -> -> -> ->      C[i,j] += A[i,p]   B[p,j]
 *                       -> -> -> ->              + A[i,p+1] B[p+1,j]
 *                       -> -> -> ->              + …
 *
 * The elements of A are in registers, so a vector of B costs its load and one
 * multiply-add for each row of A. K is added up in order. More rows of A than
 * registers have elements for come in groups: the second finds these rows of B
 * in the nearest cache.
 *
 * What some cache of the processor holds it fetches itself, best along long
 * rows. Six of them and the row of C fit into a cache of eight ways even where
 * all begin at multiples of a page. From farther away, processors with AVX-512
 * are asked for the vector that lies as many rows further down; others do
 * better alone, half as fast again where the rows are long. */
#ifndef PD_GEMM_STREAM_H
#define PD_GEMM_STREAM_H

#include "few.h"

/* Rows of A in a group, and at most. Bytes of B from which on this is the way:
 * for one row, for several, and for more than four where rows of B do not evict
 * each other; less goes the way of few.h and far.h. Bytes of a row of C that
 * stay near. Processors with fewer registers have smaller caches. */
#if V_REGISTERS == 32
enum { STREAM_ROWS = 4, STREAM_DEPTH = 8, STREAM_MOST = 4 };
enum { STREAM_ONE = 3 << 20, STREAM_SEVERAL = 4 << 20, STREAM_C = 4 << 10 };
#else
enum { STREAM_ROWS = 2, STREAM_DEPTH = 6, STREAM_MOST = 8 };
enum { STREAM_ONE = 1 << 19, STREAM_SEVERAL = 1 << 19, STREAM_C = 64 << 10 };
#endif
enum { STREAM_GROUPS = 8 << 20, STREAM_LARGE = 20 << 20 };
/* Columns of B: several groups are worth it where it has so many; and those of
 * a task, at least, where the threads leave it so many. */
enum { STREAM_WIDE = 256, STREAM_LONG = STREAM_C / (int)sizeof(real) };

/* n <= VL columns of `depth` rows of B times x[rows][depth]. */
V_INLINE void stream_lanes(const int rows, const int depth, const int far,
                           const vreal *x, const real *b, int64_t b_row,
                           real *const *c, int64_t j, int64_t n) {
    vreal sum[STREAM_ROWS];
    UNROLL for (int i = 0; i < rows; i++)
        sum[i] = n == VL ? v_load(c[i] + j) : v_load_first(c[i] + j, n);
    UNROLL for (int d = 0; d < depth; d++) {
        const real *from = b + d * b_row + j;
        const vreal y = n == VL ? v_load(from) : v_load_first(from, n);
        if (far && n == VL) __builtin_prefetch(from + depth * b_row, 0, 2);
        UNROLL for (int i = 0; i < rows; i++)
            sum[i] = v_fma(x[i * depth + d], y, sum[i]);
    }
    UNROLL for (int i = 0; i < rows; i++) {
        if (n == VL)
            v_store(c[i] + j, sum[i]);
        else
            v_store_first(c[i] + j, sum[i], n);
    }
}

/* Rows of B, first from `first` columns that lie before a line begins. */
V_INLINE void stream_body(const int rows, const int depth, const int far,
                          const real *a, int64_t a_row, int64_t a_column,
                          const real *b, int64_t b_row, real *const *to,
                          int64_t first, int64_t n) {
    vreal x[STREAM_ROWS * STREAM_DEPTH];
    real *c[STREAM_ROWS]; /* in registers: no store can change them */
    UNROLL for (int i = 0; i < rows; i++) {
        c[i] = to[i];
        UNROLL for (int d = 0; d < depth; d++)
            x[i * depth + d] = v_set(a[i * a_row + d * a_column]);
    }
    if (first) stream_lanes(rows, depth, far, x, b, b_row, c, 0, first);
    int64_t j = first;
    for (; j + VL <= n; j += VL)
        stream_lanes(rows, depth, far, x, b, b_row, c, j, VL);
    if (j < n) stream_lanes(rows, depth, far, x, b, b_row, c, j, n - j);
}

typedef void stream_kernel(const real *a, int64_t a_row, int64_t a_column,
                           const real *b, int64_t b_row, real *const *c,
                           int64_t first, int64_t n);
#define STREAM(rows, depth, far)                                               \
    static void stream_##rows##_##depth##_##far(                               \
        const real *a, int64_t a_row, int64_t a_column, const real *b,         \
        int64_t b_row, real *const *c, int64_t first, int64_t n) {             \
        stream_body(rows, depth, far, a, a_row, a_column, b, b_row, c, first,  \
                    n);                                                        \
    }
/* One row of B, or as many as stream_depth says that are near or far, or those
 * that the group before has met. */
STREAM(1, 1, 0)
STREAM(1, 6, 0)
STREAM(2, 1, 0)
#if V_REGISTERS == 32
enum {
    STREAM_SINGLE,
    STREAM_NEAR,
    STREAM_FAR,
    STREAM_KINDS,
    STREAM_AGAIN = STREAM_NEAR
};
STREAM(1, 8, 1)
STREAM(2, 8, 0)
STREAM(2, 8, 1)
STREAM(3, 1, 0)
STREAM(3, 6, 0)
STREAM(3, 6, 1)
STREAM(4, 1, 0)
STREAM(4, 6, 0)
STREAM(4, 6, 1)
static stream_kernel *const stream_kernels[STREAM_KINDS][STREAM_ROWS] = {
    {stream_1_1_0, stream_2_1_0, stream_3_1_0, stream_4_1_0},
    {stream_1_6_0, stream_2_8_0, stream_3_6_0, stream_4_6_0},
    {stream_1_8_1, stream_2_8_1, stream_3_6_1, stream_4_6_1}};
static const int stream_depth[STREAM_KINDS][STREAM_ROWS] = {
    {1, 1, 1, 1}, {6, 8, 6, 6}, {8, 8, 6, 6}};
#else
enum {
    STREAM_SINGLE,
    STREAM_NEAR,
    STREAM_AGAIN,
    STREAM_KINDS,
    STREAM_FAR = STREAM_NEAR
};
STREAM(1, 5, 0)
STREAM(2, 5, 0)
static stream_kernel *const stream_kernels[STREAM_KINDS][STREAM_ROWS] = {
    {stream_1_1_0, stream_2_1_0},
    {stream_1_6_0, stream_2_5_0},
    {stream_1_5_0, stream_2_5_0}};
static const int stream_depth[STREAM_KINDS][STREAM_ROWS] = {
    {1, 1}, {6, 5}, {5, 5}};
#endif

typedef struct {
    const gemm_t *g;
    const real *a, *b;
    real *c;
    int64_t task_columns;
} stream_t;

static int is_stream(const gemm_t *g) {
    const int64_t bytes = b_bytes(g);
    if (g->b.column != 1 || g->a.read || g->b.read || g->b_panels) return 0;
    if (g->m == 1) return bytes >= STREAM_ONE;
    if (g->m <= STREAM_ROWS) return bytes > STREAM_SEVERAL;
    return g->m <= STREAM_MOST && g->n >= STREAM_WIDE &&
           bytes > (g->m <= 4    ? STREAM_SEVERAL
                    : b_pages(g) ? FAR_NEAR
                                 : STREAM_GROUPS);
}

static void stream_task(void *context, int64_t index) {
    const stream_t *t = context;
    const gemm_t *g = t->g;
    const int64_t bytes = (int64_t)sizeof(real);
    const int64_t j = index * t->task_columns;
    const int64_t n = least(t->task_columns, g->n - j);
    const int64_t before = (int64_t)((uintptr_t)(t->b + j) % PD_VECTOR_BYTES);
    const int64_t first =
        before % bytes ? 0 : least(n, (PD_VECTOR_BYTES - before) / bytes % VL);
    real *c[STREAM_MOST];
    for (int64_t i = 0; i < g->m; i++) {
        c[i] = t->c + (g->c_rows ? g->c_rows[i] : i * g->c_row) + j;
        if (!g->add) zero_run(c[i], n);
    }
    const int whole = b_bytes(g) < STREAM_LARGE ? STREAM_NEAR : STREAM_FAR;
    const int64_t group = least(g->m, STREAM_ROWS);
    for (int64_t p = 0, depth; p < g->k; p += depth) {
        const int rest = p + stream_depth[whole][group - 1] > g->k;
        int kind = rest ? STREAM_SINGLE : whole;
        depth = stream_depth[kind][group - 1];
        for (int64_t i = 0, rows; i < g->m; i += rows) {
            rows = least(group, g->m - i);
            stream_kernels[kind][rows - 1](
                t->a + i * g->a.row + p * g->a.column, g->a.row, g->a.column,
                t->b + p * g->b.row + j, g->b.row, c + i, first, n);
            kind = rest ? STREAM_SINGLE : STREAM_AGAIN;
        }
    }
    for (int64_t i = 0; i < g->m && (g->bias || g->activation); i++)
        finish_row(c[i], c[i], n, 0,
                   g->bias ? g->bias + j * g->bias_step : NULL, g->bias_step,
                   g->activation);
}

static int64_t gemm_stream(const gemm_t *g, const real *a, const real *b,
                           real *c) {
    const int64_t tasks = most(pd_get_threads(), g->n / STREAM_LONG);
    stream_t t = {g, a, b, c,
                  .task_columns = ceil_div(ceil_div(g->n, tasks), VL) * VL};
    /* Memory is what one group waits for. */
    const int64_t groups = ceil_div(g->m, STREAM_ROWS);
    pd_parallel(ceil_div(g->n, t.task_columns),
                (double)(g->k * g->n) * (double)groups / 5, stream_task, &t);
    return 0;
}

#endif
