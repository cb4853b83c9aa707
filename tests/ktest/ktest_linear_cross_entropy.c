/* linear_cross_entropy against its definition in double, for every reduction,
 * with and without bias, smoothing, ignored rows, gradients; more rows than a
 * chunk holds; targets out of range. */
#include "ktest.h"
#include "linear_cross_entropy.h"

typedef struct {
    const char *why;
    int64_t rows, k, n;
} case_t;

static const case_t cases[] = {
    {"one of each", 1, 1, 1},  {"ten classes", 130, 5, 10},
    {"vectors", 21, 17, 65},   {"no rows", 0, 3, 4},
    {"no columns", 3, 0, 5},   {"many rows", 400, 3, 7},
    {"chunks", 200, 2, 70000},
};

enum { IGNORE = 2, BIAS = 1, SMOOTHING = 2, GRADIENTS = 4, OPTIONS = 8 };
static const char *const reductions[] = {"none", "sum", "mean"};

static real *kt_wanted(int64_t count, int is_wanted) {
    if (is_wanted) return kt_array(count, sizeof(real));
    kt_absent();
    return NULL;
}

static void examine(const case_t *c, int64_t reduction, int options) {
    const int64_t rows = c->rows, k = c->k, n = c->n;
    const double smoothing = options & SMOOTHING ? 0.25 : 0;
    const int each = reduction == PD_LOSS_NONE;
    kt_case(PD_KERNEL_linear_cross_entropy, "%s, %s%s%s%s", c->why,
            reductions[reduction], options & BIAS ? ", bias" : "",
            options & SMOOTHING ? ", smoothing" : "",
            options & GRADIENTS ? ", gradients" : "");
    real *x = kt_reals(rows * k), *w = kt_reals(n * k);
    real *bias = NULL, *dloss = NULL;
    if (options & BIAS)
        bias = kt_reals(n);
    else
        kt_absent();
    int64_t *t = kt_indices(rows, n);
    if (each && options & GRADIENTS)
        dloss = kt_reals(rows);
    else
        kt_absent();
    real *loss = kt_array(each ? rows : 1, sizeof(real));
    const int wanted = (options & GRADIENTS) != 0;
    real *dx = kt_wanted(rows * k, wanted), *dw = kt_wanted(n * k, wanted);
    real *dbias = kt_wanted(n, wanted);

    pd_linear_cross_entropy_geometry g = {.rows = rows,
                                          .k = k,
                                          .n = n,
                                          .x_row = k,
                                          .x_column = 1,
                                          .w_row = k,
                                          .w_column = 1,
                                          .ignore = IGNORE,
                                          .reduction = reduction,
                                          .smoothing = smoothing};
    if (kt_call(&g)) kt_fail("reports a bad datum");

    /* the definition, in double */
    double *z = calloc((size_t)n + 1, sizeof *z), total = 0;
    double *want_dx = calloc((size_t)(rows * k) + 1, sizeof *z);
    double *want_dw = calloc((size_t)(n * k) + 1, sizeof *z);
    double *want_dbias = calloc((size_t)n + 1, sizeof *z);
    for (int64_t i = 0; i < rows; i++) total += t[i] != IGNORE;
    if (reduction != PD_LOSS_MEAN) total = 1;
    kt_sum losses = {0};
    for (int64_t i = 0; i < rows; i++) {
        double top = (double)-INFINITY;
        kt_sum e = {0}, row = {0};
        for (int64_t j = 0; j < n; j++) {
            z[j] = bias ? (double)bias[j] : 0;
            for (int64_t a = 0; a < k; a++)
                z[j] += (double)x[i * k + a] * (double)w[j * k + a];
            top = fmax(top, z[j]);
        }
        for (int64_t j = 0; j < n; j++) kt_add(&e, exp(z[j] - top));
        const double lse = top + log(kt_total(&e));
        const double grad = dloss ? (double)dloss[i] : 1 / total;
        for (int64_t j = 0; j < n && t[i] != IGNORE; j++) {
            const double q =
                smoothing / (double)n + (j == t[i]) * (1 - smoothing);
            const double d = grad * (exp(z[j] - lse) - q);
            kt_add(&row, q * (lse - z[j]));
            want_dbias[j] += d;
            for (int64_t a = 0; a < k; a++) {
                want_dx[i * k + a] += d * (double)w[j * k + a];
                want_dw[j * k + a] += d * (double)x[i * k + a];
            }
        }
        kt_add(&losses, kt_total(&row));
        if (each)
            kt_near((double)loss[i], kt_total(&row), 8 + 4 * (double)k, 16,
                    "loss", i);
    }
    if (!each)
        kt_near((double)*loss, kt_total(&losses) / total,
                (8 + 4 * (double)k) * (double)rows / total, 16, "loss", 0);
    const double scale = (8 + 4 * (double)k) / total;
    for (int64_t i = 0; dx && i < rows * k; i++)
        kt_near((double)dx[i], want_dx[i], 4 * scale, 16, "dx", i);
    for (int64_t i = 0; dw && i < n * k; i++)
        kt_near((double)dw[i], want_dw[i], 4 * scale + fabs(want_dw[i]), 16,
                "dw", i);
    for (int64_t i = 0; dbias && i < n; i++)
        kt_near((double)dbias[i], want_dbias[i], scale + fabs(want_dbias[i]),
                16, "dbias", i);
    free(z);
    free(want_dx);
    free(want_dw);
    free(want_dbias);
}

/* The first bad target is reported, and nothing is read with it. */
static void bad_target(int64_t value) {
    enum { ROWS = 5, N = 4, K = 3, BAD = 3 };
    kt_case(PD_KERNEL_linear_cross_entropy, "target %lld", (long long)value);
    kt_reals(ROWS * K);
    kt_reals(N * K);
    kt_absent();
    int64_t *t = kt_indices(ROWS, N);
    t[BAD] = t[BAD + 1] = value;
    kt_absent();
    kt_array(1, sizeof(real));
    for (int i = 0; i < 3; i++) kt_absent();
    pd_linear_cross_entropy_geometry g = {.rows = ROWS,
                                          .k = K,
                                          .n = N,
                                          .x_row = K,
                                          .x_column = 1,
                                          .w_row = K,
                                          .w_column = 1,
                                          .ignore = -100,
                                          .reduction = PD_LOSS_SUM};
    int64_t got = kt_call(&g);
    if (got != 1 + BAD) kt_fail("returned %lld", (long long)got);
}

KTEST(linear_cross_entropy) {
    for (int c = 0; c < KT_COUNT(cases); c++) {
        const int is_large = cases[c].n > 10000;
        if (is_large && kt_small) continue;
        for (int64_t reduction = 0; reduction < KT_COUNT(reductions);
             reduction++)
            for (int options = 0; options < OPTIONS; options++)
                if (!is_large || options == OPTIONS - 1)
                    examine(&cases[c], reduction, options);
    }
    static const int64_t values[] = {-1, 4, INT64_MAX, INT64_MIN};
    for (int k = 0; k < KT_COUNT(values); k++) bad_target(values[k]);
}
