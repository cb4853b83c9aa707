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
    int64_t inside = (a->in - start + a->d - 1) / a->d;
    if (inside < window.end) window.end = inside;
    return window;
}

/* The inverse: which windows read position i, and as which of their entries.
 * Readers of i are reader[begin[i]] … reader[begin[i + 1] - 1], by rising o. */
typedef struct {
    int64_t o, k;
} pd_reader;
typedef struct {
    const int64_t *begin;
    const pd_reader *reader;
} pd_readers;

static inline int64_t pd_readers_bytes(const pd_pool_axis *a) {
    int64_t entries = 0;
    for (int64_t o = 0; o < a->out; o++) {
        pd_window window = pd_window_of(a, o);
        entries += window.end - window.first;
    }
    return (a->in + 2) * (int64_t)sizeof(int64_t) +
           entries * (int64_t)sizeof(pd_reader);
}

/* Counting sort of all entries by position, into `memory`. */
static inline pd_readers pd_readers_of(const pd_pool_axis *a, void *memory) {
    int64_t *begin = memory; /* shifted by one until the lists are filled */
    pd_reader *reader = (pd_reader *)(begin + a->in + 2);
    for (int64_t i = 0; i < a->in + 2; i++) begin[i] = 0;
    for (int64_t o = 0; o < a->out; o++) {
        pd_window window = pd_window_of(a, o);
        for (int64_t k = window.first; k < window.end; k++)
            begin[o * a->s - a->p + k * a->d + 2]++;
    }
    for (int64_t i = 2; i < a->in + 2; i++) begin[i] += begin[i - 1];
    for (int64_t o = 0; o < a->out; o++) {
        pd_window window = pd_window_of(a, o);
        for (int64_t k = window.first; k < window.end; k++)
            reader[begin[o * a->s - a->p + k * a->d + 1]++] = (pd_reader){o, k};
    }
    return (pd_readers){begin, reader};
}

/* Image rows of `elements` elements each: how many make one task. */
static inline int64_t pd_rows_per_task(int64_t elements) {
    return elements >= 8192 ? 1 : 8192 / (elements > 0 ? elements : 1);
}

#endif
