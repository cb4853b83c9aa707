/* A copy between any two layouts of one shape.
 *
 *     copy (x, y)    y[i] = x[i]
 *
 * Items of 1, 2, 4 or 8 bytes, whatever they mean. x may be broadcast or
 * reversed (strides of 0 or less); y must not overlap x nor itself. */
#ifndef PD_KERNELS_COPY_H
#define PD_KERNELS_COPY_H

#include "space.h"

typedef struct {
    int64_t item;   /* bytes of an item */
    pd_space space; /* operands: y, then x */
} pd_copy_geometry;

#endif
