/* conv2d's gradient for the weight by the transforms of winograd.h.
 *
 *     S[p] = sum over tiles of V[p]' W[p]      for each point p
 *
 *     V  [c panels][points][tiles][PANEL]      transformed pixels of x
 *     W  [o panels][points][tiles][PANEL]      transformed pixels of dy
 *     S  [o panels][points][c][PANEL]          and dweight is S, transformed
 * back
 *
 * A task has a slice of the tiles, some channels c and some channels o, such
 * that its S, and V and W of some tiles at a time, stay in the second level of
 * cache. So x is transformed anew for each group of o, and dy for each of c:
 * less than what the memory between would cost. Slices are cut by shape, and
 * added in order. */
#ifndef PD_KERNELS_CONV2D_WINOGRAD_WEIGHT_H
#define PD_KERNELS_CONV2D_WINOGRAD_WEIGHT_H

#include "conv2d_winograd.h"

enum {
    WIN_CHUNK = (4 << 20) / (int)sizeof(real), /* elements of V and W */
    WIN_CHUNK_TILES = 512,
    WIN_TASK_TILES = 8 /* of a task that transforms */
};

typedef struct {
    win_grid grid;
    image_t dy;
    int64_t first, count; /* the chunk's tiles */
    int64_t task_tiles;
    win_place v, w;
    real *sums;
    real *dweight;
    const int64_t *weight_stride;
} win_weight_t;

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
        UNROLL for (int k = 0; k < win_parts(taps); k++)
            win_gradient(k, d, 1, half + part_point(k) * WIN_TILE + j,
                         WIN_TILE);
    }
    UNROLL for (int p = 0; p < points; p++) {
        vreal w[WIN_POINTS];
        UNROLL for (int l = 0; l < win_parts(taps); l++)
            win_gradient(l, half + p * WIN_TILE, 1, w + part_point(l), 1);
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
static void win_gradient_points(const win_weight_t *t, int64_t first,
                                int64_t count, int64_t o, int64_t channels,
                                const win_place *to) {
    image_t dy = t->dy;
    dy.data += o;
    for (int64_t i = 0; i < count; i++) {
        const real *pixel[WIN_TILE * WIN_TILE];
        const win_tile at = win_tile_at(&t->grid, first + i);
        win_pixels(&dy, at.n, at.h, at.w, WIN_TILE, t->grid.zeros, pixel);
        if (t->grid.taps == 3)
            win_gradient_tile(3, pixel, channels, to, i);
        else
            win_gradient_tile(5, pixel, channels, to, i);
    }
}

/* Some tiles of the chunk. */
static void win_points_task(void *context, int64_t index) {
    win_weight_t *t = context;
    win_grid *grid = &t->grid;
    const int64_t i = index * WIN_TASK_TILES, first = t->first + i;
    const int64_t count = least(WIN_TASK_TILES, t->count - i);
    win_place v = t->v, w = t->w;
    v.data += i * PANEL, w.data += i * PANEL;
    win_data_points(grid, first, count, 0, grid->c, &v);
    win_gradient_points(t, first, count, 0, grid->o, &w);
}

/* One point, one panel of o, all c: S (+)= V' W. Meanwhile the pixels of the
 * next chunk are asked for. */
static void win_sums_task(void *context, int64_t index) {
    const win_weight_t *t = context;
    const win_grid *grid = &t->grid;
    const int64_t p = index % grid->points, j = index / grid->points;
    const int64_t width = ceil_div(least(PANEL, grid->o - j * PANEL), VL);
    const real *w = t->w.data + j * t->w.panel + p * t->w.plane;
    real *sums = t->sums + (j * grid->points + p) * grid->c * PANEL;
    const int64_t tasks = ceil_div(grid->o, PANEL) * grid->points;
    const int64_t next = t->first + t->count;
    const int64_t a = next + t->count * index / tasks;
    const int64_t b = next + t->count * (index + 1) / tasks;
    win_ask(grid, &grid->x, a, b, 0, grid->c);
    win_ask(grid, &t->dy, a, b, 0, grid->o);
    for (int64_t i0 = 0; i0 < grid->c; i0 += PANEL) {
        const int64_t channels = least(PANEL, grid->c - i0);
        const int64_t groups = ceil_div(channels, TILE_ROWS);
        const real *v = t->v.data + i0 / PANEL * t->v.panel + p * t->v.plane;
        for (int64_t q = 0; q < groups; q++) {
            const int64_t i = q * channels / groups;
            const int64_t rows = (q + 1) * channels / groups - i;
            K(gemm_tiles)(width)[rows - 1](t->count, v + i, 1, PANEL, w, PANEL,
                                           sums + (i0 + i) * PANEL, PANEL,
                                           t->first > 0);
        }
    }
}

/* VL channels o of one channel c: S -> dweight. */
V_INLINE vreal win_dfilters(const int taps, const win_weight_t *t,
                            const real *sums, int64_t plane, real *dweight,
                            int64_t lanes, vreal zeros) {
    const int points = win_points(taps);
    const int64_t *s = t->weight_stride;
    UNROLL for (int k = 0; k < win_parts(taps); k++) {
        vreal half[3 * WIN_POINTS];
        UNROLL for (int q = 0; q < points; q++) {
            vreal m[4];
            UNROLL for (int p = 0; p < part_points(k); p++)
                m[p] =
                    v_load(sums + ((part_point(k) + p) * points + q) * plane);
            win_dfilter(k, m, 1, half + q, points);
        }
        UNROLL for (int a = 0; a < part_taps(k); a++) {
            vreal dg[WIN_TAPS];
            UNROLL for (int l = 0; l < win_parts(taps); l++)
                win_dfilter(l, half + a * points + part_point(l), 1,
                            dg + part_tap(l), 1);
            real *row = dweight + (part_tap(k) + a) * s[2];
            UNROLL for (int b = 0; b < taps; b++) {
                zeros = v_fma(dg[b], v_set(0), zeros);
                for (int64_t o = 0; o < lanes; o++)
                    row[o * s[0] + b * s[3]] = dg[b][o];
            }
        }
    }
    return zeros;
}

/* VL channels o. */
static void win_dfilters_task(void *context, int64_t index) {
    win_weight_t *t = context;
    win_grid *grid = &t->grid;
    const int64_t plane = grid->c * PANEL, *s = t->weight_stride,
                  o = index * VL;
    const int64_t lanes = least(VL, grid->o - o);
    const real *sums = t->sums + o / PANEL * grid->points * plane + o % PANEL;
    vreal zeros = {0};
    for (int64_t c = 0; c < grid->c; c++, sums += PANEL) {
        real *to = t->dweight + o * s[0] + c * s[1];
        zeros = grid->taps == 3
                    ? win_dfilters(3, t, sums, plane, to, lanes, zeros)
                    : win_dfilters(5, t, sums, plane, to, lanes, zeros);
    }
    win_judge(grid, zeros);
}

static int64_t win_multiply_weight(win_weight_t *t) {
    win_grid *grid = &t->grid;
    const int64_t c_panels = ceil_div(grid->c, PANEL),
                  o_panels = ceil_div(grid->o, PANEL);
    const int64_t each =
        grid->points * PANEL; /* one tile's points, one panel */
    const int64_t most_tiles = least(
        most(WIN_CHUNK / (each * (c_panels + o_panels)), 64), WIN_CHUNK_TILES);
    const int64_t chunks = ceil_div(grid->tiles, most_tiles),
                  chunk = ceil_div(grid->tiles, chunks);
    const int64_t sums = each * o_panels * grid->c;
    const int64_t points = chunk * each * (c_panels + o_panels);
    const int64_t zeros = ceil_div(most(grid->c, grid->o), VL) * VL;
    t->sums = pd_scratch(PD_SCRATCH_C,
                         (size_t)(sums + points + zeros) * sizeof(real));
    if (!t->sums) return PD_NO_MEMORY;
    t->v = (win_place){t->sums + sums, chunk * PANEL, PANEL, chunk * each};
    t->w = (win_place){t->v.data + c_panels * chunk * each, chunk * PANEL,
                       PANEL, chunk * each};
    zero_run(t->sums + sums + points, zeros);
    grid->zeros = t->sums + sums + points;
    for (; t->first < grid->tiles; t->first += chunk) {
        t->count = least(chunk, grid->tiles - t->first);
        const double size = (double)(t->count * grid->points);
        pd_parallel(ceil_div(t->count, WIN_TASK_TILES),
                    size * (double)(grid->c + grid->o) / 4, win_points_task, t);
        pd_parallel(o_panels * grid->points,
                    size * (double)(grid->c * grid->o) / 20, win_sums_task, t);
    }
    pd_parallel(ceil_div(grid->o, VL), (double)sums, win_dfilters_task, t);
    return grid->failed;
}

static int64_t win_backward_weight(const conv2d_t *g, image_t x, image_t dy,
                                   real *dweight) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    for (int64_t group = 0; group < g->groups; group++) {
        win_weight_t t = {.grid = win_grid_of(g, x, c, o, g->oh, g->ow),
                          .dy = dy,
                          .dweight = dweight + group * o * g->weight_stride[0],
                          .weight_stride = g->weight_stride};
        t.grid.x.data += group * c;
        t.dy.data += group * o;
        const int64_t status = win_multiply_weight(&t);
        if (status) return status;
    }
    return 0;
}

#endif
