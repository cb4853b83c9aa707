/* conv2d forward, and backward to the data, by the transforms of winograd.h:
 * filters of 3 x 3 and 5 x 5, stride 1.
 *
 *     U  [o panels][points][c][PANEL]     transformed filters, once
 *
 *     for each strip of tiles, which stays in the second level of cache
 *         V  [points][tiles][c]           transformed pixels
 *         for each panel of channels o
 *             M  [points][tiles][PANEL]   V[p] U[p], for each point
 *             outputs of the tiles, with bias and activation
 *
 * The gradient for the data is the same on dy, with the filters turned round
 * and the roles of c and o exchanged. Sums run over all channels in order. */
#ifndef PD_KERNELS_CONV2D_WINOGRAD_H
#define PD_KERNELS_CONV2D_WINOGRAD_H

#include "conv2d_winograd_tiles.h"
#include "finish.h"
#include "tiles.h"

enum {
    WIN_STRIP = 393216 / (int)sizeof(real), /* elements of a strip's V and M */
    WIN_STRIP_TILES = 128
};

/* ---- the product -------------------------------------------------------- */

typedef struct {
    win_grid grid;
    weights_t weights;
    real *u;
    const real *bias;
    int64_t bias_step;
    int activation;
    real *y; /* the group's first channel; pixels are y_pixel apart */
    int64_t y_pixel;
    int64_t task_tiles;
} win_t;

/* VL filters, the points of one part along columns. */
V_INLINE void win_filters_part(const int taps, const int part, const real *from,
                               real *to, int64_t plane) {
    const int points = win_points(taps);
    vreal half[WIN_TAPS * 4];
    UNROLL for (int j = 0; j < taps; j++) {
        vreal g[3];
        UNROLL for (int a = 0; a < part_taps(part); a++)
            g[a] = v_load(from + ((part_tap(part) + a) * taps + j) * plane);
        win_filter(part, g, 1, half + j, taps);
    }
    UNROLL for (int p = 0; p < part_points(part); p++) {
        vreal u[WIN_POINTS];
        win_filter(0, half + p * taps, 1, u, 1);
        if (taps == 5)
            win_filter(1, half + p * taps + part_tap(1), 1, u + part_point(1),
                       1);
        real *row = to + (part_point(part) + p) * points * plane;
        UNROLL for (int q = 0; q < points; q++)
            v_store(row + q * plane, u[q]);
    }
}
V_INLINE void win_filters(const int taps, int64_t channels, const real *from,
                          real *to, int64_t width) {
    const int64_t plane = channels * PANEL;
    for (int64_t c = 0; c < channels; c++, from += PANEL, to += PANEL)
        for (int64_t v = 0; v < width; v += VL) {
            win_filters_part(taps, 0, from + v, to + v, plane);
            if (taps == 5) win_filters_part(taps, 1, from + v, to + v, plane);
        }
}

/* One panel of channels o: taps [taps * taps][c][PANEL] -> U. */
static void win_filters_task(void *context, int64_t index) {
    win_t *t = context;
    win_grid *grid = &t->grid;
    const int64_t width = least(PANEL, grid->o - index * PANEL);
    const int64_t size = grid->taps * grid->taps * grid->c * PANEL;
    real *panel = pd_scratch(PD_SCRATCH_A, (size_t)size * sizeof(real));
    if (!panel) {
        win_fail(grid, PD_NO_MEMORY);
        return;
    }
    weights_panel(&t->weights, index * PANEL, panel);
    real *to = t->u + index * grid->points * grid->c * PANEL;
    if (grid->taps == 3)
        win_filters(3, grid->c, panel, to, width);
    else
        win_filters(5, grid->c, panel, to, width);
}

/* m, one tile's products, points `plane` apart -> channels j … of its outputs,
 * without bias. Returns `zeros` plus zero times each of them. */
V_INLINE vreal win_outputs(const int taps, const win_t *t, const real *m,
                           int64_t plane, win_tile at, int64_t j, vreal zeros) {
    const int points = win_points(taps);
    const win_grid *grid = &t->grid;
    const int64_t width = least(PANEL, grid->o - j);
    real *y =
        t->y + ((at.n * grid->h + at.h) * grid->w + at.w) * t->y_pixel + j;
    for (int64_t v = 0; v < width; v += VL) {
        vreal half[WIN_TILE * WIN_POINTS], out[WIN_TILE];
        UNROLL for (int q = 0; q < points; q++) {
            vreal s[WIN_POINTS];
            UNROLL for (int p = 0; p < points; p++)
                s[p] = v_load(m + (p * points + q) * plane + v);
            win_output(taps, s, 1, half + q, points);
        }
        UNROLL for (int h = 0; h < WIN_TILE; h++) {
            win_output(taps, half + h * points, 1, out, 1);
            UNROLL for (int w = 0; w < WIN_TILE; w++) {
                zeros = v_fma(out[w], v_set(0), zeros);
                if (at.h + h < grid->h && at.w + w < grid->w)
                    v_store_lanes(y + (h * grid->w + w) * t->y_pixel + v,
                                  out[w], least(VL, width - v));
            }
        }
    }
    return zeros;
}

/* Bias and activation of a tile's outputs, channels j … */
static void win_finish(const win_t *t, win_tile at, int64_t j) {
    const win_grid *grid = &t->grid;
    if (!t->bias && !t->activation) return;
    for (int64_t h = at.h; h < least(at.h + WIN_TILE, grid->h); h++) {
        real *row =
            t->y + ((at.n * grid->h + h) * grid->w + at.w) * t->y_pixel + j;
        finish_rows(least(WIN_TILE, grid->w - at.w), row, t->y_pixel, row,
                    t->y_pixel, least(PANEL, grid->o - j), 0,
                    t->bias ? t->bias + j * t->bias_step : NULL, t->bias_step,
                    t->activation);
    }
}

/* What is written, as an image. */
static image_t win_y(const win_t *t) {
    const win_grid *grid = &t->grid;
    const int64_t row = grid->w * t->y_pixel;
    return (image_t){t->y,    grid->x.n, grid->o,
                     grid->h, grid->w,   {grid->h * row, 1, row, t->y_pixel},
                     0};
}

/* M = V[p] U[p] for every point; channels j … Meanwhile what comes next is
 * asked for: the pixels of the next strip, and those that the outputs go to. */
static void win_products(const win_t *t, const win_place *v, int64_t first,
                         int64_t tiles, int64_t j, real *m) {
    const win_grid *grid = &t->grid;
    const image_t y = win_y(t);
    const int64_t groups = ceil_div(tiles, TILE_ROWS),
                  parts = grid->points * groups;
    const int64_t all = ceil_div(grid->o, PANEL) * parts;
    const int64_t channels = least(PANEL, grid->o - j),
                  width = ceil_div(channels, VL);
    const real *u = t->u + j * grid->points * grid->c;
    for (int64_t part = 0; part < parts; part++) {
        const int64_t p = part / groups, q = part % groups;
        const int64_t i = q * tiles / groups,
                      rows = (q + 1) * tiles / groups - i;
        const int64_t at = j / PANEL * parts + part;
        win_ask(grid, &grid->x, first + tiles + tiles * at / all,
                first + tiles + tiles * (at + 1) / all, 0, grid->c);
        win_ask(grid, &y, first + tiles * part / parts,
                first + tiles * (part + 1) / parts, j, channels);
        K(gemm_tiles)(width)[rows - 1](
            grid->c, v->data + p * v->plane + i * v->row, v->row, 1,
            u + p * grid->c * PANEL, PANEL, m + (p * tiles + i) * PANEL, PANEL,
            0);
    }
}

static void win_strip_task(void *context, int64_t index) {
    win_t *t = context;
    win_grid *grid = &t->grid;
    const int64_t first = index * t->task_tiles;
    const int64_t tiles = least(t->task_tiles, grid->tiles - first);
    /* An odd number of vectors: rows of V do not evict each other. */
    const int64_t row = ceil_div(grid->c, 2 * VL) * 2 * VL + VL;
    const size_t v_size = (size_t)(grid->points * tiles * row) * sizeof(real);
    const size_t m_size = (size_t)(grid->points * tiles * PANEL) * sizeof(real);
    const win_place v = {pd_scratch(PD_SCRATCH_A, v_size), tiles * row, row,
                         PANEL};
    real *m = pd_scratch(PD_SCRATCH_B, m_size);
    if (!v.data || !m) {
        win_fail(grid, PD_NO_MEMORY);
        return;
    }
    win_data_points(grid, first, tiles, 0, grid->c, &v);
    vreal zeros = {0};
    for (int64_t j = 0; j < grid->o; j += PANEL) {
        win_products(t, &v, first, tiles, j, m);
        for (int64_t i = 0; i < tiles; i++) {
            const win_tile at = win_tile_at(grid, first + i);
            const real *tile = m + i * PANEL;
            zeros = grid->taps == 3
                        ? win_outputs(3, t, tile, tiles * PANEL, at, j, zeros)
                        : win_outputs(5, t, tile, tiles * PANEL, at, j, zeros);
            win_finish(t, at, j);
        }
    }
    win_judge(grid, zeros);
}

/* As many tiles as let V and M stay in the second level of cache; and there
 * should be tasks for many threads. */
static int64_t win_strip_tiles(const win_grid *grid) {
    const int64_t each = grid->points * (grid->c + PANEL);
    int64_t groups = least(WIN_STRIP / each, WIN_STRIP_TILES) / TILE_ROWS;
    while (groups > 1 && ceil_div(grid->tiles, groups * TILE_ROWS) < 16)
        groups--;
    return most(groups, 1) * TILE_ROWS;
}

/* The filters' taps as a view's runs, `unit` apart for the channels of x; in
 * order, or turned round. */
static im2col_view win_taps(const conv2d_t *g, int64_t units, int64_t unit,
                            int turned, im2col_run *run) {
    const int64_t *s = g->weight_stride, taps = g->kh * g->kw;
    for (int64_t k = 0; k < taps; k++) {
        const int64_t from = turned ? taps - 1 - k : k;
        run[k] =
            (im2col_run){.weight = from / g->kw * s[2] + from % g->kw * s[3]};
    }
    return (im2col_view){.runs = taps,
                         .taps = 1,
                         .units = units,
                         .run = run,
                         .weight_unit = unit};
}

/* `weight`: the group's first. `turned`: to the data. */
static int64_t win_multiply(win_t *t, const conv2d_t *g, const real *weight,
                            int turned) {
    win_grid *grid = &t->grid;
    const int64_t *s = g->weight_stride, taps = g->kh * g->kw;
    const int64_t o_panels = ceil_div(grid->o, PANEL);
    const int64_t size = grid->points * o_panels * PANEL * grid->c;
    const int64_t zeros = ceil_div(grid->c, VL) * VL;
    const int64_t length = turned ? taps : taps * grid->c;
    im2col_run run[WIN_TAPS * WIN_TAPS];
    const im2col_view v =
        win_taps(g, grid->c, turned ? s[0] : s[1], turned, run);
    t->u = pd_scratch(PD_SCRATCH_C, (size_t)(size + zeros) * sizeof(real) +
                                        (size_t)length * sizeof(int64_t));
    if (!t->u) return PD_NO_MEMORY;
    real *outside = t->u + size;
    zero_run(outside, zeros);
    grid->zeros = outside;
    t->weights = (weights_t){.v = &v,
                             .weight = weight,
                             .n = grid->o,
                             .step = turned ? s[1] : s[0],
                             .outer = turned ? grid->c : 1,
                             .length = length};
    if (weights_dense(g)) t->weights.place = (int64_t *)(outside + zeros);
    weights_places(&t->weights);
    pd_parallel(o_panels, (double)size, win_filters_task, t);
    t->task_tiles = win_strip_tiles(grid);
    const double work =
        (double)(grid->tiles * grid->points) * (double)(grid->c * grid->o);
    if (!grid->failed)
        pd_parallel(ceil_div(grid->tiles, t->task_tiles), work / 20,
                    win_strip_task, t);
    return grid->failed;
}

static int64_t win_forward(const conv2d_t *g, image_t x, const real *weight,
                           const real *bias, real *y) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    for (int64_t group = 0; group < g->groups; group++) {
        win_t t = {.grid = win_grid_of(g, x, c, o, g->oh, g->ow),
                   .bias = bias ? bias + group * o * g->bias_step : NULL,
                   .bias_step = g->bias_step,
                   .activation = (int)g->activation,
                   .y = y + group * o,
                   .y_pixel = g->o};
        t.grid.x.data += group * c;
        const int64_t status =
            win_multiply(&t, g, weight + group * o * g->weight_stride[0], 0);
        if (status) return status;
    }
    return 0;
}

static int64_t win_backward_data(const conv2d_t *g, image_t dy,
                                 const real *weight, real *dx) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    for (int64_t group = 0; group < g->groups; group++) {
        win_t t = {.grid = win_grid_of(g, dy, o, c, g->h, g->w),
                   .y = dx + group * c,
                   .y_pixel = g->c};
        t.grid.x.data += group * o;
        t.grid.pad_h = g->kh - 1 - g->pad_h,
        t.grid.pad_w = g->kw - 1 - g->pad_w;
        const int64_t status =
            win_multiply(&t, g, weight + group * o * g->weight_stride[0], 1);
        if (status) return status;
    }
    return 0;
}

#endif
