/* Convolution with one channel per group: no matrix product, no reduction over
 * channels. Vectors run along the channels, which are adjacent; weights are
 * copied to [kh*kw][c] first.
 *
 *     y[n,i,j,:]  = sum over taps of w[tap,:] * x[n,i',j',:]
 *     dx[n,h,w,:] = sum over taps of w[tap,:] * dy[n,i,j,:]
 *
 * Both directions are one loop: a pixel first lists the taps that it sees, each
 * with the place of its pixel in the image that is read; then every vector of
 * channels runs through the list. Neighbours that see the same taps, all but
 * those at the edges, run through it together. */
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
    int64_t h, w;   /* extents of what is written */
    int64_t padded; /* channels, up to whole vectors */
    int64_t chunks;
    int activation, backward;
    int64_t failed;
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

/* Pixels q of a row, of `most`, that see a tap inside the image:
 * 0 <= q*stride + offset < w. */
static int64_t first_inside(int64_t offset, int64_t stride) {
    return offset >= 0 ? 0 : ceil_div(-offset, stride);
}
static int64_t end_inside(int64_t offset, int64_t stride, int64_t w,
                          int64_t most) {
    return offset >= w ? 0 : least(most, ceil_div(w - offset, stride));
}

/* A tap that a pixel sees: offsets in the image that is read, in the weights.
 */
typedef struct {
    int64_t image, weight;
} seen_t;

/* The position that tap k of an output at i reads (forward), or that wrote to
 * an input at i (backward); -1 for none. */
static int64_t tap_at(int64_t i, int64_t k, int64_t stride, int64_t pad,
                      int64_t dilation, int64_t extent, int backward) {
    int64_t at =
        backward ? i + pad - k * dilation : i * stride - pad + k * dilation;
    if (backward && at % stride) return -1;
    if (backward) at /= stride;
    return at >= 0 && at < extent ? at : -1;
}

static int64_t taps_seen(const depthwise_t *t, int64_t i, int64_t j,
                         seen_t *seen) {
    const conv2d_t *g = t->g;
    const int64_t *s = t->x->stride;
    int64_t count = 0;
    for (int64_t k = 0; k < g->kh; k++) {
        const int64_t h = tap_at(i, k, g->stride_h, g->pad_h, g->dilation_h,
                                 t->x->h, t->backward);
        for (int64_t l = 0; l < g->kw && h >= 0; l++) {
            const int64_t w = tap_at(j, l, g->stride_w, g->pad_w, g->dilation_w,
                                     t->x->w, t->backward);
            if (w >= 0)
                seen[count++] =
                    (seen_t){h * s[2] + w * s[3], (k * g->kw + l) * t->padded};
        }
    }
    return count;
}

/* Pixels that see the same taps: they share the list and the weights, and their
 * sums do not wait for each other. Steps: from pixel to pixel of the image that
 * is read, and of the one that is written. */
typedef struct {
    const seen_t *seen;
    int64_t count, read, write;
} depthwise_block;

enum { DEPTHWISE_PIXELS = 8 };

/* One vector of channels. */
V_INLINE void depthwise_sums(const int pixels, const depthwise_block *b,
                             const real *image, const real *weight,
                             int64_t lanes, real *out) {
    vreal sum[DEPTHWISE_PIXELS];
    UNROLL for (int p = 0; p < pixels; p++)
        sum[p] = (vreal){0};
    for (int64_t q = 0; q < b->count; q++) {
        const vreal w = v_load(weight + b->seen[q].weight);
        const real *x = image + b->seen[q].image;
        UNROLL for (int p = 0; p < pixels; p++)
            sum[p] = v_fma(v_load_lanes(x + p * b->read, lanes), w, sum[p]);
    }
    UNROLL for (int p = 0; p < pixels; p++)
        v_store_lanes(out + p * b->write, sum[p], lanes);
}

V_INLINE void depthwise_channels(const int pixels, const depthwise_block *b,
                                 const real *image, const real *weight,
                                 int64_t channels, real *out) {
    int64_t c = 0;
    for (; c + VL <= channels; c += VL)
        depthwise_sums(pixels, b, image + c, weight + c, VL, out + c);
    if (c < channels)
        depthwise_sums(pixels, b, image + c, weight + c, channels - c, out + c);
}

/* Pixels of a row, b, b + step …, which are numbered 0, 1 …: as many of them,
 * from number q on, as have a kernel and see the same taps. */
typedef struct {
    int64_t phase, step, pixels;
    int64_t low, high; /* which of them see every tap that any of them sees */
} depthwise_phase;

static int64_t depthwise_together(const depthwise_phase *f, int64_t q) {
    int64_t pixels = q < f->low ? 1 : DEPTHWISE_PIXELS;
    while (pixels > 1 && q + pixels > f->high) pixels /= 2;
    return pixels;
}

/* All pixels of y are one phase; those of dx see the same taps if they are
 * stride_w apart. Tap l of number q is at q * move + offset. */
static depthwise_phase depthwise_phase_at(const depthwise_t *t, int64_t phase) {
    const conv2d_t *g = t->g;
    const int64_t step = t->backward ? g->stride_w : 1;
    const int64_t move = t->backward ? 1 : g->stride_w;
    const int64_t pixels = ceil_div(t->w - phase, step);
    depthwise_phase f = {phase, step, pixels, 0, pixels};
    for (int64_t l = 0; l < g->kw; l++) {
        int64_t offset = l * g->dilation_w - g->pad_w;
        if (t->backward) {
            if ((phase - offset) % step) continue;
            offset = (phase - offset) / step;
        }
        f.low = most(f.low, first_inside(offset, move));
        f.high = least(f.high, end_inside(offset, move, t->x->w, pixels));
    }
    return f;
}

/* Pixels `phase`, phase + step … of a row of y or dx, whose number is
 * `index`. */
static void depthwise_pixels(const depthwise_t *t, int64_t index, int64_t phase,
                             seen_t *seen) {
    const int64_t channels = t->g->c;
    const depthwise_phase f = depthwise_phase_at(t, phase);
    const real *image = t->x->data + index / t->h * t->x->stride[0];
    depthwise_block b = {.seen = seen,
                         .read = (t->backward ? 1 : t->g->stride_w) *
                                 t->x->stride[3],
                         .write = f.step * channels};
    for (int64_t q = 0, pixels; q < f.pixels; q += pixels) {
        const int64_t j = phase + q * f.step;
        real *out = t->out + (index * t->w + j) * channels;
        pixels = depthwise_together(&f, q);
        b.count = taps_seen(t, index % t->h, j, seen);
        switch (pixels) {
        case 8:
            depthwise_channels(8, &b, image, t->weight, channels, out);
            break;
        case 4:
            depthwise_channels(4, &b, image, t->weight, channels, out);
            break;
        case 2:
            depthwise_channels(2, &b, image, t->weight, channels, out);
            break;
        default: depthwise_channels(1, &b, image, t->weight, channels, out);
        }
        if (t->bias || t->activation)
            finish_rows(pixels, out, b.write, out, b.write, channels, 0,
                        t->bias, t->g->bias_step, t->activation);
    }
}

static void depthwise_row_task(void *context, int64_t index) {
    depthwise_t *t = context;
    const conv2d_t *g = t->g;
    seen_t *seen =
        pd_scratch(PD_SCRATCH_A, (size_t)(g->kh * g->kw) * sizeof *seen);
    if (!seen) {
        __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
        return;
    }
    const int64_t phases = t->backward ? least(g->stride_w, t->w) : 1;
    for (int64_t phase = 0; phase < phases; phase++)
        depthwise_pixels(t, index, phase, seen);
}

static int64_t depthwise_rows(depthwise_t *t, const real *weight) {
    const conv2d_t *g = t->g;
    t->padded = ceil_div(g->c, VL) * VL;
    t->weight = depthwise_weights(g, weight, t->padded);
    if (!t->weight) return PD_NO_MEMORY;
    pd_parallel(g->n * t->h,
                (double)(g->n * t->h * t->w * g->c) * (double)(g->kh * g->kw) /
                    8,
                depthwise_row_task, t);
    return t->failed;
}

static int64_t depthwise_forward(const conv2d_t *g, const image_t *x,
                                 const real *weight, const real *bias,
                                 real *y) {
    depthwise_t t = {.g = g,
                     .x = x,
                     .bias = bias,
                     .out = y,
                     .h = g->oh,
                     .w = g->ow,
                     .activation = (int)g->activation};
    return depthwise_rows(&t, weight);
}

static int64_t depthwise_backward_data(const conv2d_t *g, const image_t *dy,
                                       const real *weight, real *dx) {
    depthwise_t t = {
        .g = g, .x = dy, .out = dx, .h = g->h, .w = g->w, .backward = 1};
    return depthwise_rows(&t, weight);
}

#endif
