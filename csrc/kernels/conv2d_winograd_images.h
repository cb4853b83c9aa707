/* conv2d by winograd.h with images for lanes: where the channels o would leave
 * lanes of a vector empty (20 = 16 + 4, or 3) and there are images enough to
 * fill them.
 *
 *     X  [blocks of VL images][h][w][c][VL]   x turned, some blocks at a time
 *
 *     for each of them, and some of the positions of a tile in an image
 *         V  [points][groups][c][PANEL]       a group is TILE_WIDTH positions
 *         M  [points][groups][o][PANEL]       U[p]' V[p], for each point
 *         outputs, turned back
 *
 * Every pixel is turned once, though up to nine tiles see it; and all lanes of
 * a position see the same border. Sums are those of conv2d_winograd.h. */
#ifndef PD_KERNELS_CONV2D_WINOGRAD_IMAGES_H
#define PD_KERNELS_CONV2D_WINOGRAD_IMAGES_H

#include "conv2d_winograd_filters.h"

/* Elements of X that are aimed at, and at most: a block of large images has
 * more than the first. */
enum {
    WIN_TURNED = (4 << 20) / (int)sizeof(real),
    WIN_TURNED_MOST = (64 << 20) / (int)sizeof(real)
};

typedef struct {
    win_t *win;
    int64_t first;       /* the block that X begins with */
    image_t x;           /* X: a block is an image, c * VL channels a pixel */
    int64_t positions;   /* of a tile in an image */
    int64_t step, steps; /* positions of a task, tasks of a block */
} win_images_t;

static int64_t win_images_each(int64_t points, int64_t c, int64_t o) {
    return points * (c + o) * PANEL;
}

/* Vectors that VL tiles of VL images cost, times what images leave empty; and
 * those of as many tiles whose lanes are channels. A transform costs as much,
 * per channel, as four channels do in the product; and turning, a twelfth. */
static int64_t win_images_cost(int64_t n, int64_t c, int64_t o) {
    return (c * o + 4 * (c + o)) * ceil_div(n, VL) * VL;
}
static int win_images_fit(int64_t points, int64_t n, int64_t pixels, int64_t c,
                          int64_t o) {
    const int64_t c_lanes = ceil_div(c, VL) * VL;
    const int64_t o_lanes = ceil_div(o, VL) * VL;
    const int64_t by_tiles = c * o_lanes + 4 * (c_lanes + o_lanes);
    return 12 * by_tiles * n >= 13 * win_images_cost(n, c, o) &&
           win_images_each(points, c, o) <= 2 * WIN_STRIP &&
           pixels * c * VL <= WIN_TURNED_MOST;
}
/* With fewer channels than WIN_CHANNELS: worth it against the plain product,
 * whose lanes are channels? Channels that are read lie side by side. */
static int win_images_pay(int64_t taps, int64_t n, int64_t pixels, int64_t c,
                          int64_t o) {
    const int64_t points = win_points((int)taps) * win_points((int)taps);
    const int64_t o_lanes = ceil_div(o, VL) * VL;
    const int64_t plain = WIN_TILE * WIN_TILE * taps * taps * c * o_lanes * n;
    return c >= FEW_CHANNELS && win_images_fit(points, n, pixels, c, o) &&
           5 * points * win_images_cost(n, c, o) <= 4 * plain;
}

/* Blocks that are turned at a time, and the elements of their X. */
static int64_t win_images_block(const win_grid *grid) {
    return grid->x.h * grid->x.w * grid->c * VL;
}
static int64_t win_images_blocks(const win_grid *grid) {
    return clamp(WIN_TURNED / win_images_block(grid), 1,
                 ceil_div(grid->x.n, VL));
}
static int64_t win_images_size(const win_grid *grid) {
    return win_images_blocks(grid) * win_images_block(grid);
}

/* ---- x -> X -------------------------------------------------------------- */

/* One row of a block's images. */
static void win_turn_task(void *context, int64_t index) {
    const win_images_t *t = context;
    const win_grid *grid = &t->win->grid;
    const image_t *x = &grid->x;
    const int64_t first = (t->first + index / x->h) * VL, h = index % x->h;
    const int64_t count = least(VL, x->n - first);
    const real *from = x->data + first * x->stride[0] + h * x->stride[2];
    real *to = (real *)t->x.data + index * t->x.stride[2];
    for (int64_t w = 0; w < x->w; w++, from += x->stride[3])
        for (int64_t c = 0; c < grid->c; c += VL) {
            const int64_t lanes = least(VL, grid->c - c);
            transpose_block(to, VL, from + c, x->stride[0], count, lanes);
            to += lanes * VL;
        }
}

/* ---- V, M, outputs ------------------------------------------------------- */

/* Positions first … first+count-1 of a block. */
typedef struct {
    int64_t block, first, count, groups;
    int64_t v_plane, m_plane;
    real *v, *m;
} win_some;

static void win_images_points(const win_images_t *t, const win_some *s) {
    const win_grid *grid = &t->win->grid;
    const int side = win_side(grid->taps);
    for (int64_t i = 0; i < s->count; i++) {
        const real *pixel[WIN_SIDE * WIN_SIDE];
        const win_tile at =
            win_tile_at(grid, s->block * t->positions + s->first + i);
        win_pixels(&t->x, at.n, at.h - grid->pad_h, at.w - grid->pad_w, side,
                   grid->zeros, pixel);
        real *to =
            s->v + i / TILE_WIDTH * grid->c * PANEL + i % TILE_WIDTH * VL;
        for (int64_t c = 0; c < grid->c; c++, to += PANEL) {
            if (grid->taps == 3)
                win_data_put(3, pixel, c * VL, VL, to, s->v_plane);
            else
                win_data_put(5, pixel, c * VL, VL, to, s->v_plane);
        }
    }
}

/* M = U[p]' V[p] for every point; rows are the channels o. */
static void win_images_products(const win_images_t *t, const win_some *s) {
    const win_grid *grid = &t->win->grid;
    const int64_t c = grid->c;
    for (int64_t p = 0; p < grid->points; p++)
        for (int64_t j = 0; j < grid->o; j += PANEL) {
            const real *u = t->win->u + (j * grid->points + p * PANEL) * c;
            const int64_t height = least(PANEL, grid->o - j);
            const int64_t tiles = ceil_div(height, TILE_ROWS);
            for (int64_t q = 0; q < tiles; q++) {
                const int64_t i = q * height / tiles;
                const int64_t rows = (q + 1) * height / tiles - i;
                for (int64_t g = 0; g < s->groups; g++)
                    K(gemm_tiles)(
                        least(TILE_WIDTH, s->count - g * TILE_WIDTH))[rows - 1](
                        c, u + i, 1, PANEL,
                        s->v + p * s->v_plane + g * c * PANEL, PANEL,
                        s->m + p * s->m_plane + (g * grid->o + j + i) * PANEL,
                        PANEL, 0);
            }
        }
}

/* Channels j … of one position's outputs; m: the first channel's products. */
V_INLINE vreal win_images_outputs(const int taps, const win_images_t *t,
                                  const real *m, int64_t plane, win_tile at,
                                  int64_t j, vreal zeros) {
    enum { OUTPUTS = WIN_TILE * WIN_TILE };
    const win_t *win = t->win;
    const win_grid *grid = &win->grid;
    const int64_t lanes = least(VL, grid->o - j),
                  first = (t->first + at.n) * VL;
    const int64_t row = grid->w * win->y_pixel, image = grid->h * row;
    real out[OUTPUTS][V_LANES * V_LANES] __attribute__((aligned(64)));
    for (int64_t l = 0; l < lanes; l++) {
        vreal x[OUTPUTS];
        win_products_back(taps, m + l * PANEL, plane, x);
        UNROLL for (int k = 0; k < OUTPUTS; k++) {
            zeros = v_fma(x[k], v_set(0), zeros);
            v_store(out[k] + l * VL, x[k]);
        }
    }
    for (int k = 0; k < OUTPUTS; k++) {
        const int64_t h = at.h + k / WIN_TILE, w = at.w + k % WIN_TILE;
        if (h >= grid->h || w >= grid->w) continue;
        transpose_block(out[k], VL, out[k], VL, lanes, VL);
        finish_rows(least(VL, grid->x.n - first),
                    win->y + first * image + h * row + w * win->y_pixel + j,
                    image, out[k], VL, lanes, 0,
                    win->bias ? win->bias + j * win->bias_step : NULL,
                    win->bias_step, win->activation);
    }
    return zeros;
}

static void win_images_task(void *context, int64_t index) {
    const win_images_t *t = context;
    win_grid *grid = &t->win->grid;
    win_some s = {.block = index / t->steps,
                  .first = index % t->steps * t->step};
    s.count = least(t->step, t->positions - s.first);
    s.groups = ceil_div(s.count, TILE_WIDTH);
    s.v_plane = win_plane(s.groups * grid->c * PANEL);
    s.m_plane = win_plane(s.groups * grid->o * PANEL);
    s.v = pd_scratch(PD_SCRATCH_A,
                     (size_t)(grid->points * s.v_plane) * sizeof(real));
    s.m = pd_scratch(PD_SCRATCH_B,
                     (size_t)(grid->points * s.m_plane) * sizeof(real));
    if (!s.v || !s.m) {
        win_fail(grid, PD_NO_MEMORY);
        return;
    }
    win_images_points(t, &s);
    win_images_products(t, &s);
    vreal zeros = {0};
    for (int64_t i = 0; i < s.count; i++) {
        const win_tile at =
            win_tile_at(grid, s.block * t->positions + s.first + i);
        const real *m =
            s.m + i / TILE_WIDTH * grid->o * PANEL + i % TILE_WIDTH * VL;
        for (int64_t j = 0; j < grid->o; j += VL, m += VL * PANEL)
            zeros = grid->taps == 3
                        ? win_images_outputs(3, t, m, s.m_plane, at, j, zeros)
                        : win_images_outputs(5, t, m, s.m_plane, at, j, zeros);
    }
    win_judge(grid, zeros);
}

/* `turned`: room for X. */
static int64_t win_by_images(win_t *win, real *turned) {
    win_grid *grid = &win->grid;
    const image_t *x = &grid->x;
    const int64_t pixel = grid->c * VL, row = x->w * pixel;
    const int64_t all = ceil_div(x->n, VL),
                  most_blocks = win_images_blocks(grid);
    const int64_t groups =
        most(WIN_STRIP / win_images_each(grid->points, grid->c, grid->o), 1);
    win_images_t t = {
        .win = win,
        .x = {turned, 0, grid->c, x->h, x->w, {x->h * row, VL, row, pixel}, 0},
        .positions = grid->rows * grid->columns,
        .step = groups * TILE_WIDTH};
    t.steps = ceil_div(t.positions, t.step);
    for (; t.first < all && !grid->failed; t.first += t.x.n) {
        t.x.n = least(most_blocks, all - t.first);
        const double part = (double)t.x.n / (double)all;
        pd_parallel(t.x.n * x->h, (double)(t.x.n * win_images_block(grid)) / 4,
                    win_turn_task, &t);
        pd_parallel(t.x.n * t.steps, part * win_work(grid) / 20,
                    win_images_task, &t);
    }
    return grid->failed;
}

#endif
