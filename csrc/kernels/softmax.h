/* softmax and log_softmax along one axis, and their gradients.
 *
 *     softmax_forward      (x, y)       y  = exp(x - m) / s
 *     softmax_backward     (y, dy, dx)  dx = y (dy - sum y dy)
 *     log_softmax_forward  (x, y)       y  = x - m - log s
 *     log_softmax_backward (y, dy, dx)  dx = dy - exp(y) sum dy
 *
 * with m = max x and s = sum exp(x - m) over the row. Arrays have one shape
 * and any strides; the output is written whole and overlaps no input. A row
 * with NaN, with +inf, or of -inf only gives NaN. */
#ifndef PD_KERNELS_SOFTMAX_H
#define PD_KERNELS_SOFTMAX_H

#include "space.h"

typedef struct {
    int64_t n;         /* elements of a row */
    int64_t stride[3]; /* along a row: of the output, then of the inputs */
    pd_space rows;     /* operands: the output, then the inputs */
} pd_softmax_geometry;

#endif
