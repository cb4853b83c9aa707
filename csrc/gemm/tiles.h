/* The micro-kernel's tiles by their size, for kernels that multiply what lies
 * in their own scratch memory and in cache: no packing, no threads.
 *
 *     K(gemm_tiles)(width)[rows - 1](k, a, a_row, a_step, b, b_step, c, c_row,
 *                                    add)
 *
 * is C[rows, width*VL] (+)= A[rows, k] B[k, width*VL], with A read by (row
 * stride, step) and whole vectors of B and C at any alignment; see
 * microkernel.h. 1 <= rows <= TILE_ROWS, 1 <= width <= TILE_WIDTH.
 *
 *     K(gemm_listed_tiles)(width)[rows - 1](k, a, a_row, list, b, b_step, c,
 *                                           c_row)
 *
 * is the same for an A whose column p lies list[p] elements from the first:
 * what a convolution's window sees of an image, without a copy. */
#ifndef PD_GEMM_TILES_H
#define PD_GEMM_TILES_H

#include "blocks.h"

typedef void tile_kernel(int64_t k, const real *a, int64_t a_row,
                         int64_t a_step, const real *b, int64_t b_step, real *c,
                         int64_t c_row, int add);

typedef void listed_kernel(int64_t k, const real *a, int64_t a_row,
                           const int64_t *list, const real *b, int64_t b_step,
                           real *c, int64_t c_row);

tile_kernel *const *K(gemm_tiles)(int64_t width);
listed_kernel *const *K(gemm_listed_tiles)(int64_t width);

#endif
