/* Convolution with one channel per group: no matrix product, no reduction over
 * channels. Vectors run along the channels, which are adjacent; weights are
 * copied to [kh*kw][c] first.
 *
 *     y[n,i,j,:]  = sum over taps of w[tap,:] * x[n,i',j',:]
 *     dx[n,h,w,:] = sum over taps of w[tap,:] * dy[n,i,j,:]
 *
 * Both directions are one loop: a pixel first lists the taps that it sees, each
 * with the place of its pixel in the image that is read; then every vector of
 * channels runs through the list. */
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

V_INLINE vreal load_lanes(const real *p, int64_t n) {
    return n == VL ? v_load(p) : v_load_first(p, n);
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

V_INLINE vreal depthwise_sum(const real *image, const real *weight,
                             const seen_t *seen, int64_t count, int64_t lanes) {
    vreal sum = (vreal){0};
    for (int64_t q = 0; q < count; q++)
        sum = v_fma(load_lanes(image + seen[q].image, lanes),
                    v_load(weight + seen[q].weight), sum);
    return sum;
}

/* One row of y or dx. */
static void depthwise_row_task(void *context, int64_t index) {
    depthwise_t *t = context;
    const conv2d_t *g = t->g;
    seen_t *seen =
        pd_scratch(PD_SCRATCH_A, (size_t)(g->kh * g->kw) * sizeof *seen);
    if (!seen) {
        __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
        return;
    }
    const real *image = t->x->data + index / t->h * t->x->stride[0];
    real *out = t->out + index * t->w * g->c;
    for (int64_t j = 0; j < t->w; j++, out += g->c) {
        const int64_t count = taps_seen(t, index % t->h, j, seen);
        int64_t c = 0;
        for (; c + VL <= g->c; c += VL)
            v_store(out + c,
                    depthwise_sum(image + c, t->weight + c, seen, count, VL));
        if (c < g->c)
            v_store_first(
                out + c,
                depthwise_sum(image + c, t->weight + c, seen, count, g->c - c),
                g->c - c);
        if (t->bias || t->activation)
            finish_row(out, out, g->c, 0, t->bias, g->bias_step, t->activation);
    }
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

/* Output pixels j of a row that see tap l inside the image:
 * 0 <= j*stride - pad + l*dilation < w. */
static int64_t first_inside(int64_t offset, int64_t stride) {
    return offset >= 0 ? 0 : ceil_div(-offset, stride);
}
static int64_t end_inside(int64_t offset, int64_t stride, int64_t w,
                          int64_t most) {
    return offset >= w ? 0 : least(most, ceil_div(w - offset, stride));
}

enum { DEPTHWISE_TAPS = 4 }; /* summed side by side: no sum waits for itself */

/* A row of dy against one of x, columns first … end-1, VL channels: what `taps`
 * neighbouring taps add to their sums. Tap 0 of column 0 is at x[left]. Steps:
 * from column to column of dy and of x, from tap to tap of x and of the sums.
 */
typedef struct {
    const real *dy, *x;
    int64_t left, dy_step, x_step, tap_step, sum_step;
} depthwise_row;

V_INLINE void depthwise_add(const int taps, const depthwise_row *r, int64_t tap,
                            int64_t first, int64_t end, int64_t lanes,
                            real *sums) {
    vreal sum[DEPTHWISE_TAPS];
    sums += tap * r->sum_step;
    UNROLL for (int l = 0; l < taps; l++)
        sum[l] = v_load(sums + l * r->sum_step);
    int64_t x = r->left + tap * r->tap_step + first * r->x_step;
    for (int64_t j = first; j < end; j++, x += r->x_step) {
        const vreal d = load_lanes(r->dy + j * r->dy_step, lanes);
        UNROLL for (int l = 0; l < taps; l++)
            sum[l] = v_fma(d, load_lanes(r->x + (x + l * r->tap_step), lanes),
                           sum[l]);
    }
    UNROLL for (int l = 0; l < taps; l++)
        v_store(sums + l * r->sum_step, sum[l]);
}
static void depthwise_add_taps(int64_t taps, const depthwise_row *r,
                               int64_t tap, int64_t first, int64_t end,
                               int64_t lanes, real *sums) {
    if (first >= end) return;
    switch (lanes == VL ? taps : -taps) {
    case 4: depthwise_add(4, r, tap, first, end, VL, sums); return;
    case 3: depthwise_add(3, r, tap, first, end, VL, sums); return;
    case 2: depthwise_add(2, r, tap, first, end, VL, sums); return;
    case 1: depthwise_add(1, r, tap, first, end, VL, sums); return;
    case -4: depthwise_add(4, r, tap, first, end, lanes, sums); return;
    case -3: depthwise_add(3, r, tap, first, end, lanes, sums); return;
    case -2: depthwise_add(2, r, tap, first, end, lanes, sums); return;
    default: depthwise_add(1, r, tap, first, end, lanes, sums);
    }
}

/* All taps of a row of the window: together where all of them lie inside the
 * image, one by one at its edges. */
static void depthwise_add_row(const conv2d_t *g, const depthwise_row *r,
                              int64_t lanes, real *sums) {
    for (int64_t tap = 0, taps; tap < g->kw; tap += taps) {
        taps = least(DEPTHWISE_TAPS, g->kw - tap);
        int64_t low = 0, high = g->ow;
        for (int64_t l = tap; l < tap + taps; l++) {
            const int64_t offset = l * g->dilation_w - g->pad_w;
            low = most(low, first_inside(offset, g->stride_w));
            high = least(high, end_inside(offset, g->stride_w, g->w, g->ow));
        }
        if (low > high) low = high = 0;
        depthwise_add_taps(taps, r, tap, low, high, lanes, sums);
        for (int64_t l = tap; l < tap + taps; l++) {
            const int64_t offset = l * g->dilation_w - g->pad_w;
            const int64_t first = first_inside(offset, g->stride_w);
            const int64_t end = end_inside(offset, g->stride_w, g->w, g->ow);
            depthwise_add_taps(1, r, l, first, least(low, end), lanes, sums);
            depthwise_add_taps(1, r, l, most(high, first), end, lanes, sums);
        }
    }
}

/* A chunk of images: sums [kh*kw][padded], row after row of dy. */
static void depthwise_weight_task(void *context, int64_t index) {
    const depthwise_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t *xs = t->x->stride, *ys = t->dy->stride;
    real *sums = t->out + index * g->kh * g->kw * t->padded;
    zero_run(sums, g->kh * g->kw * t->padded);
    const int64_t rows = g->n * g->oh, end = (index + 1) * rows / t->chunks;
    for (int64_t row = index * rows / t->chunks; row < end; row++) {
        const int64_t n = row / g->oh, i = row % g->oh;
        for (int64_t k = 0; k < g->kh; k++) {
            const int64_t h = i * g->stride_h - g->pad_h + k * g->dilation_h;
            if (h < 0 || h >= g->h) continue;
            depthwise_row r = {t->dy->data + n * ys[0] + i * ys[2],
                               t->x->data + n * xs[0] + h * xs[2],
                               -g->pad_w * xs[3],
                               ys[3],
                               g->stride_w * xs[3],
                               g->dilation_w * xs[3],
                               t->padded};
            for (int64_t c = 0; c < g->c; c += VL, r.dy += VL, r.x += VL)
                depthwise_add_row(g, &r, least(VL, g->c - c),
                                  sums + k * g->kw * t->padded + c);
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
