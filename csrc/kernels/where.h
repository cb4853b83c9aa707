/* A choice between two arrays, broadcast, any strides.
 *
 *     where (condition, a, b, y)    y[i] = a[i] where condition[i], else b[i]
 *
 * condition   bytes, 0 or 1
 *
 * All of y is written. An element that is not chosen is read, and of no
 * matter. */
#ifndef PD_KERNELS_WHERE_H
#define PD_KERNELS_WHERE_H

#include "space.h"

typedef struct {
    pd_space space; /* operands: y, condition, a, b */
} pd_where_geometry;

#endif
