/* The three kernels of conv2d against naive loops in double: exact on small
 * integers, for every layout, with the same bits for one thread and two. */
#include "conv2d.h"
#include "ktest.h"

int64_t K(conv2d_forward)(void *const *arrays, const void *geometry);
int64_t K(conv2d_backward_data)(void *const *arrays, const void *geometry);
int64_t K(conv2d_backward_weight)(void *const *arrays, const void *geometry);

typedef struct {
    int64_t n, c, h, w, o, kh, kw, stride_h, stride_w, pad_h, pad_w,
        dilation_h, dilation_w, groups;
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
    {2, 4, 3, 3, 5, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "window beyond image"},
    {2, 4, 3, 3, 5, 3, 3, 1, 1, 4, 4, 1, 1, 1, 0, "all-zero windows"},
    {1, 5, 1, 50, 4, 1, 7, 1, 1, 0, 3, 1, 1, 1, 0, "one row"},
    {1, 5, 50, 1, 4, 7, 1, 1, 1, 3, 0, 1, 1, 1, 0, "one column"},
    {5, 16, 13, 13, 24, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "two blocks of K"},
    {20, 1, 28, 28, 32, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "LeNet 1, chunks"},
    {4, 32, 14, 14, 64, 5, 5, 1, 1, 2, 2, 1, 1, 1, 0, "LeNet 2, tasks"},
    {2, 40, 9, 28, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "found in place"},
    {2, 128, 5, 13, 100, 3, 3, 1, 1, 1, 1, 1, 1, 1, 0, "long runs, odd rows"},
    {2, 40, 29, 30, 70, 4, 4, 2, 2, 1, 1, 1, 1, 1, 0, "in place, stride 2"},
    {1, 100, 20, 16, 96, 3, 3, 1, 1, 2, 2, 2, 2, 1, 0, "in place, dilated"},
    {1, 192, 8, 15, 192, 3, 3, 1, 1, 1, 1, 1, 1, 2, 0, "in place, groups"},
    {1, 150, 8, 8, 20, 3, 3, 2, 1, 0, 1, 1, 1, 1, 1, "in place, uneven"},
    {1, 40, 17, 24, 33, 3, 3, 1, 1, 0, 0, 1, 1, 1, 0, "in place, no border"},
    {9, 8, 9, 9, 10, 3, 3, 1, 1, 0, 0, 1, 1, 1, 0, "chunks of channels"},
};
enum { CASES = sizeof cases / sizeof *cases };

enum { NCHW, NHWC, SLICED, REVERSED, LAYOUTS };
static const char *const names[] = {"nchw", "nhwc", "sliced", "reversed"};

/* An array [a, b, c, d] in one of the layouts; not one element too many. */
typedef struct {
    real *memory, *data;
    int64_t stride[4];
} array_t;

static array_t array_make(const int64_t *shape, int layout) {
    array_t x = {0};
    const int64_t by = layout == SLICED ? 2 : 1;
    const int64_t a = shape[0], b = shape[1], c = shape[2], d = shape[3];
    if (layout == NHWC) {
        const int64_t s[4] = {b * c * d, 1, d * b, b};
        memcpy(x.stride, s, sizeof s);
    } else {
        const int64_t s[4] = {by * b * c * d, by * c * d, by * d, by};
        memcpy(x.stride, s, sizeof s);
    }
    const int64_t size = a * b * c * d;
    x.memory = kt_integers(size ? by * (size - 1) + 1 : 0);
    x.data = x.memory;
    if (layout == REVERSED)
        for (int i = 0; i < 4; i++) {
            x.data += size ? (shape[i] - 1) * x.stride[i] : 0;
            x.stride[i] = -x.stride[i];
        }
    return x;
}
static int64_t at(const int64_t *s, int64_t a, int64_t b, int64_t c,
                  int64_t d) {
    return a * s[0] + b * s[1] + c * s[2] + d * s[3];
}

/* One pass over all (n, o, i, j, c, k, l): y, dx, dweight in double. */
typedef struct {
    double *y, *dx, *dweight, *dbias; /* nhwo, nhwc, ockl, o */
} expected_t;

static double *doubles(int64_t n) { return calloc((size_t)n + 1, sizeof(double)); }

static expected_t expect(const pd_conv2d_geometry *g, const real *x,
                         const real *weight, const real *bias, const real *dy) {
    expected_t e = {doubles(g->n * g->oh * g->ow * g->o),
                    doubles(g->n * g->h * g->w * g->c),
                    doubles(g->o * g->c / g->groups * g->kh * g->kw),
                    doubles(g->o)};
    const int64_t cg = g->c / g->groups, og = g->o / g->groups;
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t i = 0; i < g->oh; i++)
            for (int64_t j = 0; j < g->ow; j++)
                for (int64_t o = 0; o < g->o; o++) {
                    double *y = &e.y[((n * g->oh + i) * g->ow + j) * g->o + o];
                    const double d = (double)dy[at(g->y_stride, n, o, i, j)];
                    if (bias) *y = (double)bias[o * g->bias_step];
                    e.dbias[o] += d;
                    for (int64_t c = 0; c < cg; c++)
                        for (int64_t k = 0; k < g->kh; k++)
                            for (int64_t l = 0; l < g->kw; l++) {
                                const int64_t h = i * g->stride_h - g->pad_h +
                                                  k * g->dilation_h;
                                const int64_t w = j * g->stride_w - g->pad_w +
                                                  l * g->dilation_w;
                                if (h < 0 || w < 0 || h >= g->h || w >= g->w)
                                    continue;
                                const int64_t ch = o / og * cg + c;
                                const double a = (double)
                                    x[at(g->x_stride, n, ch, h, w)];
                                const double b = (double)
                                    weight[at(g->weight_stride, o, c, k, l)];
                                *y += a * b;
                                e.dx[((n * g->h + h) * g->w + w) * g->c + ch] +=
                                    d * b;
                                e.dweight[((o * cg + c) * g->kh + k) * g->kw +
                                          l] += d * a;
                            }
                    if (g->activation == PD_ACTIVATION_RELU && *y < 0) *y = 0;
                }
    return e;
}

static int64_t wrong(const real *got, const double *want, int64_t n) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += !((double)got[i] == want[i]);
    return count;
}

static int64_t extent(int64_t size, int64_t window, int64_t stride, int64_t pad,
                      int64_t dilation, int64_t more) {
    return (size + 2 * pad + more - dilation * (window - 1) - 1) / stride + 1;
}

static int test_one(const case_t *t, int layout, int weight_layout) {
    pd_conv2d_geometry g = {
        .n = t->n, .c = t->c, .h = t->h, .w = t->w, .o = t->o, .kh = t->kh,
        .kw = t->kw, .stride_h = t->stride_h, .stride_w = t->stride_w,
        .pad_h = t->pad_h, .pad_w = t->pad_w, .dilation_h = t->dilation_h,
        .dilation_w = t->dilation_w, .groups = t->groups, .bias_step = 1,
        .activation = layout % 2 ? PD_ACTIVATION_RELU : PD_ACTIVATION_NONE};
    g.oh = extent(t->h, t->kh, t->stride_h, t->pad_h, t->dilation_h, t->more);
    g.ow = extent(t->w, t->kw, t->stride_w, t->pad_w, t->dilation_w, t->more);
    const int64_t x_shape[] = {g.n, g.c, g.h, g.w};
    const int64_t y_shape[] = {g.n, g.o, g.oh, g.ow};
    const int64_t w_shape[] = {g.o, g.c / g.groups, g.kh, g.kw};
    array_t x = array_make(x_shape, layout), dy = array_make(y_shape, layout);
    array_t weight = array_make(w_shape, weight_layout);
    memcpy(g.x_stride, x.stride, sizeof x.stride);
    memcpy(g.y_stride, dy.stride, sizeof dy.stride);
    memcpy(g.weight_stride, weight.stride, sizeof weight.stride);
    real *bias = layout < 2 ? kt_integers(g.o) : NULL;
    expected_t e = expect(&g, x.data, weight.data, bias, dy.data);
    const int64_t sizes[] = {g.n * g.oh * g.ow * g.o, g.n * g.h * g.w * g.c,
                             g.o * (g.c / g.groups) * g.kh * g.kw, g.o};
    const double *want[] = {e.y, e.dx, e.dweight, e.dbias};
    static const char *const what[] = {"y", "dx", "dweight", "dbias"};
    int failures = 0;
    real *first[4];
    for (int threads = 1; threads <= 2; threads++) {
        pd_set_threads(threads);
        real *out[4];
        for (int i = 0; i < 4; i++) out[i] = kt_output(sizes[i]);
        void *forward[] = {x.data, weight.data, bias, out[0]};
        void *data[] = {dy.data, weight.data, out[1]};
        void *weights[] = {x.data, dy.data, out[2], layout == 3 ? NULL : out[3]};
        pd_conv2d_geometry dense = g;
        const int64_t s[4] = {w_shape[1] * g.kh * g.kw, g.kh * g.kw, g.kw, 1};
        memcpy(dense.weight_stride, s, sizeof s);
        int bad = K(conv2d_forward)(forward, &g) != 0;
        bad |= K(conv2d_backward_data)(data, &g) != 0;
        bad |= K(conv2d_backward_weight)(weights, &dense) != 0;
        for (int i = 0; i < (layout == 3 ? 3 : 4); i++) {
            const int64_t miss = wrong(out[i], want[i], sizes[i]);
            const int outside = !kt_guards_whole(out[i], sizes[i]);
            const int differ =
                threads == 2 && sizes[i] &&
                memcmp(first[i], out[i], (size_t)sizes[i] * sizeof(real)) != 0;
            if (!miss && !outside && !differ && !bad) continue;
            failures++;
            printf("conv2d %s (%s, weight %s): %s: %lld of %lld wrong%s%s%s\n",
                   t->why, names[layout], names[weight_layout], what[i],
                   (long long)miss, (long long)sizes[i],
                   outside ? ", wrote outside" : "",
                   differ ? ", threads differ" : "", bad ? ", failed" : "");
        }
        for (int i = 0; i < 4; i++) {
            if (threads == 1) first[i] = out[i];
            else kt_free_output(out[i]), kt_free_output(first[i]);
        }
    }
    free(e.y), free(e.dx), free(e.dweight), free(e.dbias);
    free(x.memory), free(dy.memory), free(weight.memory), free(bias);
    return failures;
}

int main(void) {
    int failures = 0, count = 0;
    for (int t = 0; t < CASES; t++)
        for (int layout = 0; layout < LAYOUTS; layout++, count++)
            failures += test_one(&cases[t], layout, (layout + t) % LAYOUTS);
    for (int t = 0; t < CASES; t++, count++)
        failures += test_one(&cases[t], NHWC, NCHW);
    printf("conv2d: %d cases, %d failures\n", count, failures);
    return failures != 0;
}
