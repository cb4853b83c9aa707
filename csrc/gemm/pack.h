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

#include "gemm.h"
#include "microkernel.h"

/* The depth of a block of K: a tile of A and a panel of B stay in cache. It
 * fixes the order of additions, so it depends on the type alone. */
enum { DEPTH = 1536 / (int)sizeof(real) };
enum {
    A_ROW = DEPTH + 64 / (int)sizeof(real),
    A_COLUMN = (TILE_ROWS + V_LANES - 1) / V_LANES * V_LANES,
    A_TILE = TILE_ROWS * A_ROW > DEPTH * A_COLUMN ? TILE_ROWS * A_ROW
                                                  : DEPTH * A_COLUMN
};

V_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
V_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* n elements; the last vector of `to` is written whole: zeros after them. */
V_INLINE void copy_run_padded(real *to, const real *from, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) v_store(to + i, v_load(from + i));
    if (i < n) v_store(to + i, v_load_first(from + i, n - i));
}
/* n elements and not one more. */
V_INLINE void copy_run(real *to, const real *from, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) v_store(to + i, v_load(from + i));
    if (i < n) v_store_first(to + i, v_load_first(from + i, n - i), n - i);
}

/* to[j][i] = from[i][j] for i < rows, j < columns, both at most VL. Lanes i
 * from rows to VL are zeros: `to` has whole vectors. */
V_INLINE void transpose_block(real *to, int64_t to_row, const real *from,
                              int64_t from_row, int64_t rows, int64_t columns) {
    vreal x[V_LANES];
    if (rows == VL && columns == VL) {
        UNROLL for (int i = 0; i < V_LANES; i++) x[i] =
            v_load(from + i * from_row);
        v_transpose(x);
        UNROLL for (int j = 0; j < V_LANES; j++) v_store(to + j * to_row, x[j]);
        return;
    }
    for (int i = 0; i < V_LANES; i++)
        x[i] = i >= rows         ? (vreal){0}
               : columns == VL ? v_load(from + i * from_row)
                               : v_load_first(from + i * from_row, columns);
    v_transpose(x);
    for (int j = 0; j < columns; j++) v_store(to + j * to_row, x[j]);
}

/* Rows p0 … p0+depth-1, columns j0 … j0+columns-1 of B into panels; `data` is
 * B's first element. */
static void pack_panels(const gemm_matrix *b, const real *data, int64_t p0,
                        int64_t depth, int64_t j0, int64_t columns, real *to) {
    for (int64_t j = 0; j < columns; j += PANEL, to += depth * PANEL) {
        const int64_t width = least(PANEL, columns - j);
        const real *from = data + p0 * b->row + (j0 + j) * b->column;
        if (b->read) {
            for (int64_t p = 0; p < depth && width % VL; p++)
                v_store(to + p * PANEL + width / VL * VL, (vreal){0});
            b->read(b->context, p0, depth, j0 + j, width, to, PANEL);
        } else if (b->column == 1) {
            if (width == PANEL)
                for (int64_t p = 0; p < depth; p++) {
                    UNROLL for (int v = 0; v < TILE_WIDTH; v++)
                        v_store(to + p * PANEL + v * VL,
                                v_load(from + p * b->row + v * VL));
                }
            else
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

/* Rows i … i+rows-1, columns p0 … p0+depth-1 of A, copied to `to` [A_TILE]. */
static a_tile pack_tile(const gemm_matrix *a, const real *data, int64_t i,
                        int64_t rows, int64_t p0, int64_t depth, real *to) {
    const real *from = data + i * a->row + p0 * a->column;
    if (a->read) {
        a->read(a->context, i, rows, p0, depth, to, A_ROW);
    } else if (a->column == 1) {
        for (int64_t r = 0; r < rows; r++)
            copy_run(to + r * A_ROW, from + r * a->row, depth);
    } else if (a->row == 1) {
        for (int64_t p = 0; p < depth; p++)
            copy_run_padded(to + p * A_COLUMN, from + p * a->column, rows);
        return (a_tile){to, 1, A_COLUMN};
    } else {
        for (int64_t r = 0; r < rows; r++)
            for (int64_t p = 0; p < depth; p++)
                to[r * A_ROW + p] = from[r * a->row + p * a->column];
    }
    return (a_tile){to, A_ROW, 1};
}

#endif
