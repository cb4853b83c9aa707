/* Interpolate: images at another size, and its transpose, the gradient.
 *
 *     interpolate_forward  (x, y)    y[o] = sum over i of weight(o, i) x[i]
 *     interpolate_backward (dy, dx)  dx[i] = sum over o of weight(o, i) dy[o]
 *
 * x, dx [outer, h.in, w.in, inner], y, dy [outer, h.out, w.out, inner], dense:
 * inner is the channels of a channels-last image, or 1. The weight is a product
 * of one along h and one along w. Along an axis output o looks at place s,
 *
 *     nearest          s = o step                  the pixel floor(s)
 *     linear           s = (o + 1/2) step - 1/2    the pixels left and right
 *     linear, corners  s = o step                  of s, by distance
 *
 * s and what is taken of it lie within the image. Where in = out, a linear axis
 * is left as it is. All in the arithmetic of `real`, but a nearest s is rounded
 * to float before its floor: PyTorch's rule, so that 12.999999999 is 13. */
#ifndef PD_KERNELS_INTERPOLATE_H
#define PD_KERNELS_INTERPOLATE_H

#include "kernel.h"

typedef struct {
    int64_t in, out; /* at least 1 */
    double step;     /* places of x to one of y */
} pd_interpolate_axis;

typedef struct {
    int64_t outer, inner;
    int64_t linear, corners;
    pd_interpolate_axis h, w;
} pd_interpolate_geometry;

#endif
