/* See conv2d.h. Convolution is a matrix product one of whose operands is an
 * im2col view, which nobody stores:
 *
 *                  M              K                N
 *     forward      n oh ow        kh kw c          o         A = view of x
 *     data         n h w          kh kw o          c         A = view of dy
 *     weight       o              n oh ow          kh kw c   B = view of x
 *
 * Each kernel takes the first of these methods that fits:
 *
 *     conv2d_few.h        few channels of x, read where they lie
 *     conv2d_blocks.h     few channels of dx, lanes filled with pixels
 *     depthwise.h         one channel per group: no matrix product at all;
 *                         depthwise_dense.h for stride 1,
 *                         depthwise_dense_weight.h for windows 3 wide
 *     conv2d_winograd.h   filters of 3 x 3 and 5 x 5 with many channels, or
 *                         few and enough images, by half the multiplications;
 *                         where a result of theirs is not finite, the next
 *                         method is taken after all
 *     conv2d_product.h    everything */
#include "conv2d.h"
#include "conv2d_bias.h"
#include "conv2d_blocks.h"
#include "conv2d_few.h"
#include "conv2d_product.h"
#include "conv2d_product_weight.h"
#include "conv2d_winograd.h"
#include "conv2d_winograd_weight.h"
#include "depthwise_dense.h"
#include "depthwise_dense_weight.h"
#include "depthwise_weight.h"

static image_t image_x(const conv2d_t *g, const real *x) {
    const int64_t *s = g->x_stride;
    return (image_t){x, g->n, g->c, g->h, g->w, {s[0], s[1], s[2], s[3]}, 0};
}
static image_t image_dy(const conv2d_t *g, const real *dy) {
    const int64_t *s = g->y_stride;
    return (image_t){dy, g->n, g->o, g->oh, g->ow, {s[0], s[1], s[2], s[3]}, 0};
}

static const border_t none = {0, 0};

int64_t K(conv2d_forward)(void *const *arrays, const void *geometry) {
    const conv2d_t *g = geometry;
    const real *weight = arrays[1], *bias = arrays[2];
    image_t x = image_x(g, arrays[0]);
    if (few_fits(g, x)) return few_forward(g, x, weight, bias, arrays[3]);
    if (win_forward_fits(g)) {
        image_t plain = x;
        if (images_prepare(&plain, none, NULL)) return PD_NO_MEMORY;
        const int64_t status = win_forward(g, plain, weight, bias, arrays[3]);
        if (status != WIN_GIVES_UP) return status;
    }
    const border_t border = border_if_worth(g, &x, border_forward(g),
                                            g->dilation_w == 1 ? g->kw : 1);
    if (images_prepare(&x, border, NULL)) return PD_NO_MEMORY;
    if (is_depthwise(g, &x, NULL))
        return dense_forward_fits(g)
                   ? dense_forward(g, &x, weight, bias, arrays[3])
                   : depthwise_forward(g, &x, weight, bias, arrays[3]);
    return conv2d_multiply(g, x, weight, bias, arrays[3]);
}

int64_t K(conv2d_backward_data)(void *const *arrays, const void *geometry) {
    const conv2d_t *g = geometry;
    image_t dy = image_dy(g, arrays[0]);
    if (win_data_fits(g)) {
        image_t plain = dy;
        if (images_prepare(&plain, none, NULL)) return PD_NO_MEMORY;
        const int64_t status =
            win_backward_data(g, plain, arrays[1], arrays[2]);
        if (status != WIN_GIVES_UP) return status;
    }
    const int64_t step = blocks_step(g);
    if (step) {
        const int64_t status =
            blocks_backward_data(g, step, dy, arrays[1], arrays[2]);
        if (status != BLOCKS_GIVE_UP) return status;
    }
    const border_t border =
        border_if_worth(g, &dy, border_backward(g),
                        g->dilation_w == 1 ? g->kw / g->stride_w : 1);
    if (images_prepare(&dy, border, NULL)) return PD_NO_MEMORY;
    if (is_depthwise(g, &dy, NULL))
        return dense_data_fits(g)
                   ? dense_backward_data(g, &dy, arrays[1], arrays[2])
                   : depthwise_backward_data(g, &dy, arrays[1], arrays[2]);
    return conv2d_multiply_data(g, dy, arrays[1], arrays[2]);
}

int64_t K(conv2d_backward_weight)(void *const *arrays, const void *geometry) {
    const conv2d_t *g = geometry;
    image_t x = image_x(g, arrays[0]), dy = image_dy(g, arrays[1]);
    if (images_prepare(&x, none, &dy)) return PD_NO_MEMORY;
    if (arrays[3] && conv2d_dbias(g, dy, arrays[3])) return PD_NO_MEMORY;
    if (few_fits(g, x)) return few_backward_weight(g, x, dy, arrays[2]);
    if (is_depthwise(g, &x, &dy))
        return sums_fit(g) ? sums_backward_weight(g, &x, &dy, arrays[2])
                           : depthwise_backward_weight(g, &x, &dy, arrays[2]);
    if (win_fits(g, g->oh, g->ow)) {
        const int64_t status = win_backward_weight(g, x, dy, arrays[2]);
        if (status != WIN_GIVES_UP) return status;
    }
    return conv2d_multiply_weight(g, x, dy, arrays[2]);
}
