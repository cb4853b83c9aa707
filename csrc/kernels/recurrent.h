/* Recurrences: what the kernels of lstm.h, gru.h and rnn.h have in common, and
 * how a padded batch is cleared of what is behind its rows' ends.
 *
 *     time        0        1        2
 *     z         [b,gh]   [b,gh]   [b,gh]      x W_ih^T + bias, made before
 *                 |        |        |
 *     hs     [0] ---> [1] ---> [2] ---> [3]    h of every moment, [b, h] each
 *     in reverse [0] <--- [1] <--- [2] <--- [3]
 *
 * There is one more moment than steps: the step at time t leads from moment t
 * to t + 1, or in reverse from t + 1 to t. The initial state is the first
 * moment on the way, the final state the last.
 *
 * lengths[b], where it is given, is the number of steps that row b has. At
 * times t >= lengths[b] the row keeps its state, y is 0 and dy is not read; so
 * every moment holds numbers, and the gradient of the recurrent weight is one
 * product over all steps. Any values are safe here; rules check them.
 *
 * All arrays but y, dy and the weight are dense in C order. Outputs are written
 * whole and overlap no input.
 *
 *     recurrent_mask (x, lengths, y)    y = x, or 0 where t >= lengths[b]
 *
 *     x, y       [t, b, d]; x has any strides
 *     lengths    int64 [b]
 *
 * so that not even a NaN in the padding reaches a product with the weight. */
#ifndef PD_KERNELS_RECURRENT_H
#define PD_KERNELS_RECURRENT_H

#include "kernel.h"

typedef struct {
    int64_t t, b, h;
    int64_t reverse;                   /* 1: from time t - 1 to 0 */
    int64_t weight_row, weight_column; /* strides of weight, in elements */
    int64_t y_row, y_time;             /* of y or dy: from b to b, t to t */
    int64_t relu;                      /* rnn: instead of tanh */
} pd_recurrent_geometry;

typedef struct {
    int64_t t, b, d;
    int64_t x_stride[3]; /* t b d, in elements */
} pd_recurrent_mask_geometry;

#endif
