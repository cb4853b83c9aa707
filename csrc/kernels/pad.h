/* Pad: places before and after an array along its axes, and their gradient.
 *
 *     pad          (x, value, y)   y[o] = x[i], i = o - low along each axis; an
 *                                  i outside x is brought inside by the mode:
 *
 *                         -2  -1 | 0  1  2  3 | 4  5
 *         constant         v   v | 0  1  2  3 | v  v     v = value
 *         reflect          2   1 | 0  1  2  3 | 2  1
 *         replicate        0   0 | 0  1  2  3 | 3  3
 *         circular         2   3 | 0  1  2  3 | 0  1
 *
 *     pad_backward (dy, dx)        dx[i] = sum of dy[o], in rising order; of
 *                                  every mode but constant, whose gradient is
 *                                  pad itself with -low
 *
 * x, dx of extents x, y, dy of extents y, all dense; items of 1, 2, 4 or 8
 * bytes that are moved as they are (pad_backward: reals). A negative low cuts.
 * value is one item; it may be NULL where the mode is not constant.
 *
 * Requires low < x and y - x - low < x along an axis that is reflected,
 * <= in place of < where it is circular, x >= 1 where it is replicated. */
#ifndef PD_KERNELS_PAD_H
#define PD_KERNELS_PAD_H

#include "kernel.h"

enum { PAD_CONSTANT, PAD_REFLECT, PAD_REPLICATE, PAD_CIRCULAR };

typedef struct {
    int64_t mode, item; /* bytes of an item */
    int64_t axes;       /* slowest in memory first */
    int64_t x[PD_MAX_AXES], y[PD_MAX_AXES], low[PD_MAX_AXES];
} pd_pad_geometry;

#endif
