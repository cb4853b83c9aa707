/* Convolution with one channel per group (depthwise.h) whose windows have no
 * gaps: dilation 1, a window 3, 5 or 7 wide, stride 1; or, for y, stride 2 and
 * a window 3 wide.
 *
 * A tile is 2 rows of several neighbouring pixels, one vector of channels of
 * each, in registers. It loads what its windows see once, column by column:
 *
 *     x   . . . . . . .      row 0 of a window 3 high    for tile row 0
 *         . . . . . . .      row 1                       for both
 *         . . . . . . .      row 2                       for both
 *         . . . . . . .                                  for tile row 1
 *
 * so that a loaded vector meets up to 2 * kw weights, which stay in registers
 * for a row of x. (This is stride 1. With stride 2 a tile sees five rows, of
 * which row 2 is for both.) dx is y of a dy that is padded by what the window
 * leaves, the window turned around.
 *
 * A sum's order is that of the window's taps, whichever tile it falls in. The
 * last vector of channels may overlap the one before: it writes the same. */
#ifndef PD_KERNELS_DEPTHWISE_DENSE_H
#define PD_KERNELS_DEPTHWISE_DENSE_H

#include "depthwise.h"

/* The largest tile's pixels, and their logarithm. */
#if V_REGISTERS == 16
enum { DENSE_ROWS = 2, DENSE_PIXELS = 4, DENSE_LOG = 2 };
#else
enum { DENSE_ROWS = 2, DENSE_PIXELS = 8, DENSE_LOG = 3 };
#endif

static int dense_forward_fits(const conv2d_t *g) {
    const int64_t stride = g->stride_w;
    const int wide = g->kw == 5 || g->kw == 7;
    return g->stride_h == stride && stride <= 2 && stride <= g->kh &&
           g->dilation_h == 1 && g->dilation_w == 1 && g->c >= VL &&
           (g->kw == 3 || (wide && stride == 1));
}
static int dense_data_fits(const conv2d_t *g) {
    return g->stride_w == 1 && dense_forward_fits(g);
}

typedef struct {
    const conv2d_t *g;
    const image_t *x;    /* read: x, or dy */
    const real *weights; /* [vectors of channels][kh*kw][VL] */
    const real *bias;
    real *out;
    int64_t h, w; /* extents of what is written */
    int64_t stride, pad_h, pad_w;
    int activation, turned;
} dense_t;

/* The channels of vector v: the last one ends with the last channel. */
static int64_t dense_channel(const conv2d_t *g, int64_t v) {
    return least(v * VL, g->c - VL);
}

/* weight -> dense_t's order, the taps from the last to the first if `turned`;
 * slot C. */
static const real *dense_weights(const conv2d_t *g, const real *weight,
                                 int turned) {
    const int64_t *s = g->weight_stride, taps = g->kh * g->kw;
    const int64_t vectors = ceil_div(g->c, VL);
    real *to =
        pd_scratch(PD_SCRATCH_C, (size_t)(vectors * taps * VL) * sizeof(real));
    if (!to) return NULL;
    for (int64_t v = 0; v < vectors; v++)
        for (int64_t q = 0; q < taps; q++) {
            const int64_t tap = turned ? taps - 1 - q : q;
            const real *from = weight + dense_channel(g, v) * s[0] +
                               tap / g->kw * s[2] + tap % g->kw * s[3];
            for (int64_t e = 0; e < VL; e++)
                to[(v * taps + q) * VL + e] = from[e * s[0]];
        }
    return to;
}

/* A row of x, from the first column of the first pixel's window on, against a
 * row of weights for the sums of tile row `a`, that `stride` before for those
 * of tile row b; -1: none. `left` columns come before the image, which ends at
 * `end`. */
V_INLINE void dense_row(const int a, const int b, const int pixels,
                        const int kw, const int stride, const real *x,
                        int64_t step, int64_t left, int64_t end,
                        const real *weights, vreal *sum) {
    vreal wa[7], wb[7];
    UNROLL for (int l = 0; l < kw; l++) {
        if (a >= 0) wa[l] = v_load(weights + l * VL);
        if (b >= 0) wb[l] = v_load(weights + (l - stride * kw) * VL);
    }
    UNROLL for (int q = 0; q < (pixels - 1) * stride + kw; q++) {
        if (q < left || q >= end) continue;
        const vreal v = v_load(x + q * step);
        UNROLL for (int l = 0; l < kw; l++) {
            const int p = (q - l) / stride;
            if (q < l || (q - l) % stride || p >= pixels) continue;
            if (a >= 0)
                sum[a * pixels + p] = v_fma(v, wa[l], sum[a * pixels + p]);
            if (b >= 0)
                sum[b * pixels + p] = v_fma(v, wb[l], sum[b * pixels + p]);
        }
    }
}

/* The tile at (i, j), one vector of channels: image, weights and out are at its
 * first. */
V_INLINE void dense_tile(const int rows, const int pixels, const int kw,
                         const int stride, const dense_t *t, int64_t i,
                         int64_t j, const real *image, const real *weights,
                         real *out) {
    const int64_t *s = t->x->stride, kh = t->g->kh;
    const int64_t above = t->pad_h - i * stride, left = t->pad_w - j * stride;
    const int64_t end = t->x->w + left;
    vreal sum[DENSE_ROWS * DENSE_PIXELS];
    UNROLL for (int p = 0; p < rows * pixels; p++)
        sum[p] = (vreal){0};
    image -= above * s[2] + left * s[3];
    const int64_t last = least(kh + (rows - 1) * stride, t->x->h + above);
    for (int64_t r = most(above, 0); r < last; r++) {
        const real *x = image + r * s[2], *w = weights + r * kw * VL;
        if (rows == 1 || r < stride)
            dense_row(0, -1, pixels, kw, stride, x, s[3], left, end, w, sum);
        else if (r < kh)
            dense_row(0, 1, pixels, kw, stride, x, s[3], left, end, w, sum);
        else
            dense_row(-1, 1, pixels, kw, stride, x, s[3], left, end, w, sum);
    }
    UNROLL for (int p = 0; p < rows * pixels; p++)
        v_store(out + (p / pixels * t->w + p % pixels) * t->g->c, sum[p]);
}

typedef void dense_kernel(const dense_t *t, int64_t i, int64_t j,
                          const real *image, const real *weights, real *out);
#define DENSE(kw, stride, rows, pixels)                                        \
    static void dense_##kw##_##stride##_##rows##_##pixels(                     \
        const dense_t *t, int64_t i, int64_t j, const real *image,             \
        const real *weights, real *out) {                                      \
        dense_tile(rows, pixels, kw, stride, t, i, j, image, weights, out);    \
    }
#if V_REGISTERS == 16
#define DENSE_8(kw, stride, rows)
#define DENSE_NAME_8(kw, stride, rows) NULL
#else
#define DENSE_8(kw, stride, rows) DENSE(kw, stride, rows, 8)
#define DENSE_NAME_8(kw, stride, rows) dense_##kw##_##stride##_##rows##_8
#endif
#define DENSE_ROW(kw, stride, rows)                                            \
    DENSE(kw, stride, rows, 1)                                                 \
    DENSE(kw, stride, rows, 2)                                                 \
    DENSE(kw, stride, rows, 4)                                                 \
    DENSE_8(kw, stride, rows)
#define DENSE_EACH(kw, stride) DENSE_ROW(kw, stride, 1) DENSE_ROW(kw, stride, 2)
DENSE_EACH(3, 1)
DENSE_EACH(5, 1)
DENSE_EACH(7, 1)
DENSE_EACH(3, 2)
#define DENSE_ROW_NAMES(kw, stride, rows)                                      \
    {dense_##kw##_##stride##_##rows##_1, dense_##kw##_##stride##_##rows##_2,   \
     dense_##kw##_##stride##_##rows##_4, DENSE_NAME_8(kw, stride, rows)}
#define DENSE_NAMES(kw, stride)                                                \
    {DENSE_ROW_NAMES(kw, stride, 1), DENSE_ROW_NAMES(kw, stride, 2)}
/* [stride - 1][kw / 2 - 1][rows - 1][log2 of pixels] */
static dense_kernel *const dense_kernels[2][3][DENSE_ROWS][4] = {
    {DENSE_NAMES(3, 1), DENSE_NAMES(5, 1), DENSE_NAMES(7, 1)},
    {DENSE_NAMES(3, 2)}};

/* Asks for the rows of x that the next tiles see first, for what the tile at
 * (i, j) has of them in its v-th part: tiles jump from pixel to pixel, and the
 * processor's own prefetching does not follow. */
static void dense_ahead(const dense_t *t, const real *image, int64_t i,
                        int64_t j, int64_t pixels, int64_t v) {
    const int64_t *s = t->x->stride;
    const int64_t h = (i + 1) * t->stride - t->pad_h + t->g->kh;
    const int64_t seen = pixels * t->stride, part = seen * VL;
    const int64_t columns = least(seen, t->x->w - j * t->stride);
    if (h < 0 || v * part > columns * t->g->c) return;
    image += h * s[2] + j * t->stride * s[3] + v * part;
    const int64_t end = least(h + DENSE_ROWS * t->stride, t->x->h);
    for (int64_t r = h; r < end; r++, image += s[2])
        for (int64_t e = 0; e < part; e += 64 / (int64_t)sizeof(real))
            __builtin_prefetch(image + e, 0, 2);
}

/* Two rows of y or dx of one image, or the last one. */
static void dense_task(void *context, int64_t index) {
    const dense_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t pairs = ceil_div(t->h, DENSE_ROWS);
    const int64_t n = index / pairs, i = index % pairs * DENSE_ROWS;
    const int64_t rows = least(DENSE_ROWS, t->h - i);
    const int64_t row = t->w * g->c, taps = g->kh * g->kw;
    const real *image = t->x->data + n * t->x->stride[0];
    real *out = t->out + (n * t->h + i) * row;
    for (int64_t j = 0, pixels; j < t->w; j += pixels, out += pixels * g->c) {
        int log = DENSE_LOG;
        while (j + ((int64_t)1 << log) > t->w) log--;
        pixels = (int64_t)1 << log;
        dense_kernel *kernel =
            dense_kernels[t->stride - 1][g->kw / 2 - 1][rows - 1][log];
        for (int64_t v = 0; v * VL < g->c; v++) {
            const int64_t c = dense_channel(g, v);
            dense_ahead(t, image, i, j, pixels, v);
            kernel(t, i, j, image + c, t->weights + v * taps * VL, out + c);
        }
        for (int64_t r = 0; r < rows && (t->bias || t->activation); r++)
            finish_rows(pixels, out + r * row, g->c, out + r * row, g->c, g->c,
                        0, t->bias, g->bias_step, t->activation);
    }
}

static int64_t dense_run(dense_t *t, const real *weight) {
    const conv2d_t *g = t->g;
    t->weights = dense_weights(g, weight, t->turned);
    if (!t->weights) return PD_NO_MEMORY;
    pd_parallel(g->n * ceil_div(t->h, DENSE_ROWS),
                (double)(g->n * t->h * t->w * g->c) * (double)(g->kh * g->kw) /
                    16,
                dense_task, t);
    return 0;
}

static int64_t dense_forward(const conv2d_t *g, const image_t *x,
                             const real *weight, const real *bias, real *y) {
    dense_t t = {.g = g,
                 .x = x,
                 .bias = bias,
                 .out = y,
                 .h = g->oh,
                 .w = g->ow,
                 .stride = g->stride_w,
                 .pad_h = g->pad_h,
                 .pad_w = g->pad_w,
                 .activation = (int)g->activation};
    return dense_run(&t, weight);
}

static int64_t dense_backward_data(const conv2d_t *g, const image_t *dy,
                                   const real *weight, real *dx) {
    dense_t t = {.g = g,
                 .x = dy,
                 .out = dx,
                 .h = g->h,
                 .w = g->w,
                 .stride = 1,
                 .pad_h = g->kh - 1 - g->pad_h,
                 .pad_w = g->kw - 1 - g->pad_w,
                 .turned = 1};
    return dense_run(&t, weight);
}

#endif
