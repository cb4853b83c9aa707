/* matmul_forward against three loops in double: exact on small integers, for
 * every layout of both matrices, with bias and activation, for many products.
 * The shapes are chosen by gemm.c's list of methods: each method, its edges,
 * and one more and one less than each of its tiles. */
#include "matmul.h"
#include "ktest.h"

typedef struct {
    int64_t m, n, k;
    const char *why;
} shape_t;

/* A B with so many rows and columns, 21 MB, is far. */
enum { FAR_SIDE = sizeof(real) == 4 ? 2311 : 1651 };

static const shape_t shapes[] = {
    {1, 1, 1, "the smallest"},
    {1, 1, 0, "nothing to add"},
    {5, 7, 0, "nothing to add, a rectangle"},
    {0, 4, 3, "no rows"},
    {4, 0, 3, "no columns"},
    {3, 5, 2, "less than a vector"},
    {14, 32, 16, "one whole tile"},
    {15, 33, 17, "one more than a tile, each way"},
    {13, 31, 15, "one less"},
    {28, 64, 8, "whole tiles"},
    {16, 16, 400, "two blocks of K"},
    {50, 70, 1000, "three blocks of K, all edges"},
    {17, 50, 20, "small, the last vector reaches back"},
    {40, 130, 60, "small, several tasks, reaching back"},
    {33, 48, 32, "small, whole vectors"},
    {1, 300, 70, "one row: few or dot"},
    {2, 192, 33, "two rows, whole wide tiles"},
    {3, 205, 9, "three rows, ragged"},
    {4, 96, 64, "four rows"},
    {7, 50, 129, "the most rows of dot, nearly"},
    {8, 17, 64, "the most rows of dot"},
    {9, 17, 64, "one more"},
    {19, 37, 410, "long rows of dot"},
    {25, 37, 510, "long rows, more than those of dot in places"},
    {9, 21, 4500, "long rows of dot, blocks of K"},
    {1, 1111, 700, "one row, B is near or streams, ragged"},
    {1, 1111, 1000, "one row, B streams, ragged"},
    {1, FAR_SIDE, FAR_SIDE, "one row, B is far, ragged"},
    {2, 1111, 1000, "two rows, B streams, ragged"},
    {2, FAR_SIDE, FAR_SIDE, "two rows, B is far, ragged"},
    {3, 1111, 1000, "three rows, B streams, ragged"},
    {3, FAR_SIDE, FAR_SIDE, "three rows, B is far, ragged"},
    {4, 1120, 1003, "four rows, B streams, whole vectors"},
    {4, FAR_SIDE, FAR_SIDE, "four rows, B is far, ragged"},
    {6, 1111, 1000, "a tile, B is far, ragged"},
    {7, FAR_SIDE, FAR_SIDE, "seven rows, B streams by groups of them"},
    {8, 1024, 300, "eight rows, rows of B are pages"},
    {15, 1120, 1003, "two tiles, B is far, whole vectors"},
    {30, 1111, 1000, "a few tiles, B is far, ragged"},
    {300, 1, 40, "matrix times vector"},
    {100, 3, 65, "few columns"},
    {70, 8, 20, "few columns, the most"},
    {64, 64, 64, "in place"},
    {130, 512, 200, "packed, several tasks"},
    {20, 3100, 5, "many columns, in place"},
    {50, 2100, 400, "a few tiles, B is far, two blocks of K"},
    {230, 1970, 400, "many panels, two stretches of K, packed"},
    {257, 129, 385, "all edges, packed"},
    {47, 290, 391, "a few tiles, panels near and not, two stretches of K"},
    {1200, 33, 6, "more tiles than a chunk, A in place"},
    {601, 39, 11, "more tiles than a chunk of copies"},
    {1205, 130, 390, "chunks and groups, two stretches of K"},
    {97, 2053, 29, "one chunk, many groups, ragged"},
};

/* How a matrix lies in memory. */
enum { ROWS, COLUMNS, SLICED, REVERSED, BROADCAST, LAYOUTS };
static const char *const layout_names[] = {"rows", "columns", "sliced",
                                           "reversed", "broadcast"};
typedef struct {
    real *first; /* of the view */
    int64_t row, column;
} matrix_t;

/* The next array, as a matrix: not one element more than the view reaches. */
static matrix_t matrix(int array, int64_t rows, int64_t columns, int layout) {
    matrix_t a = {NULL, columns, 1};
    int64_t first = 0;
    if (layout == COLUMNS) a.row = 1, a.column = rows;
    if (layout == SLICED) a.row = 2 * columns + 1, a.column = 2;
    if (layout == BROADCAST) a.row = 0;
    if (layout == REVERSED && rows > 0) {
        a.row = -columns;
        first = (rows - 1) * columns;
    }
    int64_t reach = layout == REVERSED
                        ? rows * columns
                        : (rows - 1) * a.row + (columns - 1) * a.column + 1;
    real *held = kt_integers(rows && columns ? reach : 0);
    kt_start(array, rows && columns ? first : 0);
    a.first = held + first;
    return a;
}

static double activated(double x, int64_t activation) {
    switch (activation) {
    case PD_ACTIVATION_RELU: return x < 0 ? 0 : x;
    case PD_ACTIVATION_GELU: return x * erfc(-x * M_SQRT1_2) / 2;
    case PD_ACTIVATION_TANH: return tanh(x);
    case PD_ACTIVATION_SIGMOID: return 1 / (1 + exp(-x));
    default: return x;
    }
}

/* One product of the result against the loops: a row of it at a time, as sums
 * of w's rows, which are copied to where they lie one after the other. */
static void check(const pd_matmul_geometry *g, const real *x, const real *w,
                  const real *bias, const real *y) {
    double ulps = g->activation <= PD_ACTIVATION_RELU ? 0 : 8;
    double *rows = malloc((size_t)(g->k * g->n + 1) * sizeof(double));
    double *sum = malloc((size_t)(g->n + 1) * sizeof(double));
    for (int64_t p = 0; p < g->k; p++)
        for (int64_t j = 0; j < g->n; j++)
            rows[p * g->n + j] = (double)w[p * g->w_row + j * g->w_column];
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++)
            sum[j] = bias ? (double)bias[j * g->bias_step] : 0;
        for (int64_t p = 0; p < g->k; p++) {
            const double a = (double)x[i * g->x_row + p * g->x_column];
            const double *row = rows + p * g->n;
            for (int64_t j = 0; j < g->n; j++) sum[j] += a * row[j];
        }
        for (int64_t j = 0; j < g->n; j++) {
            double want = activated(sum[j], g->activation);
            kt_near((double)y[i * g->y_row + j], want, 1 + fabs(want), ulps,
                    "y", i * g->y_row + j);
        }
    }
    free(rows);
    free(sum);
}

static void one_product(const shape_t *s, int x_layout, int w_layout,
                        int with_bias, int64_t activation) {
    if (kt_small && s->m * s->n * s->k > 200000) return;
    kt_case(PD_KERNEL_matmul_forward,
            "%lld x %lld x %lld (%s), x %s, w %s, bias %d, activation %lld",
            (long long)s->m, (long long)s->n, (long long)s->k, s->why,
            layout_names[x_layout], layout_names[w_layout], with_bias,
            (long long)activation);
    matrix_t x = matrix(0, s->m, s->k, x_layout);
    matrix_t w = matrix(1, s->k, s->n, w_layout);
    real *bias = NULL;
    if (with_bias)
        bias = kt_integers(s->n);
    else
        kt_absent();
    real *y = kt_array(s->m * s->n, sizeof(real));
    pd_matmul_geometry g = {.m = s->m,
                            .n = s->n,
                            .k = s->k,
                            .x_row = x.row,
                            .x_column = x.column,
                            .w_row = w.row,
                            .w_column = w.column,
                            .bias_step = with_bias,
                            .y_row = s->n,
                            .activation = activation};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    check(&g, x.first, w.first, bias, y);
}

/* Batches: plain, w shared (becomes rows), x shared, two axes, none, many. */
static const struct {
    int64_t axes, size[2], x_shared, w_shared;
} batches[] = {
    {1, {3, 1}, 0, 0},   {1, {3, 1}, 0, 1}, {1, {3, 1}, 1, 0},
    {2, {2, 3}, 0, 0},   {2, {2, 3}, 0, 1}, {1, {0, 1}, 0, 0},
    {1, {100, 1}, 0, 0},
};

static void batch(int64_t m, int64_t n, int64_t k, int which) {
    const int64_t axes = batches[which].axes;
    const int x_shared = batches[which].x_shared != 0;
    const int w_shared = batches[which].w_shared != 0;
    int64_t items = 1;
    pd_matmul_geometry g = {.m = m,
                            .n = n,
                            .k = k,
                            .x_row = k,
                            .x_column = 1,
                            .w_row = n,
                            .w_column = 1,
                            .y_row = n};
    g.batch.axes = axes;
    for (int64_t axis = axes - 1; axis >= 0; axis--) {
        g.batch.size[axis] = batches[which].size[axis];
        g.batch.stride[0][axis] = items * m * n;
        g.batch.stride[1][axis] = x_shared ? 0 : items * m * k;
        g.batch.stride[2][axis] = w_shared ? 0 : items * k * n;
        items *= g.batch.size[axis];
    }
    if (kt_small && items * m * n * k > 200000) return;
    kt_case(PD_KERNEL_matmul_forward, "batch %d of %lld x %lld x %lld", which,
            (long long)m, (long long)n, (long long)k);
    real *x = kt_integers((x_shared ? 1 : items) * m * k);
    real *w = kt_integers((w_shared ? 1 : items) * k * n);
    kt_absent();
    real *y = kt_array(items * m * n, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t item = 0; item < items; item++)
        check(&g, x + (x_shared ? 0 : item * m * k),
              w + (w_shared ? 0 : item * k * n), NULL, y + item * m * n);
}

KTEST(matmul) {
    for (int s = 0; s < KT_COUNT(shapes); s++)
        for (int x = 0; x < LAYOUTS; x++)
            for (int w = 0; w < LAYOUTS; w++) {
                if (w != x && shapes[s].m * shapes[s].n * shapes[s].k > 1000000)
                    continue; /* the loops of the check are slow */
                one_product(&shapes[s], x, w, (x + w) % 2,
                            (x + w) % 2 ? PD_ACTIVATION_RELU : 0);
            }
    for (int64_t a = 0; a < PD_ACTIVATIONS; a++)
        for (int s = 0; s < KT_COUNT(shapes); s++)
            one_product(&shapes[s], ROWS, COLUMNS, 1, a);
    for (int which = 0; which < KT_COUNT(batches); which++) {
        batch(3, 5, 4, which);
        batch(1, 40, 20, which);
        batch(50, 40, 70, which);
    }
}
