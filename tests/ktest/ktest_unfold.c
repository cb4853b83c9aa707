/* unfold and fold: windows of every kind, against loops over all entries. */
#include "ktest.h"
#include "unfold.h"

typedef struct {
    const char *why;
    int64_t planes;
    pd_unfold_axis h,
        w; /* in, out (found), window, stride, padding, dilation */
} case_t;

static const case_t cases[] = {
    {"one", 1, {1, 0, 1, 1, 0, 1}, {1, 0, 1, 1, 0, 1}},
    {"no planes", 0, {4, 0, 2, 1, 0, 1}, {4, 0, 2, 1, 0, 1}},
    {"halves", 3, {6, 0, 2, 2, 0, 1}, {8, 0, 2, 2, 0, 1}},
    {"dense, padded", 2, {7, 0, 3, 1, 1, 1}, {41, 0, 3, 1, 2, 1}},
    {"strided, padded", 2, {9, 0, 3, 2, 1, 1}, {11, 0, 4, 3, 2, 1}},
    {"dilated", 2, {9, 0, 3, 1, 2, 2}, {10, 0, 2, 2, 1, 3}},
    {"gaps", 2, {9, 0, 2, 4, 0, 1}, {9, 0, 1, 3, 0, 1}},
    {"windows in the padding", 1, {3, 0, 2, 1, 4, 1}, {2, 0, 2, 2, 5, 1}},
    {"the whole image", 2, {5, 0, 5, 1, 0, 1}, {4, 0, 4, 1, 0, 1}},
    {"several tasks", 9, {33, 0, 3, 1, 1, 1}, {70, 0, 3, 1, 1, 1}},
};

static pd_unfold_axis counted(pd_unfold_axis a) {
    a.out = (a.in + 2 * a.padding - a.dilation * (a.window - 1) - 1) / a.stride;
    a.out++;
    return a;
}

static void examine(const case_t *c, int kernel) {
    kt_case(kernel, "%s", c->why);
    const int unfolds = kernel == PD_KERNEL_unfold;
    const pd_unfold_axis h = counted(c->h), w = counted(c->w);
    pd_unfold_geometry g = {c->planes, h, w};
    const int64_t x_size = c->planes * h.in * w.in;
    const int64_t y_size = c->planes * h.window * w.window * h.out * w.out;
    const int64_t size = unfolds ? y_size : x_size;
    real *from = kt_integers(unfolds ? x_size : y_size);
    real *to = kt_array(size, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");
    double *want = calloc((size_t)size + 1, sizeof *want);
    int64_t y = 0;
    for (int64_t p = 0; p < c->planes; p++)
        for (int64_t k = 0; k < h.window; k++)
            for (int64_t l = 0; l < w.window; l++)
                for (int64_t i = 0; i < h.out; i++)
                    for (int64_t j = 0; j < w.out; j++, y++) {
                        int64_t u = i * h.stride - h.padding + k * h.dilation;
                        int64_t v = j * w.stride - w.padding + l * w.dilation;
                        if (u < 0 || u >= h.in || v < 0 || v >= w.in) continue;
                        int64_t x = (p * h.in + u) * w.in + v;
                        if (unfolds)
                            want[y] = (double)from[x];
                        else
                            want[x] += (double)from[y];
                    }
    for (int64_t e = 0; e < size; e++)
        kt_near((double)to[e], want[e], 0, 0, unfolds ? "y" : "x", e);
    free(want);
}

KTEST(unfold) {
    for (int c = 0; c < KT_COUNT(cases); c++) {
        if (kt_small && cases[c].planes == 9) continue;
        examine(&cases[c], PD_KERNEL_unfold);
        examine(&cases[c], PD_KERNEL_fold);
    }
}
