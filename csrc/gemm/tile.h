/* One step of the loops: a tile of A's rows times a panel of B's columns, for a
 * block of K, into C.
 *
 * The first block of K writes C (or adds, if the product does), the others add,
 * and after the last one the tile is finished while it is still in cache. */
#ifndef PD_GEMM_TILE_H
#define PD_GEMM_TILE_H

#include "ahead.h"
#include "finish.h"
#include "gemm.h"
#include "microkernel.h"
#include "pack.h"

/* Where the micro-kernel finds B. */
enum b_place {
    B_IN_PLACE, /* the caller's rows; a ragged last panel is packed */
    B_GIVEN,    /* g->b_panels */
    B_PACKED    /* by the task that multiplies */
};

/* One product, as its tasks see it. */
typedef struct {
    const gemm_t *g;
    const real *a, *b; /* this product's first elements */
    real *c;
    enum b_place place;
    int a_in_place;
    int64_t tiles;                /* of rows */
    int64_t row_unit, unit_tiles; /* they do not cross multiples of a unit */
    int64_t k_unit, depth;        /* nor do blocks of K */
    int64_t chunks, groups;       /* the tasks: of tiles, of panels (cut.h) */
    int64_t near_panels;          /* that are packed at a time */
    int64_t tasks, task_columns;  /* of few.h and far.h, */
    real *ragged;                 /* and their last panel, packed for all K */
    int64_t failed;
} product_t;

static void fail(product_t *t) {
    __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
}

/* A tile of rows, and the stretch of K outside of which A's rows are zeros. */
typedef struct {
    int64_t i, rows, k0, k1;
} tile_t;

/* What multiplies, and what it asks for meanwhile. */
typedef struct {
    tile_kernel *plain;
    ahead_kernel *asking; /* taken where `ahead` is not NULL */
    ahead_t *ahead;
} tile_call;

V_INLINE void tile_multiply(tile_call call, int64_t k, a_tile a, const real *b,
                            int64_t b_step, real *c, int64_t c_row, int add) {
    if (call.ahead)
        call.asking(call.ahead, k, a.data, a.row, a.step, b, b_step, c, c_row,
                    add);
    else
        call.plain(k, a.data, a.row, a.step, b, b_step, c, c_row, add);
}

/* C's lines are asked for where the tile takes more steps than these. Where it
 * takes fewer they would not arrive before it ends: 4 to 14 % lost, with 16
 * registers. */
enum { C_SOON = V_REGISTERS == 16 ? 768 / (int)sizeof(real) : 0 };

/* The first of C's rows i … i+rows-1, and whether and how they are evenly
 * spaced: those of a listed C are, within a row of an image. */
static real *c_rows_at(const product_t *t, int64_t i, int64_t rows, int *even,
                       int64_t *spacing) {
    const int64_t *listed = t->g->c_rows;
    *even = 1;
    *spacing = t->g->c_row;
    if (!listed) return t->c + i * t->g->c_row;
    *spacing = rows > 1 ? listed[i + 1] - listed[i] : 0;
    for (int64_t r = 2; r < rows; r++)
        *even &= listed[i + r] - listed[i + r - 1] == *spacing;
    return t->c + listed[i];
}

/* Tile x panel -> the tile's rows of C, columns j … j+width-1, for K from p to
 * p+depth-1. Straight into C where its vectors are whole and its
 * rows evenly spaced; through a buffer where not. */
static void tile_run(const product_t *t, tile_call call, const tile_t *tile,
                     a_tile a, int64_t p, int64_t depth, const real *b,
                     int64_t b_step, int64_t j, int64_t width) {
    enum {
        TALL = TILE_ROWS * PANEL,
        WIDE = WIDE_ROWS * WIDE_WIDTH * V_LANES,
        BUFFER = TALL > WIDE ? TALL : WIDE
    };
    const gemm_t *g = t->g;
    const int64_t i = tile->i, rows = tile->rows;
    const int add = p > tile->k0 || g->add;
    const int ends = p + depth == tile->k1 && (g->bias || g->activation);
    const real *bias = ends && g->bias ? g->bias + j * g->bias_step : NULL;
    const int activation = ends ? g->activation : PD_ACTIVATION_NONE;
    int even;
    int64_t c_row;
    real *c = c_rows_at(t, i, rows, &even, &c_row) + j;
    if (even && width % VL == 0) {
        for (int64_t r = 0; r < rows && depth > C_SOON; r++)
            for (int64_t l = 0; l < width; l += LINE)
                __builtin_prefetch(c + r * c_row + l, 1);
        tile_multiply(call, depth, a, b, b_step, c, c_row, add);
        if (ends)
            finish_rows(rows, c, c_row, c, c_row, width, 0, bias, g->bias_step,
                        activation);
        return;
    }
    real buffer[BUFFER] __attribute__((aligned(64)));
    const int64_t stride = ceil_div(width, VL) * VL;
    tile_multiply(call, depth, a, b, b_step, buffer, stride, 0);
    if (even)
        finish_rows(rows, c, c_row, buffer, stride, width, add, bias,
                    g->bias_step, activation);
    for (int64_t r = 0; r < rows && !even; r++)
        finish_row(t->c + g->c_rows[i + r] + j, buffer + r * stride, width, add,
                   bias, g->bias_step, activation);
}

static int64_t tile_row(const product_t *t, int64_t index) {
    return index / t->unit_tiles * t->row_unit +
           index % t->unit_tiles * t->row_unit / t->unit_tiles;
}
static tile_t tile_at(const product_t *t, int64_t index) {
    const gemm_t *g = t->g;
    const int64_t i = tile_row(t, index);
    tile_t tile = {i, tile_row(t, index + 1) - i, 0, g->k};
    if (g->a.span) g->a.span(g->a.context, i, tile.rows, &tile.k0, &tile.k1);
    if (tile.k0 >= tile.k1) tile.k0 = 0, tile.k1 = g->k; /* zeros are written */
    return tile;
}

#endif
