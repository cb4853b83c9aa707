/* Local response norm: a channel divided by what its neighbours have.
 *
 *     local_response_norm_forward  (x, y)       y[c] = x[c] t[c]^-beta
 *     local_response_norm_backward (x, dy, dx)
 *
 *     t[c] = k + scale sum of x[i]^2 over c - before <= i <= c + after
 *
 * Arrays have one shape. The output is dense: rows (pixels), channels; inputs
 * have neighbouring channels side by side and any strides elsewhere. The output
 * is written whole and overlaps no input. */
#ifndef PD_KERNELS_LOCAL_RESPONSE_NORM_H
#define PD_KERNELS_LOCAL_RESPONSE_NORM_H

#include "space.h"

typedef struct {
    int64_t c, before, after; /* before and after: at most c */
    double scale, beta, k;
    pd_space rows; /* operands: the output, then the inputs */
} pd_local_response_norm_geometry;

#endif
