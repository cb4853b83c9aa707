/* Mathematical functions of a vreal.
 *
 *     vmath_exp.h          vm_exp vm_expm1 vm_log vm_log1p vm_log2 vm_log10
 *                          vm_pow
 *     vmath_erf.h          vm_erf vm_gelu vm_gelu_grad vm_gelu_tanh
 *                          vm_gelu_tanh_grad
 *     vmath_angle.h        vm_sin vm_cos vm_tan vm_atan2 vm_atan vm_asin
 *                          vm_acos vm_hypot
 *     vmath_hyperbolic.h   vm_tanh vm_sigmoid vm_softplus vm_logaddexp
 *                          vm_sinh vm_cosh vm_asinh vm_acosh vm_atanh
 *     here                 vm_floor vm_ceil vm_trunc vm_copysign
 *     vmath_parts.h        what they share
 *     vmath_tables.h       the coefficients
 *
 * Each is a reduction to a short interval, one minimax polynomial there, and
 * the way back; nothing is looked up, there is at most one division, and no
 * branch but one in vm_sin and vm_cos for huge arguments.
 *
 * Invariants:
 * - A lane's result depends on that lane alone, bit for bit.
 * - NaN gives NaN; infinities give the limit; a zero keeps its sign where the
 *   function is odd. A range is cut by v_max(bound, x) or v_min(bound, x),
 *   bound first: those return x where x is NaN.
 * - Denormals are numbers, as arguments and as results.
 * - |x| is reduced and the sign put back where the function is odd or has
 *   f(-x) = 1 - f(x), so nothing cancels in either tail.
 *
 * The coefficients are minimax polynomials (Remez) that vmath_coefficients.py
 * derives and prints; beside each block stands the error of the polynomial
 * itself. Above each function stands the largest error found with all its
 * roundings, in ulp: float / double, and in brackets the same without a fused
 * multiply-add. tests/ktest/vmath_test.c measures them and holds the bounds. */
#ifndef PD_CORE_VMATH_H
#define PD_CORE_VMATH_H

#include "vmath_exp.h"
#include "vmath_erf.h"
#include "vmath_angle.h"
#include "vmath_hyperbolic.h"

/* ---- whole numbers and signs --------------------------------------------- */

V_INLINE vreal vm_copysign(vreal x, vreal sign) {
    return vm_signed(v_abs(x), vm_sign(sign));
}
/* The sign of x is kept where the result is zero. */
V_INLINE vreal vm_floor(vreal x) {
    vreal n = v_round(x);
    return v_select(v_lt(x, n), n - v_set(1), n);
}
V_INLINE vreal vm_ceil(vreal x) { return -vm_floor(-x); }
V_INLINE vreal vm_trunc(vreal x) {
    return vm_signed(vm_floor(v_abs(x)), vm_sign(x));
}

#endif
