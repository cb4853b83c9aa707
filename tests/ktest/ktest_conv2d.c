/* conv2d's three kernels are one sum over seven indices, with one of three
 * arrays as the result:
 *
 *     forward          y[n,o,i,j]  += x[n,c,h,w] * weight[o,c,k,l]
 *     backward_data    x[n,c,h,w]  += y[n,o,i,j] * weight[o,c,k,l]
 *     backward_weight  weight[...] += x[n,c,h,w] * y[n,o,i,j]
 *
 * Here it is seven loops in double; exact on small integers. */
#include "conv2d.h"
#include "ktest.h"

typedef struct {
    int64_t n, c, h, w, o, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h,
        dilation_w, groups;
    int64_t more; /* padding below and to the right, beyond pad */
    const char *why;
} case_t;

static const case_t cases[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, "the smallest"},
    {2, 3, 5, 7, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "small"},
    {0, 3, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "an empty batch"},
    {2, 1, 12, 12, 6, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "one channel in"},
    {3, 16, 9, 11, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "whole vectors in"},
    {2, 40, 8, 8, 20, 3, 5, 1, 1, 1, 2, 1, 1, 1, 0, "uneven window"},
    {2, 32, 6, 40, 64, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, "1 x 1: no view"},
    {2, 20, 9, 9, 17, 1, 1, 2, 2, 0, 0, 1, 1, 1, 0, "1 x 1, stride 2"},
    {2, 20, 9, 9, 17, 1, 1, 1, 1, 2, 1, 1, 1, 1, 0, "1 x 1, padded"},
    {1, 3, 35, 31, 16, 11, 11, 4, 4, 2, 2, 1, 1, 1, 0, "first of AlexNet"},
    {2, 8, 11, 10, 9, 3, 3, 2, 2, 1, 1, 1, 1, 1, 0, "stride 2"},
    {2, 9, 12, 13, 8, 4, 3, 3, 2, 2, 0, 1, 1, 1, 0, "uneven strides"},
    {2, 8, 10, 10, 8, 2, 2, 3, 3, 0, 0, 1, 1, 1, 0, "pixels never seen"},
    {2, 10, 14, 13, 12, 3, 3, 1, 1, 2, 2, 2, 2, 1, 0, "dilation 2"},
    {2, 8, 15, 14, 8, 3, 3, 2, 2, 2, 3, 2, 3, 1, 0, "dilation and stride"},
    {1, 8, 14, 14, 8, 3, 3, 2, 2, 1, 1, 1, 2, 1, 1, "more below and right"},
    {2, 12, 7, 8, 18, 3, 3, 1, 1, 1, 1, 1, 1, 3, 0, "three groups"},
    {2, 32, 7, 8, 16, 3, 3, 2, 1, 1, 1, 1, 1, 2, 0, "two groups, stride"},
    {2, 6, 7, 8, 12, 3, 3, 1, 1, 1, 1, 1, 1, 6, 0, "one in, two out"},
    {2, 19, 9, 8, 19, 3, 3, 1, 1, 1, 1, 1, 1, 19, 0, "depthwise"},
    {1, 32, 9, 8, 32, 3, 3, 2, 2, 1, 1, 1, 1, 32, 0, "depthwise, stride"},
    {1, 16, 9, 12, 16, 3, 5, 1, 1, 2, 4, 2, 2, 16, 0, "depthwise, dilated"},
    {2, 20, 13, 41, 20, 3, 3, 3, 3, 1, 1, 1, 1, 20, 0, "depthwise, blocks"},
    {1, 20, 9, 27, 20, 3, 3, 2, 2, 1, 1, 2, 1, 20, 0, "depthwise, blocks, 2"},
    {1, 17, 8, 25, 17, 2, 4, 1, 3, 0, 1, 2, 1, 17, 1, "depthwise, uneven"},
    /* depthwise_dense.h: tiles of 2 x 8, 4, 2, 1; 3, 5 and 7 wide */
    {2, 19, 7, 15, 19, 3, 3, 1, 1, 1, 1, 1, 1, 19, 0, "dense, all tiles"},
    {1, 37, 6, 11, 37, 5, 5, 1, 1, 2, 2, 1, 1, 37, 0, "dense, 5 wide"},
    {1, 16, 5, 9, 16, 7, 7, 1, 1, 3, 3, 1, 1, 16, 0, "dense, 7 wide"},
    {1, 18, 4, 12, 18, 2, 3, 1, 1, 0, 0, 1, 1, 18, 0, "dense, unpadded"},
    {1, 18, 3, 2, 18, 1, 5, 1, 1, 3, 6, 1, 1, 18, 1, "dense, all padding"},
    {2, 19, 14, 29, 19, 3, 3, 2, 2, 1, 1, 1, 1, 19, 0, "dense, stride 2"},
    {1, 37, 9, 14, 37, 5, 3, 2, 2, 2, 1, 1, 1, 37, 0, "dense, 2, 5 high"},
    {1, 18, 8, 12, 18, 2, 3, 2, 2, 0, 0, 1, 1, 18, 1, "dense, 2, unpadded"},
    {1, 18, 3, 2, 18, 3, 3, 2, 2, 4, 6, 1, 1, 18, 1, "dense, 2, padding"},
    {1, 37, 9, 14, 37, 5, 5, 2, 2, 2, 2, 1, 1, 37, 0, "depthwise, 5 wide, 2"},
    /* depthwise_dense_weight.h: tiles of 1 to 8 pixels, one row and two; bands
     * of 3 rows; parts of 128 channels and more chunks than pairs of rows */
    {2, 18, 5, 21, 18, 3, 3, 1, 1, 1, 1, 1, 1, 18, 0, "sums, 7 pixels"},
    {1, 16, 4, 10, 16, 3, 3, 1, 1, 1, 1, 1, 1, 16, 0, "sums, 5 pixels"},
    {1, 21, 7, 22, 21, 3, 3, 2, 2, 1, 1, 1, 1, 21, 0, "sums, 2: 5 and 6"},
    {1, 19, 8, 15, 19, 3, 3, 2, 2, 1, 1, 1, 1, 19, 0, "sums, 2: 8"},
    {2, 17, 6, 6, 17, 3, 3, 2, 2, 0, 0, 1, 1, 17, 1, "sums, 2: 2"},
    {1, 33, 9, 7, 33, 7, 3, 1, 1, 3, 1, 1, 1, 33, 0, "sums, 7 high"},
    {2, 20, 11, 9, 20, 5, 3, 2, 2, 2, 1, 1, 1, 20, 0, "sums, 5 high, 2"},
    {1, 18, 4, 5, 18, 1, 3, 1, 1, 0, 1, 1, 1, 18, 0, "sums, one high"},
    {2, 270, 5, 4, 270, 3, 3, 1, 1, 1, 1, 1, 1, 270, 0, "sums, parts"},
    {5, 140, 6, 3, 140, 3, 3, 2, 2, 1, 1, 1, 1, 140, 0, "sums, parts, 2"},
    {1, 16, 1, 1, 16, 3, 3, 1, 1, 1, 1, 1, 1, 16, 0, "sums, one pixel"},
    {1, 1024, 7, 20, 1024, 3, 3, 1, 1, 1, 1, 1, 1, 1024, 0, "sums, copied"},
    {2, 1024, 9, 4, 1024, 3, 3, 2, 2, 1, 1, 1, 1, 1024, 0, "sums, copied, 2"},
    {1, 1024, 2, 2, 1024, 3, 3, 1, 1, 4, 4, 1, 1, 1024, 0, "sums, copied, pad"},
    {1, 18, 3, 2, 18, 3, 3, 1, 1, 4, 5, 1, 1, 18, 0, "sums, all padding"},
    {2, 4, 3, 3, 5, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "window beyond image"},
    {2, 4, 3, 3, 5, 3, 3, 1, 1, 4, 4, 1, 1, 1, 0, "all-zero windows"},
    {1, 5, 1, 50, 4, 1, 7, 1, 1, 0, 3, 1, 1, 1, 0, "one row"},
    {1, 5, 50, 1, 4, 7, 1, 1, 1, 3, 0, 1, 1, 1, 0, "one column"},
    {5, 16, 13, 13, 24, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "two blocks of K"},
    {20, 1, 28, 28, 32, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "LeNet 1, chunks"},
    {4, 32, 14, 14, 64, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "LeNet 2, tasks"},
    {9, 8, 9, 9, 10, 3, 3, 1, 1, 0, 0, 1, 1, 1, 0, "chunks of channels"},
    {2, 7, 9, 12, 40, 3, 16, 1, 2, 1, 3, 2, 1, 1, 0, "few channels, bands"},
    {1, 2, 40, 40, 70, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "few channels, panels"},
    {1, 3, 3, 3, 5, 1, 1, 4000, 4000, 3999, 3999, 1, 1, 1, 0, "far apart"},
    /* conv2d_product.h: few rows, several panels of weights */
    {1, 20, 7, 7, 130, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "few rows, panels"},
    {1, 70, 8, 8, 67, 3, 3, 2, 2, 1, 1, 1, 1, 1, 0, "few rows, phases"},
    {2, 140, 4, 4, 136, 3, 3, 1, 1, 1, 1, 1, 1, 2, 0, "few rows, groups"},
    /* conv2d_blocks.h: pixels of dx for lanes */
    {5, 3, 60, 62, 6, 11, 11, 4, 4, 2, 2, 1, 1, 1, 0, "blocks, 4 x 4"},
    {4, 3, 37, 41, 9, 3, 3, 2, 2, 1, 1, 1, 1, 1, 0, "blocks, 2 x 2"},
    {4, 2, 45, 62, 17, 7, 5, 2, 3, 3, 0, 1, 1, 1, 1, "blocks, uneven"},
    {4, 1, 30, 50, 3, 5, 5, 1, 1, 2, 1, 1, 1, 1, 0, "blocks, stride 1"},
    {3, 7, 30, 26, 8, 2, 6, 3, 1, 1, 5, 1, 1, 1, 0, "blocks, pad"},
    /* winograd.h: from 16 channels and 32 tiles of 2 x 2 on */
    {2, 16, 9, 8, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "few products, 3 x 3"},
    {3, 19, 7, 8, 33, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "few products, 5 x 5"},
    {1, 16, 11, 12, 16, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "few, 5 x 5, small"},
    {1, 18, 14, 11, 16, 3, 3, 1, 1, 2, 0, 1, 1, 1, 1, "few, uneven"},
    {2, 34, 8, 8, 32, 3, 3, 1, 1, 1, 1, 1, 1, 2, 0, "few, two groups"},
    {9, 16, 16, 15, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "few, two chunks"},
    {2, 16, 9, 10, 20, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "few, turned"},
    {1, 65, 12, 12, 70, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "few, panels"},
    /* and with images for lanes, where channels leave some empty */
    {15, 16, 4, 5, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "few, images, 3 x 3"},
    {15, 17, 5, 6, 17, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "few, images, 5 x 5"},
    {33, 34, 3, 4, 38, 3, 3, 1, 1, 1, 1, 1, 1, 2, 0, "few, images, groups"},
    {15, 3, 5, 6, 18, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "few, images, c = 3"},
    {15, 18, 5, 6, 1, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "few, images, o = 1"},
};

/* How an array of four axes lies in memory. */
enum { NCHW, NHWC, SLICED, REVERSED, LAYOUTS };
static const char *const names[] = {"nchw", "nhwc", "sliced", "reversed"};

static int64_t size_of(const int64_t *shape) {
    return shape[0] * shape[1] * shape[2] * shape[3];
}

static void strides_of(const int64_t *shape, int layout, int64_t *stride) {
    int64_t run = layout == SLICED ? 2 : 1;
    static const int orders[2][4] = {{3, 2, 1, 0}, {1, 3, 2, 0}};
    for (int k = 0; k < 4; k++) {
        int axis = orders[layout == NHWC][k];
        stride[axis] = run;
        run *= shape[axis];
    }
    if (layout == REVERSED)
        for (int k = 0; k < 4; k++) stride[k] = -stride[k];
}

/* Element number i in C order of a strided array. */
static int64_t position(const int64_t *shape, const int64_t *stride,
                        int64_t i) {
    int64_t at = 0;
    for (int axis = 3; axis >= 0; axis--) {
        at += i % shape[axis] * stride[axis];
        i /= shape[axis];
    }
    return at;
}

/* The next array of the kernel, an input; its values in C order in double. */
static double *input(int array, const int64_t *shape, int layout,
                     int64_t *stride) {
    int64_t size = size_of(shape), last = size - 1;
    strides_of(shape, layout, stride);
    real *first = kt_integers(size ? (layout == SLICED ? 2 : 1) * last + 1 : 0);
    if (layout == REVERSED && size) {
        kt_start(array, last);
        first += last;
    }
    double *values = calloc((size_t)size + 1, sizeof *values);
    for (int64_t i = 0; i < size; i++)
        values[i] = (double)first[position(shape, stride, i)];
    return values;
}

static double *zeros(const int64_t *shape) {
    return calloc((size_t)size_of(shape) + 1, sizeof(double));
}

/* One channel c and output o of one image: `kernel` says which of the planes x,
 * weight and y is the result. */
static void convolve_plane(int kernel, const pd_conv2d_geometry *g, double *x,
                           double *weight, double *y) {
    for (int64_t k = 0; k < g->kh; k++)
        for (int64_t l = 0; l < g->kw; l++)
            for (int64_t i = 0; i < g->oh; i++) {
                int64_t h = i * g->stride_h - g->pad_h + k * g->dilation_h;
                if (h < 0 || h >= g->h) continue;
                for (int64_t j = 0; j < g->ow; j++) {
                    int64_t w = j * g->stride_w - g->pad_w + l * g->dilation_w;
                    if (w < 0 || w >= g->w) continue;
                    double *px = &x[h * g->w + w], *py = &y[i * g->ow + j];
                    double *pw = &weight[k * g->kw + l];
                    if (kernel == PD_KERNEL_conv2d_forward)
                        *py += *px * *pw;
                    else if (kernel == PD_KERNEL_conv2d_backward_data)
                        *px += *py * *pw;
                    else
                        *pw += *px * *py;
                }
            }
}

static void convolve(int kernel, const pd_conv2d_geometry *g, double *x,
                     double *weight, double *y) {
    const int64_t cg = g->c / g->groups, og = g->o / g->groups;
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t o = 0; o < g->o; o++)
            for (int64_t c = 0; c < cg; c++) {
                int64_t channel = n * g->c + o / og * cg + c;
                convolve_plane(kernel, g, x + channel * g->h * g->w,
                               weight + (o * cg + c) * g->kh * g->kw,
                               y + (n * g->o + o) * g->oh * g->ow);
            }
}

static void compare(const real *got, const int64_t *shape,
                    const int64_t *stride, const double *want,
                    const char *what) {
    for (int64_t i = 0; i < size_of(shape); i++)
        kt_near((double)got[position(shape, stride, i)], want[i], 0, 0, what,
                i);
}

static int64_t extent(int64_t size, int64_t window, int64_t stride, int64_t pad,
                      int64_t dilation, int64_t more) {
    return (size + 2 * pad + more - dilation * (window - 1) - 1) / stride + 1;
}

/* Under --small: little work, or the least that winograd.h is asked for. */
static int is_small(const case_t *t, int64_t work) {
    const int few = t->c >= 16 && t->o >= 16 && t->kh == t->kw && t->kh > 1;
    return work <= (few ? 900000 : 200000);
}

static void examine(const case_t *t, int kernel, int layout,
                    int weight_layout) {
    pd_conv2d_geometry g = {.n = t->n,
                            .c = t->c,
                            .h = t->h,
                            .w = t->w,
                            .o = t->o,
                            .kh = t->kh,
                            .kw = t->kw,
                            .stride_h = t->stride_h,
                            .stride_w = t->stride_w,
                            .pad_h = t->pad_h,
                            .pad_w = t->pad_w,
                            .dilation_h = t->dilation_h,
                            .dilation_w = t->dilation_w,
                            .groups = t->groups,
                            .bias_step = 1};
    g.oh = extent(t->h, t->kh, t->stride_h, t->pad_h, t->dilation_h, t->more);
    g.ow = extent(t->w, t->kw, t->stride_w, t->pad_w, t->dilation_w, t->more);
    const int64_t xs[] = {g.n, g.c, g.h, g.w}, ys[] = {g.n, g.o, g.oh, g.ow};
    const int64_t ws[] = {g.o, g.c / g.groups, g.kh, g.kw};
    int64_t out[4]; /* the result's strides */
    if (kt_small && !is_small(t, size_of(ys) * ws[1] * ws[2] * ws[3])) return;
    kt_case(kernel, "%s, %s, weight %s", t->why, names[layout],
            names[weight_layout]);
    double *x, *y, *weight;
    if (kernel == PD_KERNEL_conv2d_forward) {
        int with_bias = layout == NCHW || layout == NHWC;
        g.activation = layout % 2 ? PD_ACTIVATION_RELU : PD_ACTIVATION_NONE;
        x = input(0, xs, layout, g.x_stride);
        weight = input(1, ws, weight_layout, g.weight_stride);
        y = zeros(ys);
        real *bias = NULL;
        if (with_bias)
            bias = kt_integers(g.o);
        else
            kt_absent();
        real *got = kt_array(size_of(ys), sizeof(real));
        if (kt_call(&g)) kt_fail("reports a bad datum");
        convolve(kernel, &g, x, weight, y);
        for (int64_t i = 0; i < size_of(ys); i++) {
            if (with_bias) y[i] += (double)bias[i / (g.oh * g.ow) % g.o];
            if (g.activation && y[i] < 0) y[i] = 0;
        }
        strides_of(ys, NHWC, out);
        compare(got, ys, out, y, "y");
    } else if (kernel == PD_KERNEL_conv2d_backward_data) {
        y = input(0, ys, layout, g.y_stride);
        weight = input(1, ws, weight_layout, g.weight_stride);
        x = zeros(xs);
        real *got = kt_array(size_of(xs), sizeof(real));
        if (kt_call(&g)) kt_fail("reports a bad datum");
        convolve(kernel, &g, x, weight, y);
        strides_of(xs, NHWC, out);
        compare(got, xs, out, x, "dx");
    } else {
        x = input(0, xs, layout, g.x_stride);
        y = input(1, ys, weight_layout, g.y_stride);
        strides_of(ws, layout == NHWC ? NHWC : NCHW, g.weight_stride);
        weight = zeros(ws);
        real *got = kt_array(size_of(ws), sizeof(real)), *dbias = NULL;
        if (layout == REVERSED)
            kt_absent();
        else
            dbias = kt_array(g.o, sizeof(real));
        if (kt_call(&g)) kt_fail("reports a bad datum");
        convolve(kernel, &g, x, weight, y);
        compare(got, ws, g.weight_stride, weight, "dweight");
        for (int64_t o = 0; dbias && o < g.o; o++) {
            double sum = 0;
            for (int64_t i = 0; i < size_of(ys); i++)
                if (i / (g.oh * g.ow) % g.o == o) sum += y[i];
            kt_near((double)dbias[o], sum, 0, 0, "dbias", o);
        }
    }
    free(x);
    free(y);
    free(weight);
}

KTEST(conv2d) {
    static const int kernels[] = {PD_KERNEL_conv2d_forward,
                                  PD_KERNEL_conv2d_backward_data,
                                  PD_KERNEL_conv2d_backward_weight};
    for (int t = 0; t < KT_COUNT(cases); t++)
        for (int k = 0; k < KT_COUNT(kernels); k++) {
            for (int layout = 0; layout < LAYOUTS; layout++)
                examine(&cases[t], kernels[k], layout, (layout + t) % LAYOUTS);
            examine(&cases[t], kernels[k], NHWC, NCHW);
        }
}
