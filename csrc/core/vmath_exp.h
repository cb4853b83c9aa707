/* Exponentials, logarithms, and the power that is made of both.
 *
 *     vm_exp vm_expm1 vm_log vm_log1p vm_log2 vm_log10 vm_pow */
#ifndef PD_CORE_VMATH_EXP_H
#define PD_CORE_VMATH_EXP_H

#include "vmath_parts.h"

/* Error: 0.9 / 0.9 [1.2 / 1.2]. */
V_INLINE vreal vm_exp(vreal x) {
    x = v_max(v_set(VM_EXP_LOW), x);
    return vm_exp_within(v_min(v_set(VM_EXP_HIGH), x));
}

/* 2^n (exp(r) - 1) + (2^n - 1), all at half size lest 2^n overflow.
 * Error: 1.6 / 2.2 [1.7 / 2.3]. */
V_INLINE vreal vm_expm1(vreal x) {
    const vreal half = v_set((real)0.5);
    const vreal tiny = v_set(VM_EITHER(0x1p-54, 0x1p-25));
    vreal within = v_max(v_set(VM_EITHER(-60, -30)), x);
    vm_reduced a = vm_reduce(v_min(v_set(VM_EXP_HIGH), within));
    vreal p = v_fma(a.r * a.r, VM_POLYNOMIAL(a.r, vm_exp_c), a.r);
    vreal half_power = v_scale(half, a.n);
    vreal y = v_fma(half_power, p, half_power - half);
    return v_select(v_lt(v_abs(x), tiny), x, y + y);
}

/* Error: 1.0 / 0.9 [1.0 / 1.1]. */
V_INLINE vreal vm_log(vreal x) {
    vreal e, m = v_split(x, &e);
    return vm_log_sum(e, m - v_set(1));
}

/* u = 1 + x rounded, and what the rounding lost joins f.
 * Error: 1.0 / 0.9 [1.0 / 1.0]. */
V_INLINE vreal vm_log1p(vreal x) {
    const vreal one = v_set(1), infinity = v_set((real)INFINITY);
    const vreal tiny = v_set(VM_EITHER(0x1p-54, 0x1p-25));
    vreal u = one + x;
    vreal lost = v_select(v_lt(x, one), x - (u - one), one - (u - x));
    vreal e, m = v_split(u, &e);
    vreal y = vm_log_sum(e, (m - one) + v_scale(lost, -e));
    /* Where u is zero or infinite `lost` is not a number. */
    y = v_select(v_eq(x, -one), -infinity, y);
    vmask same = m_or(v_lt(v_abs(x), tiny), v_eq(x, infinity));
    return v_select(same, x, y);
}

/* log(x) to another base: `base` holds its log 2 and its log e, each in two
 * parts. Whole powers of 2, and of 10 in base 10, come out whole. */
V_INLINE vreal vm_log_in_base(vreal x, const real *base) {
    vreal e, m = v_split(x, &e);
    vreal y = vm_log_sum(v_set(0), m - v_set(1));
    vreal low = v_fma(y, v_set(base[3]), e * v_set(base[1]));
    /* e is infinite at the ends, where a part of log 2 may be zero. */
    low = v_select(v_lt(v_abs(e), v_set((real)INFINITY)), low, e);
    return v_fma(e, v_set(base[0]), v_fma(y, v_set(base[2]), low));
}
/* Error: 2.3 / 2.1 [2.3 / 2.3]. */
V_INLINE vreal vm_log2(vreal x) { return vm_log_in_base(x, vm_log2_c); }
/* Error: 2.0 / 1.9 [3.1 / 2.2]. */
V_INLINE vreal vm_log10(vreal x) { return vm_log_in_base(x, vm_log10_c); }

/* log(x) of an x > 0 as high + low, with about ten bits more than one real
 * holds. With x = 2^e m, sqrt(1/2) < m <= sqrt 2, and s = (m - 1) / (m + 1),
 *     log(x) = e ln 2 + 2 s + 2 s^3 / 3 + s^5 p(s^2);
 * s and the first three terms are kept as pairs, what the rest loses is
 * 2^-11 of a rounding and less. */
typedef struct {
    vreal high, low;
} vm_pair;

V_INLINE vm_pair vm_log_pair(vreal x) {
    const vreal one = v_set(1), two = v_set(2);
    const vreal third = v_set(vm_two_thirds[0]);
    vreal e, m = v_split(x, &e);
    vmask large = v_lt(v_set((real)1.41421356), m);
    m = v_select(large, m * v_set((real)0.5), m);
    e = v_select(large, e + one, e);
    vreal f = m - one, g = m + one, g_low = m - (g - one), d = one / g;
    vreal s = f * d;
    vreal s_low = -(v_product_error(s, g, f) + s * g_low) * d;

    vreal square = s * s;
    vreal square_low = v_fma(two * s, s_low, v_product_error(s, s, square));
    vreal q = square * third;
    vreal q_low = v_fma(square_low, third, v_product_error(square, third, q));
    q_low = v_fma(square, v_set(vm_two_thirds[1]), q_low);
    vreal cube = q * s;
    vreal cube_low = v_fma(q, s_low, v_product_error(q, s, cube));
    cube_low = v_fma(q_low, s, cube_low);

    /* Each sum's first term is the larger one (or zero), so what the sum loses
     * is found by subtraction. */
    vreal whole = e * v_set(vm_ln2[0]);
    vreal sum1 = whole + two * s, lost1 = two * s - (sum1 - whole);
    vreal sum2 = sum1 + cube, lost2 = cube - (sum2 - sum1);
    vreal low = v_fma(s * square, square * VM_POLYNOMIAL(square, vm_pow_c),
                      v_fma(e, v_set(vm_ln2[1]), cube_low));
    low = v_fma(two, s_low, low) + (lost1 + lost2);
    vreal high = sum2 + low;
    return (vm_pair){high, low - (high - sum2)};
}

/* exp(y log |x|), with the sign of x where y is odd, and C99's special cases.
 * Error: 1.1 / 1.9 [1.4 / 2.0]. */
V_INLINE vreal vm_pow(vreal x, vreal y) {
    const vreal zero = v_set(0), one = v_set(1);
    const vreal infinity = v_set((real)INFINITY);
    vreal magnitude = v_abs(x), half_y = y * v_set((real)0.5);
    vmask whole = v_eq(v_round(y), y);
    vmask odd = m_and(whole, m_not(v_eq(v_round(half_y), half_y)));

    vm_pair a = vm_log_pair(magnitude);
    vreal limit = v_select(v_lt(zero, magnitude), infinity, -infinity);
    vmask ordinary = m_and(v_lt(zero, magnitude), v_lt(magnitude, infinity));
    vreal high = v_select(ordinary, a.high, v_select(v_nan(x), x, limit));
    vreal p = y * high;
    vreal p_low = v_fma(y, a.low, v_product_error(y, high, p));
    /* Past the ends of exp p_low may be anything. */
    vmask within = v_lt(v_abs(p), v_set(VM_EXP_HIGH - VM_EXP_LOW));
    p_low = v_select(within, p_low, zero);

    vreal clipped = v_max(v_set(VM_EXP_LOW), p);
    vm_reduced b = vm_reduce(v_min(v_set(VM_EXP_HIGH), clipped));
    vreal r = b.r + p_low;
    vreal t = v_fma(VM_POLYNOMIAL(r, vm_exp_c), r, one);
    t = v_scale(v_fma(t, r, one), b.n);

    t = v_select(v_eq(magnitude, one), one, t);
    t = vm_signed(t, vm_sign(v_select(odd, x, zero)));
    vmask finite_negative = m_and(v_lt(x, zero), v_lt(-infinity, x));
    vmask undefined = m_and(finite_negative, m_not(whole));
    t = v_select(undefined, v_set((real)NAN), t);
    return v_select(m_or(v_eq(y, zero), v_eq(x, one)), one, t);
}

#endif
