/* A few rows times B in place: x W of a small batch. B is read once, or from
 * the second level of cache by the second tile, so it is not packed.
 *
 *                j ->             B's rows are long: walked down K, one panel
 *         p  +--+--+--+--         would touch a page at each step, and what
 *         |  |->|->|->|           the processor prefetches itself is wrong.
 *         v  +--+--+--+--         So a block of few rows is walked along j;
 *            |->|                 while the tiles take one stretch of columns,
 *                                 the next is asked for.
 *
 * A tile of few rows is wide: six vectors, not two. Where all of B is near, its
 * rows are no obstacle, and such a tile takes all of K at once. */
#ifndef PD_GEMM_FEW_H
#define PD_GEMM_FEW_H

#include "loops.h"

enum {
    FEW_TILES = 3,
    FEW_NEAR = 4 << 20,                /* bytes of B */
    FEW_RUN = 8192 / (int)sizeof(real) /* columns of a task, where B is far */
};
/* Rows of a block, for wide tiles and for high ones. */
enum { FEW_DEPTH_WIDE = 16, FEW_DEPTH = 64 };

static int64_t b_bytes(const gemm_t *g) {
    return g->k * g->n * (int64_t)sizeof(real);
}

static int is_few(const gemm_t *g) {
    if (g->b.column != 1 || g->b.read || g->b_panels || g->a.read ||
        g->n < WIDE_WIDTH * VL)
        return 0;
    return b_bytes(g) > FEW_NEAR ? g->m <= FEW_TILES * TILE_ROWS
                                 : g->m <= WIDE_ROWS;
}

/* Part number `part` of `parts` of a block of B, which begins at b. */
V_INLINE void b_prefetch(const real *b, int64_t step, int64_t width,
                         int64_t depth, int64_t part, int64_t parts) {
    enum { LINE = 64 / (int)sizeof(real) };
    const int64_t end = depth * (part + 1) / parts;
    for (int64_t p = depth * part / parts; p < end; p++)
        for (int64_t l = 0; l < width; l += LINE)
            __builtin_prefetch(b + p * step + l, 0, 2);
}

/* Rows p … p+depth-1 of B, columns j_first … j_last-1, times the tiles of A. */
static void few_block(const block_t *t, const tile_t *tiles, const a_tile *a,
                      int64_t p, int64_t depth, int64_t j_first,
                      int64_t j_last) {
    const int64_t most = t->task_panels * PANEL; /* columns of a full tile */
    for (int64_t j = j_first, width; j < j_last; j += width) {
        const int wide = most > PANEL && j + most <= j_last;
        width = wide ? most : least(PANEL, j_last - j);
        int64_t step;
        const real *b = b_at(t, p, j, width, &step);
        const int64_t next = least(width, j_last - j - width);
        for (int64_t i = 0; i < t->tiles; i++) {
            const int64_t rows = tiles[i].rows;
            if (depth < t->g->k)
                b_prefetch(b + width, step, next, depth, i, t->tiles);
            tile_run(t,
                     wide ? wide_kernels[rows - 1]
                          : tile_kernels[ceil_div(width, VL) - 1][rows - 1],
                     tiles + i, a[i], p, depth, b, step, j, width);
        }
    }
}

static void few_task(void *context, int64_t index) {
    block_t *t = context;
    const gemm_t *g = t->g;
    const int64_t j = index * t->task_columns;
    const int64_t j_last = least(j + t->task_columns, g->n);
    tile_t tiles[FEW_TILES];
    a_tile a[FEW_TILES];
    for (int64_t i = 0; i < t->tiles; i++) {
        tiles[i] = tile_at(t, i);
        a[i] = (a_tile){t->a + tiles[i].i * g->a.row, g->a.row, g->a.column};
    }
    if (t->depth == g->k) {
        few_block(t, tiles, a, 0, g->k, j, j_last);
        return;
    }
    real *copy =
        pd_scratch(PD_SCRATCH_A, (size_t)(t->tiles * A_TILE) * sizeof(real));
    if (!copy) {
        fail(t);
        return;
    }
    for (int64_t p = 0; p < g->k; p += t->depth) {
        const int64_t depth = least(t->depth, g->k - p);
        for (int64_t i = 0; i < t->tiles; i++)
            a[i] = pack_tile(&g->a, t->a, tiles[i].i, tiles[i].rows, p, depth,
                             copy + i * A_TILE);
        few_block(t, tiles, a, p, depth, j, j_last);
    }
}

static int64_t gemm_few(const gemm_t *g, const real *a, const real *b,
                        real *c) {
    enum { WIDE = WIDE_WIDTH * V_LANES };
    const int wide = g->m <= 2 * WIDE_ROWS, far = b_bytes(g) > FEW_NEAR;
    block_t t = {.g = g,
                 .a = a,
                 .b = b,
                 .c = c,
                 .columns = g->n,
                 .p1 = g->k,
                 .row_unit = g->m,
                 .unit_tiles = ceil_div(g->m, wide ? WIDE_ROWS : TILE_ROWS),
                 .place = B_IN_PLACE};
    t.tiles = t.unit_tiles;
    t.task_panels = wide ? WIDE_WIDTH / TILE_WIDTH : 1;
    t.depth = !far ? g->k : wide ? FEW_DEPTH_WIDE : FEW_DEPTH;
    if (far) {
        const int64_t tasks = most(2, ceil_div(g->n, FEW_RUN));
        t.task_columns = ceil_div(ceil_div(g->n, tasks), WIDE) * WIDE;
    } else {
        const double each = (double)(WIDE * g->k * g->m);
        t.task_columns = (1 + (int64_t)(TASK_WORK / 4 / each)) * WIDE;
    }
    /* Where there is a ragged panel it is the last. */
    const int64_t ragged =
        g->n % t.task_columns % (wide ? WIDE : PANEL) % PANEL;
    if (ragged % VL) {
        t.panels =
            pd_scratch(PD_SCRATCH_B, (size_t)(PANEL * g->k) * sizeof(real));
        if (!t.panels) return PD_NO_MEMORY;
        pack_panels(&g->b, b, 0, g->k, g->n - ragged, ragged, t.panels);
    }
    /* Memory is what one row waits for. */
    pd_parallel(ceil_div(g->n, t.task_columns),
                (double)(g->k * g->n) * (double)most(4, g->m) / 16, few_task,
                &t);
    return t.failed;
}

#endif
