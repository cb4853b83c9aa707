/* What the directions of conv2d by winograd.h have in common: when they serve,
 * the grid of tiles, and its pixels, transformed.
 *
 *     V  element (point p, tile, channel c) at
 *        p * plane + tile * row + c / PANEL * panel + c % PANEL
 *
 * A value that is not finite would reach outputs of its tile that do not see
 * it. So a direction looks at what it has made, and where something is not
 * finite it gives up: the caller's next method decides what the result is. */
#ifndef PD_KERNELS_CONV2D_WINOGRAD_TILES_H
#define PD_KERNELS_CONV2D_WINOGRAD_TILES_H

#include "conv2d_plan.h"
#include "winograd.h"

/* What a direction returns that has given up, beside 0 and PD_NO_MEMORY. */
#define WIN_GIVES_UP ((int64_t)-2)

enum {
    WIN_CHANNELS = 16, /* as many, at least, on either side of a filter */
    WIN_TILES = 32,    /* tiles that are worth transforming the filters for */
    WIN_FILTERS = (32 << 20) / (int)sizeof(real) /* elements of U at most */
};

/* One group of one direction: what is read, and the grid of tiles over what is
 * written (over dy, for the weight's gradient). */
typedef struct {
    int taps;              /* along one axis */
    int64_t points;        /* of a tile */
    int64_t c, o;          /* channels of x; of what is written, or of dy */
    image_t x;             /* from the group's first channel on */
    int64_t pad_h, pad_w;  /* of x */
    int64_t h, w;          /* extents of what is written, or of dy */
    int64_t rows, columns; /* of tiles in an image */
    int64_t tiles;         /* of all images */
    const real *zeros;     /* a pixel outside */
    int64_t failed;
} win_grid;

/* h, w: what the tiles cover. Channels apart. */
static int win_applies(const conv2d_t *g, int64_t h, int64_t w) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups, taps = g->kh;
    const int64_t points = win_points((int)taps) * win_points((int)taps);
    const int64_t tiles = ceil_div(h, WIN_TILE) * ceil_div(w, WIN_TILE);
    return (taps == 3 || taps == 5) && g->kw == taps && g->stride_h == 1 &&
           g->stride_w == 1 && g->dilation_h == 1 && g->dilation_w == 1 &&
           g->n * tiles >= WIN_TILES &&
           5 * points * tiles <= 4 * taps * taps * h * w &&
           points * ceil_div(o, PANEL) * PANEL * c <= WIN_FILTERS &&
           points * ceil_div(c, PANEL) * PANEL * o <= WIN_FILTERS;
}
static int win_fits(const conv2d_t *g, int64_t h, int64_t w) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    return c >= WIN_CHANNELS && o >= WIN_CHANNELS && win_applies(g, h, w);
}

static win_grid win_grid_of(const conv2d_t *g, image_t x, int64_t c, int64_t o,
                            int64_t h, int64_t w) {
    const int points = win_points((int)g->kh);
    win_grid t = {.taps = (int)g->kh,
                  .points = points * points,
                  .c = c,
                  .o = o,
                  .x = x,
                  .pad_h = g->pad_h,
                  .pad_w = g->pad_w,
                  .h = h,
                  .w = w,
                  .rows = ceil_div(h, WIN_TILE),
                  .columns = ceil_div(w, WIN_TILE)};
    t.tiles = x.n * t.rows * t.columns;
    return t;
}

static void win_fail(win_grid *t, int64_t how) {
    __atomic_store_n(&t->failed, how, __ATOMIC_RELAXED);
}
/* Gives up where a sum of zero times what was written is not zero. */
static void win_judge(win_grid *t, vreal zeros) {
    if (m_any(v_nan(zeros))) win_fail(t, WIN_GIVES_UP);
}

/* ---- tiles -> points ---------------------------------------------------- */

typedef struct {
    int64_t n, h, w; /* image, first output */
} win_tile;

static win_tile win_tile_at(const win_grid *t, int64_t index) {
    const int64_t row = index / t->columns;
    return (win_tile){row / t->rows, row % t->rows * WIN_TILE,
                      index % t->columns * WIN_TILE};
}

/* The pixels of image x from (h, w) on, side x side. */
static void win_pixels(const image_t *x, int64_t n, int64_t h, int64_t w,
                       int side, const real *zeros, const real **pixel) {
    const int64_t *s = x->stride;
    const real *image = x->data + n * s[0];
    for (int64_t i = h; i < h + side; i++)
        for (int64_t j = w; j < w + side; j++)
            *pixel++ = i >= 0 && i < x->h && j >= 0 && j < x->w
                           ? image + i * s[2] + j * s[3]
                           : zeros;
}

/* Where a point of a tile's channel c goes:
 * p * plane + tile * row + c / PANEL * panel + c % PANEL. */
typedef struct {
    real *data;
    int64_t plane, row, panel;
} win_place;

/* Elements of a plane that has to hold `size`: an odd number of cache lines, so
 * that the points of a tile do not evict each other. */
static int64_t win_plane(int64_t size) {
    enum { LINE = 64 / (int)sizeof(real) };
    return (ceil_div(size, LINE) | 1) * LINE;
}

/* Channels c … of a tile, the points of one part along columns: its columns,
 * then its rows, while they are in registers. */
V_INLINE void win_data_part(const int taps, const int part,
                            const real *const *pixel, int64_t c, int64_t lanes,
                            real *to, int64_t plane) {
    const int side = win_side(taps), points = win_points(taps);
    vreal half[WIN_SIDE * 4];
    UNROLL for (int j = 0; j < side; j++) {
        vreal d[4];
        UNROLL for (int i = 0; i < part_inputs(part); i++)
            d[i] =
                v_load_lanes(pixel[(part_tap(part) + i) * side + j] + c, lanes);
        win_data(part, d, 1, half + j, side);
    }
    UNROLL for (int p = 0; p < part_points(part); p++) {
        vreal v[WIN_POINTS];
        win_data(0, half + p * side, 1, v, 1);
        if (taps == 5)
            win_data(1, half + p * side + part_tap(1), 1, v + part_point(1), 1);
        real *row = to + (part_point(part) + p) * points * plane;
        UNROLL for (int q = 0; q < points; q++)
            v_store(row + q * plane, v[q]);
    }
}
V_INLINE void win_data_put(const int taps, const real *const *pixel, int64_t c,
                           int64_t lanes, real *to, int64_t plane) {
    win_data_part(taps, 0, pixel, c, lanes, to, plane);
    if (taps == 5) win_data_part(taps, 1, pixel, c, lanes, to, plane);
}
V_INLINE void win_data_tile(const int taps, const real *const *pixel,
                            int64_t channels, const win_place *to,
                            int64_t tile) {
    real *at = to->data + tile * to->row;
    int64_t c = 0;
    for (; c + VL <= channels; c += VL)
        win_data_put(taps, pixel, c, VL, at + c / PANEL * to->panel + c % PANEL,
                     to->plane);
    if (c < channels)
        win_data_put(taps, pixel, c, channels - c,
                     at + c / PANEL * to->panel + c % PANEL, to->plane);
}

/* Tiles first … first+count-1 of x, `channels` from c on. */
static void win_data_points(const win_grid *t, int64_t first, int64_t count,
                            int64_t c, int64_t channels, const win_place *to) {
    const int side = win_side(t->taps);
    image_t x = t->x;
    x.data += c;
    for (int64_t i = 0; i < count; i++) {
        const real *pixel[WIN_SIDE * WIN_SIDE];
        const win_tile at = win_tile_at(t, first + i);
        win_pixels(&x, at.n, at.h - t->pad_h, at.w - t->pad_w, side, t->zeros,
                   pixel);
        if (t->taps == 3)
            win_data_tile(3, pixel, channels, to, i);
        else
            win_data_tile(5, pixel, channels, to, i);
    }
}

/* ---- tiles of dy -> points ------------------------------------------------
 */

/* As win_data_put and those after it, for dy. */
V_INLINE void win_gradient_put(const int taps, const real *const *pixel,
                               int64_t o, int64_t lanes, real *to,
                               int64_t plane) {
    const int points = win_points(taps);
    vreal half[WIN_POINTS * WIN_TILE];
    UNROLL for (int j = 0; j < WIN_TILE; j++) {
        vreal d[WIN_TILE];
        UNROLL for (int i = 0; i < WIN_TILE; i++)
            d[i] = v_load_lanes(pixel[i * WIN_TILE + j] + o, lanes);
        win_gradient(0, d, 1, half + j, WIN_TILE);
        if (taps == 5)
            win_gradient(1, d, 1, half + part_point(1) * WIN_TILE + j,
                         WIN_TILE);
    }
    UNROLL for (int p = 0; p < points; p++) {
        vreal w[WIN_POINTS];
        win_gradient(0, half + p * WIN_TILE, 1, w, 1);
        if (taps == 5)
            win_gradient(1, half + p * WIN_TILE, 1, w + part_point(1), 1);
        UNROLL for (int q = 0; q < points; q++)
            v_store(to + (p * points + q) * plane, w[q]);
    }
}
V_INLINE void win_gradient_tile(const int taps, const real *const *pixel,
                                int64_t channels, const win_place *to,
                                int64_t tile) {
    real *at = to->data + tile * to->row;
    int64_t o = 0;
    for (; o + VL <= channels; o += VL)
        win_gradient_put(taps, pixel, o, VL,
                         at + o / PANEL * to->panel + o % PANEL, to->plane);
    if (o < channels)
        win_gradient_put(taps, pixel, o, channels - o,
                         at + o / PANEL * to->panel + o % PANEL, to->plane);
}
/* The tiles of dy themselves. */
static void win_gradient_points(const win_grid *t, image_t dy, int64_t first,
                                int64_t count, int64_t o, int64_t channels,
                                const win_place *to) {
    dy.data += o;
    for (int64_t i = 0; i < count; i++) {
        const real *pixel[WIN_TILE * WIN_TILE];
        const win_tile at = win_tile_at(t, first + i);
        win_pixels(&dy, at.n, at.h, at.w, WIN_TILE, t->zeros, pixel);
        if (t->taps == 3)
            win_gradient_tile(3, pixel, channels, to, i);
        else
            win_gradient_tile(5, pixel, channels, to, i);
    }
}

/* Asks for the pixels of tiles first … last-1 themselves, `channels` from c on.
 */
static void win_ask(const win_grid *t, const image_t *x, int64_t first,
                    int64_t last, int64_t c, int64_t channels) {
    enum { LINE = 64 / (int)sizeof(real) };
    for (int64_t i = first; i < least(last, t->tiles); i++) {
        const win_tile at = win_tile_at(t, i);
        for (int64_t h = at.h; h < least(at.h + WIN_TILE, x->h); h++)
            for (int64_t w = at.w; w < least(at.w + WIN_TILE, x->w); w++) {
                const real *pixel = x->data + at.n * x->stride[0] +
                                    h * x->stride[2] + w * x->stride[3] + c;
                for (int64_t l = 0; l < channels; l += LINE)
                    __builtin_prefetch(pixel + l, 0, 2);
            }
    }
}

#endif
