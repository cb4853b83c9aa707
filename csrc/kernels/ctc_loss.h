/* Connectionist temporal classification: -log of the probability that a row of
 * classes, one for each step, spells the target once repetitions are merged and
 * blanks left out.
 *
 *     ctc_loss_forward  (x, targets, steps, labels, loss, alpha?)
 *     ctc_loss_backward (x, targets, steps, labels, alpha, dloss, dx)
 *
 *     x        [t, n, c]        log probabilities; the classes adjoin
 *     targets  [n, k] int64     0 <= target < c, not the blank; of each row
 * only the first `labels` are looked at steps    [n]    int64     how many of
 * the t steps count, 0 … t labels   [n]    int64     the targets' lengths, 0 …
 * k loss     [n]              dloss too alpha    [n, t, 2 k + 1]  for backward;
 * -inf where there is nothing dx       [t, n, c]        dense; 0 behind a row's
 * steps
 *
 * Both return 1 + the position of the first bad target. Lengths beyond t and k
 * are taken as t and k. */
#ifndef PD_KERNELS_CTC_LOSS_H
#define PD_KERNELS_CTC_LOSS_H

#include "kernel.h"

typedef struct {
    int64_t t, n, c, k;
    int64_t x_time, x_row; /* strides of x */
    int64_t blank;
    int64_t zero_infinity; /* an infinite loss is 0, with no gradient */
} pd_ctc_loss_geometry;

#endif
