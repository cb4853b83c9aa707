/* Convolution with one channel per group: no matrix product, no reduction over
 * channels. Vectors run along the channels, which are adjacent; weights are
 * copied to [kh*kw][c] first.
 *
 *     y[n,i,j,:] = sum over taps of w[tap,:] * x[n, i', j', :]
 *
 * A row of the output is one task; its pixels take POINTS at a time, which
 * share the load of a weight. */
#ifndef PD_KERNELS_DEPTHWISE_H
#define PD_KERNELS_DEPTHWISE_H

#include "conv2d_plan.h"
#include "finish.h"

/* Both images channels-last, one channel in and out per group. */
static int is_depthwise(const conv2d_t *g, const image_t *x, const image_t *y) {
    return g->groups == g->c && g->groups == g->o && g->c > 1 &&
           x->stride[1] == 1 && (!y || y->stride[1] == 1);
}

typedef struct {
    const conv2d_t *g;
    const image_t *x;   /* read: x, or dy */
    const image_t *dy;  /* backward weight only */
    const real *weight; /* [kh*kw][padded] */
    const real *bias;
    real *out;
    int64_t padded; /* channels, up to whole vectors */
    int64_t chunks;
} depthwise_t;

/* weight -> [kh*kw][padded]; slot C. */
static real *depthwise_weights(const conv2d_t *g, const real *weight,
                               int64_t padded) {
    const int64_t *s = g->weight_stride;
    real *to = pd_scratch(PD_SCRATCH_C,
                          (size_t)(g->kh * g->kw * padded) * sizeof(real));
    if (!to) return NULL;
    for (int64_t tap = 0; tap < g->kh * g->kw; tap++)
        for (int64_t c = 0; c < padded; c++)
            to[tap * padded + c] =
                c < g->c
                    ? weight[c * s[0] + tap / g->kw * s[2] + tap % g->kw * s[3]]
                    : 0;
    return to;
}

V_INLINE vreal load_lanes(const real *p, int64_t n) {
    return n == VL ? v_load(p) : v_load_first(p, n);
}

/* Output pixels j of a row that see tap l inside the image:
 * 0 <= j*stride - pad + l*dilation < w. */
static int64_t first_inside(int64_t offset, int64_t stride) {
    return offset >= 0 ? 0 : ceil_div(-offset, stride);
}
static int64_t end_inside(int64_t offset, int64_t stride, int64_t w,
                          int64_t most) {
    return offset >= w ? 0 : least(most, ceil_div(w - offset, stride));
}

/* One row of y: every tap is added to all pixels of the row that see it. */
static void depthwise_forward_task(void *context, int64_t index) {
    const depthwise_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t *s = t->x->stride;
    const int64_t i = index % g->oh;
    const real *image = t->x->data + index / g->oh * s[0];
    real *y = t->out + index * g->ow * g->c;
    for (int64_t c = 0; c < g->c; c += VL) {
        const int64_t lanes = least(VL, g->c - c);
        for (int64_t j = 0; j < g->ow; j++) {
            vreal sum = (vreal){0};
            for (int64_t k = 0; k < g->kh; k++) {
                const int64_t h =
                    i * g->stride_h - g->pad_h + k * g->dilation_h;
                if (h < 0 || h >= g->h) continue;
                for (int64_t l = 0; l < g->kw; l++) {
                    const int64_t w =
                        j * g->stride_w - g->pad_w + l * g->dilation_w;
                    if (w < 0 || w >= g->w) continue;
                    sum = v_fma(
                        load_lanes(image + h * s[2] + w * s[3] + c, lanes),
                        v_load(t->weight + (k * g->kw + l) * t->padded + c),
                        sum);
                }
            }
            real buffer[V_LANES] __attribute__((aligned(64)));
            v_store(buffer, sum);
            finish_row(y + j * g->c + c, buffer, lanes, 0,
                       t->bias ? t->bias + c * g->bias_step : NULL,
                       g->bias_step, (int)g->activation);
        }
    }
}

static int64_t depthwise_forward(const conv2d_t *g, const image_t *x,
                                 const real *weight, const real *bias,
                                 real *y) {
    depthwise_t t = {.g = g,
                     .x = x,
                     .bias = bias,
                     .out = y,
                     .padded = ceil_div(g->c, VL) * VL};
    t.weight = depthwise_weights(g, weight, t.padded);
    if (!t.weight) return PD_NO_MEMORY;
    const double work = (double)(g->n * g->oh * g->ow * g->c);
    pd_parallel(g->n * g->oh, work * (double)(g->kh * g->kw) / 8,
                depthwise_forward_task, &t);
    return 0;
}

/* One row of dx: the taps k for which h + pad - k*dilation is a multiple of
 * the stride, and the row of dy there. */
static void depthwise_data_task(void *context, int64_t index) {
    const depthwise_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t *s = t->x->stride;
    const int64_t h = index % g->h;
    const real *image = t->x->data + index / g->h * s[0];
    real *dx = t->out + index * g->w * g->c;
    for (int64_t c = 0; c < g->c; c += VL) {
        const int64_t lanes = least(VL, g->c - c);
        for (int64_t w = 0; w < g->w; w++) {
            vreal sum = (vreal){0};
            for (int64_t k = 0; k < g->kh; k++) {
                const int64_t i = h + g->pad_h - k * g->dilation_h;
                if (i < 0 || i % g->stride_h || i / g->stride_h >= g->oh)
                    continue;
                for (int64_t l = 0; l < g->kw; l++) {
                    const int64_t j = w + g->pad_w - l * g->dilation_w;
                    if (j < 0 || j % g->stride_w || j / g->stride_w >= g->ow)
                        continue;
                    sum = v_fma(
                        load_lanes(image + i / g->stride_h * s[2] +
                                       j / g->stride_w * s[3] + c,
                                   lanes),
                        v_load(t->weight + (k * g->kw + l) * t->padded + c),
                        sum);
                }
            }
            if (lanes == VL)
                v_store(dx + w * g->c + c, sum);
            else
                v_store_first(dx + w * g->c + c, sum, lanes);
        }
    }
}

static int64_t depthwise_backward_data(const conv2d_t *g, const image_t *dy,
                                       const real *weight, real *dx) {
    depthwise_t t = {
        .g = g, .x = dy, .out = dx, .padded = ceil_div(g->c, VL) * VL};
    t.weight = depthwise_weights(g, weight, t.padded);
    if (!t.weight) return PD_NO_MEMORY;
    const double work = (double)(g->n * g->h * g->w * g->c);
    pd_parallel(g->n * g->h, work * (double)(g->kh * g->kw) / 8,
                depthwise_data_task, &t);
    return 0;
}

/* A chunk of images: sums [kh*kw][padded], row after row of dy. */
static void depthwise_weight_task(void *context, int64_t index) {
    const depthwise_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t *xs = t->x->stride, *ys = t->dy->stride;
    const int64_t taps = g->kh * g->kw;
    real *sums = t->out + index * taps * t->padded;
    zero_run(sums, taps * t->padded);
    const int64_t rows = g->n * g->oh;
    for (int64_t row = index * rows / t->chunks;
         row < (index + 1) * rows / t->chunks; row++) {
        const int64_t n = row / g->oh, i = row % g->oh;
        const real *dy = t->dy->data + n * ys[0] + i * ys[2];
        for (int64_t tap = 0; tap < taps; tap++) {
            const int64_t h =
                i * g->stride_h - g->pad_h + tap / g->kw * g->dilation_h;
            if (h < 0 || h >= g->h) continue;
            const int64_t offset = tap % g->kw * g->dilation_w - g->pad_w;
            const int64_t first = first_inside(offset, g->stride_w);
            const int64_t end = end_inside(offset, g->stride_w, g->w, g->ow);
            const real *x = t->x->data + n * xs[0] + h * xs[2];
            for (int64_t c = 0; c < g->c; c += VL) {
                const int64_t lanes = least(VL, g->c - c);
                vreal sum = v_load(sums + tap * t->padded + c);
                for (int64_t j = first; j < end; j++)
                    sum = v_fma(
                        load_lanes(dy + j * ys[3] + c, lanes),
                        load_lanes(x + (j * g->stride_w + offset) * xs[3] + c,
                                   lanes),
                        sum);
                v_store(sums + tap * t->padded + c, sum);
            }
        }
    }
}

static int64_t depthwise_backward_weight(const conv2d_t *g, const image_t *x,
                                         const image_t *dy, real *dweight) {
    const int64_t taps = g->kh * g->kw, *s = g->weight_stride;
    depthwise_t t = {.g = g,
                     .x = x,
                     .dy = dy,
                     .padded = ceil_div(g->c, VL) * VL,
                     .chunks = least(16, g->n * g->oh)};
    if (t.chunks < 1) t.chunks = 1;
    const int64_t size = taps * t.padded;
    t.out = pd_scratch(PD_SCRATCH_C, (size_t)(t.chunks * size) * sizeof(real));
    if (!t.out) return PD_NO_MEMORY;
    const double work = (double)(g->n * g->oh * g->ow * g->c);
    pd_parallel(t.chunks, work * (double)taps / 8, depthwise_weight_task, &t);
    for (int64_t chunk = 1; chunk < t.chunks; chunk++)
        for (int64_t e = 0; e < size; e++) t.out[e] += t.out[chunk * size + e];
    for (int64_t c = 0; c < g->c; c++)
        for (int64_t tap = 0; tap < taps; tap++)
            dweight[c * s[0] + tap / g->kw * s[2] + tap % g->kw * s[3]] =
                t.out[tap * t.padded + c];
    return 0;
}

#endif
