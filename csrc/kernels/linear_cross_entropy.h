/* Cross entropy of a linear layer's logits, which are never stored whole.
 *
 *     linear_cross_entropy (x, w, bias, t, dloss, loss, dx, dw, dbias)
 *
 *         logits = x w^T + bias                      [rows, n]
 *         loss   = cross_entropy(logits, t)          see cross_entropy.h
 *         dx     = dlogits w,  dw = dlogits^T x,  dbias = columns of dlogits
 *
 *     x      [rows, k]  any strides
 *     w      [n, k]     any strides
 *     bias   [n]        contiguous, or NULL
 *     t      [rows]     int64, contiguous; 0 <= t < n, or ignore
 *     dloss  [rows]     contiguous, for "none"; NULL: 1 for each loss
 *     loss   [rows] for "none", else a single number
 *     dx, dw, dbias     C order, each NULL where not wanted
 *
 * Returns 1 + i for the first row i whose t is out of range; then nothing is
 * written. */
#ifndef PD_KERNELS_LINEAR_CROSS_ENTROPY_H
#define PD_KERNELS_LINEAR_CROSS_ENTROPY_H

#include "loss.h" /* PD_LOSS_NONE … */

typedef struct {
    int64_t rows, k, n;
    int64_t x_row, x_column, w_row, w_column; /* strides */
    int64_t ignore;
    int64_t reduction; /* PD_LOSS_… */
    double smoothing;
} pd_linear_cross_entropy_geometry;

#endif
