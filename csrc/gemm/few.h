/* A few rows times a B in place that is not far: B is read once, so it is not
 * packed, and a tile of few rows is wide: six vectors, not two. It takes all of
 * K at once. */
#ifndef PD_GEMM_FEW_H
#define PD_GEMM_FEW_H

#include "loops.h"

static int is_few(const gemm_t *g) {
    return g->b.column == 1 && !g->b.read && !g->b_panels && !g->a.read &&
           g->n >= WIDE_WIDTH * VL && g->m <= WIDE_ROWS;
}

/* Row p of columns j …, as the micro-kernel reads them. */
static const real *few_b(const product_t *t, int64_t p, int64_t j,
                         int64_t width, int64_t *step) {
    const int ragged = width % VL != 0;
    *step = ragged ? PANEL : t->g->b.row;
    return ragged ? t->ragged + p * PANEL : t->b + p * t->g->b.row + j;
}

static void few_task(void *context, int64_t index) {
    enum { WIDE = WIDE_WIDTH * V_LANES };
    const product_t *t = context;
    const gemm_t *g = t->g;
    const tile_t tile = tile_at(t, 0);
    const a_tile a = {t->a, g->a.row, g->a.column};
    const int64_t last = least((index + 1) * t->task_columns, g->n);
    for (int64_t j = index * t->task_columns, width; j < last; j += width) {
        const int wide = j + WIDE <= last;
        width = wide ? WIDE : least(PANEL, last - j);
        int64_t step;
        const real *b = few_b(t, 0, j, width, &step);
        const tile_call call = {
            .plain = wide ? wide_kernels[g->m - 1]
                          : tile_kernels[ceil_div(width, VL) - 1][g->m - 1]};
        tile_run(t, call, &tile, a, 0, g->k, b, step, j, width);
    }
}

/* A product with B in place, but for a ragged panel at the end, which is
 * packed; a task is some columns of all of A. */
static product_t few_begin(const gemm_t *g, const real *a, const real *b,
                           real *c, int64_t tiles) {
    return (product_t){.g = g,
                       .a = a,
                       .b = b,
                       .c = c,
                       .row_unit = g->m,
                       .unit_tiles = tiles,
                       .tiles = tiles,
                       .place = B_IN_PLACE};
}
static int64_t few_run(product_t *t, pd_task *run, int64_t ragged,
                       double work) {
    const gemm_t *g = t->g;
    if (ragged % VL) {
        t->ragged =
            pd_scratch(PD_SCRATCH_B, (size_t)(PANEL * g->k) * sizeof(real));
        if (!t->ragged) return PD_NO_MEMORY;
        pack_panels(&g->b, t->b, 0, g->k, g->n - ragged, ragged, t->ragged);
    }
    pd_parallel(t->tasks, work / SPEED, run, t);
    return t->failed;
}

static int64_t gemm_few(const gemm_t *g, const real *a, const real *b,
                        real *c) {
    enum { WIDE = WIDE_WIDTH * V_LANES };
    const double each = (double)(WIDE * g->k * g->m);
    product_t t = few_begin(g, a, b, c, 1);
    t.task_columns = (1 + (int64_t)(TASK_WORK / 4 / each)) * WIDE;
    t.tasks = ceil_div(g->n, t.task_columns);
    /* Memory is what one row waits for. */
    return few_run(&t, few_task, g->n % t.task_columns % WIDE % PANEL,
                   (double)(g->k * g->n) * (double)most(4, g->m));
}

#endif
