/* conv2d's gradient for few channels of x: their lanes are filled with pixels.
 *
 * A block of dx, `side` x `side` pixels of c channels, is what one pixel of a
 * convolution yields whose channels are the block's elements:
 *
 *     B[n,u,v,(a,b,c)] = sum over o, q, r of  W[(a,b,c),o,q,r]
 *                          * dy[n,o, u*step + low + q, v*step + low + r]
 *
 *     dx[n,c,u*side + a,v*side + b] = B[n,u,v,(a,b,c)]
 *
 * where side = stride * step. W is the weight at the tap that leads from there
 * to the pixel, and zero where none does:
 *
 *     stride 2, 3 wide, side 2:  pixel 0 sees  dy[u]           by tap 1
 *                                pixel 1 sees  dy[u], dy[u+1]  by taps 2, 0
 *
 * A zero of W must not make a NaN of a dy that is not finite and that the pixel
 * does not see: where a result is not finite, the next method is taken. */
#ifndef PD_KERNELS_CONV2D_BLOCKS_H
#define PD_KERNELS_CONV2D_BLOCKS_H

#include "conv2d_product.h"

#define BLOCKS_GIVE_UP ((int64_t)-2)
/* Elements of B that are aimed at. */
enum { BLOCKS_ELEMENTS = (4 << 20) / (int)sizeof(real) };

typedef struct {
    const conv2d_t *g;
    conv2d_t as; /* the convolution that yields blocks, of `as.n` images */
    int64_t side_h, side_w, low_h, low_w;
    real *dx;
    const real *blocks; /* [as.n, as.oh, as.ow, as.o] */
    int64_t failed;
} blocks_t;

static int64_t floor_div(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -ceil_div(-a, b);
}

/* The first of dy's pixels that a block sees along an axis, and how many. */
static int64_t blocks_see(int64_t side, int64_t k, int64_t stride, int64_t pad,
                          int64_t *low) {
    *low = -floor_div(k - 1 - pad, stride);
    return floor_div(side - 1 + pad, stride) - *low + 1;
}

static blocks_t blocks_new(const conv2d_t *g, int64_t step) {
    blocks_t t = {
        .g = g, .side_h = step * g->stride_h, .side_w = step * g->stride_w};
    conv2d_t *as = &t.as;
    as->n = g->n, as->c = g->o, as->h = g->oh, as->w = g->ow;
    as->o = t.side_h * t.side_w * g->c;
    as->kh = blocks_see(t.side_h, g->kh, g->stride_h, g->pad_h, &t.low_h);
    as->kw = blocks_see(t.side_w, g->kw, g->stride_w, g->pad_w, &t.low_w);
    as->oh = ceil_div(g->h, t.side_h), as->ow = ceil_div(g->w, t.side_w);
    as->stride_h = as->stride_w = step;
    as->pad_h = -t.low_h, as->pad_w = -t.low_w;
    as->dilation_h = as->dilation_w = as->groups = 1;
    const int64_t strides[] = {as->c * as->kh * as->kw, as->kh * as->kw, as->kw,
                               1};
    memcpy(as->weight_stride, strides, sizeof strides);
    return t;
}

/* Vectors that are multiplied, for each of o; making an element of W costs as
 * much as BLOCKS_WEIGHT of them. */
enum { BLOCKS_WEIGHT = 8 };

static double blocks_cost(const blocks_t *t) {
    const conv2d_t *as = &t->as;
    const int64_t blocks = as->n * as->oh * as->ow;
    return (double)(blocks * ceil_div(as->o, VL) + BLOCKS_WEIGHT * as->o) *
           (double)(as->kh * as->kw);
}
static double phases_cost(const conv2d_t *g) {
    return (double)(g->n * g->h * g->w) * (double)(g->kh * g->kw) /
           (double)(g->stride_h * g->stride_w);
}

static int blocks_apply(const conv2d_t *g) {
    return g->groups == 1 && g->c < FEW_CHANNELS && g->dilation_h == 1 &&
           g->dilation_w == 1 && g->pad_h < g->kh && g->pad_w < g->kw &&
           g->stride_h <= VL && g->stride_w <= VL &&
           g->n * g->c * g->h * g->w * g->o * g->oh * g->ow > 0;
}

/* Phases of a stride see few taps each, and a tile of 6 rows by one vector, all
 * that 16 registers have of few channels, waits for its sums: there a block has
 * to save nothing but vectors. Elsewhere it has to save clearly more. */
static double blocks_pay(const conv2d_t *g) {
    const int strided = g->stride_h > 1 || g->stride_w > 1;
    return (strided || TILE_ROWS <= 6 ? 1.0 : 0.75) * phases_cost(g);
}

/* The step at which the fewest vectors are multiplied; 0 where phase by phase
 * is as good. */
static int64_t blocks_step(const conv2d_t *g) {
    int64_t best = 0;
    if (!blocks_apply(g)) return 0;
    double least_cost = blocks_pay(g);
    for (int64_t step = 1; step <= 4; step *= 2) {
        const blocks_t t = blocks_new(g, step);
        if (t.as.o > 4 * PANEL || blocks_cost(&t) >= least_cost) continue;
        least_cost = blocks_cost(&t);
        best = step;
    }
    return best;
}

/* W [as.o][o][as.kh][as.kw] */
static void blocks_weights(const blocks_t *t, const real *weight, real *to) {
    const conv2d_t *g = t->g, *as = &t->as;
    const int64_t *s = g->weight_stride;
    for (int64_t e = 0; e < as->o; e++) {
        const int64_t a = e / g->c / t->side_w, b = e / g->c % t->side_w;
        const real *from = weight + e % g->c * s[1];
        for (int64_t o = 0; o < g->o; o++)
            for (int64_t q = 0; q < as->kh; q++)
                for (int64_t r = 0; r < as->kw; r++) {
                    const int64_t k =
                        a + g->pad_h - (q + t->low_h) * g->stride_h;
                    const int64_t l =
                        b + g->pad_w - (r + t->low_w) * g->stride_w;
                    const int seen = k >= 0 && k < g->kh && l >= 0 && l < g->kw;
                    *to++ = seen ? from[o * s[0] + k * s[2] + l * s[3]] : 0;
                }
    }
}

/* A row of blocks to the rows of dx that it has. */
static void blocks_task(void *context, int64_t index) {
    blocks_t *t = context;
    const conv2d_t *g = t->g, *as = &t->as;
    const int64_t n = index / as->oh, u = index % as->oh;
    const int64_t run = t->side_w * g->c, row = g->w * g->c;
    const real *blocks = t->blocks + index * as->ow * as->o;
    vreal zeros = {0};
    for (int64_t e = 0; e < as->ow * as->o; e += VL)
        zeros += v_load_lanes(blocks + e, least(VL, as->ow * as->o - e)) *
                 (vreal){0};
    if (m_any(v_nan(zeros)))
        __atomic_store_n(&t->failed, BLOCKS_GIVE_UP, __ATOMIC_RELAXED);
    for (int64_t a = 0; a < least(t->side_h, g->h - u * t->side_h); a++) {
        real *dx = t->dx + (n * g->h + u * t->side_h + a) * row;
        for (int64_t v = 0; v < as->ow; v++)
            copy_run(dx + v * run, blocks + v * as->o + a * run,
                     least(run, row - v * run));
    }
}

/* dy as the convolution reads it, W and B: slot D. */
static int64_t blocks_backward_data(const conv2d_t *g, int64_t step, image_t dy,
                                    const real *weight, real *dx) {
    blocks_t t = blocks_new(g, step);
    conv2d_t *as = &t.as;
    const border_t border =
        border_if_worth(as, &dy, border_forward(as), as->kw);
    const int64_t copy = image_size(&dy, border);
    const int64_t weights = as->o * as->weight_stride[0];
    const int64_t each = as->oh * as->ow * as->o;
    const int64_t images = clamp(BLOCKS_ELEMENTS / each, 1, g->n);
    real *scratch = pd_scratch(
        PD_SCRATCH_D, (size_t)(copy + weights + images * each) * sizeof(real));
    if (!scratch) return PD_NO_MEMORY;
    real *w = scratch + copy, *blocks = w + weights;
    if (copy) image_copy(&dy, border, scratch);
    blocks_weights(&t, weight, w);
    t.blocks = blocks;
    for (int64_t n = 0; n < g->n && !t.failed; n += images) {
        image_t some = dy;
        some.data += n * dy.stride[0];
        some.n = as->n = least(images, g->n - n);
        t.dx = dx + n * g->h * g->w * g->c;
        if (conv2d_multiply(as, some, w, NULL, blocks)) return PD_NO_MEMORY;
        pd_parallel(as->n * as->oh, (double)(as->n * each) / 4, blocks_task,
                    &t);
    }
    return t.failed;
}

#endif
