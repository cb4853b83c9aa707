/* cross_entropy along both axes of a matrix of logits, in every combination of
 * weights, smoothing, ignored rows and reduction; and targets out of range. */
#include "cross_entropy.h"
#include "ktest.h"

typedef struct {
    const char *why;
    int64_t rows, n;
} case_t;

static const case_t cases[] = {
    {"one class", 3, 1}, {"ten classes", 130, 10}, {"vectors", 21, 65},
    {"no rows", 0, 4},   {"a long row", 2, 33333}, {"many rows", 1000, 3},
};

enum { IGNORE = 2, WEIGHTS = 1, SMOOTHING = 2, TURNED = 4, OPTIONS = 8 };
static const char *const reductions[] = {"none", "sum", "mean"};

static void examine(const case_t *c, int64_t reduction, int options,
                    int backward) {
    int64_t rows = c->rows, n = c->n;
    double smoothing = options & SMOOTHING ? 0.25 : 0;
    int64_t row_step = options & TURNED ? 1 : n;
    int64_t step = options & TURNED ? rows : 1;
    kt_case(backward ? PD_KERNEL_cross_entropy_backward
                     : PD_KERNEL_cross_entropy_forward,
            "%s, %s%s%s%s", c->why, reductions[reduction],
            options & WEIGHTS ? ", weights" : "",
            options & SMOOTHING ? ", smoothing" : "",
            options & TURNED ? ", classes outermost" : "");
    real *x = kt_reals(rows * n);
    int64_t *t = kt_indices(rows, n);
    real *w = NULL;
    if (options & WEIGHTS) {
        w = kt_array(n, sizeof(real));
        for (int64_t j = 0; j < n; j++) w[j] = (real)kt_random(0.5, 2);
    } else {
        kt_absent();
    }
    int64_t each = reduction == PD_LOSS_NONE ? rows : 1;

    /* the definition, in double */
    double *lse = calloc((size_t)(4 * rows + 1), sizeof *lse);
    double *top = lse + rows, *loss = top + rows, *share = loss + rows;
    kt_sum totals = {0}, sums = {0};
    for (int64_t i = 0; i < rows; i++) {
        double largest = (double)-INFINITY;
        kt_sum e = {0}, row_loss = {0}, row_share = {0};
        for (int64_t j = 0; j < n; j++)
            largest = fmax(largest, (double)x[i * row_step + j * step]);
        for (int64_t j = 0; j < n; j++)
            kt_add(&e, exp((double)x[i * row_step + j * step] - largest));
        top[i] = largest;
        lse[i] = largest + log(kt_total(&e));
        if (t[i] == IGNORE) continue;
        for (int64_t j = 0; j < n; j++) {
            double q = smoothing / (double)n + (j == t[i]) * (1 - smoothing);
            double qw = q * (w ? (double)w[j] : 1);
            kt_add(&row_share, qw);
            kt_add(&row_loss,
                   qw * (lse[i] - (double)x[i * row_step + j * step]));
        }
        loss[i] = kt_total(&row_loss);
        share[i] = kt_total(&row_share);
        kt_add(&totals, w ? (double)w[t[i]] : 1);
        kt_add(&sums, loss[i]);
    }
    double total = reduction == PD_LOSS_MEAN ? kt_total(&totals) : 1;
    double sum = kt_total(&sums);

    int64_t dense[1] = {1};
    pd_cross_entropy_geometry g = {.n = n,
                                   .stride = {step, step},
                                   .ignore = IGNORE,
                                   .reduction = reduction,
                                   .smoothing = smoothing};
    pd_space_begin(&g.rows, 1, &rows);
    pd_space_operand(&g.rows, 0, 1, &rows, dense);
    pd_space_operand(&g.rows, 1, 1, &rows, &row_step);
    pd_space_operand(&g.rows, 2, 1, &rows, &row_step);
    pd_space_merge(&g.rows, 3);
    if (!backward) {
        real *got = kt_array(each, sizeof(real));
        real *parts = kt_array(2 * rows, sizeof(real));
        real *divisor = kt_array(1, sizeof(real));
        if (kt_call(&g)) kt_fail("reports a bad datum");
        kt_near((double)*divisor, total, total, 4, "total", 0);
        for (int64_t i = 0; i < each; i++)
            kt_near((double)got[i],
                    each == 1 && reduction ? sum / total : loss[i],
                    1 + (each == 1 ? sum / total : loss[i]), 16, "loss", i);
        for (int64_t i = 0; i < rows; i++)
            if (t[i] != IGNORE)
                kt_near((double)parts[2 * i] + (double)parts[2 * i + 1], lse[i],
                        4, 8, "lse", i);
    } else {
        real *parts = kt_array(2 * rows, sizeof(real));
        real *divisor = kt_array(1, sizeof(real));
        real *dloss = kt_reals(each);
        real *dx = kt_array(rows * n, sizeof(real));
        for (int64_t i = 0; i < rows; i++) {
            parts[2 * i] = (real)top[i];
            parts[2 * i + 1] = (real)(lse[i] - top[i]);
        }
        *divisor = (real)total;
        if (kt_call(&g)) kt_fail("reports a bad datum");
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < n; j++) {
                int64_t at = i * row_step + j * step;
                double grad = (double)dloss[reduction ? 0 : i] / total;
                double q =
                    smoothing / (double)n + (j == t[i]) * (1 - smoothing);
                double want = share[i] * exp((double)x[at] - lse[i]) -
                              q * (w ? (double)w[j] : 1);
                want = t[i] == IGNORE ? 0 : grad * want;
                kt_near((double)dx[at], want, 4 * fabs(grad), 16, "dx", at);
            }
    }
    free(lse);
}

/* The first bad target is reported by both, and nothing is read with it. */
static void bad_target(int kernel, int64_t value) {
    enum { ROWS = 5, N = 4, BAD = 3 };
    kt_case(kernel, "target %lld", (long long)value);
    int64_t rows = ROWS, strides[3] = {1, N, N};
    pd_cross_entropy_geometry g = {
        .n = N, .stride = {1, 1}, .ignore = -100, .reduction = PD_LOSS_SUM};
    pd_space_begin(&g.rows, 1, &rows);
    for (int k = 0; k < 3; k++)
        pd_space_operand(&g.rows, k, 1, &rows, &strides[k]);
    pd_space_merge(&g.rows, 3);
    kt_reals(ROWS * N);
    int64_t *t = kt_indices(ROWS, N);
    t[BAD] = t[BAD + 1] = value;
    kt_absent();
    if (kernel == PD_KERNEL_cross_entropy_forward) {
        kt_array(1, sizeof(real)); /* loss */
        kt_array(2 * ROWS, sizeof(real));
        kt_array(1, sizeof(real));
    } else {
        kt_reals(2 * ROWS);
        kt_reals(1);
        kt_reals(1);
        kt_array(ROWS * N, sizeof(real));
    }
    int64_t got = kt_call(&g);
    if (got != 1 + BAD) kt_fail("returned %lld", (long long)got);
}

/* Under --small, of long rows: all options but none and all. */
static int leaves_out(const case_t *c, int options) {
    return kt_small && c->rows * c->n > 20000 && options % (OPTIONS - 1);
}

KTEST(cross_entropy) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int64_t reduction = 0; reduction < KT_COUNT(reductions);
             reduction++)
            for (int options = 0; options < OPTIONS; options++)
                for (int backward = 0; backward < 2; backward++)
                    if (!leaves_out(&cases[c], options))
                        examine(&cases[c], reduction, options, backward);
    static const int64_t values[] = {-1, 4, INT64_MAX, INT64_MIN};
    for (int k = 0; k < KT_COUNT(values); k++) {
        bad_target(PD_KERNEL_cross_entropy_forward, values[k]);
        bad_target(PD_KERNEL_cross_entropy_backward, values[k]);
    }
}
