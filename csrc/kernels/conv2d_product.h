/* conv2d forward, and backward to the data, as plain matrix products over an
 * im2col view (im2col.h):
 *
 *                  M              K                N
 *     forward      n oh ow        kh kw c          o      A = view of x
 *     data         n h w          kh kw o          c      A = view of dy
 *
 * Backward data with stride s is s*s products: the pixels of dx fall into s*s
 * phases, and within a phase every pixel sees the same taps of the kernel, at
 * neighbouring pixels of dy.
 *
 *     stride 2, kernel 3      phase 0 1 0 1 …
 *     along one axis          pixels of phase 0 see taps 0 and 2, phase 1 tap 1
 *
 * Groups are products of their own. */
#ifndef PD_KERNELS_CONV2D_PRODUCT_H
#define PD_KERNELS_CONV2D_PRODUCT_H

#include "conv2d_plan.h"

/* Rows that are multiplied by a panel at a time, at most. */
enum { PANEL_ROWS = 8 * TILE_ROWS };

typedef struct {
    weights_t *weights;
    const gemm_t *product;
    int64_t failed;
} panels_t;

static void panels_task(void *context, int64_t index) {
    panels_t *t = context;
    const int64_t j = index * PANEL;
    gemm_t some = *t->product;
    weights_task(t->weights, index);
    some.n = least(PANEL, some.n - j);
    some.b_panels += j * some.k;
    some.c += j;
    if (some.bias) some.bias += j * some.bias_step;
    if (K(gemm)(&some))
        __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
}

/* Packs the weights and multiplies by them. Few rows are multiplied by the
 * thread that packed: a panel that goes from core to core costs more than they
 * do. Sums are the same either way. */
static int64_t multiply_by(weights_t *w, gemm_t *product) {
    const int64_t panels = ceil_div(product->n, PANEL);
    const int threads = pd_get_threads();
    product->b_panels = w->panels;
    if (threads == 1 || panels < threads || product->m > PANEL_ROWS) {
        weights_pack(w);
        return K(gemm)(product);
    }
    panels_t t = {w, product, 0};
    weights_places(w);
    pd_parallel(panels,
                (double)(product->m + 3) * (double)(product->n * product->k) /
                    20,
                panels_task, &t);
    return t.failed;
}

static int64_t conv2d_multiply(const conv2d_t *g, image_t x, const real *weight,
                               const real *bias, real *y) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    const int64_t length = g->kh * g->kw * c;
    const int64_t runs = g->kh * g->kw;
    const int64_t panels = ceil_div(o, PANEL) * PANEL * length;
    char *scratch =
        pd_scratch(PD_SCRATCH_C, (size_t)panels * sizeof(real) +
                                     (size_t)length * sizeof(int64_t) +
                                     (size_t)runs * sizeof(im2col_run));
    if (!scratch) return PD_NO_MEMORY;
    weights_t w = {.n = o,
                   .step = g->weight_stride[0],
                   .outer = 1,
                   .length = length,
                   .panels = (real *)scratch};
    im2col_run *run = (im2col_run *)(w.panels + panels);
    if (weights_dense(g)) w.place = (int64_t *)(run + runs);
    for (int64_t group = 0; group < g->groups; group++) {
        im2col_view v = view_forward(g, &x, c, run);
        v.data += group * c * x.stride[1];
        w.v = &v;
        w.weight = weight + group * o * g->weight_stride[0];
        gemm_t product = {.m = g->n * g->oh * g->ow,
                          .n = o,
                          .k = length,
                          .bias = bias ? bias + group * o * g->bias_step : NULL,
                          .bias_step = g->bias_step,
                          .activation = (int)g->activation,
                          .c = y + group * o,
                          .c_row = g->o};
        im2col_left(&v, &product);
        if (multiply_by(&w, &product)) return PD_NO_MEMORY;
    }
    return 0;
}

/* dx's rows of one phase. */
static void phase_rows(const conv2d_t *g, const im2col_view *v, int64_t a,
                       int64_t b, int64_t *rows) {
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t u = 0; u < v->grid_h; u++)
            for (int64_t q = 0; q < v->grid_w; q++)
                *rows++ = ((n * g->h + a + u * g->stride_h) * g->w + b +
                           q * g->stride_w) *
                          g->c;
}

static int64_t conv2d_multiply_data(const conv2d_t *g, image_t dy,
                                    const real *weight, real *dx) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    const int64_t taps = g->kh * g->kw;
    const int64_t panels = ceil_div(c, PANEL) * PANEL * taps * o;
    const int strided = g->stride_h > 1 || g->stride_w > 1;
    const int64_t rows = strided ? g->n * ceil_div(g->h, g->stride_h) *
                                       ceil_div(g->w, g->stride_w)
                                 : 0;
    char *scratch =
        pd_scratch(PD_SCRATCH_C, (size_t)panels * sizeof(real) +
                                     (size_t)taps * sizeof(im2col_run) +
                                     (size_t)(taps + rows) * sizeof(int64_t));
    if (!scratch) return PD_NO_MEMORY;
    weights_t w = {.n = c,
                   .step = g->weight_stride[1],
                   .outer = o,
                   .length = taps,
                   .panels = (real *)scratch};
    im2col_run *run = (im2col_run *)(w.panels + panels);
    int64_t *c_rows = (int64_t *)(run + taps);
    if (weights_dense(g)) w.place = c_rows + rows;
    /* A stride longer than dx has phases without a pixel. */
    const int64_t phases_h = least(g->stride_h, g->h);
    const int64_t phases_w = least(g->stride_w, g->w);
    for (int64_t step = 0; step < phases_h * phases_w * g->groups; step++) {
        const int64_t a = step / g->groups / phases_w;
        const int64_t b = step / g->groups % phases_w;
        const int64_t group = step % g->groups;
        im2col_view v = view_backward(g, &dy, o, a, b, run);
        v.data += group * o * dy.stride[1];
        w.v = &v;
        w.weight = weight + group * o * g->weight_stride[0];
        if (strided && group == 0) phase_rows(g, &v, a, b, c_rows);
        gemm_t product = {.m = g->n * v.grid_h * v.grid_w,
                          .n = c,
                          .k = im2col_columns(&v),
                          .c = dx + group * c,
                          .c_row = g->c,
                          .c_rows = strided ? c_rows : NULL};
        im2col_left(&v, &product);
        if (multiply_by(&w, &product)) return PD_NO_MEMORY;
    }
    return 0;
}

#endif
