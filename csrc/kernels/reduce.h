/* Reductions over any axes: sum, mean, max, min.
 *
 *     reduce (x, y)      y[k] = f of x[k, r] over all r
 *
 * k runs over the kept axes of x, r over the reduced ones, each set a space of
 * its own, merged. x has any strides. All of y is written; it must not overlap
 * x. Without any r, sum is 0, mean NaN, max -inf and min +inf.
 *
 * max and min are NaN where a NaN takes part. */
#ifndef PD_KERNELS_REDUCE_H
#define PD_KERNELS_REDUCE_H

#include "space.h"

enum { PD_REDUCE_sum, PD_REDUCE_mean, PD_REDUCE_max, PD_REDUCE_min };

typedef struct {
    int64_t function; /* PD_REDUCE_… */
    pd_space kept;    /* operands: x, y */
    pd_space reduced; /* operand: x */
} pd_reduce_geometry;

#endif
