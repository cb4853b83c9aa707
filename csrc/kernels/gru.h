/* The recurrence of a GRU; moments and lengths are explained in recurrent.h.
 *
 *     gru_forward (z, weight, bias?, h0, lengths?, y, h, hs?, gates?)
 *
 *     q = h weight^T + bias               three blocks of columns: r, u, n
 *     r = sigmoid(z_r + q_r)
 *     u = sigmoid(z_u + q_u)
 *     n = tanh(z_n + r q_n)
 *     h' = (1 - u) n + u h
 *
 *     gru_backward (weight, lengths?, hs, gates, dy?, dh?, dz, dq, dh0)
 *
 *     z, dz, dq    [t, b, 3 h]
 *     weight       [3 h, h], any strides
 *     bias         [3 h]
 *     h0 h dh0 dh  [b, h]: before the first step, after the last
 *     lengths      int64 [b]
 *     y, dy        [b, t, h], units adjacent
 *     hs           [t + 1, b, h]: the state of every moment
 *     gates        [t, b, 4 h]: r, u, n and q_n
 *
 * hs and gates are what backward wants; they are given together or not at all.
 * dq is the gradient of q, and so of bias; it differs from dz in n by the
 * factor r. A gradient that is absent is zero. */
#ifndef PD_KERNELS_GRU_H
#define PD_KERNELS_GRU_H

#include "recurrent.h"

#endif
