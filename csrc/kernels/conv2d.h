/* Two-dimensional convolution (as networks have it: without flipping).
 *
 *     y[n,o,i,j] = activation(bias[o] +
 *         sum over c, k, l of  weight[o,c,k,l]
 *                  * x[n, c, i*stride_h - pad_h + k*dilation_h,
 *                            j*stride_w - pad_w + l*dilation_w])
 *
 * where x is zero outside its extents and c runs over the channels of o's
 * group.
 *
 *     conv2d_forward         (x, weight, bias?, y)
 *     conv2d_backward_data   (dy, weight, dx)
 *     conv2d_backward_weight (x, dy, dweight, dbias?)
 *
 *     x, dx            [n, c, h, w]
 *     weight, dweight  [o, c/groups, kh, kw]
 *     bias, dbias      [o]
 *     y, dy            [n, o, oh, ow]
 *
 * x, dy and weight are read at any strides, dweight is written at any. y and
 * dx are always written channels-last: memory [n, oh, ow, o] and [n, h, w, c],
 * dense; no stride of theirs is read. Only pad_h (above) and pad_w (left) are
 * given: what is below and to the right follows from oh and ow, so padding may
 * be uneven. backward_data and backward_weight know nothing of bias and
 * activation: dy is the gradient after the activation's own rule.
 *
 * Outputs overlap no input. All of every output is written: dx is zero where
 * nothing contributes, dweight and dbias are zeros for an empty batch. */
#ifndef PD_KERNELS_CONV2D_H
#define PD_KERNELS_CONV2D_H

#include "activation.h"

#include <stdint.h>

typedef struct {
    int64_t n, c, h, w;
    int64_t o, kh, kw;
    int64_t oh, ow;
    int64_t stride_h, stride_w;
    int64_t pad_h, pad_w;
    int64_t dilation_h, dilation_w;
    int64_t groups;
    int64_t x_stride[4];      /* of x: n c h w, in elements, as all below */
    int64_t y_stride[4];      /* of dy: n o h w */
    int64_t weight_stride[4]; /* of weight or dweight: o c h w */
    int64_t bias_step;        /* of bias or dbias */
    int64_t activation;       /* PD_ACTIVATION_… of activation.h */
} pd_conv2d_geometry;

#endif
