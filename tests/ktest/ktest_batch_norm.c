/* batch_norm: statistics of the whole batch and of groups in each image, on
 * dense rows and on rows with gaps, against the formulas of batch_norm.h in
 * double; and the running statistics. */
#include "batch_norm.h"
#include "ktest.h"

typedef struct {
    const char *why;
    int64_t sets, rows, c, width;
} case_t;

static const case_t cases[] = {
    {"one channel", 1, 40, 1, 1},
    {"few channels, folded", 1, 96, 3, 1},
    {"few channels, rows that do not fold", 1, 97, 3, 1},
    {"a vector and a tail", 1, 70, 19, 1},
    {"several parts", 1, 1500, 70, 1},
    {"chunks of columns", 1, 66, 1030, 1},
    {"one row", 1, 1, 5, 1},
    {"no rows", 1, 0, 5, 1},
    {"no channels", 1, 5, 0, 1},
    {"groups", 3, 30, 12, 4},
    {"one group", 2, 33, 24, 24},
    {"a group for each channel", 2, 130, 6, 1},
    {"many parts of a group", 2, 1100, 40, 10},
    {"no images", 0, 10, 4, 2},
};

enum { FORWARD, INFERENCE, BACKWARD, FROZEN, KINDS };
enum { ABSENT = 1, SPREAD = 2, LARGE_MEAN = 4, OPTIONS = 8 };
static const int kernels[] = {
    PD_KERNEL_batch_norm_forward, PD_KERNEL_batch_norm_inference,
    PD_KERNEL_batch_norm_backward, PD_KERNEL_batch_norm_backward};
static const double EPS = 1e-3;

static real *optional(int absent, int64_t n) {
    if (!absent) return kt_reals(n);
    kt_absent();
    return NULL;
}
static real *room(int absent, int64_t n) {
    if (!absent) return kt_array(n, sizeof(real));
    kt_absent();
    return NULL;
}

/* Rows of an input: with gaps between them, or dense. */
static int64_t row_stride(const case_t *c, int options) {
    return options & SPREAD ? c->c + 3 : c->c;
}

static real *input(const case_t *c, int options, int large) {
    int64_t count = c->sets * c->rows * row_stride(c, options);
    real *x = kt_reals(count);
    for (int64_t i = 0; large && i < count; i++) x[i] += 1000;
    return x;
}

static void geometry(const case_t *c, int kind, int options,
                     pd_batch_norm_geometry *g) {
    int64_t dense = c->c, given = row_stride(c, options);
    *g = (pd_batch_norm_geometry){.sets = c->sets,
                                  .c = c->c,
                                  .width = c->width,
                                  .trains = kind != FROZEN,
                                  .eps = EPS};
    pd_space_begin(&g->rows, 1, &c->rows);
    for (int k = 0; k < 3; k++) {
        const int64_t *stride = k ? &given : &dense;
        pd_space_operand(&g->rows, k, 1, &c->rows, stride);
        g->set_stride[k] = c->rows * *stride;
    }
    pd_space_merge(&g->rows, 3);
}

/* Mean and variance of x over a set's group. */
static void moments(const case_t *c, const real *x, int64_t stride, int64_t set,
                    int64_t group, double *mean, double *var) {
    const int64_t n = c->rows * c->width;
    kt_sum sum = {0}, squares = {0};
    x += set * c->rows * stride + group * c->width;
    for (int64_t i = 0; i < n; i++)
        kt_add(&sum, (double)x[i / c->width * stride + i % c->width]);
    *mean = n ? kt_total(&sum) / (double)n : 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i / c->width * stride + i % c->width] - *mean;
        kt_add(&squares, d * d);
    }
    *var = n ? kt_total(&squares) / (double)n : 0;
}

static void forward(const case_t *c, int kind, int options) {
    kt_case(kernels[kind], "%s, options %d", c->why, options);
    const int64_t stride = row_stride(c, options), groups = c->c / c->width;
    real *x = input(c, options, options & LARGE_MEAN);
    real *w = optional(options & ABSENT, c->c);
    real *b = optional(options & ABSENT, c->c);
    real *mean = kt_array(c->sets * groups, sizeof(real));
    real *var = kt_array(c->sets * groups, sizeof(real));
    for (int64_t i = 0; kind == INFERENCE && i < c->sets * groups; i++) {
        mean[i] = (real)kt_random(-1, 1);
        var[i] = (real)kt_random(0.2, 2);
    }
    real *y = kt_array(c->sets * c->rows * c->c, sizeof(real));
    pd_batch_norm_geometry g;
    geometry(c, kind, options, &g);
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t at = 0; at < c->sets * groups; at++) {
        double m = (double)mean[at], v = (double)var[at];
        if (kind == FORWARD) {
            moments(c, x, stride, at / groups, at % groups, &m, &v);
            kt_near((double)mean[at], m, fabs(m) + 1, 4, "mean", at);
            kt_near((double)var[at], v, v + 0.01, 64, "var", at);
        }
        double r = 1 / sqrt(v + EPS);
        for (int64_t i = 0; i < c->rows * c->width; i++) {
            int64_t k = at % groups * c->width + i % c->width;
            int64_t row = at / groups * c->rows + i / c->width;
            double h = ((double)x[row * stride + k] - m) * r;
            double scale = w ? (double)w[k] : 1;
            double want = h * scale + (b ? (double)b[k] : 0);
            double near = (fabs(h) + (fabs(m) + 1) * r) * fabs(scale) + 2;
            kt_near((double)y[row * c->c + k], want, near, 40, "y",
                    row * c->c + k);
        }
    }
}

static void backward(const case_t *c, int kind, int options, int wants) {
    kt_case(kernels[kind], "%s, options %d, wants %d", c->why, options, wants);
    const int64_t stride = row_stride(c, options), groups = c->c / c->width;
    real *x = input(c, options, 0), *dy = input(c, options, 0);
    real *w = optional(options & ABSENT, c->c);
    real *mean = kt_reals(c->sets * groups);
    real *var = kt_array(c->sets * groups, sizeof(real));
    for (int64_t i = 0; i < c->sets * groups; i++)
        var[i] = (real)kt_random(0.5, 2);
    real *dx = room(!(wants & 1), c->sets * c->rows * c->c);
    real *dw = room(!(wants & 2), c->c), *db = room(!(wants & 4), c->c);
    pd_batch_norm_geometry g;
    geometry(c, kind, options, &g);
    if (kt_call(&g)) kt_fail("reports a bad datum");

    const int64_t n = c->rows * c->width;
    kt_sum *sums = calloc((size_t)(2 * c->c + 1), sizeof *sums);
    for (int64_t at = 0; at < c->sets * groups; at++) {
        double m = (double)mean[at], r = 1 / sqrt((double)var[at] + EPS);
        double share = 0, slope = 0;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t i = 0; i < n; i++) {
                int64_t k = at % groups * c->width + i % c->width;
                int64_t row = at / groups * c->rows + i / c->width;
                double h = ((double)x[row * stride + k] - m) * r;
                double d = (double)dy[row * stride + k];
                double gk = d * (w ? (double)w[k] : 1);
                if (!pass) {
                    kt_add(&sums[k], d * h);
                    kt_add(&sums[c->c + k], d);
                    share += kind == BACKWARD ? gk / (double)n : 0;
                    slope += kind == BACKWARD ? gk * h / (double)n : 0;
                } else if (dx) {
                    kt_near((double)dx[row * c->c + k],
                            r * (gk - share - h * slope),
                            r * (fabs(gk) + 10 * (1 + fabs(h))), 40, "dx",
                            row * c->c + k);
                }
            }
    }
    for (int64_t k = 0; k < c->c; k++) {
        double near = 4 * sqrt((double)(c->sets * c->rows)) + 1;
        if (dw)
            kt_near((double)dw[k], kt_total(&sums[k]), 4 * near, 40, "dw", k);
        if (db)
            kt_near((double)db[k], kt_total(&sums[c->c + k]), near, 40, "db",
                    k);
    }
    free(sums);
}

static void track(int64_t c, double momentum, int counts) {
    kt_case(PD_KERNEL_batch_norm_track, "%lld channels, momentum %g",
            (long long)c, momentum);
    real *mean = kt_reals(c), *var = kt_reals(c);
    real *running[2] = {kt_reals(c), kt_reals(c)};
    double *before = calloc((size_t)(2 * c + 1), sizeof *before);
    for (int64_t i = 0; i < 2 * c; i++)
        before[i] = (double)running[i / c][i % c];
    int64_t *batches = NULL;
    if (counts) {
        batches = kt_array(1, sizeof *batches);
        *batches = 3;
    } else {
        kt_absent();
    }
    pd_batch_norm_track_geometry g = {.c = c, .count = 5, .momentum = momentum};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    double m = momentum < 0 ? 0.25 : momentum;
    for (int64_t i = 0; i < c; i++) {
        kt_near((double)running[0][i],
                (1 - m) * before[i] + m * (double)mean[i], 4, 4, "mean", i);
        kt_near((double)running[1][i],
                (1 - m) * before[c + i] + m * (double)var[i] * 1.25, 4, 4,
                "var", i);
    }
    if (batches && *batches != 4) kt_fail("counts %lld", (long long)*batches);
    free(before);
}

KTEST(batch_norm) {
    for (int i = 0; i < KT_COUNT(cases); i++) {
        const case_t *c = &cases[i];
        if (kt_small && c->sets * c->rows * c->c > 20000) continue;
        for (int options = 0; options < OPTIONS; options++) {
            forward(c, FORWARD, options);
            forward(c, INFERENCE, options);
            for (int kind = BACKWARD; kind < KINDS; kind++)
                if (!(options & LARGE_MEAN)) backward(c, kind, options, 7);
        }
        for (int wants = 0; wants < 7; wants++) backward(c, BACKWARD, 0, wants);
    }
    track(0, 0.1, 1);
    track(37, 0.1, 0);
    track(37, 0.1, 1);
    track(5, 1, 1);
    track(5, -1, 1);
}
