/* matmul_forward against three loops in double: exact on small integers, for
 * every layout, with bias and activation, for many products, and with the same
 * bits for one thread and two. */
#include "ktest.h"
#include "matmul.h"

int64_t K(matmul_forward)(void *const *arrays, const void *geometry);

typedef struct {
    int64_t m, n, k;
    const char *why;
} shape_t;

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
    {1, 300, 70, "one row: wide or dot"},
    {2, 192, 33, "two rows, whole wide tiles"},
    {3, 205, 9, "three rows, ragged"},
    {4, 96, 64, "four rows"},
    {7, 50, 129, "the most rows of dot, nearly"},
    {8, 17, 64, "the most rows of dot"},
    {9, 17, 64, "one more"},
    {300, 1, 40, "matrix times vector"},
    {100, 3, 65, "few columns"},
    {70, 8, 20, "few columns, the most"},
    {64, 64, 64, "in place"},
    {130, 512, 200, "packed, several tasks"},
    {20, 3100, 5, "two blocks of columns"},
    {60, 3100, 40, "two blocks of columns, packed"},
    {257, 129, 385, "all edges, packed"},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* How a matrix lies in memory. */
enum { ROWS, COLUMNS_FIRST, SLICED, REVERSED, BROADCAST, LAYOUTS };
static const char *const layout_names[] = {"rows", "columns", "sliced",
                                           "reversed", "broadcast"};
typedef struct {
    real *memory, *data;
    int64_t row, column;
} matrix_t;

static matrix_t matrix_make(int64_t rows, int64_t columns, int layout) {
    matrix_t a = {0};
    int64_t first = 0;
    switch (layout) {
    case ROWS: a.row = columns, a.column = 1; break;
    case COLUMNS_FIRST: a.row = 1, a.column = rows; break;
    case SLICED: a.row = 2 * columns + 1, a.column = 2; break;
    case REVERSED:
        a.row = -columns, a.column = 1;
        first = rows > 0 ? (rows - 1) * columns : 0;
        break;
    case BROADCAST: a.row = 0, a.column = 1; break;
    }
    /* Not one element more: the address sanitizer sees reads beyond. */
    const int64_t empty = rows == 0 || columns == 0;
    const int64_t last = (rows - 1) * (a.row < 0 ? 0 : a.row) +
                         (columns - 1) * a.column;
    a.memory = kt_integers(empty ? 0 : last > first + columns - 1
                                           ? last + 1
                                           : first + columns);
    a.data = a.memory + first;
    return a;
}

static double activated(double x, int64_t activation) {
    switch (activation) {
    case PD_ACTIVATION_RELU: return x < 0 ? 0 : x;
    case PD_ACTIVATION_GELU: return 0.5 * x * (1 + erf(x * M_SQRT1_2));
    case PD_ACTIVATION_TANH: return tanh(x);
    case PD_ACTIVATION_SIGMOID: return 1 / (1 + exp(-x));
    default: return x;
    }
}

static const double tolerance = sizeof(real) == 4 ? 2e-6 : 4e-15;

/* y of one product against the loops; the number of wrong elements. */
static int64_t check(const pd_matmul_geometry *g, const real *x, const real *w,
                     const real *bias, const real *y) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            double sum = bias ? (double)bias[j * g->bias_step] : 0;
            for (int64_t p = 0; p < g->k; p++)
                sum += (double)x[i * g->x_row + p * g->x_column] *
                       (double)w[p * g->w_row + j * g->w_column];
            const double want = activated(sum, g->activation);
            const double got = (double)y[i * g->y_row + j];
            wrong += g->activation <= PD_ACTIVATION_RELU
                         ? !(got == want)
                         : !(fabs(got - want) <=
                             tolerance * (1 + fabs(want)));
        }
    return wrong;
}

static int test_one(const shape_t *s, int x_layout, int w_layout, int with_bias,
                    int64_t activation) {
    matrix_t x = matrix_make(s->m, s->k, x_layout);
    matrix_t w = matrix_make(s->k, s->n, w_layout);
    real *bias = with_bias ? kt_integers(2 * s->n) : NULL;
    const int64_t size = s->m * s->n;
    real *y[2];
    pd_matmul_geometry g = {.m = s->m, .n = s->n, .k = s->k,
                            .x_row = x.row, .x_column = x.column,
                            .w_row = w.row, .w_column = w.column,
                            .bias_step = with_bias, .y_row = s->n,
                            .activation = activation};
    int bad = 0;
    for (int threads = 1; threads <= 2; threads++) {
        pd_set_threads(threads);
        real *out = y[threads - 1] = kt_output(size);
        void *arrays[] = {x.data, w.data, bias, out};
        bad |= K(matmul_forward)(arrays, &g) != 0;
        bad |= !kt_guards_whole(out, size);
    }
    const int64_t wrong = check(&g, x.data, w.data, bias, y[0]);
    const int differ =
        size && memcmp(y[0], y[1], (size_t)size * sizeof(real)) != 0;
    if (bad || wrong || differ)
        printf("matmul %lld x %lld x %lld (%s), x %s, w %s, bias %d, "
               "activation %lld: %lld wrong%s%s\n",
               (long long)s->m, (long long)s->n, (long long)s->k, s->why,
               layout_names[x_layout], layout_names[w_layout], with_bias,
               (long long)activation, (long long)wrong,
               bad ? ", failed or wrote outside" : "",
               differ ? ", threads differ" : "");
    kt_free_output(y[0]);
    kt_free_output(y[1]);
    free(x.memory), free(w.memory), free(bias);
    return bad || wrong || differ;
}

/* Batches: plain, w shared (becomes rows), x shared, two axes, none. */
static const struct {
    int64_t axes, size[2], x_shared, w_shared;
} batches[] = {
    {1, {3, 1}, 0, 0},  {1, {3, 1}, 0, 1}, {1, {3, 1}, 1, 0},
    {2, {2, 3}, 0, 0},  {2, {2, 3}, 0, 1}, {1, {0, 1}, 0, 0},
    {1, {100, 1}, 0, 0}};

static int test_batch(int64_t m, int64_t n, int64_t k, int which) {
    const int64_t axes = batches[which].axes;
    int64_t items = 1;
    pd_matmul_geometry g = {.m = m, .n = n, .k = k, .x_row = k, .x_column = 1,
                            .w_row = n, .w_column = 1, .y_row = n};
    g.batch.axes = axes;
    for (int64_t axis = axes - 1; axis >= 0; axis--) {
        g.batch.size[axis] = batches[which].size[axis];
        g.batch.stride[0][axis] = items * m * n;
        g.batch.stride[1][axis] = batches[which].x_shared ? 0 : items * m * k;
        g.batch.stride[2][axis] = batches[which].w_shared ? 0 : items * k * n;
        items *= g.batch.size[axis];
    }
    real *x = kt_integers(items * m * k), *w = kt_integers(items * k * n);
    real *y[2];
    int64_t wrong = 0, bad = 0;
    for (int threads = 1; threads <= 2; threads++) {
        pd_set_threads(threads);
        real *out = y[threads - 1] = kt_output(items * m * n);
        void *arrays[] = {x, w, NULL, out};
        bad |= K(matmul_forward)(arrays, &g) != 0;
        bad |= !kt_guards_whole(out, items * m * n);
    }
    for (int64_t item = 0; item < items; item++)
        wrong += check(&g, x + (batches[which].x_shared ? 0 : item * m * k),
                       w + (batches[which].w_shared ? 0 : item * k * n), NULL,
                       y[0] + item * m * n);
    bad |= items && memcmp(y[0], y[1],
                           (size_t)(items * m * n) * sizeof(real)) != 0;
    if (wrong || bad)
        printf("matmul batch %d of %lld x %lld x %lld: %lld wrong%s\n", which,
               (long long)m, (long long)n, (long long)k, (long long)wrong,
               bad ? ", bad" : "");
    kt_free_output(y[0]);
    kt_free_output(y[1]);
    free(x), free(w);
    return wrong || bad;
}

/* The list of methods ends in one that must agree with all others. */
static int test_reference(void) {
    enum { M = 20, N = 40, DEEP = 30 };
    real *a = kt_integers(M * DEEP), *b = kt_integers(DEEP * N);
    real *y = kt_output(M * N), *z = kt_output(M * N);
    gemm_t g = {.m = M, .n = N, .k = DEEP, .a = {a, DEEP, 1, NULL, NULL, 0, NULL, NULL},
                .b = {b, N, 1, NULL, NULL, 0, NULL, NULL}, .c = y, .c_row = N};
    int bad = K(gemm)(&g) != 0;
    g.c = z;
    bad |= K(gemm_reference)(&g) != 0;
    bad |= memcmp(y, z, sizeof(real) * M * N) != 0;
    g.add = 1; /* once more on top: twice the product */
    bad |= K(gemm)(&g) != 0;
    for (int i = 0; i < M * N; i++) bad |= z[i] != 2 * y[i];
    if (bad) printf("gemm differs from gemm_reference\n");
    kt_free_output(y);
    kt_free_output(z);
    free(a), free(b);
    return bad;
}

int main(void) {
    int failures = test_reference(), cases = 1;
    for (int s = 0; s < SHAPES; s++)
        for (int x = 0; x < LAYOUTS; x++)
            for (int w = 0; w < LAYOUTS; w++, cases++)
                failures += test_one(&shapes[s], x, w, (x + w) % 2,
                                     (x + w) % 2 ? PD_ACTIVATION_RELU : 0);
    for (int64_t a = 0; a < PD_ACTIVATIONS; a++)
        for (int s = 0; s < SHAPES; s++, cases++)
            failures += test_one(&shapes[s], ROWS, COLUMNS_FIRST, 1, a);
    for (int which = 0; which < 7; which++, cases += 3) {
        failures += test_batch(3, 5, 4, which);
        failures += test_batch(1, 40, 20, which);
        failures += test_batch(50, 40, 70, which);
    }
    printf("matmul: %d cases, %d failures\n", cases, failures);
    return failures != 0;
}
