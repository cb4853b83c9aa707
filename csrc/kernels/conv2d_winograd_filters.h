/* What both roads of conv2d_winograd.h have in common: the transformed filters,
 *
 *     U  [o panels][points][c][PANEL]
 *
 * and the way back from a tile's products to its outputs. */
#ifndef PD_KERNELS_CONV2D_WINOGRAD_FILTERS_H
#define PD_KERNELS_CONV2D_WINOGRAD_FILTERS_H

#include "conv2d_winograd_tiles.h"
#include "finish.h"
#include "tiles.h"

/* Elements of V and M that stay in the second level of cache. */
enum { WIN_STRIP = 393216 / (int)sizeof(real) };

/* Multiply-adds. */
static double win_work(const win_grid *grid) {
    return (double)(grid->tiles * grid->points) * (double)(grid->c * grid->o);
}

typedef struct {
    win_grid grid;
    im2col_run run[WIN_TAPS * WIN_TAPS];
    im2col_view view; /* the filters' taps */
    weights_t weights;
    real *u;
    const real *bias;
    int64_t bias_step;
    int activation;
    real *y; /* the group's first channel; pixels are y_pixel apart */
    int64_t y_pixel;
    int64_t task_tiles;
} win_t;

/* ---- filters -> U -------------------------------------------------------- */

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

/* Elements of scratch memory beside `more` of the caller's, for U and for one
 * pixel outside. `weight`: the group's first. `turned`: to the data. Returns
 * what is left for the caller, or NULL. */
static real *win_filters_begin(win_t *t, const conv2d_t *g, const real *weight,
                               int turned, int64_t outside, int64_t more) {
    win_grid *grid = &t->grid;
    const int64_t *s = g->weight_stride, taps = g->kh * g->kw;
    const int64_t o_panels = ceil_div(grid->o, PANEL);
    const int64_t size = grid->points * o_panels * PANEL * grid->c;
    const int64_t length = turned ? taps : taps * grid->c;
    t->view = win_taps(g, grid->c, turned ? s[0] : s[1], turned, t->run);
    t->u = pd_scratch(PD_SCRATCH_C,
                      (size_t)(size + outside + more) * sizeof(real) +
                          (size_t)length * sizeof(int64_t));
    if (!t->u) return NULL;
    real *zeros = t->u + size, *left = zeros + outside;
    zero_run(zeros, outside);
    grid->zeros = zeros;
    t->weights = (weights_t){.v = &t->view,
                             .weight = weight,
                             .n = grid->o,
                             .step = turned ? s[1] : s[0],
                             .outer = turned ? grid->c : 1,
                             .length = length};
    if (weights_dense(g)) t->weights.place = (int64_t *)(left + more);
    weights_places(&t->weights);
    return left;
}

static double win_filters_work(const win_grid *grid) {
    return (double)(grid->points * grid->c) *
           (double)(ceil_div(grid->o, PANEL) * PANEL);
}
static int64_t win_filters_make(win_t *t) {
    pd_parallel(ceil_div(t->grid.o, PANEL), win_filters_work(&t->grid),
                win_filters_task, t);
    return t->grid.failed;
}

/* ---- products -> outputs ------------------------------------------------ */

/* m, one tile's products, points `plane` apart -> its outputs, row by row. */
V_INLINE void win_products_back(const int taps, const real *m, int64_t plane,
                                vreal *out) {
    const int points = win_points(taps);
    vreal half[WIN_TILE * WIN_POINTS];
    UNROLL for (int q = 0; q < points; q++) {
        vreal s[WIN_POINTS];
        UNROLL for (int p = 0; p < points; p++)
            s[p] = v_load(m + (p * points + q) * plane);
        win_output(taps, s, 1, half + q, points);
    }
    UNROLL for (int h = 0; h < WIN_TILE; h++)
        win_output(taps, half + h * points, 1, out + h * WIN_TILE, 1);
}

#endif
