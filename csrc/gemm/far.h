/* Some tiles of rows times a B in place that does not fit into a near cache: x
 * W of a batch. B is read once from memory and then, by the other tiles, from
 * cache, so it is not packed.
 *
 *                j ->             A block of some rows of B is walked along j,
 *         p  +--+--+--+--         panel by panel, and each panel is asked for
 *         |  |->|->|->|           while the one before is multiplied: its rows
 *         v  +--+--+--+--         are pages apart, and what the processor
 *            |->|                 prefetches itself would be wrong. */
#ifndef PD_GEMM_FAR_H
#define PD_GEMM_FAR_H

#include "few.h"

/* Tiles of rows; more of them pay for packing B. Where a row of a panel is one
 * line, the first tile asks for all of a panel, faster than memory answers. */
enum { FAR_TILES = AHEAD_LINES > 1 ? 16 : 6 };
/* The same where a row of a panel is one line and B comes from memory; and
 * where its rows evict each other: a line is gone before the next tile comes.
 */
enum {
    FAR_TILES_MEMORY = AHEAD_LINES > 1 ? FAR_TILES : 3,
    FAR_TILES_PAGES = AHEAD_LINES > 1 ? FAR_TILES : 1,
    FAR_MEMORY = 16 << 20 /* bytes of B */
};
enum { FAR_DEPTH = 1024 / (int)sizeof(real) }; /* rows of a block */
/* The panels of a task: A is copied for each of them, so not too few. */
enum { FAR_LEAST = 4, FAR_MOST = 2048 / (int)sizeof(real) / PANEL };

static int is_far(const gemm_t *g) {
    const int64_t tiles = b_pages(g)                ? FAR_TILES_PAGES
                          : b_bytes(g) > FAR_MEMORY ? FAR_TILES_MEMORY
                                                    : FAR_TILES;
    return g->b.column == 1 && !g->b.read && !g->b_panels && !g->a.read &&
           g->n >= PANEL && g->m <= tiles * TILE_ROWS && b_bytes(g) > FAR_NEAR;
}

/* The panel after the one at (p, j): to its right, or first of the next block;
 * NULL where there is no whole one. */
static const real *next_panel(const product_t *t, int64_t p, int64_t depth,
                              int64_t j, int64_t j_first, int64_t j_last) {
    const gemm_t *g = t->g;
    if (j + 2 * PANEL <= j_last) return t->b + p * g->b.row + j + PANEL;
    if (p + 2 * depth > g->k) return NULL;
    return t->b + (p + depth) * g->b.row + j_first;
}

/* What a task multiplies by: tiles of rows, as they are in each block of K. */
typedef struct {
    int64_t tiles;
    tile_t tile[FAR_TILES];
    a_tile a[FAR_TILES];
} far_rows;

/* Rows p … p+depth-1 of B, columns j_first … j_last-1, times the tiles of A. */
static void far_block(const product_t *t, const far_rows *rows, int64_t p,
                      int64_t depth, int64_t j_first, int64_t j_last) {
    for (int64_t j = j_first, width; j < j_last; j += width) {
        width = least(PANEL, j_last - j);
        int64_t step;
        const real *b = few_b(t, p, j, width, &step);
        const real *next = next_panel(t, p, depth, j, j_first, j_last);
        ahead_t ahead = {.lines = 0};
        if (next) ahead = ahead_of(next, depth, PANEL, t->g->b.row);
        for (int64_t i = 0; i < rows->tiles; i++) {
            const tile_t *tile = rows->tile + i;
            tile_call call = {
                .plain = tile_kernels[ceil_div(width, VL) - 1][tile->rows - 1]};
            if (width == PANEL && ahead.lines > 0) {
                const int lines = rows->tiles == 1 ? AHEAD_LINES : 1;
                call.ahead = &ahead;
                call.asking = ahead_kernels[lines - 1][tile->rows - 1];
            }
            tile_run(t, call, tile, rows->a[i], p, depth, b, step, j, width);
        }
    }
}

static void far_task(void *context, int64_t index) {
    product_t *t = context;
    const gemm_t *g = t->g;
    const int64_t panels = ceil_div(g->n, PANEL);
    const int64_t j = panels * index / t->tasks * PANEL;
    const int64_t j_last = least(panels * (index + 1) / t->tasks * PANEL, g->n);
    far_rows rows = {.tiles = t->tiles};
    real *copy =
        pd_scratch(PD_SCRATCH_A, (size_t)(t->tiles * A_TILE) * sizeof(real));
    if (!copy) {
        fail(t);
        return;
    }
    for (int64_t i = 0; i < t->tiles; i++) rows.tile[i] = tile_at(t, i);
    for (int64_t p = 0; p < g->k; p += t->depth) {
        const int64_t depth = least(t->depth, g->k - p);
        for (int64_t i = 0; i < t->tiles; i++)
            rows.a[i] =
                pack_tile(&g->a, t->a, g->m, rows.tile[i].i, rows.tile[i].rows,
                          p, depth, copy + i * A_TILE);
        far_block(t, &rows, p, depth, j, j_last);
    }
}

/* For several threads an even number of tasks, eight where they are wide
 * enough.
 */
static int64_t far_tasks(int64_t n) {
    const int64_t panels = ceil_div(n, PANEL);
    const int64_t fewest = ceil_div(panels, FAR_MOST);
    if (pd_get_threads() == 1) return fewest;
    return even(most(least(panels / FAR_LEAST, 8), most(2, fewest)));
}

static int64_t gemm_far(const gemm_t *g, const real *a, const real *b,
                        real *c) {
    product_t t = few_begin(g, a, b, c, ceil_div(g->m, TILE_ROWS));
    t.tasks = far_tasks(g->n);
    t.depth = ceil_div(ceil_div(g->k, ceil_div(g->k, FAR_DEPTH)), 8) * 8;
    return few_run(&t, far_task, g->n % PANEL,
                   (double)(g->k * g->n) * (double)g->m);
}

#endif
