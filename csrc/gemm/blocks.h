/* The sizes that the matrix product is cut into. */
#ifndef PD_GEMM_BLOCKS_H
#define PD_GEMM_BLOCKS_H

#include "simd.h"

/* The micro-kernel's tiles, in rows and in vectors.
 * rows * width accumulators + width of B + 1 of A fit into the registers; what
 * is left to choose is their ratio: AVX-512 broadcasts from memory at no cost,
 * NEON pays an arithmetic slot for each broadcast. */
#if V_REGISTERS == 16
enum { TILE_ROWS = 6, TILE_WIDTH = 2, WIDE_ROWS = 2, WIDE_WIDTH = 4 };
#elif PD_VECTOR_BYTES == 16
enum { TILE_ROWS = 5, TILE_WIDTH = 4, WIDE_ROWS = 3, WIDE_WIDTH = 6 };
#else
enum { TILE_ROWS = 14, TILE_WIDTH = 2, WIDE_ROWS = 4, WIDE_WIDTH = 6 };
#endif
/* The columns of a panel of packed B. */
enum { PANEL = TILE_WIDTH * V_LANES };

/* The depth of a block of K: a tile of A and a panel of B stay in cache. It
 * fixes the order of additions, so it depends on the type alone. */
enum { DEPTH = 1536 / (int)sizeof(real) };
/* Strides and size of a copied tile of A; see pack.h. */
enum {
    A_ROW = DEPTH + 64 / (int)sizeof(real),
    A_COLUMN = (TILE_ROWS + V_LANES - 1) / V_LANES * V_LANES,
    A_TILE =
        TILE_ROWS * A_ROW > DEPTH *A_COLUMN ? TILE_ROWS *A_ROW : DEPTH *A_COLUMN
};

#endif
