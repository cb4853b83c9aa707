/* Scan: a recurrence along an axis.
 *
 *     scan (a, x, h)      h[j] = a[j] h[j-1] + x[j]      from the first j on
 *
 * a, x, h   [outer, n, inner], dense
 *
 * a NULL    every a is 1: h is the cumulative sum of x
 * x NULL    every x is 0, and before the first h stands a 1: h is the
 *           cumulative product of a. With x, a 0 stands there.
 * reverse   from the last j back: h[j] = a[j] h[j+1] + x[j]
 * shifted   the coefficient is that of the neighbour: a[j-1], reverse a[j+1].
 *           A reversed shifted scan is the gradient of a plain one.
 *
 * The running value is kept in double. */
#ifndef PD_KERNELS_SCAN_H
#define PD_KERNELS_SCAN_H

#include "kernel.h"

typedef struct {
    int64_t outer, n, inner;
    int64_t reverse, shifted;
} pd_scan_geometry;

#endif
