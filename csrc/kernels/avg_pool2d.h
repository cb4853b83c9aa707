/* Average over windows of images.
 *
 *     avg_pool2d_forward  (x, y)
 *         y[n,o,p,c] = sum of the entries of window (o, p) of x[n,:,:,c]
 *                      / size of the window
 *     avg_pool2d_backward (dy, dx)
 *         dx[n,i,j,c] = sum over the windows with (i, j) of dy / size
 *
 * The size counts padding as entries where count_include_pad is set (never on
 * adaptive axes), though not what ceil_mode adds beyond it; `divisor`, where it
 * is not 0, stands for it. The two are each other's gradient. There is no
 * dilation: d is 1 on both axes. All outputs are written whole; nothing
 * may alias. Layout: pool2d.h. */
#ifndef PD_KERNELS_AVG_POOL2D_H
#define PD_KERNELS_AVG_POOL2D_H

#include "pool2d.h"

#endif
