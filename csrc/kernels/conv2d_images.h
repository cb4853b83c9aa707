/* conv2d's images in memory, and their copies.
 *
 * Views read runs of channels, so an image of many channels that lie apart (an
 * NCHW array from elsewhere) is copied to channels-last. Few channels are left
 * alone. And where runs are long, an image is copied between columns of zeros:
 * then no run ends outside, and no tile of the view needs to be copied. (Rows
 * above and below need no zeros: whole runs there are left out.) */
#ifndef PD_KERNELS_CONV2D_IMAGES_H
#define PD_KERNELS_CONV2D_IMAGES_H

#include "conv2d.h"
#include "im2col.h"
#include "par.h"

typedef pd_conv2d_geometry conv2d_t;

/* An image as it lies in memory; with a border of zeros, w includes it and
 * `left` is the first column of the image proper. */
typedef struct {
    const real *data;
    int64_t n, c, h, w;
    int64_t stride[4]; /* n c h w */
    int64_t left;
} image_t;

enum { FEW_CHANNELS = 8 };

typedef struct {
    int64_t left, right;
} border_t;

/* How far windows reach beyond the image, along w. */
static border_t border_forward(const conv2d_t *g) {
    const int64_t right = (g->ow - 1) * g->stride_w - g->pad_w +
                          (g->kw - 1) * g->dilation_w + 1 - g->w;
    return (border_t){g->pad_w, most(right, 0)};
}
static border_t border_backward(const conv2d_t *g) {
    const int64_t left = (g->kw - 1) * g->dilation_w - g->pad_w;
    return (border_t){ceil_div(most(left, 0), g->stride_w),
                      most((g->w - 1 + g->pad_w) / g->stride_w + 1 - g->ow, 0)};
}

/* A border pays where a run is long and the image does not become much
 * larger. `taps`: along w, in one run. */
static border_t border_if_worth(const conv2d_t *g, const image_t *x, border_t b,
                                int64_t taps) {
    const int64_t length = x->c / g->groups * (g->groups == 1 ? taps : 1);
    const int worth = length >= LONG_RUN && b.left + b.right <= x->w;
    return worth ? b : (border_t){0, 0};
}

typedef struct {
    const image_t *x;
    border_t border;
    int64_t w; /* with the border */
    real *to;  /* [n, h, w, c] */
} image_copy_t;

/* [c, w] -> [w, c] */
static void image_copy_row(const image_t *x, const real *from, real *to) {
    const int64_t *s = x->stride;
    if (s[1] == 1 && s[3] == x->c) {
        copy_run(to, from, x->w * x->c);
        return;
    }
    const int64_t whole = s[3] == 1 ? x->c / VL * VL : 0;
    for (int64_t c = 0; c < whole; c += VL)
        for (int64_t w = 0; w < x->w; w += VL)
            transpose_block(to + w * x->c + c, x->c, from + c * s[1] + w, s[1],
                            VL, least(VL, x->w - w));
    for (int64_t w = 0; w < x->w; w++)
        for (int64_t c = whole; c < x->c; c++)
            to[w * x->c + c] = from[c * s[1] + w * s[3]];
}

/* One row of one image. */
static void image_copy_task(void *context, int64_t index) {
    const image_copy_t *t = context;
    const image_t *x = t->x;
    const border_t *b = &t->border;
    const int64_t n = index / x->h, h = index % x->h;
    real *to = t->to + index * t->w * x->c;
    zero_run(to, b->left * x->c);
    to += b->left * x->c;
    image_copy_row(x, x->data + n * x->stride[0] + h * x->stride[2], to);
    zero_run(to + x->w * x->c, b->right * x->c);
}

static int image_is_copied(const image_t *x, border_t b) {
    return (x->stride[1] != 1 && x->c >= FEW_CHANNELS) || b.left + b.right > 0;
}
static int64_t image_size(const image_t *x, border_t b) {
    return image_is_copied(x, b)
               ? x->n * x->c * x->h * (x->w + b.left + b.right)
               : 0;
}
static void image_copy(image_t *x, border_t b, real *to) {
    image_copy_t t = {x, b, x->w + b.left + b.right, to};
    const image_t copy = {to,    x->n, x->c,
                          x->h,  t.w,  {x->h * t.w * x->c, 1, t.w * x->c, x->c},
                          b.left};
    pd_parallel(x->n * x->h, (double)(x->n * x->h * t.w * x->c) / 4,
                image_copy_task, &t);
    *x = copy;
}

/* Copies what has to be copied: x, and y where it is not NULL. Slot D. */
static int64_t images_prepare(image_t *x, border_t border, image_t *y) {
    const border_t none = {0, 0};
    const int64_t x_size = image_size(x, border);
    const int64_t y_size = y ? image_size(y, none) : 0;
    if (x_size + y_size == 0) return 0;
    real *to =
        pd_scratch(PD_SCRATCH_D, (size_t)(x_size + y_size) * sizeof(real));
    if (!to) return PD_NO_MEMORY;
    if (x_size) image_copy(x, border, to);
    if (y_size) image_copy(y, none, to + x_size);
    return 0;
}

#endif
