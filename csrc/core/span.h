/* Elements that lie some stride apart, as a kernel's loop over vectors wants
 * them: elements i … i+VL-1 are the vector at operand_at(o, i).
 *
 *     stride 1     in place, step 1
 *     stride 0     one vector of the one value, step 0: it stays where it is
 *     others       gathered to a buffer, step 1 */
#ifndef PD_CORE_SPAN_H
#define PD_CORE_SPAN_H

#include "simd.h"

typedef struct {
    const real *at;
    int64_t step;
} operand_t;

V_INLINE const real *operand_at(operand_t o, int64_t i) {
    return o.at + i * o.step;
}

static inline int span_gathers(int64_t stride) {
    return stride != 0 && stride != 1;
}

/* n elements from p on. The buffer has room for a vector, and for n elements
 * where span_gathers. */
V_INLINE operand_t span_of(const real *p, int64_t stride, int64_t n,
                           real *buffer) {
    if (stride == 1) return (operand_t){p, 1};
    if (stride == 0) {
        v_store(buffer, v_set(*p));
        return (operand_t){buffer, 0};
    }
    for (int64_t k = 0; k < n; k++) buffer[k] = p[k * stride];
    return (operand_t){buffer, 1};
}

#endif
