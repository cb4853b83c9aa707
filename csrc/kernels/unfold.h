/* Unfold: the windows of images as columns (im2col); fold: columns added up to
 * images (col2im). Each is the other's gradient.
 *
 *     unfold (x, y)   y[p, k, l, i, j] = x[p, u, v], 0 where u, v is outside
 *     fold   (y, x)   x[p, u, v] = sum of y[p, k, l, i, j], k and l rising
 *         u = i h.stride - h.padding + k h.dilation, v likewise
 *
 * x [planes, h.in, w.in], y [planes, h.window, w.window, h.out, w.out], dense.
 * A plane is one channel of one image. */
#ifndef PD_KERNELS_UNFOLD_H
#define PD_KERNELS_UNFOLD_H

#include "kernel.h"

typedef struct {
    int64_t in, out, window, stride, padding, dilation;
} pd_unfold_axis;

typedef struct {
    int64_t planes;
    pd_unfold_axis h, w;
} pd_unfold_geometry;

#endif
