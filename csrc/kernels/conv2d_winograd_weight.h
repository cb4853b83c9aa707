/* conv2d's gradient for the weight by the transforms of winograd.h.
 *
 *     S[p] = sum over tiles of V[p]' W[p]      for each point p
 *
 *     V  [row panels][points][tiles][PANEL]    transformed pixels, x or dy
 *     W  [lane panels][points][tiles][PANEL]   transformed pixels, dy or x
 *     S  [lane panels][points][rows][PANEL]    dweight is S, transformed back
 *
 * The rows of S are the channels of x and its lanes those of dy, or the other
 * way round where that leaves fewer lanes empty.
 *
 * A task has a slice of the tiles, some of the rows and some of the lanes, such
 * that its S, and V and W of some tiles at a time, stay in the second level of
 * cache. So one side is transformed anew for each group of the other: less than
 * what the memory between would cost, which two cores may not have in common.
 * Slices are cut by shape, and added in order. */
#ifndef PD_KERNELS_CONV2D_WINOGRAD_WEIGHT_H
#define PD_KERNELS_CONV2D_WINOGRAD_WEIGHT_H

#include "conv2d_winograd.h"

enum {
    WIN_SUMS = (1 << 20) / (int)sizeof(real),  /* elements of a task's S */
    WIN_CHUNK = (2 << 20) / (int)sizeof(real), /* of its V and W */
    WIN_SLICES = 8                             /* tasks, at least */
};

typedef struct {
    win_grid grid;
    image_t dy;
    int rows_of_dy;                /* and lanes of x */
    int64_t rows, lanes;           /* channels … */
    int64_t row_group, lane_group; /* … of a task */
    int64_t row_groups, lane_groups;
    int64_t slices, chunk; /* tiles of a chunk at most */
    int64_t task_sums;     /* elements of one task's S */
    real *sums;            /* [slice][lane group][row group] S */
    real *dweight;
    int64_t row_step, lane_step, h_step, w_step; /* of dweight */
} win_weight_t;

/* The points of x, or of dy. */
static void win_side_points(const win_weight_t *t, int of_dy, int64_t first,
                            int64_t count, int64_t channel, int64_t channels,
                            const win_place *to) {
    if (of_dy)
        win_gradient_points(&t->grid, t->dy, first, count, channel, channels,
                            to);
    else
        win_data_points(&t->grid, first, count, channel, channels, to);
}

/* Rows i0 … and lanes j0 … of S. */
typedef struct {
    int64_t i0, rows, j0, lanes;
    real *sums;
} win_part;

/* S (+)= V' W over `count` tiles; meanwhile asks for as many from `next` on. */
static void win_sums(const win_weight_t *t, const win_part *part,
                     const win_place *v, const win_place *w, int64_t next,
                     int64_t count, int add) {
    enum { LINE = 64 / (int)sizeof(real) };
    const win_grid *grid = &t->grid;
    const image_t *of_rows = t->rows_of_dy ? &t->dy : &grid->x;
    const image_t *of_lanes = t->rows_of_dy ? &grid->x : &t->dy;
    const int64_t steps = ceil_div(part->lanes, PANEL) * grid->points;
    for (int64_t step = 0; step < steps; step++) {
        const int64_t j = step / grid->points, p = step % grid->points;
        const int64_t width =
            ceil_div(least(PANEL, part->lanes - j * PANEL), VL);
        const int64_t a = next + count * step / steps;
        const int64_t b = next + count * (step + 1) / steps;
        const real *by = w->data + j * w->panel + p * w->plane;
        win_ask(grid, of_rows, a, b, part->i0, part->rows);
        win_ask(grid, of_lanes, a, b, part->j0, part->lanes);
        for (int64_t first = 0; first < part->rows; first += PANEL) {
            const int64_t height = least(PANEL, part->rows - first);
            const int64_t tiles = ceil_div(height, TILE_ROWS);
            const real *from =
                v->data + first / PANEL * v->panel + p * v->plane;
            for (int64_t q = 0; q < tiles; q++) {
                const int64_t i = q * height / tiles;
                const int64_t rows = (q + 1) * height / tiles - i;
                real *s = part->sums + (step * part->rows + first + i) * PANEL;
                for (int64_t l = 0; l < rows * PANEL; l += LINE)
                    __builtin_prefetch(s + l, 1);
                K(gemm_tiles)(width)[rows - 1](count, from + i, 1, PANEL, by,
                                               PANEL, s, PANEL, add);
            }
        }
    }
}

/* Group number `index` of rows and lanes; its S in the first slice. */
static win_part win_part_at(const win_weight_t *t, int64_t index) {
    const int64_t i0 = index % t->row_groups * t->row_group;
    const int64_t j0 = index / t->row_groups * t->lane_group;
    return (win_part){i0, least(t->row_group, t->rows - i0), j0,
                      least(t->lane_group, t->lanes - j0),
                      t->sums + index * t->task_sums};
}

static void win_sums_task(void *context, int64_t index) {
    win_weight_t *t = context;
    win_grid *grid = &t->grid;
    const int64_t groups = t->row_groups * t->lane_groups;
    const int64_t slice = index / groups;
    const int64_t first = slice * grid->tiles / t->slices;
    const int64_t tiles = (slice + 1) * grid->tiles / t->slices - first;
    const int64_t chunks = ceil_div(tiles, t->chunk);
    const int64_t chunk = ceil_div(tiles, chunks);
    win_part part = win_part_at(t, index % groups);
    part.sums += slice * groups * t->task_sums;
    const int64_t plane = win_plane(chunk * PANEL);
    const int64_t panel = grid->points * plane;
    const int64_t v_panels = ceil_div(part.rows, PANEL);
    const int64_t panels = v_panels + ceil_div(part.lanes, PANEL);
    real *scratch =
        pd_scratch(PD_SCRATCH_A, (size_t)(panels * panel) * sizeof(real));
    if (!scratch) {
        win_fail(grid, PD_NO_MEMORY);
        return;
    }
    const win_place v = {scratch, plane, PANEL, panel};
    const win_place w = {scratch + v_panels * panel, plane, PANEL, panel};
    for (int64_t i = 0; i < chunks; i++) {
        const int64_t from = first + i * tiles / chunks;
        const int64_t next = first + (i + 1) * tiles / chunks;
        win_side_points(t, t->rows_of_dy, from, next - from, part.i0, part.rows,
                        &v);
        win_side_points(t, !t->rows_of_dy, from, next - from, part.j0,
                        part.lanes, &w);
        win_sums(t, &part, &v, &w, next, next - from, i > 0);
    }
}

/* ---- S -> dweight ----------------------------------------------------------
 */

/* The slices' sum of VL lanes. */
V_INLINE vreal win_slices(const win_weight_t *t, const real *sums) {
    const int64_t step = t->row_groups * t->lane_groups * t->task_sums;
    vreal sum = v_load(sums);
    for (int64_t slice = 1; slice < t->slices; slice++)
        sum += v_load(sums + slice * step);
    return sum;
}

/* VL lanes of one row, the taps of one part along columns. */
V_INLINE vreal win_dfilters_part(const int taps, const int part,
                                 const win_weight_t *t, const real *sums,
                                 int64_t plane, real *dweight, int64_t lanes,
                                 vreal zeros) {
    const int points = win_points(taps);
    vreal half[3 * WIN_POINTS];
    UNROLL for (int q = 0; q < points; q++) {
        vreal m[4];
        UNROLL for (int p = 0; p < part_points(part); p++)
            m[p] = win_slices(t, sums + ((part_point(part) + p) * points + q) *
                                            plane);
        win_dfilter(part, m, 1, half + q, points);
    }
    UNROLL for (int a = 0; a < part_taps(part); a++) {
        vreal dg[WIN_TAPS];
        win_dfilter(0, half + a * points, 1, dg, 1);
        if (taps == 5)
            win_dfilter(1, half + a * points + part_point(1), 1,
                        dg + part_tap(1), 1);
        real *row = dweight + (part_tap(part) + a) * t->h_step;
        UNROLL for (int b = 0; b < taps; b++) {
            zeros = v_fma(dg[b], v_set(0), zeros);
            for (int64_t l = 0; l < lanes; l++)
                row[l * t->lane_step + b * t->w_step] = dg[b][l];
        }
    }
    return zeros;
}
V_INLINE vreal win_dfilters(const int taps, const win_weight_t *t,
                            const real *sums, int64_t plane, real *dweight,
                            int64_t lanes, vreal zeros) {
    zeros = win_dfilters_part(taps, 0, t, sums, plane, dweight, lanes, zeros);
    if (taps == 5)
        zeros =
            win_dfilters_part(taps, 1, t, sums, plane, dweight, lanes, zeros);
    return zeros;
}

static void win_dfilters_task(void *context, int64_t index) {
    win_weight_t *t = context;
    win_grid *grid = &t->grid;
    const win_part part = win_part_at(t, index);
    const int64_t plane = part.rows * PANEL;
    vreal zeros = {0};
    for (int64_t j = 0; j < part.lanes; j += VL)
        for (int64_t i = 0; i < part.rows; i++) {
            const real *from = part.sums + j / PANEL * grid->points * plane +
                               i * PANEL + j % PANEL;
            real *to = t->dweight + (part.i0 + i) * t->row_step +
                       (part.j0 + j) * t->lane_step;
            const int64_t lanes = least(VL, part.lanes - j);
            zeros = grid->taps == 3
                        ? win_dfilters(3, t, from, plane, to, lanes, zeros)
                        : win_dfilters(5, t, from, plane, to, lanes, zeros);
        }
    win_judge(grid, zeros);
}

/* ---- one group of channels ------------------------------------------------
 */

/* `channels` in `groups` of whole panels, of equal size. */
static int64_t win_group(int64_t channels, int64_t groups) {
    return least(ceil_div(ceil_div(channels, groups), PANEL) * PANEL, channels);
}

static void win_cut(win_weight_t *t) {
    const win_grid *grid = &t->grid;
    int64_t most_channels = PANEL;
    while (4 * most_channels * most_channels * grid->points <= WIN_SUMS)
        most_channels *= 2;
    t->row_groups = ceil_div(t->rows, most_channels);
    t->lane_groups = ceil_div(t->lanes, most_channels);
    t->row_group = win_group(t->rows, t->row_groups);
    t->lane_group = win_group(t->lanes, t->lane_groups);
    const int64_t lanes = ceil_div(t->lane_group, PANEL) * PANEL;
    const int64_t rows = ceil_div(t->row_group, PANEL) * PANEL;
    const int64_t groups = t->row_groups * t->lane_groups;
    t->chunk = most(WIN_CHUNK / (grid->points * (rows + lanes)), 8);
    t->slices =
        least(ceil_div(WIN_SLICES, groups), ceil_div(grid->tiles, t->chunk));
    t->task_sums = grid->points * lanes * t->row_group;
}

static int64_t win_multiply_weight(win_weight_t *t) {
    win_grid *grid = &t->grid;
    win_cut(t);
    const int64_t groups = t->row_groups * t->lane_groups;
    const int64_t sums = t->slices * groups * t->task_sums;
    const int64_t zeros = ceil_div(most(t->row_group, t->lane_group), VL) * VL;
    t->sums = pd_scratch(PD_SCRATCH_C, (size_t)(sums + zeros) * sizeof(real));
    if (!t->sums) return PD_NO_MEMORY;
    zero_run(t->sums + sums, zeros);
    grid->zeros = t->sums + sums;
    const double work =
        (double)(grid->tiles * grid->points) * (double)(t->rows * t->lanes);
    pd_parallel(t->slices * groups, work / 20, win_sums_task, t);
    if (!grid->failed) pd_parallel(groups, (double)sums, win_dfilters_task, t);
    return grid->failed;
}

static int64_t win_backward_weight(const conv2d_t *g, image_t x, image_t dy,
                                   real *dweight) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    const int64_t *s = g->weight_stride;
    const int turned = ceil_div(c, VL) * o < ceil_div(o, VL) * c;
    for (int64_t group = 0; group < g->groups; group++) {
        win_weight_t t = {.grid = win_grid_of(g, x, c, o, g->oh, g->ow),
                          .dy = dy,
                          .rows_of_dy = turned,
                          .rows = turned ? o : c,
                          .lanes = turned ? c : o,
                          .dweight = dweight + group * o * s[0],
                          .row_step = turned ? s[0] : s[1],
                          .lane_step = turned ? s[1] : s[0],
                          .h_step = s[2],
                          .w_step = s[3]};
        t.grid.x.data += group * c;
        t.dy.data += group * o;
        const int64_t status = win_multiply_weight(&t);
        if (status) return status;
    }
    return 0;
}

#endif
