/* Elements that lie some stride apart, as a kernel wants them: side by side.
 *
 *     stride 1     in place
 *     stride 0     one value, spread over a buffer by vectors, once for a run
 *     others       gathered to the buffer */
#ifndef PD_CORE_SPAN_H
#define PD_CORE_SPAN_H

#include "simd.h"

/* Elements i … i+n-1 of a run that begins at p. The buffer has room for the
 * run's first span, in whole vectors; no later one is longer. */
V_INLINE const real *span_of(const real *p, int64_t stride, int64_t i,
                             int64_t n, real *buffer) {
    if (stride == 1) return p + i;
    if (stride == 0 && i > 0) return buffer;
    if (stride == 0)
        for (int64_t k = 0; k < n; k += VL) v_store(buffer + k, v_set(*p));
    else
        for (int64_t k = 0; k < n; k++) buffer[k] = p[(i + k) * stride];
    return buffer;
}

#endif
