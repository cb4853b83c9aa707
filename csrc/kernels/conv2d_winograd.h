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
 * Lanes are channels here, and images where those would leave fewer empty
 * (conv2d_winograd_images.h). The gradient for the data is the same on dy, with
 * the filters turned round and the roles of c and o exchanged. Sums run over
 * all channels in order. */
#ifndef PD_KERNELS_CONV2D_WINOGRAD_H
#define PD_KERNELS_CONV2D_WINOGRAD_H

#include "conv2d_winograd_images.h"

/* The tiles of a strip at most; what they and U are to a second thread:
 *
 *     few tiles    each makes its own panels of U, and V again
 *     else         U is fetched from the core that made it, which costs as much
 *                  as WIN_FETCH tiles where cores share no cache */
enum { WIN_STRIP_TILES = 128, WIN_FETCH = 120 };

/* ---- strips of tiles ---------------------------------------------------- */

/* Channels j … of a tile's outputs, without bias. Returns `zeros` plus zero
 * times each of them. */
V_INLINE vreal win_outputs(const int taps, const win_t *t, const real *m,
                           int64_t plane, win_tile at, int64_t j, vreal zeros) {
    const win_grid *grid = &t->grid;
    const int64_t width = least(PANEL, grid->o - j);
    real *y =
        t->y + ((at.n * grid->h + at.h) * grid->w + at.w) * t->y_pixel + j;
    for (int64_t v = 0; v < width; v += VL) {
        vreal out[WIN_TILE * WIN_TILE];
        win_products_back(taps, m + v, plane, out);
        UNROLL for (int h = 0; h < WIN_TILE; h++) {
            UNROLL for (int w = 0; w < WIN_TILE; w++) {
                const vreal x = out[h * WIN_TILE + w];
                zeros = v_fma(x, v_set(0), zeros);
                if (at.h + h < grid->h && at.w + w < grid->w)
                    v_store_lanes(y + (h * grid->w + w) * t->y_pixel + v, x,
                                  least(VL, width - v));
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

/* Strip `index`, channels from … to-1. */
static void win_strip(win_t *t, int64_t index, int64_t from, int64_t to) {
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
    for (int64_t j = from; j < to; j += PANEL) {
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

static void win_strip_task(void *context, int64_t index) {
    win_t *t = context;
    win_strip(t, index, 0, t->grid.o);
}
static int64_t win_by_tiles(win_t *t) {
    win_grid *grid = &t->grid;
    const double fetch = win_filters_work(grid) * WIN_FETCH / 20;
    if (win_filters_make(t)) return grid->failed;
    pd_parallel(ceil_div(grid->tiles, t->task_tiles),
                win_work(grid) / 20 - fetch, win_strip_task, t);
    return grid->failed;
}

/* A panel of channels o, its U and all strips. */
static void win_panel_task(void *context, int64_t index) {
    win_t *t = context;
    win_grid *grid = &t->grid;
    const int64_t j = index * PANEL;
    win_filters_task(t, index);
    for (int64_t i = 0; i * t->task_tiles < grid->tiles && !grid->failed; i++)
        win_strip(t, i, j, least(j + PANEL, grid->o));
}
static int win_by_panels_fits(const win_grid *grid) {
    return pd_get_threads() > 1 && grid->o > PANEL && grid->tiles <= WIN_FETCH;
}
static int64_t win_by_panels(win_t *t) {
    pd_parallel(ceil_div(t->grid.o, PANEL),
                win_work(&t->grid) / 20 + win_filters_work(&t->grid) / 4,
                win_panel_task, t);
    return t->grid.failed;
}

/* `weight`: the group's first. `turned`: to the data. */
static int64_t win_multiply(win_t *t, const conv2d_t *g, const real *weight,
                            int turned) {
    win_grid *grid = &t->grid;
    const int by_images = win_images_fit(
        grid->points, grid->x.n, grid->x.h * grid->x.w, grid->c, grid->o);
    const int64_t outside =
        by_images ? grid->c * VL : ceil_div(grid->c, VL) * VL;
    real *left = win_filters_begin(t, g, weight, turned, outside,
                                   by_images ? win_images_size(grid) : 0);
    if (!left) return PD_NO_MEMORY;
    if (by_images)
        return win_filters_make(t) ? grid->failed : win_by_images(t, left);
    t->task_tiles = win_strip_tiles(grid);
    return win_by_panels_fits(grid) ? win_by_panels(t) : win_by_tiles(t);
}

static int win_forward_fits(const conv2d_t *g) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    return win_fits(g, g->oh, g->ow) ||
           (win_applies(g, g->oh, g->ow) &&
            win_images_pay(g->kh, g->n, g->h * g->w, c, o));
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

static int win_data_fits(const conv2d_t *g) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    return win_fits(g, g->h, g->w) ||
           (win_applies(g, g->h, g->w) &&
            win_images_pay(g->kh, g->n, g->oh * g->ow, o, c));
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
