/* What the pools over windows of images share: their geometry.
 *
 *     x (n, c, h, w)                           y (n, c, oh, ow)
 *
 *        -p  0   s                      h         position of window entry k
 *     ····┌──┊──┬────────────────────────┊····      of output o, on each axis:
 *         │  k0 │ k1    k2                          o * s - p + k * d
 *         └──┊──┴────────────────────────┊
 *
 * Entries outside 0 … h-1 are padding. The rule has made sure that every window
 * has an entry inside.
 *
 * An axis with s = 0 is adaptive: output o sees the o-th of `out` equal parts
 * of x, and whole every entry that its part touches,
 *
 *     floor(o * in / out) … ceil((o + 1) * in / out) - 1,
 *
 * where p = 0, d = 1, and k is the size of the largest window or more.
 *
 * Arrays are channels-last: outputs are dense in the order n, h, w, c; inputs
 * have any strides in n, h, w and neighbouring channels side by side. An input
 * of max_pool2d_forward may instead have its rows in one piece (stride 1 in w,
 * any other in c), where there is one channel or no index. */
#ifndef PD_KERNELS_POOL2D_H
#define PD_KERNELS_POOL2D_H

#include "kernel.h"

/* One axis: x's size, y's size, window, stride, padding, dilation. */
typedef struct {
    int64_t in, out, k, s, p, d;
} pd_pool_axis;

typedef struct {
    int64_t n, c;
    pd_pool_axis h, w;
    int64_t count_include_pad; /* avg_pool2d: padding counts as zeros */
    int64_t divisor;           /* avg_pool2d: instead of the size, or 0 */
    int64_t stride[4];         /* n, h, w, c of the input, in elements */
} pd_pool2d_geometry;

static inline int64_t pd_quotient_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* Entry 0 of output o's window lies at `start`; first … end-1 are inside. */
typedef struct {
    int64_t start, first, end;
} pd_window;

/* Where entry 0 of output o's window lies. */
static inline int64_t pd_opens(const pd_pool_axis *a, int64_t o) {
    return a->s == 0 ? o * a->in / a->out : o * a->s - a->p;
}

static inline pd_window pd_window_of(const pd_pool_axis *a, int64_t o) {
    const int64_t start = pd_opens(a, o);
    if (a->s == 0) {
        int64_t end = pd_quotient_up((o + 1) * a->in, a->out);
        return (pd_window){start, 0, end - start};
    }
    pd_window window = {start, 0, a->k};
    if (start < 0) window.first = pd_quotient_up(-start, a->d);
    if (start + (a->k - 1) * a->d >= a->in)
        window.end = pd_quotient_up(a->in - start, a->d);
    return window;
}

/* The position of a window's first inside entry. */
static inline int64_t pd_begin(const pd_pool_axis *a, pd_window window) {
    return window.start + window.first * a->d;
}

/* The inverse: windows first … end-1 reach over position i. With dilation some
 * of them pass over it: pd_entry_of tells as which entry a window reads i, or
 * -1. */
typedef struct {
    int64_t first, end;
} pd_readers;

static inline pd_readers pd_readers_of(const pd_pool_axis *a, int64_t i) {
    if (a->s == 0) /* the outputs are the parts, and x's entries touch them */
        return (pd_readers){i * a->out / a->in,
                            pd_quotient_up((i + 1) * a->out, a->in)};
    int64_t reach = (a->k - 1) * a->d; /* from entry 0 to the last */
    int64_t from = i + a->p - reach;   /* where the first one may begin */
    pd_readers readers = {0, (i + a->p) / a->s + 1};
    if (from > 0) readers.first = pd_quotient_up(from, a->s);
    if (readers.end > a->out) readers.end = a->out;
    return readers;
}

static inline int64_t pd_entry_of(const pd_pool_axis *a, int64_t o, int64_t i) {
    const int64_t distance = i - pd_opens(a, o);
    if (a->d == 1) return distance;
    return distance % a->d ? -1 : distance / a->d;
}

/* How many windows read an entry of x, on average; for estimates of time. */
static inline double pd_reads(const pd_pool2d_geometry *g) {
    double h = (double)g->h.out * (double)g->h.k / (double)g->h.in;
    return h * (double)g->w.out * (double)g->w.k / (double)g->w.in;
}

#endif
