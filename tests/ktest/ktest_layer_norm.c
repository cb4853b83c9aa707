/* layer_norm and rms_norm, forward and backward, with every optional array
 * there and absent, against the formulas of layer_norm.h in double. */
#include "ktest.h"
#include "layer_norm.h"

typedef struct {
    const char *why;
    int64_t rows, n;
} case_t;

static const case_t cases[] = {
    {"one element", 1, 1},
    {"a short row", 1, 3},
    {"rows of one", 5, 1},
    {"vectors and a tail", 7, 37},
    {"rows together", 9, 64},
    {"no rows", 0, 4},
    {"empty rows", 3, 0},
    {"lines of several tasks", 700, 70},
    {"columns in chunks", 11, 1030},
    {"rows together and alone", 7, 300},
    {"pages, ragged", 5, 2053},
    {"chains and what is left", 3, 1077},
    {"a long row", 2, 20011},
    {"many rows", 5000, 5},
};

enum { WEIGHT = 1, BIAS = 2, SAVED = 4, LARGE_MEAN = 8, OPTIONS = 16 };
enum { DX = 1, DW = 2, DB = 4, NO_WEIGHT = 8, WANTS = 16 };
static const double EPS = 1e-3;

static real *optional(int there, int64_t n) {
    if (there) return kt_reals(n);
    kt_absent();
    return NULL;
}
static real *room(int there, int64_t n) {
    if (there) return kt_array(n, sizeof(real));
    kt_absent();
    return NULL;
}

static void forward(const case_t *c, int centred, int options) {
    const int64_t rows = c->rows, n = c->n;
    kt_case(centred ? PD_KERNEL_layer_norm_forward : PD_KERNEL_rms_norm_forward,
            "%s, options %d", c->why, options);
    real *x = kt_reals(rows * n);
    if (options & LARGE_MEAN)
        for (int64_t i = 0; i < rows * n; i++) x[i] += 1000;
    real *w = optional(options & WEIGHT, n);
    real *b = centred ? optional(options & BIAS, n) : NULL;
    real *y = kt_array(rows * n, sizeof(real));
    real *mean = centred ? room(options & SAVED, rows) : NULL;
    real *rstd = room(options & SAVED, rows);
    pd_layer_norm_geometry g = {.rows = rows, .n = n, .eps = EPS};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t i = 0; n && i < rows; i++) {
        const real *row = x + i * n;
        kt_sum sum = {0}, squares = {0};
        for (int64_t j = 0; centred && j < n; j++) kt_add(&sum, (double)row[j]);
        double m = kt_total(&sum) / (double)n;
        for (int64_t j = 0; j < n; j++) {
            double d = (double)row[j] - m;
            kt_add(&squares, d * d);
        }
        double v = kt_total(&squares) / (double)n;
        double r = 1 / sqrt(v + EPS);
        if (mean) kt_near((double)mean[i], m, fabs(m) + 1, 8, "mean", i);
        if (rstd) kt_near((double)rstd[i], r, r, 32, "rstd", i);
        for (int64_t j = 0; j < n; j++) {
            double h = ((double)row[j] - m) * r, scale = w ? (double)w[j] : 1;
            double want = h * scale + (b ? (double)b[j] : 0);
            /* the mean is known to an ulp of itself */
            double near = (fabs(h) + (fabs(m) + 1) * r) * fabs(scale) + 2;
            kt_near((double)y[i * n + j], want, near, 40, "y", i * n + j);
        }
    }
}

static void backward(const case_t *c, int centred, int wants) {
    const int64_t rows = c->rows, n = c->n;
    kt_case(centred ? PD_KERNEL_layer_norm_backward
                    : PD_KERNEL_rms_norm_backward,
            "%s, wants %d", c->why, wants);
    real *x = kt_reals(rows * n), *dy = kt_reals(rows * n);
    real *w = optional(!(wants & NO_WEIGHT), n);
    real *mean = centred ? kt_reals(rows) : NULL;
    real *rstd = kt_array(rows, sizeof(real));
    for (int64_t i = 0; i < rows; i++) rstd[i] = (real)kt_random(0.5, 2);
    real *dx = room(wants & DX, rows * n), *dw = room(wants & DW, n);
    real *db = centred ? room(wants & DB, n) : NULL;
    pd_layer_norm_geometry g = {.rows = rows, .n = n, .eps = EPS};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    kt_sum *sums = calloc((size_t)(2 * n + 1), sizeof *sums);
    for (int64_t i = 0; i < rows; i++) {
        double m = mean ? (double)mean[i] : 0, r = (double)rstd[i];
        double share = 0, slope = 0;
        for (int64_t j = 0; j < n; j++) {
            double d = (double)dy[i * n + j], gj = d * (w ? (double)w[j] : 1);
            double h = ((double)x[i * n + j] - m) * r;
            share += centred ? gj / (double)n : 0;
            slope += gj * h / (double)n;
            kt_add(&sums[j], d * h);
            kt_add(&sums[n + j], d);
        }
        for (int64_t j = 0; dx && j < n; j++) {
            double gj = (double)dy[i * n + j] * (w ? (double)w[j] : 1);
            double h = ((double)x[i * n + j] - m) * r;
            kt_near((double)dx[i * n + j], r * (gj - share - h * slope),
                    r * (fabs(gj) + 10 * (1 + fabs(h))), 40, "dx", i * n + j);
        }
    }
    for (int64_t j = 0; j < n; j++) {
        double near = 4 * sqrt((double)rows) + 1;
        if (dw)
            kt_near((double)dw[j], kt_total(&sums[j]), 4 * near, 40, "dw", j);
        if (db)
            kt_near((double)db[j], kt_total(&sums[n + j]), near, 40, "db", j);
    }
    free(sums);
}

KTEST(layer_norm) {
    for (int c = 0; c < KT_COUNT(cases); c++) {
        if (kt_small && cases[c].rows * cases[c].n > 20000) continue;
        for (int centred = 0; centred < 2; centred++) {
            for (int options = 0; options < OPTIONS; options++)
                forward(&cases[c], centred, options);
            for (int wants = 0; wants < WANTS; wants++)
                backward(&cases[c], centred, wants);
        }
    }
}
