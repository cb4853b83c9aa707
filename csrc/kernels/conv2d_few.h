/* conv2d of few channels: the images that a network begins with.
 *
 * Such an image has no runs of channels to be packed, and copying every window
 * costs as much as multiplying it. So a band of the image is copied once, with
 * its border of zeros, channel by channel,
 *
 *     band  [c][rows that oh rows of y see][columns that a row of y sees]
 *
 * and the micro-kernel reads the windows where they lie:
 *
 *                  M              K           N
 *     forward      pixels, a row  c kh kw     o
 *     weight       kw             pixels      o
 *
 *     forward      A[pixel, k]   = band[pixel * stride_w + list[k]]
 *     weight       A[tap, pixel] = band[tap * dilation_w + pixel * stride_w]
 *
 * The weight's gradient is summed row by row of y, in slices of bands that are
 * cut by shape; slices are added in order. */
#ifndef PD_KERNELS_CONV2D_FEW_H
#define PD_KERNELS_CONV2D_FEW_H

#include "conv2d_plan.h"
#include "finish.h"
#include "tiles.h"

/* Multiply-adds that are worth a band, and slices of bands. */
#define FEW_WORK 1.0e6
#define FEW_BAND 4.0e6 /* elements of a band at most */
enum { FEW_SLICES = 16 };

typedef struct {
    const conv2d_t *g;
    image_t x, dy;
    int64_t band;          /* rows of y */
    int64_t bands;         /* of an image */
    int64_t height, width; /* of a band in memory */
    int64_t k, panels;     /* c kh kw; panels of o */
    double work;           /* multiply-adds */
    /* forward: */
    weights_t weights; /* its panels: [panels][k][PANEL] */
    int64_t *list;     /* [k] */
    const real *bias;
    real *y;
    /* weight: */
    int64_t slices;
    real *sums; /* [slices][k][panels * PANEL] */
    int64_t failed;
} few_t;

static void few_fail(few_t *t) {
    __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
}

static few_t few_new(const conv2d_t *g, image_t x) {
    few_t t = {.g = g,
               .x = x,
               .width =
                   (g->ow - 1) * g->stride_w + (g->kw - 1) * g->dilation_w + 1,
               .k = g->c * g->kh * g->kw,
               .panels = ceil_div(g->o, PANEL)};
    const double row = (double)(g->ow * t.k) * (double)g->o;
    t.work = row * (double)(g->n * g->oh);
    t.band = 1 + (int64_t)(FEW_WORK / row);
    t.bands = ceil_div(g->oh, t.band);
    t.band = ceil_div(g->oh, t.bands);
    t.height = (t.band - 1) * g->stride_h + (g->kh - 1) * g->dilation_h + 1;
    return t;
}

/* Windows may lie far apart, or reach far: a band stays small. */
static int few_fits(const conv2d_t *g, image_t x) {
    if (g->groups > 1 || g->c >= FEW_CHANNELS || g->c * g->kh * g->kw == 0 ||
        g->n * g->oh * g->ow * g->o == 0)
        return 0;
    const few_t t = few_new(g, x);
    return (double)t.height * (double)t.width * (double)g->c <= FEW_BAND;
}

/* One row of one channel, from column -pad_w on, zeros where there is no image.
 */
static void few_copy_row(const few_t *t, const real *from, real *to) {
    const int64_t step = t->x.stride[3];
    const int64_t left = least(t->g->pad_w, t->width);
    const int64_t columns = least(t->x.w, t->width - left);
    zero_run(to, left);
    if (step == 1)
        copy_run(to + left, from, columns);
    else
        for (int64_t w = 0; w < columns; w++) to[left + w] = from[w * step];
    zero_run(to + left + columns, t->width - left - columns);
}

/* The band that rows i … of image n see, to scratch A; NULL without memory. */
static const real *few_band(few_t *t, int64_t n, int64_t i) {
    const int64_t *s = t->x.stride;
    const int64_t size = t->g->c * t->height * t->width;
    real *band = pd_scratch(PD_SCRATCH_A, (size_t)size * sizeof(real));
    if (!band) {
        few_fail(t);
        return NULL;
    }
    real *to = band;
    for (int64_t c = 0; c < t->g->c; c++)
        for (int64_t r = 0; r < t->height; r++, to += t->width) {
            const int64_t h = i * t->g->stride_h - t->g->pad_h + r;
            if (h < 0 || h >= t->x.h)
                zero_run(to, t->width);
            else
                few_copy_row(t, t->x.data + n * s[0] + c * s[1] + h * s[2], to);
        }
    return band;
}

/* ---- forward ------------------------------------------------------------ */

/* Pixels v … v+rows-1 of a row of y, channels j …; a: the first pixel's window.
 */
static void few_tile(const few_t *t, const real *a, int64_t rows, int64_t j,
                     real *y) {
    const conv2d_t *g = t->g;
    const int64_t width = least(PANEL, g->o - j), vectors = ceil_div(width, VL);
    const real *panel = t->weights.panels + j * t->k;
    const real *bias = t->bias ? t->bias + j * g->bias_step : NULL;
    listed_kernel *kernel = K(gemm_listed_tiles)(vectors)[rows - 1];
    if (width % VL == 0) {
        kernel(t->k, a, g->stride_w, t->list, panel, PANEL, y, g->o);
        if (bias || g->activation)
            finish_rows(rows, y, g->o, y, g->o, width, 0, bias, g->bias_step,
                        (int)g->activation);
        return;
    }
    real buffer[TILE_ROWS * PANEL] __attribute__((aligned(64)));
    kernel(t->k, a, g->stride_w, t->list, panel, PANEL, buffer, PANEL);
    finish_rows(rows, y, g->o, buffer, PANEL, width, 0, bias, g->bias_step,
                (int)g->activation);
}

/* Whole pixels are written, panel by panel: where a panel is one line, to come
 * back for the next ones costs up to three times as much. */
static void few_forward_task(void *context, int64_t index) {
    few_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t n = index / t->bands, first = index % t->bands * t->band;
    const int64_t rows = least(t->band, g->oh - first);
    const int64_t tiles = ceil_div(g->ow, TILE_ROWS);
    const real *band = few_band(t, n, first);
    for (int64_t i = 0; band && i < rows; i++) {
        const real *row = band + i * g->stride_h * t->width;
        real *y = t->y + (n * g->oh + first + i) * g->ow * g->o;
        for (int64_t q = 0; q < tiles; q++) {
            const int64_t v = q * g->ow / tiles;
            for (int64_t j = 0; j < g->o; j += PANEL)
                few_tile(t, row + v * g->stride_w, (q + 1) * g->ow / tiles - v,
                         j, y + v * g->o + j);
        }
    }
}

/* The weights in their own order, c kh kw, as panels; and where in a band their
 * elements meet the image. Slot C. */
static int64_t few_weights(few_t *t, im2col_view *v, const real *weight) {
    const conv2d_t *g = t->g;
    const int64_t *s = g->weight_stride;
    const int64_t size = t->panels * PANEL * t->k, runs = g->c * g->kh;
    char *scratch =
        pd_scratch(PD_SCRATCH_C, (size_t)size * sizeof(real) +
                                     (size_t)runs * sizeof(im2col_run) +
                                     (size_t)(2 * t->k) * sizeof(int64_t));
    if (!scratch) return PD_NO_MEMORY;
    im2col_run *run = (im2col_run *)(scratch + (size_t)size * sizeof(real));
    t->list = (int64_t *)(run + runs);
    for (int64_t r = 0; r < runs; r++)
        run[r] = (im2col_run){.weight = r / g->kh * s[1] + r % g->kh * s[2]};
    for (int64_t k = 0; k < t->k; k++) {
        const int64_t c = k / (g->kh * g->kw), h = k / g->kw % g->kh;
        t->list[k] = (c * t->height + h * g->dilation_h) * t->width +
                     k % g->kw * g->dilation_w;
    }
    *v = (im2col_view){.runs = runs,
                       .taps = g->kw,
                       .units = 1,
                       .run = run,
                       .weight_tap = s[3]};
    t->weights = (weights_t){.v = v,
                             .weight = weight,
                             .n = g->o,
                             .step = s[0],
                             .outer = 1,
                             .length = t->k,
                             .panels = (real *)scratch,
                             .place = weights_dense(g) ? t->list + t->k : NULL};
    weights_pack(&t->weights);
    return 0;
}

static int64_t few_forward(const conv2d_t *g, image_t x, const real *weight,
                           const real *bias, real *y) {
    few_t t = few_new(g, x);
    im2col_view v;
    t.bias = bias, t.y = y;
    if (few_weights(&t, &v, weight)) return PD_NO_MEMORY;
    pd_parallel(g->n * t.bands, t.work / 20, few_forward_task, &t);
    return t.failed;
}

/* ---- weight ------------------------------------------------------------- */

/* A row of dy, [pixels][channels] in whole vectors, in place or to scratch B.
 */
static const real *few_dy(few_t *t, const real *from, int64_t *pixel) {
    const conv2d_t *g = t->g;
    const int64_t *s = t->dy.stride;
    *pixel = s[3];
    if (s[1] == 1 && g->o % VL == 0) return from;
    *pixel = t->panels * PANEL;
    real *to =
        pd_scratch(PD_SCRATCH_B, (size_t)(g->ow * *pixel) * sizeof(real));
    if (!to) {
        few_fail(t);
        return NULL;
    }
    for (int64_t v = 0; v < g->ow; v++, from += s[3], to += *pixel) {
        if (s[1] == 1)
            copy_run_padded(to, from, g->o);
        else
            for (int64_t o = 0; o < *pixel; o++)
                to[o] = o < g->o ? from[o * s[1]] : 0;
    }
    return to - g->ow * *pixel;
}

/* What one row of y adds to the sums. */
static void few_row(const few_t *t, const real *row, const real *dy,
                    int64_t pixel, real *sums, int add) {
    const conv2d_t *g = t->g;
    const int64_t tiles = ceil_div(g->kw, TILE_ROWS), o_row = t->panels * PANEL;
    for (int64_t r = 0; r < g->c * g->kh; r++) {
        const int64_t at = r / g->kh * t->height + r % g->kh * g->dilation_h;
        for (int64_t q = 0; q < tiles; q++) {
            const int64_t l = q * g->kw / tiles,
                          taps = (q + 1) * g->kw / tiles - l;
            for (int64_t j = 0; j < g->o; j += PANEL)
                K(gemm_tiles)(ceil_div(least(PANEL, g->o - j), VL))[taps - 1](
                    g->ow, row + at * t->width + l * g->dilation_w,
                    g->dilation_w, g->stride_w, dy + j, pixel,
                    sums + (r * g->kw + l) * o_row + j, o_row, add);
        }
    }
}

static void few_weight_task(void *context, int64_t index) {
    few_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t *s = t->dy.stride, bands = g->n * t->bands;
    real *sums = t->sums + index * t->k * t->panels * PANEL;
    int add = 0;
    for (int64_t b = index * bands / t->slices;
         b < (index + 1) * bands / t->slices; b++) {
        const int64_t n = b / t->bands, first = b % t->bands * t->band;
        const real *band = few_band(t, n, first);
        if (!band) return;
        for (int64_t i = 0; i < least(t->band, g->oh - first); i++, add = 1) {
            int64_t pixel;
            const real *dy =
                few_dy(t, t->dy.data + n * s[0] + (first + i) * s[2], &pixel);
            if (!dy) return;
            few_row(t, band + i * g->stride_h * t->width, dy, pixel, sums, add);
        }
    }
}

static int64_t few_backward_weight(const conv2d_t *g, image_t x, image_t dy,
                                   real *dweight) {
    few_t t = few_new(g, x);
    const int64_t size = t.k * t.panels * PANEL, *s = g->weight_stride;
    t.dy = dy;
    t.slices = least(FEW_SLICES, g->n * t.bands);
    t.sums = pd_scratch(PD_SCRATCH_C, (size_t)(t.slices * size) * sizeof(real));
    if (!t.sums) return PD_NO_MEMORY;
    pd_parallel(t.slices, t.work / 20, few_weight_task, &t);
    if (t.failed) return t.failed;
    for (int64_t slice = 1; slice < t.slices; slice++)
        for (int64_t i = 0; i < size; i += VL)
            v_store(t.sums + i,
                    v_load(t.sums + i) + v_load(t.sums + slice * size + i));
    for (int64_t o = 0; o < g->o; o++)
        for (int64_t k = 0; k < t.k; k++)
            dweight[o * s[0] + k / (g->kh * g->kw) * s[1] +
                    k / g->kw % g->kh * s[2] + k % g->kw * s[3]] =
                t.sums[k * t.panels * PANEL + o];
    return 0;
}

#endif
