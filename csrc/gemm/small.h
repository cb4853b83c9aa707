/* A product so small that each step around the micro-kernel shows: nothing is
 * packed but a transposed B, nothing is shared, C is written in whole vectors.
 *
 *       0        PANEL         n     where n is no whole number of vectors the
 *     C +----------+-----+-----+     last one reaches back over columns that
 *       |          |    ||     |     stand already, and writes them again: the
 *       +----------+----++-----+     same bits, since every element adds up
 *                       n-VL         its K products in order */
#ifndef PD_GEMM_SMALL_H
#define PD_GEMM_SMALL_H

#include "loops.h"

/* Multiply-adds of a product, where B has to be transposed and where not, and
 * of a task. */
#define SMALL_WORK_PACKED 3.0e5
#define SMALL_WORK 3.0e6
#define SMALL_TASK 1.5e5

static int is_small(const gemm_t *g) {
    const double work = (double)g->m * (double)g->n * (double)g->k;
    return (work <= SMALL_WORK_PACKED ||
            (work <= SMALL_WORK && g->b.column == 1)) &&
           g->k <= DEPTH && g->n >= VL && (g->n % VL == 0 || !g->add) &&
           (g->b.column == 1 || g->b.row == 1) && !g->a.read && !g->b.read &&
           !g->b_panels && !g->c_rows;
}

typedef struct {
    const gemm_t *g;
    const real *a, *b;
    real *c;
    int64_t tiles, groups; /* of rows, in how many tasks */
} small_t;

/* Tiles first … last-1, columns j … j+width-1. */
static void small_columns(const small_t *t, int64_t first, int64_t last,
                          const real *b, int64_t b_row, int64_t j,
                          int64_t width) {
    const gemm_t *g = t->g;
    tile_kernel *const *const kernels = tile_kernels[width / VL - 1];
    /* some tiles have one row more */
    const int64_t height = g->m / t->tiles, more = g->m - height * t->tiles;
    int64_t i = first * height + least(first, more);
    for (int64_t tile = first, rows; tile < last; tile++, i += rows) {
        rows = height + (tile < more);
        real *c = t->c + i * g->c_row + j;
        kernels[rows - 1](g->k, t->a + i * g->a.row, g->a.row, g->a.column, b,
                          b_row, c, g->c_row, g->add);
        if (g->bias || g->activation)
            finish_rows(rows, c, g->c_row, c, g->c_row, width, 0,
                        g->bias ? g->bias + j * g->bias_step : NULL,
                        g->bias_step, g->activation);
    }
}

/* Tiles first … last-1 and a panel of columns; the last has those beyond it. */
static void small_panel(const small_t *t, int64_t first, int64_t last,
                        int64_t index) {
    const gemm_t *g = t->g;
    int64_t j = index * PANEL;
    const int64_t end = j + 2 * PANEL > g->n ? g->n : j + PANEL;
    for (int64_t width; j < end; j += width) {
        width = least(PANEL, ceil_div(end - j, VL) * VL);
        if (width > g->n) width = VL;
        j = least(j, g->n - width);
        if (g->b.column == 1) {
            small_columns(t, first, last, t->b + j, g->b.row, j, width);
        } else {
            real panel[DEPTH * PANEL] __attribute__((aligned(64)));
            pack_panels(&g->b, t->b, 0, g->k, j, width, panel);
            small_columns(t, first, last, panel, PANEL, j, width);
        }
    }
}

static void small_task(void *context, int64_t index) {
    const small_t *t = context;
    const int64_t group = index % t->groups;
    small_panel(t, group * t->tiles / t->groups,
                (group + 1) * t->tiles / t->groups, index / t->groups);
}

static int64_t gemm_small(const gemm_t *g, const real *a, const real *b,
                          real *c) {
    const double work = (double)g->m * (double)g->n * (double)g->k;
    const int64_t panels = most(1, g->n / PANEL);
    small_t t = {g, a, b, c, .tiles = ceil_div(g->m, TILE_ROWS), .groups = 1};
    if (work < 2 * SMALL_TASK) {
        for (int64_t panel = 0; panel < panels; panel++)
            small_panel(&t, 0, t.tiles, panel);
        return 0;
    }
    if (g->b.column == 1)
        t.groups = least(t.tiles, 1 + (int64_t)(work / SMALL_TASK) / panels);
    pd_parallel(panels * t.groups, work / SPEED, small_task, &t);
    return 0;
}

#endif
