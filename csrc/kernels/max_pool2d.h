/* Max-pool over windows of images.
 *
 *     max_pool2d_forward  (x, y, index)
 *         y[n,o,p,c] = the largest entry of window (o, p) of x[n,:,:,c]
 *         index[n,o,p,c] = its number in the window, ky * kw + kx; written
 *         where index is not NULL
 *     max_pool2d_backward (dy, index, dx)
 *         dx[n,i,j,c] = sum of dy over the windows whose maximum is (i, j)
 *     max_pool2d_gather   (ddx, index, ddy)
 *         ddy[n,o,p,c] = ddx at the maximum of window (o, p)
 *
 * Of equal maxima the first counts; NaN is larger than all, and of several NaN
 * the last counts. `index` is uint8 where the window has at most 255 entries,
 * else int32, dense in the order n, oh, ow, c. All outputs are written whole;
 * nothing may alias. Layout: pool2d.h. */
#ifndef PD_KERNELS_MAX_POOL2D_H
#define PD_KERNELS_MAX_POOL2D_H

#include "pool2d.h"

/* Whether forward reads x at these strides as it is: channels side by side, or
 * long rows in one piece, where no index is wanted. */
static inline int pd_max_pool2d_reads(const pd_pool2d_geometry *g,
                                      int with_index) {
    return g->stride[3] == 1 ||
           (!with_index && g->stride[2] == 1 && g->w.s > 0 && g->w.out >= 16);
}

#endif
