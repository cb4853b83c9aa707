/* The weight's gradient of a convolution with one channel per group
 * (depthwise.h):
 *
 *     dweight[tap,:] = sum over n, i, j of dy[n,i,j,:] * x[n,i',j',:]
 *
 * for every window; depthwise_dense_weight.h has those that are 3 wide.
 *
 * Rows of dy are cut into chunks, by shape alone, each with sums of its own,
 * which are added in order. */
#ifndef PD_KERNELS_DEPTHWISE_WEIGHT_H
#define PD_KERNELS_DEPTHWISE_WEIGHT_H

#include "depthwise.h"

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
        const vreal d = v_load_lanes(r->dy + j * r->dy_step, lanes);
        UNROLL for (int l = 0; l < taps; l++)
            sum[l] = v_fma(d, v_load_lanes(r->x + (x + l * r->tap_step), lanes),
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
