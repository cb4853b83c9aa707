/* local_response_norm, forward and backward, with windows of every kind, on
 * dense rows and rows with gaps, against the formulas of its header in
 * double. */
#include "ktest.h"
#include "local_response_norm.h"

typedef struct {
    const char *why;
    int64_t rows, c, before, after;
    double beta;
} case_t;

static const case_t cases[] = {
    {"one channel", 3, 1, 1, 1, 0.75},
    {"each alone", 5, 7, 0, 0, 0.75},
    {"AlexNet", 50, 96, 2, 2, 0.75},
    {"an even window", 21, 19, 2, 1, 0.75},
    {"another power", 21, 33, 1, 1, 0.6},
    {"all channels and more", 4, 6, 6, 6, 0.75},
    {"many rows", 3001, 5, 2, 2, 0.75},
    {"no rows", 0, 5, 2, 2, 0.75},
    {"no channels", 5, 0, 0, 0, 0.75},
};

static const double SCALE = 0.3, CONSTANT = 0.5;

static double power_base(const case_t *c, const real *x, int64_t i) {
    double sum = 0;
    for (int64_t j = i - c->before; j <= i + c->after; j++)
        if (j >= 0 && j < c->c) sum += (double)x[j] * (double)x[j];
    return CONSTANT + SCALE * sum;
}

static void examine(const case_t *c, int backward, int spread) {
    kt_case(backward ? PD_KERNEL_local_response_norm_backward
                     : PD_KERNEL_local_response_norm_forward,
            "%s%s", c->why, spread ? ", rows with gaps" : "");
    const int64_t stride = c->c + (spread ? 3 : 0);
    real *x = kt_reals(c->rows * stride);
    real *dy = backward ? kt_reals(c->rows * stride) : NULL;
    real *out = kt_array(c->rows * c->c, sizeof(real));
    pd_local_response_norm_geometry g = {.c = c->c,
                                         .before = c->before,
                                         .after = c->after,
                                         .scale = SCALE,
                                         .beta = c->beta,
                                         .k = CONSTANT};
    pd_space_begin(&g.rows, 1, &c->rows);
    for (int k = 0; k < 3; k++)
        pd_space_operand(&g.rows, k, 1, &c->rows, k ? &stride : &c->c);
    pd_space_merge(&g.rows, 3);
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t r = 0; r < c->rows; r++)
        for (int64_t i = 0; i < c->c; i++) {
            const real *row = x + r * stride;
            double p = pow(power_base(c, row, i), -c->beta);
            double want = (double)row[i] * p, near = fabs(want);
            if (backward) {
                const real *d = dy + r * stride;
                double sum = 0, size = 0;
                for (int64_t o = i - c->after; o <= i + c->before; o++) {
                    if (o < 0 || o >= c->c) continue;
                    double t = power_base(c, row, o);
                    double u =
                        (double)d[o] * (double)row[o] * pow(t, -c->beta - 1);
                    sum += u;
                    size += fabs(u);
                }
                double slope = 2 * c->beta * SCALE * (double)row[i];
                want = (double)d[i] * p - slope * sum;
                near = fabs((double)d[i] * p) + fabs(slope) * size;
            }
            kt_near((double)out[r * c->c + i], want, near, 20, "result",
                    r * c->c + i);
        }
}

KTEST(local_response_norm) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int backward = 0; backward < 2; backward++)
            for (int spread = 0; spread < 2; spread++)
                examine(&cases[c], backward, spread);
}
