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
    WIN_SUMS = (1 << 20) / (int)sizeof(real),  /* elements of a task's S */
    WIN_CHUNK = (2 << 20) / (int)sizeof(real), /* of its V and W */
    WIN_SLICES = 8                             /* tasks, at least */
};

typedef struct {
    win_grid grid;
    image_t dy;
    int64_t c_group, o_group;   /* channels of a task */
    int64_t c_groups, o_groups; /* how many of them */
    int64_t slices, chunk;      /* tiles of a chunk at most */
    int64_t task_sums;          /* elements of one task's S */
    real *sums;                 /* [slice][o group][c group] S */
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

/* S (+)= V' W over `count` tiles; then asks for the next ones. */
static void win_sums(const win_weight_t *t, const win_place *v,
                     const win_place *w, int64_t next, int64_t count,
                     int64_t c0, int64_t c, int64_t o0, int64_t o, int add,
                     real *sums) {
    enum { LINE = 64 / (int)sizeof(real) };
    const win_grid *grid = &t->grid;
    const int64_t parts = ceil_div(o, PANEL) * grid->points;
    for (int64_t j = 0; j < o; j += PANEL)
        for (int64_t p = 0; p < grid->points; p++) {
            const int64_t width = ceil_div(least(PANEL, o - j), VL);
            const int64_t at = j / PANEL * grid->points + p;
            const int64_t a = next + count * at / parts;
            const int64_t b = next + count * (at + 1) / parts;
            win_ask(grid, &grid->x, a, b, c0, c);
            win_ask(grid, &t->dy, a, b, o0, o);
            for (int64_t i0 = 0; i0 < c; i0 += PANEL) {
                const int64_t channels = least(PANEL, c - i0);
                const int64_t groups = ceil_div(channels, TILE_ROWS);
                const real *from =
                    v->data + i0 / PANEL * v->panel + p * v->plane;
                const real *by = w->data + j / PANEL * w->panel + p * w->plane;
                for (int64_t q = 0; q < groups; q++) {
                    const int64_t i = q * channels / groups;
                    const int64_t rows = (q + 1) * channels / groups - i;
                    real *s = sums + (at * c + i0 + i) * PANEL;
                    for (int64_t l = 0; l < rows * PANEL; l += LINE)
                        __builtin_prefetch(s + l, 1);
                    K(gemm_tiles)(width)[rows - 1](count, from + i, 1, PANEL,
                                                   by, PANEL, s, PANEL, add);
                }
            }
        }
}

static void win_sums_task(void *context, int64_t index) {
    win_weight_t *t = context;
    win_grid *grid = &t->grid;
    const int64_t groups = t->c_groups * t->o_groups;
    const int64_t slice = index / groups;
    const int64_t c0 = index % t->c_groups * t->c_group;
    const int64_t o0 = index % groups / t->c_groups * t->o_group;
    const int64_t c = least(t->c_group, grid->c - c0),
                  o = least(t->o_group, grid->o - o0);
    const int64_t first = slice * grid->tiles / t->slices;
    const int64_t tiles = (slice + 1) * grid->tiles / t->slices - first;
    const int64_t chunks = ceil_div(tiles, t->chunk),
                  chunk = ceil_div(tiles, chunks);
    const int64_t panel = grid->points * chunk * PANEL;
    const int64_t panels = ceil_div(c, PANEL) + ceil_div(o, PANEL);
    real *scratch =
        pd_scratch(PD_SCRATCH_A, (size_t)(panels * panel) * sizeof(real));
    if (!scratch) {
        win_fail(grid, PD_NO_MEMORY);
        return;
    }
    const win_place v = {scratch, chunk * PANEL, PANEL, panel};
    const win_place w = {scratch + ceil_div(c, PANEL) * panel, chunk * PANEL,
                         PANEL, panel};
    for (int64_t i = 0; i < chunks; i++) {
        const int64_t from = first + i * tiles / chunks;
        const int64_t next = first + (i + 1) * tiles / chunks;
        win_data_points(grid, from, next - from, c0, c, &v);
        win_gradient_points(t, from, next - from, o0, o, &w);
        win_sums(t, &v, &w, next, next - from, c0, c, o0, o, i > 0,
                 t->sums + index * t->task_sums);
    }
}

/* The slices' S, one point of one channel c. */
V_INLINE vreal win_slices(const win_weight_t *t, const real *sums) {
    const int64_t step = t->c_groups * t->o_groups * t->task_sums;
    vreal sum = v_load(sums);
    for (int64_t slice = 1; slice < t->slices; slice++)
        sum += v_load(sums + slice * step);
    return sum;
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
                m[p] = win_slices(t, sums + ((part_point(k) + p) * points + q) *
                                                plane);
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

/* One group of c, one of o. */
static void win_dfilters_task(void *context, int64_t index) {
    win_weight_t *t = context;
    win_grid *grid = &t->grid;
    const int64_t c0 = index % t->c_groups * t->c_group;
    const int64_t o0 = index / t->c_groups * t->o_group;
    const int64_t c = least(t->c_group, grid->c - c0),
                  o = least(t->o_group, grid->o - o0);
    const int64_t plane = c * PANEL, *s = t->weight_stride;
    const real *sums = t->sums + index * t->task_sums;
    vreal zeros = {0};
    for (int64_t j = 0; j < o; j += VL)
        for (int64_t i = 0; i < c; i++) {
            const real *from =
                sums + j / PANEL * grid->points * plane + i * PANEL + j % PANEL;
            real *to = t->dweight + (o0 + j) * s[0] + (c0 + i) * s[1];
            const int64_t lanes = least(VL, o - j);
            zeros = grid->taps == 3
                        ? win_dfilters(3, t, from, plane, to, lanes, zeros)
                        : win_dfilters(5, t, from, plane, to, lanes, zeros);
        }
    win_judge(grid, zeros);
}

static int64_t win_multiply_weight(win_weight_t *t) {
    win_grid *grid = &t->grid;
    int64_t most_channels = PANEL;
    while (4 * most_channels * most_channels * grid->points <= WIN_SUMS)
        most_channels *= 2;
    t->c_groups = ceil_div(grid->c, most_channels);
    t->o_groups = ceil_div(grid->o, most_channels);
    t->c_group =
        least(ceil_div(ceil_div(grid->c, t->c_groups), PANEL) * PANEL, grid->c);
    t->o_group =
        least(ceil_div(ceil_div(grid->o, t->o_groups), PANEL) * PANEL, grid->o);
    const int64_t c_panels = ceil_div(t->c_group, PANEL),
                  o_panels = ceil_div(t->o_group, PANEL);
    const int64_t groups = t->c_groups * t->o_groups;
    t->chunk =
        most(WIN_CHUNK / (grid->points * (c_panels + o_panels) * PANEL), 8);
    t->slices =
        least(ceil_div(WIN_SLICES, groups), ceil_div(grid->tiles, t->chunk));
    t->task_sums = grid->points * o_panels * PANEL * t->c_group;
    const int64_t sums = t->slices * groups * t->task_sums;
    const int64_t zeros = ceil_div(most(t->c_group, t->o_group), VL) * VL;
    t->sums = pd_scratch(PD_SCRATCH_C, (size_t)(sums + zeros) * sizeof(real));
    if (!t->sums) return PD_NO_MEMORY;
    zero_run(t->sums + sums, zeros);
    grid->zeros = t->sums + sums;
    const double work =
        (double)(grid->tiles * grid->points) * (double)(grid->c * grid->o);
    pd_parallel(t->slices * groups, work / 20, win_sums_task, t);
    if (!grid->failed) pd_parallel(groups, (double)sums, win_dfilters_task, t);
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
