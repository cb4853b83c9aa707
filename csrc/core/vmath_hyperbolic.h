/* Sums and quotients of exponentials.
 *
 *     vm_tanh vm_sigmoid                between two limits
 *     vm_softplus vm_logaddexp          logarithms of a sum
 *     vm_sinh vm_cosh
 *     vm_asinh vm_acosh vm_atanh        logarithms */
#ifndef PD_CORE_VMATH_HYPERBOLIC_H
#define PD_CORE_VMATH_HYPERBOLIC_H

#include "vmath_exp.h"

/* t / (t + 2) with t = exp(2 |x|) - 1.
 * Error: 2.6 / 2.7 [2.6 / 2.6]. */
V_INLINE vreal vm_tanh(vreal x) {
    const vreal one = v_set(1), two = v_set(2);
    vreal y = v_min(v_set(VM_EITHER(20, 10)), v_abs(x)); /* tanh rounds to 1 */
    vm_reduced a = vm_reduce(y + y);
    vreal p = v_fma(a.r * a.r, VM_POLYNOMIAL(a.r, vm_exp_c), a.r);
    vreal t = v_fma(a.power, p, a.power - one);
    return vm_signed(t / (t + two), vm_sign(x));
}

/* 1 / (1 + exp(-|x|)), or exp(-|x|) over the same for a negative x.
 * Error: 2.5 / 2.2 [2.5 / 2.2]. */
V_INLINE vreal vm_sigmoid(vreal x) {
    const vreal one = v_set(1);
    vreal e = vm_exp_negative(-v_abs(x));
    return v_select(v_lt(x, v_set(0)), e, one) / (one + e);
}

/* max(x, 0) + log(1 + e) with e = exp(-|x|). log(1 + e) is log(2 (1 + f)) with
 * f = (e - 1) / 2 where e > 1/2, log(1 + f) with f = e elsewhere.
 * Error: 1.6 / 1.5 [1.7 / 1.7]. */
V_INLINE vreal vm_softplus(vreal x) {
    const vreal half = v_set((real)0.5), one = v_set(1), zero = v_set(0);
    vreal e = vm_exp_negative(-v_abs(x));
    vmask large = v_lt(half, e);
    vreal f = v_select(large, (e - one) * half, e);
    return v_max(zero, x) + vm_log_sum(v_select(large, one, zero), f);
}

/* log(exp(a) + exp(b)).
 * Error: 1.4 / 1.4 [1.4 / 1.5] ulp of the largest of |a|, |b| and 1. */
V_INLINE vreal vm_logaddexp(vreal a, vreal b) {
    vreal apart = v_select(v_eq(a, b), v_set(0), v_abs(a - b));
    return v_select(v_lt(a, b), b, a) + vm_softplus(-apart);
}

/* exp(y) / 2 = exp(y - 1) e / 2 for y >= 0: finite as far as sinh(y) is. */
V_INLINE vreal vm_half_exp(vreal y) {
    vreal e = vm_exp_within(v_min(v_set(VM_EXP_HIGH), y - v_set(1)));
    return v_fma(e, v_set(vm_half_e[0]), e * v_set(vm_half_e[1]));
}
/* Error: 2.5 / 2.6 [3.4 / 2.9]. */
V_INLINE vreal vm_sinh(vreal x) {
    vreal y = v_abs(x), square = y * y;
    vreal near = v_fma(y * square, VM_POLYNOMIAL(square, vm_sinh_c), y);
    vreal e = vm_half_exp(y);
    vreal far = e - v_set((real)0.25) / e;
    return vm_signed(v_select(v_lt(y, v_set(1)), near, far), vm_sign(x));
}
/* Error: 1.8 / 1.9 [2.4 / 2.3]. */
V_INLINE vreal vm_cosh(vreal x) {
    vreal e = vm_half_exp(v_abs(x));
    return e + v_set((real)0.25) / e;
}

/* log(y + sqrt(y^2 + 1)), written as log(1 + ...); from `far` on log(2 y). */
#define VM_HYPERBOLIC_FAR VM_EITHER(0x1p55, 0x1p25)
V_INLINE vreal vm_log1p_or_log2x(vreal near, vreal y) {
    vmask far = v_lt(v_set(VM_HYPERBOLIC_FAR), y);
    vreal ln2 = v_set(vm_ln2[0] + vm_ln2[1]);
    return vm_log1p(v_select(far, y, near)) + v_select(far, ln2, v_set(0));
}
/* Error: 1.8 / 1.7 [1.8 / 1.7]. */
V_INLINE vreal vm_asinh(vreal x) {
    const vreal one = v_set(1);
    vreal y = v_abs(x), square = y * y;
    vreal near = y + square / (one + v_sqrt(one + square));
    return vm_signed(vm_log1p_or_log2x(near, y), vm_sign(x));
}
/* log(1 + t + sqrt(t (t + 2))), t = x - 1.
 * Error: 2.5 / 2.4 [2.5 / 2.4]. */
V_INLINE vreal vm_acosh(vreal x) {
    const vreal one = v_set(1);
    vreal t = x - one, near = t + v_sqrt(t * (t + v_set(2)));
    vreal y = vm_log1p_or_log2x(near, x);
    return v_select(v_lt(x, one), v_set((real)NAN), y);
}
/* log((1 + y) / (1 - y)) / 2.
 * Error: 2.1 / 2.0 [2.1 / 2.0]. */
V_INLINE vreal vm_atanh(vreal x) {
    vreal y = v_abs(x), t = (y + y) / (v_set(1) - y);
    return vm_signed(v_set((real)0.5) * vm_log1p(t), vm_sign(x));
}

#endif
