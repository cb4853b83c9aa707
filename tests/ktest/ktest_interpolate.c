/* interpolate against double loops over the weights, in both layouts, up and
 * down; the transpose against the weights read the other way. */
#include "interpolate.h"
#include "ktest.h"

typedef struct {
    const char *why;
    int64_t outer, h_in, h_out, w_in, w_out, inner;
} case_t;

static const case_t cases[] = {
    {"one", 1, 1, 1, 1, 1, 1},
    {"none", 0, 2, 3, 2, 3, 1},
    {"no channels", 2, 2, 3, 2, 3, 0},
    {"from one pixel", 2, 1, 4, 1, 5, 3},
    {"to one pixel", 2, 4, 1, 5, 1, 3},
    {"twice, planes", 3, 5, 10, 7, 14, 1},
    {"twice, channels", 2, 4, 8, 3, 6, 37},
    {"down", 2, 16, 4, 24, 8, 5},
    {"one axis as it is", 2, 6, 6, 5, 10, 4},
    {"not whole", 2, 7, 12, 11, 4, 1},
    {"several tasks", 4, 40, 72, 36, 64, 9},
};

/* The weight of pixel i for output o. */
static double weight(const pd_interpolate_geometry *g,
                     const pd_interpolate_axis *a, int64_t o, int64_t i) {
    if (g->linear && a->in == a->out) return i == o;
    const double step = (double)(real)a->step, last = (double)(a->in - 1);
    double s = g->corners ? step * (double)o : step * ((double)o + 0.5) - 0.5;
    if (!g->linear) s = floor((double)(float)((real)a->step * (real)o));
    s = fmin(fmax(s, 0), last);
    return fmax(0, 1 - fabs(s - (double)i));
}

static pd_interpolate_axis axis(int64_t in, int64_t out, int64_t corners) {
    double step = (double)in / (double)out;
    if (corners) step = out > 1 ? (double)(in - 1) / (double)(out - 1) : 0;
    return (pd_interpolate_axis){in, out, step};
}

static void examine(const case_t *c, int kernel, int linear, int corners) {
    kt_case(kernel, "%s, linear %d, corners %d", c->why, linear, corners);
    const int forward = kernel == PD_KERNEL_interpolate_forward;
    pd_interpolate_geometry g = {.outer = c->outer,
                                 .inner = c->inner,
                                 .linear = linear,
                                 .corners = corners,
                                 .h = axis(c->h_in, c->h_out, corners),
                                 .w = axis(c->w_in, c->w_out, corners)};
    const int64_t x_size = c->outer * c->h_in * c->w_in * c->inner;
    const int64_t y_size = c->outer * c->h_out * c->w_out * c->inner;
    const int64_t size = forward ? y_size : x_size;
    real *from = kt_integers(forward ? x_size : y_size);
    real *to = kt_array(size, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");
    double *want = calloc((size_t)size + 1, sizeof *want);
    for (int64_t n = 0; n < c->outer; n++)
        for (int64_t o = 0; o < c->h_out; o++)
            for (int64_t i = 0; i < c->h_in; i++) {
                const double by_h = weight(&g, &g.h, o, i);
                if (by_h == 0) continue;
                for (int64_t p = 0; p < c->w_out; p++)
                    for (int64_t j = 0; j < c->w_in; j++) {
                        const double by = by_h * weight(&g, &g.w, p, j);
                        const int64_t x = (n * c->h_in + i) * c->w_in + j;
                        const int64_t y = (n * c->h_out + o) * c->w_out + p;
                        if (by == 0) continue;
                        for (int64_t k = 0; k < c->inner; k++) {
                            int64_t at_x = x * c->inner + k;
                            int64_t at_y = y * c->inner + k;
                            if (forward)
                                want[at_y] += by * (double)from[at_x];
                            else
                                want[at_x] += by * (double)from[at_y];
                        }
                    }
            }
    /* a place is rounded to about 64 epsilon, a sum has a few hundred terms */
    for (int64_t e = 0; e < size; e++)
        kt_near((double)to[e], want[e], 10 + fabs(want[e]), linear ? 400 : 0,
                forward ? "y" : "dx", e);
    free(want);
}

KTEST(interpolate) {
    static const int kernels[] = {PD_KERNEL_interpolate_forward,
                                  PD_KERNEL_interpolate_backward};
    for (int c = 0; c < KT_COUNT(cases); c++) {
        if (kt_small && cases[c].outer == 4) continue;
        for (int k = 0; k < KT_COUNT(kernels); k++) {
            examine(&cases[c], kernels[k], 0, 0);
            examine(&cases[c], kernels[k], 1, 0);
            examine(&cases[c], kernels[k], 1, 1);
        }
    }
}
