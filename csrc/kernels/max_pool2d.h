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

#endif
