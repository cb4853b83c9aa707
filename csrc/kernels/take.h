/* Take: elements by number along an axis, and their sums by number.
 *
 *     take_forward  (x, ids, y)     y[o, j, i] = x[o, id, i]
 *     take_backward (ids, dy, dx)   dx[o, id, i] = sum of dy[o, j, i]
 *
 * x, dx   [outer, rows, inner]      y, dy   [outer, count, inner]
 * ids     [count], id = ids[j]; with `along` [outer, count, inner], and
 *         id = ids[o, j, i]. Integers of any type, -rows <= id < rows: negative
 *         ones count from the end.
 *
 * All dense. The sum runs over the j of equal id, in rising order; where there
 * is none it is 0. Both return 1 + the position of the first bad id. */
#ifndef PD_KERNELS_TAKE_H
#define PD_KERNELS_TAKE_H

#include "kernel.h"

typedef struct {
    int64_t outer, rows, count, inner;
    int64_t along;
    int64_t id_bytes, id_signed;
} pd_take_geometry;

#endif
