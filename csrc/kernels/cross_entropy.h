/* Cross entropy of logits and class indices, fused with log_softmax.
 *
 *     row i:  lse = log sum_c exp(x[c])
 *             q[c] = (1 - smoothing) [c = t] + smoothing / n
 *             loss[i] = sum_c q[c] w[c] (lse - x[c])         0 where ignored
 *
 *     cross_entropy_forward  (x, t, w, loss, lse, total)
 *     cross_entropy_backward (x, t, w, lse, total, dloss, dx)
 *         dx[i, c] = g (S exp(x[c] - lse) - q[c] w[c])    0 where ignored
 *         S = sum_c q[c] w[c],  g = dloss[i]  or  dloss / total
 *
 *     x, dx  [rows, n]  any strides
 *     t      [rows]     int64, contiguous; 0 <= t < n, or ignore
 *     w      [n]        contiguous; absent: ones
 *     loss   [rows] for "none", else a single number; so is dloss
 *     lse    [rows, 2]  its two parts, max x and log sum exp(x - max x): added
 *                       up they would lose what large logits leave of them
 *     total  a single number: sum of w[t] over the rows not ignored for "mean"
 *            (so a mean of no rows is 0 / 0), 1 for the others
 *
 * Both return 1 + i for the first row i whose t is out of range; then nothing
 * else is written. */
#ifndef PD_KERNELS_CROSS_ENTROPY_H
#define PD_KERNELS_CROSS_ENTROPY_H

#include "loss.h" /* PD_LOSS_NONE … */
#include "space.h"

typedef struct {
    int64_t n;         /* classes */
    int64_t stride[2]; /* along a row: of x, of dx */
    int64_t ignore;
    int64_t reduction; /* PD_LOSS_… */
    double smoothing;
    pd_space rows; /* operands: the number of the row, x, dx */
} pd_cross_entropy_geometry;

#endif
