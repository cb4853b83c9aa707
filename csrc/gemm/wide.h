/* A few rows times B in place: x W of a small batch. B is read once, so it is
 * not packed; the tile is few rows and many vectors, and takes all of K. */
#ifndef PD_GEMM_WIDE_H
#define PD_GEMM_WIDE_H

#include "loops.h"

static int is_wide(const gemm_t *g) {
    return g->m <= WIDE_ROWS && g->b.column == 1 && !g->b.read &&
           !g->b_panels && g->a.column == 1 && !g->a.read &&
           g->n >= WIDE_WIDTH * VL;
}
static void wide_task(void *context, int64_t index) {
    const block_t *t = context;
    const gemm_t *g = t->g;
    const a_tile a = {t->a, g->a.row, 1};
    const tile_t tile = {0, g->m, 0, g->k};
    const int64_t j_first = index * t->task_panels * WIDE_WIDTH * VL;
    const int64_t j_last =
        least(j_first + t->task_panels * WIDE_WIDTH * VL, g->n);
    for (int64_t j = j_first, width; j < j_last; j += width) {
        tile_kernel *kernel = wide_kernels[g->m - 1];
        width = WIDE_WIDTH * VL;
        if (j + width > j_last) {
            width = least(PANEL, j_last - j);
            kernel = tile_kernels[ceil_div(width, VL) - 1][g->m - 1];
        }
        int64_t step;
        const real *b = b_at(t, 0, j, width, &step);
        tile_run(t, kernel, &tile, a, 0, g->k, b, step, j, width);
    }
}
static int64_t gemm_wide(const gemm_t *g, const real *a, const real *b,
                         real *c) {
    enum { WIDE = WIDE_WIDTH * V_LANES };
    block_t t = {.g = g,
                 .a = a,
                 .b = b,
                 .c = c,
                 .columns = g->n,
                 .p1 = g->k,
                 .place = B_IN_PLACE};
    /* Columns beyond the last wide tile go by panels; the last may be ragged.
     */
    const int64_t width = g->n % WIDE % PANEL;
    if (width % VL) {
        t.panels =
            pd_scratch(PD_SCRATCH_B, (size_t)(PANEL * g->k) * sizeof(real));
        if (!t.panels) return PD_NO_MEMORY;
        pack_panels(&g->b, b, 0, g->k, g->n - width, width, t.panels);
    }
    t.task_panels = 1 + (int64_t)(TASK_WORK / 4 / (double)(WIDE * g->k * g->m));
    /* One multiply-add per element of B: memory is what it waits for. */
    pd_parallel(ceil_div(g->n, t.task_panels * WIDE), (double)(g->k * g->n) / 4,
                wide_task, &t);
    return 0;
}

#endif
