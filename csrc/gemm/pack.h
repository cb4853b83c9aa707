/* Copies that make the micro-kernel's operands contiguous.
 *
 * B in panels of PANEL columns, each panel row after row:
 *
 *     columns  0 … PANEL-1   PANEL … 2 PANEL-1   …
 *     memory   [depth][PANEL] [depth][PANEL]     …
 *
 * The last panel has fewer columns; up to the next whole vector they are
 * zeros, and what is beyond is never read.
 *
 * A in tiles of up to TILE_ROWS rows, in one of two forms, whichever is a copy
 * of runs: rows [i][p] at stride A_ROW where A's rows are contiguous, columns
 * [p][i] at stride A_COLUMN where A's columns are. A_ROW is not a multiple of
 * the cache's stride, so that the rows of a tile do not evict each other. */
#ifndef PD_GEMM_PACK_H
#define PD_GEMM_PACK_H

#include "blocks.h"
#include "runs.h"
#include "gemm.h"

/* Whole panels of a B whose rows are contiguous: some rows at a time and from
 * end to end, as memory likes it. */
static void pack_rows(const real *from, int64_t from_row, int64_t depth,
                      int64_t columns, real *to) {
    enum { ROWS = 8 };
    for (int64_t p = 0; p < depth; p += ROWS) {
        const int64_t last = least(p + ROWS, depth);
        for (int64_t j = 0; j < columns; j += PANEL)
            for (int64_t q = p; q < last; q++) {
                UNROLL for (int v = 0; v < TILE_WIDTH; v++)
                    v_store(to + j * depth + q * PANEL + v * VL,
                            v_load(from + q * from_row + j + v * VL));
            }
    }
}

/* Rows p0 … p0+depth-1, columns j0 … j0+columns-1 of B into panels; `data` is
 * B's first element. */
static void pack_panels(const gemm_matrix *b, const real *data, int64_t p0,
                        int64_t depth, int64_t j0, int64_t columns, real *to) {
    if (!b->read && b->column == 1) {
        const int64_t whole = columns / PANEL * PANEL;
        pack_rows(data + p0 * b->row + j0, b->row, depth, whole, to);
        j0 += whole, columns -= whole, to += whole * depth;
    }
    for (int64_t j = 0; j < columns; j += PANEL, to += depth * PANEL) {
        const int64_t width = least(PANEL, columns - j);
        const real *from = data + p0 * b->row + (j0 + j) * b->column;
        if (b->read) {
            for (int64_t p = 0; p < depth && width % VL; p++)
                v_store(to + p * PANEL + width / VL * VL, (vreal){0});
            b->read(b->context, p0, depth, j0 + j, width, to, PANEL);
        } else if (b->column == 1) {
            for (int64_t p = 0; p < depth; p++)
                copy_run_padded(to + p * PANEL, from + p * b->row, width);
        } else if (b->row == 1) {
            for (int64_t v = 0; v < width; v += VL)
                for (int64_t p = 0; p < depth; p += VL)
                    transpose_block(to + p * PANEL + v, PANEL,
                                    from + v * b->column + p, b->column,
                                    least(VL, width - v), least(VL, depth - p));
        } else {
            const int64_t padded = ceil_div(width, VL) * VL;
            for (int64_t p = 0; p < depth; p++)
                for (int64_t v = 0; v < padded; v++)
                    to[p * PANEL + v] =
                        v < width ? from[p * b->row + v * b->column] : 0;
        }
    }
}

/* A tile of A, contiguous: where it lies and how the micro-kernel walks it. */
typedef struct {
    const real *data;
    int64_t row, step;
} a_tile;

/* How a copied tile is walked. */
static inline a_tile copied_tile(const gemm_matrix *a, const real *copy) {
    if (a->read ? a->flipped : a->column != 1 && a->row == 1)
        return (a_tile){copy, 1, A_COLUMN};
    return (a_tile){copy, A_ROW, 1};
}

/* Rows i … i+rows-1 of A's m, columns p0 … p0+depth-1, to `to` [A_TILE]. */
static inline a_tile pack_tile(const gemm_matrix *a, const real *data,
                               int64_t m, int64_t i, int64_t rows, int64_t p0,
                               int64_t depth, real *to) {
    const real *from = data + i * a->row + p0 * a->column;
    const a_tile copied = copied_tile(a, to);
    if (a->read && a->flipped) {
        a->read(a->context, p0, depth, i, rows, to, A_COLUMN);
    } else if (a->read) {
        a->read(a->context, i, rows, p0, depth, to, A_ROW);
    } else if (a->column == 1) {
        for (int64_t r = 0; r < rows; r++)
            copy_run(to + r * A_ROW, from + r * a->row, depth);
    } else if (a->row == 1 && i + A_COLUMN <= m) {
        /* The rows of the next tile, too: cheaper than to leave them out. */
        for (int64_t p = 0; p < depth; p++) {
            UNROLL for (int v = 0; v < A_COLUMN; v += VL)
                v_store(to + p * A_COLUMN + v,
                        v_load(from + p * a->column + v));
        }
    } else if (a->row == 1) {
        for (int64_t p = 0; p < depth; p++)
            copy_run_padded(to + p * A_COLUMN, from + p * a->column, rows);
    } else {
        for (int64_t r = 0; r < rows; r++)
            for (int64_t p = 0; p < depth; p++)
                to[r * A_ROW + p] = from[r * a->row + p * a->column];
    }
    return copied;
}

#endif
