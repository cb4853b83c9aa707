/* What the tests of max_pool2d and avg_pool2d share: cases, views, windows. */
#ifndef KTEST_POOL2D_H
#define KTEST_POOL2D_H

#include "ktest.h"
#include "pool2d.h"

typedef struct {
    int64_t n, c;
    pd_pool_axis h, w; /* out is computed; more: beyond ceil_mode's window */
    const char *why;
} pool_case_t;

/* in, out (0: all whole windows), window, stride (0: adaptive), padding,
 * dilation */
static const pool_case_t pool_cases[] = {
    {1, 1, {1, 0, 1, 1, 0, 1}, {1, 0, 1, 1, 0, 1}, "the smallest"},
    {2, 3, {4, 0, 2, 2, 0, 1}, {6, 0, 2, 2, 0, 1}, "halves"},
    {0, 3, {4, 0, 2, 2, 0, 1}, {6, 0, 2, 2, 0, 1}, "an empty batch"},
    {2, 37, {9, 0, 3, 2, 1, 1}, {8, 0, 3, 2, 1, 1}, "overlap and padding"},
    {1, 64, {7, 0, 3, 1, 1, 1}, {5, 0, 3, 1, 1, 1}, "every window overlaps"},
    {1, 16, {13, 0, 3, 2, 0, 1}, {13, 0, 3, 2, 0, 1}, "AlexNet"},
    {2, 5, {10, 0, 2, 5, 0, 1}, {9, 0, 2, 3, 0, 1}, "pixels never seen"},
    {1, 19, {12, 0, 3, 1, 1, 2}, {11, 0, 2, 3, 1, 3}, "dilation"},
    {1, 9, {5, 3, 2, 2, 0, 1}, {7, 4, 2, 2, 0, 1}, "ceil mode"},
    {1, 3, {20, 0, 18, 1, 0, 1}, {19, 0, 17, 1, 0, 1}, "306 entries: int32"},
    {1, 2, {18, 0, 15, 1, 0, 1}, {19, 0, 17, 1, 0, 1}, "255 entries: bytes"},
    {2, 19, {7, 3, 4, 0, 0, 1}, {10, 4, 4, 0, 0, 1}, "adaptive"},
    {1, 5, {3, 7, 2, 0, 0, 1}, {4, 4, 2, 0, 0, 1}, "adaptive, enlarging"},
    {2, 17, {9, 2, 6, 0, 0, 1}, {8, 0, 3, 2, 1, 1}, "adaptive in one axis"},
    {1, 3, {50, 3, 18, 0, 0, 1}, {50, 3, 18, 0, 0, 1}, "adaptive: int32"},
    {8, 33, {30, 0, 3, 2, 1, 1}, {31, 0, 3, 2, 1, 1}, "several tasks"},
    {2, 67, {9, 0, 2, 2, 1, 1}, {31, 0, 2, 2, 0, 1}, "2 x 2 in the middle"},
    {1, 67, {12, 0, 3, 2, 1, 1}, {29, 0, 3, 2, 1, 1}, "3 x 3 in the middle"},
    {1, 35, {9, 5, 2, 2, 0, 1}, {9, 5, 2, 2, 0, 1}, "2 x 2, ceil mode"},
    {1, 35, {8, 4, 3, 2, 0, 1}, {8, 4, 3, 2, 0, 1}, "3 x 3, ceil mode"},
    {1, 18, {9, 0, 3, 1, 1, 1}, {9, 0, 3, 2, 1, 1}, "three rows of readers"},
    {1, 3, {1, 0, 1, 1, 0, 1}, {9001, 0, 3, 2, 1, 1}, "a long signal"},
    {1, 1, {1, 0, 1, 1, 0, 1}, {9001, 0, 3, 1, 1, 1}, "of one channel"},
    {2, 1, {9, 0, 3, 2, 1, 2}, {99, 0, 3, 3, 1, 2}, "one channel, dilated"},
    {1, 1, {20, 0, 18, 1, 0, 1}, {49, 0, 17, 2, 0, 1}, "one channel: int32"},
    {1, 35, {4, 0, 2, 2, 0, 1}, {200, 0, 2, 2, 0, 1}, "wide rows"},
    {1, 18, {3, 0, 3, 2, 1, 1}, {99, 0, 3, 2, 1, 2}, "wide rows, dilated"},
};

static inline pd_pool2d_geometry pool_geometry(const pool_case_t *t) {
    pd_pool2d_geometry g = {.n = t->n, .c = t->c, .h = t->h, .w = t->w};
    pd_pool_axis *axes[] = {&g.h, &g.w};
    for (int i = 0; i < 2; i++) {
        pd_pool_axis *a = axes[i];
        if (!a->out)
            a->out = (a->in + 2 * a->p - a->d * (a->k - 1) - 1) / a->s + 1;
    }
    return g;
}

/* How the input lies: channels-last, dense or in a wider memory; by rows. */
enum { DENSE, WIDE, PLANAR };

/* The input's strides for an image h x w. Returns how many elements that
 * takes. */
static inline int64_t pool_strides(pd_pool2d_geometry *g, int64_t h, int64_t w,
                                   int how) {
    int64_t *stride = g->stride;
    stride[3] = how == PLANAR ? h * (w + 2) + 1 : 1;
    stride[2] = how == PLANAR ? 1 : g->c + (how == WIDE ? 3 : 0);
    stride[1] = how == PLANAR ? w + 2 : w * stride[2] + (how == WIDE ? 1 : 0);
    stride[0] = how == PLANAR ? g->c * stride[3] : h * stride[1];
    if (!g->n || !h || !w || !g->c) return 0;
    return (g->n - 1) * stride[0] + (h - 1) * stride[1] + (w - 1) * stride[2] +
           (g->c - 1) * stride[3] + 1;
}

static inline int64_t pool_in(const pd_pool2d_geometry *g) {
    return g->n * g->h.in * g->w.in * g->c;
}
static inline int64_t pool_out(const pd_pool2d_geometry *g) {
    return g->n * g->h.out * g->w.out * g->c;
}

/* Numbers of a dense [n, height, width, c] element. */
typedef struct {
    int64_t n, i, j, c;
} pixel_t;
static inline pixel_t pixel_of(int64_t at, int64_t height, int64_t width,
                               int64_t c) {
    return (pixel_t){at / c / width / height, at / c / width % height,
                     at / c % width, at % c};
}
/* Where entry k of output o's window lies on an axis; 0 where it is none. */
static inline int pool_entry_of(const pd_pool_axis *a, int64_t o, int64_t k,
                                int64_t *i) {
    *i = o * a->s - a->p + k * a->d;
    if (a->s) return *i >= 0 && *i < a->in;
    double part = (double)a->in / (double)a->out; /* adaptive */
    *i = (int64_t)floor((double)o * part + 1e-9) + k;
    return (double)*i < (double)(o + 1) * part - 1e-9;
}
/* Where window entry (k, l) of output pixel p lies; 0 where in the padding. */
static inline int pool_entry(const pd_pool2d_geometry *g, pixel_t p, int64_t k,
                             int64_t l, int64_t *i, int64_t *j) {
    int inside_h = pool_entry_of(&g->h, p.i, k, i);
    int inside_w = pool_entry_of(&g->w, p.j, l, j);
    return inside_h && inside_w;
}
static inline int64_t dense_at(const pd_pool2d_geometry *g, pixel_t p,
                               int64_t i, int64_t j) {
    return ((p.n * g->h.in + i) * g->w.in + j) * g->c + p.c;
}
static inline int64_t strided_at(const pd_pool2d_geometry *g, pixel_t p,
                                 int64_t i, int64_t j) {
    return p.n * g->stride[0] + i * g->stride[1] + j * g->stride[2] +
           p.c * g->stride[3];
}

#endif
