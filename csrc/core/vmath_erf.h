/* The normal distribution: the error function, and gelu in both its forms.
 *
 *     vm_erf
 *     vm_gelu vm_gelu_grad              x Phi(x) and its derivative
 *     vm_gelu_tanh vm_gelu_tanh_grad    x sigmoid(2 u(x)), the tanh form */
#ifndef PD_CORE_VMATH_ERF_H
#define PD_CORE_VMATH_ERF_H

#include "vmath_parts.h"

/* x + x p(x^2) near zero, 1 - exp(-x^2) tail(|x|) elsewhere.
 * Error: 1.8 / 1.6 [1.8 / 1.6]. */
V_INLINE vreal vm_erf(vreal x) {
    const vreal one = v_set(1), a = v_set(VM_TAIL_A);
    vreal y = v_min(v_set(VM_EITHER(6, 4)), v_abs(x)); /* erf rounds to 1 */
    vreal square = y * y;
    vreal near = v_fma(y, VM_POLYNOMIAL(square, vm_erf_c), y);
    vreal far = one - vm_exp_within(-square) * vm_tail(y + a, y - a);
    vreal magnitude = v_select(v_lt(y, v_set((real)0.8)), near, far);
    return vm_signed(magnitude, vm_sign(x));
}

/* gelu(x) = max(x, 0) - |x| Phi(-|x|), with Phi the normal distribution and
 * Phi(-y) = exp(-y^2 / 2) t / 2, t = vm_normal_tail(y). Zero from |x| = 40. */
#define VM_GELU_END 40

V_INLINE vreal vm_normal_tail(vreal y) {
    const vreal slope = v_set((real)0.70710678118654752440); /* sqrt(1/2) */
    const vreal a = v_set(VM_TAIL_A);
    return vm_tail(v_fma(y, slope, a), v_fma(y, slope, -a));
}

/* Error: 5.0 / 5.4 [6.2 / 5.8] for x >= -2, below that 0.1 epsilon |x|. */
V_INLINE vreal vm_gelu(vreal x) {
    vreal y = v_min(v_set(VM_GELU_END), v_abs(x));
    vreal half_y = y * v_set((real)0.5);
    vreal e = vm_exp_negative(-(half_y * y));
    return v_fma(-half_y, e * vm_normal_tail(y), v_max(v_set(0), x));
}

/* Phi(x) + x phi(x), phi the density: 1 + w for a positive x, -w for a negative
 * one, where w = |x| phi(x) - Phi(-|x|).
 * Error: 1.7 / 1.5 [1.7 / 1.6] ulp of 1. */
V_INLINE vreal vm_gelu_grad(vreal x) {
    const vreal zero = v_set(0), one = v_set(1), half = v_set((real)0.5);
    const vreal root = v_set((real)0.79788456080286535588); /* sqrt(2/pi) */
    vreal y = v_min(v_set(VM_GELU_END), v_abs(x));
    vreal e = vm_exp_negative(-(half * y * y));
    vreal w = half * e * v_fma(y, root, -vm_normal_tail(y));
    return v_select(v_lt(x, zero), -w, one + w);
}

/* The tanh form is x sigmoid(v), v = 2 sqrt(2 / pi) (x + 0.044715 x^3), so
 * max(x, 0) - |x| sigmoid(-|v|). */
V_INLINE vreal vm_gelu_v(vreal y, vreal square) {
    vreal small = v_fma(square, v_set(vm_gelu_v_c[2]), v_set(vm_gelu_v_c[1]));
    return v_fma(y, v_set(vm_gelu_v_c[0]), y * small);
}

/* Error: 5.1 / 4.4 [6.5 / 5.8] for x >= -2, below that 0.1 epsilon |x|. */
V_INLINE vreal vm_gelu_tanh(vreal x) {
    vreal y = v_min(v_set(VM_GELU_END), v_abs(x));
    vreal e = vm_exp_negative(-vm_gelu_v(y, y * y));
    vreal h = e / (v_set(1) + e);
    return v_fma(-y, h, v_max(v_set(0), x));
}

/* sigmoid(v) + x sigmoid(v) sigmoid(-v) v'(x), put together as in vm_gelu_grad.
 * Error: 1.1 / 1.1 [1.2 / 1.1] ulp of 1. */
V_INLINE vreal vm_gelu_tanh_grad(vreal x) {
    const vreal zero = v_set(0), one = v_set(1);
    vreal y = v_min(v_set(VM_GELU_END), v_abs(x)), square = y * y;
    vreal slope =
        v_fma(square, v_set(3 * vm_gelu_v_c[2]), v_set(vm_gelu_v_c[0]));
    vreal e = vm_exp_negative(-vm_gelu_v(y, square));
    vreal d = one / (one + e), h = e * d;
    vreal w = h * v_fma(y * slope, d, -one);
    return v_select(v_lt(x, zero), -w, one + w);
}

#endif
