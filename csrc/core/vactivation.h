/* Activations of a vreal that take more than a line, and their derivatives.
 *
 *     vm_silu vm_silu_grad    x sigmoid(x)
 *     vm_mish vm_mish_grad    x tanh(log(1 + exp(x)))
 *     vm_elu vm_elu_grad      p x above 0, q (exp(r x) - 1) elsewhere
 *
 * All are written in e = exp(-|x|), which does not overflow, and with |x| cut
 * where e has become 0: so the limits at the infinities come out by themselves.
 * As in vmath.h: NaN gives NaN, a lane depends on itself alone. */
#ifndef PD_CORE_VACTIVATION_H
#define PD_CORE_VACTIVATION_H

#include "vmath.h"

/* exp(-|x|) is 0 from here on. */
#define VM_EXP_END VM_EITHER(760, 110)

/* max(x, 0) - |x| sigmoid(-|x|). */
V_INLINE vreal vm_silu(vreal x) {
    vreal y = v_min(v_set(VM_EXP_END), v_abs(x));
    vreal e = vm_exp_negative(-y);
    return v_fma(-y, e / (v_set(1) + e), v_max(v_set(0), x));
}

/* s + x s (1 - s) with s = sigmoid(x): 1 + w for a positive x, -w for a
 * negative one. */
V_INLINE vreal vm_silu_grad(vreal x) {
    const vreal one = v_set(1);
    vreal y = v_min(v_set(VM_EXP_END), v_abs(x));
    vreal e = vm_exp_negative(-y);
    vreal d = one / (one + e), h = e * d;
    vreal w = h * v_fma(y, d, -one);
    return v_select(v_lt(x, v_set(0)), -w, one + w);
}

/* tanh(log(1 + u)) = n / (n + m): n = u (u + 2), m = 2 for u = exp(x); for a
 * positive x both are divided by u^2. */
typedef struct {
    vreal x, e, n, m;
} vm_mish_parts;

V_INLINE vm_mish_parts vm_mish_part(vreal x) {
    const vreal one = v_set(1), two = v_set(2), end = v_set(VM_EXP_END);
    vm_mish_parts p;
    vmask below = v_lt(x, v_set(0));
    p.x = v_max(-end, x);
    p.e = vm_exp_negative(-v_min(end, v_abs(x)));
    p.n = v_select(below, p.e * (p.e + two), one + two * p.e);
    p.m = v_select(below, two, two * p.e * p.e);
    return p;
}

V_INLINE vreal vm_mish(vreal x) {
    vm_mish_parts p = vm_mish_part(x);
    return p.x * (p.n / (p.n + p.m));
}

/* t + x (1 - t) (1 + t) sigmoid(x), t the tangent. */
V_INLINE vreal vm_mish_grad(vreal x) {
    const vreal one = v_set(1);
    vm_mish_parts p = vm_mish_part(x);
    vreal t = p.n / (p.n + p.m), rest = p.m / (p.n + p.m);
    vreal s = v_select(v_lt(x, v_set(0)), p.e, one) / (one + p.e);
    vreal y = v_min(v_set(VM_EXP_END), p.x);
    return v_fma(y * rest, (one + t) * s, t);
}

V_INLINE vreal vm_elu(vreal x, vreal p, vreal q, vreal r) {
    return v_select(v_le(x, v_set(0)), q * vm_expm1(r * x), p * x);
}

V_INLINE vreal vm_elu_grad(vreal x, vreal p, vreal q, vreal r) {
    return v_select(v_le(x, v_set(0)), q * r * vm_exp(r * x), p);
}

#endif
