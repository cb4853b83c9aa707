/* What the three directions of conv2d prepare: views of images, and weights in
 * panels. See conv2d.h for the arrays, im2col.h for the view. */
#ifndef PD_KERNELS_CONV2D_PLAN_H
#define PD_KERNELS_CONV2D_PLAN_H

#include "conv2d_images.h"

/* ---- views ------------------------------------------------------------------
 * `run` has room for kh * kw runs. `units` channels from the first
 * of the image on; other groups move `data`. */

/* y's pixels see x's taps. */
static im2col_view view_forward(const conv2d_t *g, const image_t *x,
                                int64_t units, im2col_run *run) {
    const int64_t *s = x->stride, *ws = g->weight_stride;
    const int dense = g->dilation_w == 1 && s[1] == 1 && s[3] == units;
    im2col_view v = {.data = x->data,
                     .image = s[0],
                     .row = s[2],
                     .column = s[3],
                     .unit = s[1],
                     .h = x->h,
                     .w = x->w,
                     .grid_h = g->oh,
                     .grid_w = g->ow,
                     .step_h = g->stride_h,
                     .step_w = g->stride_w,
                     .run = run,
                     .taps = dense ? g->kw : 1,
                     .units = units,
                     .weight_tap = ws[3],
                     .weight_unit = ws[1]};
    for (int64_t k = 0; k < g->kh; k++)
        for (int64_t l = 0; l < g->kw; l += v.taps) {
            const int64_t h = k * g->dilation_h - g->pad_h;
            const int64_t w = l * g->dilation_w - g->pad_w + x->left;
            run[v.runs++] = (im2col_run){.offset = h * s[2] + w * s[3],
                                         .h = h,
                                         .w = w,
                                         .weight = k * ws[2] + l * ws[3]};
        }
    return v;
}

/* x's pixels at (a + stride_h * u, b + stride_w * v) see dy's taps: those k for
 * which a + pad - k * dilation is a multiple of the stride. Along w the taps
 * are taken from the last to the first, so that dy is walked forwards. */
static im2col_view view_backward(const conv2d_t *g, const image_t *dy,
                                 int64_t units, int64_t a, int64_t b,
                                 im2col_run *run) {
    const int64_t *s = dy->stride, *ws = g->weight_stride;
    im2col_view v = {.data = dy->data,
                     .image = s[0],
                     .row = s[2],
                     .column = s[3],
                     .unit = s[1],
                     .h = dy->h,
                     .w = dy->w,
                     .grid_h = ceil_div(g->h - a, g->stride_h),
                     .grid_w = ceil_div(g->w - b, g->stride_w),
                     .step_h = 1,
                     .step_w = 1,
                     .run = run,
                     .taps = 1,
                     .units = units,
                     .weight_unit = ws[0]};
    int64_t first = -1, last = -1, count = 0; /* taps along w */
    for (int64_t l = 0; l < g->kw; l++) {
        if ((b + g->pad_w - l * g->dilation_w) % g->stride_w) continue;
        if (first < 0) first = l;
        last = l;
        count++;
    }
    const int64_t gap = count > 1 ? (last - first) / (count - 1) : 1;
    const int dense = s[1] == 1 && s[3] == units && count > 0 &&
                      (count == 1 || gap * g->dilation_w == g->stride_w);
    if (dense) v.taps = count;
    v.weight_tap = -gap * ws[3];
    for (int64_t k = 0; k < g->kh && count; k++) {
        if ((a + g->pad_h - k * g->dilation_h) % g->stride_h) continue;
        const int64_t h = (a + g->pad_h - k * g->dilation_h) / g->stride_h;
        for (int64_t l = last; l >= first; l -= gap * v.taps) {
            const int64_t w =
                (b + g->pad_w - l * g->dilation_w) / g->stride_w + dy->left;
            run[v.runs++] = (im2col_run){.offset = h * s[2] + w * s[3],
                                         .h = h,
                                         .w = w,
                                         .weight = k * ws[2] + l * ws[3]};
        }
    }
    return v;
}

/* ---- weights ----------------------------------------------------------------
 * The view's columns x `n` channels, as gemm's panels: what the view calls
 * column p is at `weight + run.weight + tap * weight_tap + unit * weight_unit`,
 * and the n channels are `step` apart. */

typedef struct {
    const im2col_view *v;
    const real *weight;
    int64_t n, step;
    real *panels;
    /* Dense weights only: `outer` runs of `length` elements per channel, and
     * the view's column of each element of the first run, -1 for none. */
    int64_t outer, length;
    int64_t *place;
} weights_t;

/* Any strides. */
static void weights_gather(const weights_t *t, const real *from, int64_t width,
                           real *to) {
    const im2col_view *v = t->v;
    const int64_t padded = ceil_div(width, VL) * VL;
    for (int64_t r = 0; r < v->runs; r++)
        for (int64_t tap = 0; tap < v->taps; tap++)
            for (int64_t u = 0; u < v->units; u++, to += PANEL) {
                const real *w = from + v->run[r].weight + tap * v->weight_tap +
                                u * v->weight_unit;
                if (t->step == 1)
                    copy_run_padded(to, w, width);
                else
                    for (int64_t j = 0; j < padded; j++)
                        to[j] = j < width ? w[j * t->step] : 0;
            }
}

/* Dense weights: blocks are read along memory, transposed in registers, and
 * their rows stored where the view's order wants them. */
static void weights_transpose(const weights_t *t, const real *from,
                              int64_t width, real *to) {
    real block[V_LANES * V_LANES] __attribute__((aligned(64)));
    for (int64_t u = 0; u < t->outer; u++, from += t->v->weight_unit)
        for (int64_t e = 0; e < t->length; e += VL)
            for (int64_t j = 0; j < width; j += VL) {
                const int64_t columns = least(VL, t->length - e);
                transpose_block(block, VL, from + j * t->step + e, t->step,
                                least(VL, width - j), columns);
                for (int64_t q = 0; q < columns; q++)
                    if (t->place[e + q] >= 0)
                        v_store(to + (t->place[e + q] + u) * PANEL + j,
                                v_load(block + q * VL));
            }
}

/* The panel of channels j …, to `to` [columns][PANEL]. */
static void weights_panel(const weights_t *t, int64_t j, real *to) {
    const int64_t width = least(PANEL, t->n - j);
    const real *from = t->weight + j * t->step;
    if (t->place && t->step != 1)
        weights_transpose(t, from, width, to);
    else
        weights_gather(t, from, width, to);
}

/* `outer` > 1: the units are the outer runs (backward data). `place` has room
 * for `length` columns; NULL where the weights are not dense. */
static void weights_places(weights_t *t) {
    const im2col_view *v = t->v;
    if (!t->place) return;
    for (int64_t e = 0; e < t->length; e++) t->place[e] = -1;
    const int64_t units = t->outer > 1 ? 1 : v->units;
    for (int64_t r = 0; r < v->runs; r++)
        for (int64_t tap = 0; tap < v->taps; tap++)
            for (int64_t u = 0; u < units; u++)
                t->place[v->run[r].weight + tap * v->weight_tap +
                         u * v->weight_unit] =
                    (r * v->taps + tap) * v->units + u;
}

static void weights_task(void *context, int64_t index) {
    const weights_t *t = context;
    weights_panel(t, index * PANEL,
                  t->panels + index * PANEL * im2col_columns(t->v));
}
static void weights_pack(weights_t *t) {
    weights_places(t);
    pd_parallel(ceil_div(t->n, PANEL), (double)(t->n * im2col_columns(t->v)),
                weights_task, t);
}

/* C order within a channel pair, and pairs in order. */
static int weights_dense(const conv2d_t *g) {
    const int64_t *s = g->weight_stride;
    return s[3] == 1 && s[2] == g->kw && s[1] == g->kh * g->kw;
}

#endif
