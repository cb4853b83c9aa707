/* The simple recurrence; moments and lengths are explained in recurrent.h.
 *
 *     rnn_forward (z, weight, h0, lengths?, y, h, hs?)
 *
 *     h' = tanh(z + h weight^T), or max(0, …) where the geometry says relu
 *
 *     rnn_backward (weight, lengths?, hs, dy?, dh?, dz, dh0)
 *
 *     z, dz        [t, b, h]
 *     weight       [h, h], any strides
 *     h0 h dh0 dh  [b, h]: before the first step, after the last
 *     lengths      int64 [b]
 *     y, dy        [b, t, h], units adjacent
 *     hs           [t + 1, b, h]: the state of every moment, for backward
 *
 * A gradient that is absent is zero. */
#ifndef PD_KERNELS_RNN_H
#define PD_KERNELS_RNN_H

#include "recurrent.h"

#endif
