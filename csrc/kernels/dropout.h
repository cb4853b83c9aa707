/* Dropout: each element becomes 0 with probability p, else is divided by 1 - p.
 *
 *     dropout (key, x, y)    y[i] = x[i] * scale where the i-th word of the
 *                            key's stream is above `last_dropped`, else 0
 *
 * key   uint64 [2]: seed, stream (core/philox.h)
 * x, y  [elements], dense; y is written whole and may be x
 *
 * The mask is a function of the key, so backward is the same kernel on dy with
 * the same key, and no mask is kept. */
#ifndef PD_KERNELS_DROPOUT_H
#define PD_KERNELS_DROPOUT_H

#include "kernel.h"

typedef struct {
    int64_t elements;
    int64_t last_dropped; /* words of 32 bits up to this one drop; p 2^32 - 1 */
    double scale;         /* 1 / (1 - p); of no matter where p = 1 */
} pd_dropout_geometry;

#endif
