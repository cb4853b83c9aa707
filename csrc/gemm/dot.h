/* A few rows times B^T where both are contiguous along K: x W^T of a batch too
 * small to pay for packing W, and matrix times vector.
 *
 *     C[i,j] = dot(A[i,:], B[:,j])
 *
 *           B^T rows j      the vectors run along K; a tile of rows * columns
 *          -> -> -> ->      accumulators uses each load several times; at the
 *     A -> x  x  x  x       end the lanes of each are summed
 *     i -> x  x  x  x
 *
 * With few columns instead of few rows the roles are exchanged: C^T = B^T A^T.
 */
#ifndef PD_GEMM_DOT_H
#define PD_GEMM_DOT_H

#include "finish.h"
#include "gemm.h"
#include "pack.h"
#include "par.h"

enum { DOT_SUMS = 16 }; /* accumulators of a tile at most, in groups of VL */
enum { DOT_ROWS = V_REGISTERS == 32 ? 4 : 3 };
/* Up to DOT_FEW rows (or columns) packing does not pay, and up to DOT_MOST rows
 * not where each has DOT_LONG elements times their number: adding up the lanes
 * of a dot costs as much as packing a few dozen elements. */
enum {
    DOT_FEW = 8,
    DOT_MOST = PD_VECTOR_BYTES == 64   ? 48
               : PD_VECTOR_BYTES == 32 ? 24
                                       : 16,
    DOT_LONG = 20
};
/* Blocks of K, where several groups of rows meet the same part of B. */
enum { DOT_DEPTH = 8192 / (int)sizeof(real) };
/* Bytes of B that some cache holds, and that are near enough for the
 * multiplications to count. What a cache holds the processor fetches itself:
 * for one row a tenth faster than if it is asked, a fifth on two threads, for
 * two rows a draw; but not where each load is a whole line and used for several
 * rows. Without AVX-512 it does better alone from anywhere. */
enum { DOT_CACHE = 20 << 20, DOT_NEAR = 8 << 20 };
enum { DOT_ASKS = V_REGISTERS == 32 };

/* x: the few rows, y: the many, both contiguous along k.
 * sums[i * columns + j] = dot(x row i, y row j). */
V_INLINE void dot_body(const int rows, const int columns, const int far,
                       int64_t k, const real *x, int64_t x_row,
                       const real *const *y, int64_t next, real *sums) {
    vreal sum[DOT_SUMS];
    UNROLL for (int s = 0; s < DOT_SUMS; s++)
        sum[s] = (vreal){0};
    int64_t p = 0;
    for (; p + VL <= k; p += VL) {
        vreal xs[DOT_ROWS];
        UNROLL for (int i = 0; i < rows; i++)
            xs[i] = v_load(x + i * x_row + p);
        UNROLL for (int j = 0; j < columns; j++) {
            vreal yj = v_load(y[j] + p);
            if (far) __builtin_prefetch(y[j] + p + next, 0, 2);
            UNROLL for (int i = 0; i < rows; i++)
                sum[i * columns + j] = v_fma(xs[i], yj, sum[i * columns + j]);
        }
    }
    if (p < k) {
        UNROLL for (int j = 0; j < columns; j++) {
            vreal yj = v_load_first(y[j] + p, k - p);
            UNROLL for (int i = 0; i < rows; i++)
                sum[i * columns + j] =
                    v_fma(v_load_first(x + i * x_row + p, k - p), yj,
                          sum[i * columns + j]);
        }
    }
    UNROLL for (int s = 0; s < rows * columns; s += V_LANES)
        v_store(sums + s, v_sums(sum + s));
}

typedef void dot_kernel(int64_t k, const real *x, int64_t x_row,
                        const real *const *y, int64_t next, real *sums);
#define DOT_AS(name, rows, columns, far)                                       \
    static void name(int64_t k, const real *x, int64_t x_row,                  \
                     const real *const *y, int64_t next, real *sums) {         \
        dot_body(rows, columns, far, k, x, x_row, y, next, sums);              \
    }
#define DOT(rows, columns) DOT_AS(dot_##rows, rows, columns, 0)
#define DOT_FAR(rows, columns) DOT_AS(dot_far_##rows, rows, columns, 1)
#if V_REGISTERS == 32
DOT(1, 8)
DOT(2, 8)
DOT(3, 5)
DOT(4, 4)
DOT_FAR(1, 8)
DOT_FAR(2, 8)
DOT_FAR(3, 5)
DOT_FAR(4, 4)
static dot_kernel *const dot_kernels[1 + DOT_ASKS][DOT_ROWS] = {
    {dot_1, dot_2, dot_3, dot_4}, {dot_far_1, dot_far_2, dot_far_3, dot_far_4}};
static const int dot_columns[DOT_ROWS] = {8, 8, 5, 4};
#else
DOT(1, 8)
DOT(2, 4)
DOT(3, 4)
static dot_kernel *const dot_kernels[1 + DOT_ASKS][DOT_ROWS] = {
    {dot_1, dot_2, dot_3}};
static const int dot_columns[DOT_ROWS] = {8, 4, 4};
#endif

typedef struct {
    const gemm_t *g;
    int64_t few, many; /* m, n; or n, m with the roles exchanged */
    const real *x, *y; /* [few, k] and [many, k] */
    int64_t x_row, y_row;
    real *c;
    int exchanged;
    int far;
    int64_t task_columns, depth;
} dot_t;

static real *dot_row(const dot_t *t, int64_t i) {
    const gemm_t *g = t->g;
    return t->c + (g->c_rows ? g->c_rows[i] : i * g->c_row);
}

/* sums[rows][stride] -> C. */
static void dot_store(const dot_t *t, const real *sums, int stride, int64_t i,
                      int64_t rows, int64_t j, int64_t columns, int add) {
    if (t->exchanged)
        for (int64_t q = 0; q < columns; q++) {
            real *c = dot_row(t, j + q) + i;
            for (int64_t r = 0; r < rows; r++)
                c[r] = sums[r * stride + q] + (add ? c[r] : 0);
        }
    else
        for (int64_t r = 0; r < rows; r++) {
            real *c = dot_row(t, i + r) + j;
            for (int64_t q = 0; q < columns; q++)
                c[q] = sums[r * stride + q] + (add ? c[q] : 0);
        }
}

/* Bias and activation of columns j … j+columns-1 (rows, if exchanged). */
static void dot_finish(const dot_t *t, int64_t j, int64_t columns) {
    const gemm_t *g = t->g;
    const int64_t first = t->exchanged ? j : 0;
    const int64_t rows = t->exchanged ? columns : g->m;
    if (t->exchanged) j = 0, columns = g->n;
    if (!g->bias && !g->activation) return;
    for (int64_t i = first; i < first + rows; i++) {
        real *c = dot_row(t, i) + j;
        finish_row(c, c, columns, 0,
                   g->bias ? g->bias + j * g->bias_step : NULL, g->bias_step,
                   g->activation);
    }
}

static void dot_task(void *context, int64_t index) {
    const dot_t *t = context;
    const int64_t j_first = index * t->task_columns;
    const int64_t j_last = least(j_first + t->task_columns, t->many);
    const int64_t groups = ceil_div(t->few, DOT_ROWS);
    const int64_t block = dot_columns[ceil_div(t->few, groups) - 1];
    real sums[DOT_SUMS];
    for (int64_t p = 0; p < t->g->k; p += t->depth) {
        const int64_t depth = least(t->depth, t->g->k - p);
        for (int64_t j = j_first; j < j_last; j += block)
            for (int64_t group = 0; group < groups; group++) {
                const int64_t i = group * t->few / groups;
                const int64_t rows = (group + 1) * t->few / groups - i;
                const int columns = dot_columns[rows - 1];
                const int64_t end = least(j + block, j_last);
                for (int64_t s = j; s < end; s += columns) {
                    const real *y[DOT_SUMS];
                    for (int q = 0; q < columns; q++)
                        y[q] = t->y + least(s + q, end - 1) * t->y_row + p;
                    dot_kernels[t->far && group == 0][rows - 1](
                        depth, t->x + i * t->x_row + p, t->x_row, y,
                        block * t->y_row, sums);
                    dot_store(t, sums, columns, i, rows, s,
                              least(columns, end - s), p > 0 || t->g->add);
                }
            }
    }
    dot_finish(t, j_first, j_last - j_first);
}

static int is_dot_of_rows(const gemm_t *g) {
    return g->b.row == 1 &&
           (g->m <= DOT_FEW || (g->m <= DOT_MOST && g->k >= DOT_LONG * g->m));
}

/* The many rows must be contiguous; the few are copied if they are not. */
static int is_dot(const gemm_t *g) {
    if (g->a.read || g->b.read || g->b_panels) return 0;
    return is_dot_of_rows(g) ||
           (g->n <= DOT_FEW && g->n < g->m && g->a.column == 1);
}

static int64_t gemm_dot(const gemm_t *g, const real *a, const real *b,
                        real *c) {
    dot_t t = {.g = g,
               .few = g->m,
               .many = g->n,
               .x = a,
               .y = b,
               .x_row = g->a.row,
               .y_row = g->b.column,
               .c = c};
    int64_t x_step = g->a.column;
    if (!is_dot_of_rows(g)) {
        t = (dot_t){.g = g,
                    .few = g->n,
                    .many = g->m,
                    .x = b,
                    .y = a,
                    .x_row = g->b.column,
                    .y_row = g->a.row,
                    .c = c,
                    .exchanged = 1};
        x_step = g->b.row;
    }
    if (x_step != 1) {
        real *copy =
            pd_scratch(PD_SCRATCH_A, (size_t)(t.few * g->k) * sizeof(real));
        if (!copy) return PD_NO_MEMORY;
        for (int64_t i = 0; i < t.few; i++)
            for (int64_t p = 0; p < g->k; p++)
                copy[i * g->k + p] = t.x[i * t.x_row + p * x_step];
        t.x = copy;
        t.x_row = g->k;
    }
    t.depth = g->k;
    if (t.few > DOT_ROWS)
        t.depth = ceil_div(ceil_div(g->k, ceil_div(g->k, DOT_DEPTH)), VL) * VL;
    t.far = DOT_ASKS && ((t.few > 2 && PD_VECTOR_BYTES == 64) ||
                         t.many * g->k * (int64_t)sizeof(real) > DOT_CACHE);
    const double each = (double)(t.few * g->k);
    t.task_columns = ceil_div(1 + (int64_t)(250000 / each), 16) * 16;
    /* Far away it waits for memory; near, it multiplies. */
    const int near = t.many * g->k * (int64_t)sizeof(real) <= DOT_NEAR;
    pd_parallel(ceil_div(t.many, t.task_columns),
                each * (double)t.many / (near && t.few > 2 ? 40 : 8), dot_task,
                &t);
    return 0;
}

#endif
