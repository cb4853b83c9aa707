/* Matrix products, one or many.
 *
 *     matmul_forward (x, w, bias?, y)
 *
 *     y[..., m, n] = activation(x[..., m, k] w[..., k, n] + bias[n])
 *
 *     x     [batch, m, k]   any strides: transposed, reversed, broadcast (0)
 *     w     [batch, k, n]   any strides
 *     bias  [n]             any stride, or NULL
 *     y     [batch, m, n]   columns adjacent, rows and batch at any stride at
 *                           which no two elements meet
 *
 * A linear layer is one product with w the transpose of its weight [n, k]:
 * w_row = 1, w_column = k.
 *
 * y overlaps no input. All of y is written; where k = 0 that is
 * activation(bias), or zeros. */
#ifndef PD_KERNELS_MATMUL_H
#define PD_KERNELS_MATMUL_H

#include "activation.h"
#include "space.h"

typedef struct {
    int64_t m, n, k;
    int64_t x_row, x_column; /* strides in elements, as all below */
    int64_t w_row, w_column;
    int64_t bias_step;
    int64_t y_row;
    int64_t activation; /* PD_ACTIVATION_… of activation.h */
    pd_space batch;     /* operands: y, x, w; no axes where there is one */
} pd_matmul_geometry;

#endif
