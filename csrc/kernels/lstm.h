/* The recurrence of an LSTM; moments and lengths are explained in recurrent.h.
 *
 *     lstm_forward (z, weight, h0, c0, lengths?, y, h, c, hs?, cs?, gates?)
 *
 *     i, f, g, o = z + h weight^T         four blocks of columns
 *     c' = sigmoid(f) c + sigmoid(i) tanh(g)
 *     h' = sigmoid(o) tanh(c')
 *
 *     lstm_backward (weight, lengths?, cs, gates, dy?, dh?, dc?, dz, dh0, dc0)
 *
 *     z, dz            [t, b, 4 h]
 *     weight           [4 h, h], any strides
 *     h0 c0 h c        [b, h]: before the first step, after the last
 *     dh0 dc0 dh dc    [b, h]
 *     lengths          int64 [b]
 *     y, dy            [b, t, h], units adjacent
 *     hs, cs           [t + 1, b, h]: the states of every moment
 *     gates            [t, b, 4 h]: sigmoid and tanh of i, f, g, o
 *
 * hs, cs and gates are what backward wants; they are given together or not at
 * all. A gradient that is absent is zero. */
#ifndef PD_KERNELS_LSTM_H
#define PD_KERNELS_LSTM_H

#include "recurrent.h"

#endif
