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
 * Arrays are channels-last: outputs are dense in the order n, h, w, c; inputs
 * have any strides in n, h, w and neighbouring channels side by side. */
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
    int64_t stride[3];         /* n, h, w of the input array, in elements */
} pd_pool2d_geometry;

/* Entries first … end-1 of output o's window are inside. */
typedef struct {
    int64_t first, end;
} pd_window;

static inline pd_window pd_window_of(const pd_pool_axis *a, int64_t o) {
    int64_t start = o * a->s - a->p; /* position of entry 0 */
    pd_window window = {0, a->k};
    if (start < 0) window.first = (-start + a->d - 1) / a->d;
    if (start + (a->k - 1) * a->d >= a->in)
        window.end = (a->in - start + a->d - 1) / a->d;
    return window;
}

/* The inverse: windows first … end-1 reach over position i. With dilation some
 * of them pass over it: pd_entry_of tells as which entry a window reads i, or
 * -1. */
typedef struct {
    int64_t first, end;
} pd_readers;

static inline pd_readers pd_readers_of(const pd_pool_axis *a, int64_t i) {
    int64_t reach = (a->k - 1) * a->d; /* from entry 0 to the last */
    int64_t from = i + a->p - reach;   /* where the first one may begin */
    pd_readers readers = {0, (i + a->p) / a->s + 1};
    if (from > 0) readers.first = (from + a->s - 1) / a->s;
    if (readers.end > a->out) readers.end = a->out;
    return readers;
}

static inline int64_t pd_entry_of(const pd_pool_axis *a, int64_t o, int64_t i) {
    int64_t distance = i - (o * a->s - a->p);
    return distance % a->d ? -1 : distance / a->d;
}

/* Image rows of `elements` elements each: how many make one task. */
static inline int64_t pd_rows_per_task(int64_t elements) {
    return elements >= 8192 ? 1 : 8192 / (elements > 0 ? elements : 1);
}

#endif
