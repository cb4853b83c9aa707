/* Angles: to the point on the circle, and back from a point.
 *
 *     vm_sin vm_cos vm_tan
 *     vm_atan2 vm_atan vm_asin vm_acos vm_hypot */
#ifndef PD_CORE_VMATH_ANGLE_H
#define PD_CORE_VMATH_ANGLE_H

#include "vmath_parts.h"

/* ---- the circle --------------------------------------------------------- */

/* Below this the parts of pi times n are exact. */
#define VM_TURN_LIMIT VM_EITHER(800000, 6000)

/* (-1)^turns sin(r), r = x - n pi, |r| <= pi / 2. */
V_INLINE vreal vm_half_turns(vreal x, vreal n, vint turns) {
    UNROLL for (int k = 0; k < 4; k++)
        x = v_fma(n, v_set(-vm_pi[k]), x);
    vreal square = x * x;
    vreal y = v_fma(x * square, VM_POLYNOMIAL(square, vm_sin_c), x);
    return v_real(v_bits(y) ^ (turns << VM_SIGN_BIT));
}

/* Huge arguments, lane by lane, from the C library in double. */
__attribute__((noinline, cold, unused)) static void
vm_far(const real *x, real *y, double (*f)(double)) {
    for (int i = 0; i < VL; i++)
        if (!(fabs((double)x[i]) <= (double)VM_TURN_LIMIT))
            y[i] = (real)f((double)x[i]);
}
V_INLINE vreal vm_near_or_far(vreal x, vreal y, double (*f)(double)) {
    if (m_any(v_lt(v_set(VM_TURN_LIMIT), v_abs(x)))) {
        real in[PD_VECTOR_BYTES / sizeof(real)];
        real out[PD_VECTOR_BYTES / sizeof(real)];
        v_store(in, x);
        v_store(out, y);
        vm_far(in, out, f);
        y = v_load(out);
    }
    return y;
}

/* |x| = n pi + r.
 * Error: 2.4 / 2.1 [2.4 / 2.1]. */
V_INLINE vreal vm_sin(vreal x) {
    const vreal magic = v_set(VM_EITHER(0x1.8p52, 0x1.8p23));
    vreal y = v_abs(x);
    vreal shifted = v_fma(y, v_set((real)0x1.45f306dc9c883p-2), magic);
    vreal s = vm_half_turns(y, shifted - magic, v_bits(shifted));
    s = v_real(v_bits(s) ^ vm_sign(x));
    return vm_near_or_far(x, s, sin);
}

/* |x| + pi / 2 = n pi + r, so |x| = (n - 1/2) pi + r.
 * Error: 2.4 / 2.2 [2.4 / 2.2]. */
V_INLINE vreal vm_cos(vreal x) {
    const vreal magic = v_set(VM_EITHER(0x1.8p52, 0x1.8p23));
    const vreal half = v_set((real)0.5);
    vreal y = v_abs(x);
    vreal turns = v_fma(y, v_set((real)0x1.45f306dc9c883p-2), half);
    vreal shifted = turns + magic;
    vreal c = vm_half_turns(y, (shifted - magic) - half, v_bits(shifted));
    return vm_near_or_far(x, c, cos);
}

/* Error: 3.7 / 4.4 [3.7 / 4.4]. */
V_INLINE vreal vm_tan(vreal x) { return vm_sin(x) / vm_cos(x); }

/* ---- from a point ------------------------------------------------------- */

/* The angle of the point (x, y), by eighths of a turn: with
 *     q = min(|x|, |y|) / max(|x|, |y|),  0 <= q <= 1,
 * atan(q) is t = q itself through the polynomial, or pi / 4 + atan(t),
 * t = (q - 1) / (q + 1), where q > tan(pi / 8); exchanging the axes makes it
 * pi / 2 - angle, x < 0 makes it pi - angle. So angle = k pi / 4 +- atan(t).
 * Error: 2.1 / 2.3 [2.1 / 2.3]. */
V_INLINE vreal vm_atan2(vreal y, vreal x) {
    const vreal zero = v_set(0), one = v_set(1), two = v_set(2);
    const vreal infinity = v_set((real)INFINITY);
    vreal a = v_abs(y), b = v_abs(x);
    vmask steep = v_lt(b, a), left = v_lt(vm_signed(one, vm_sign(x)), zero);
    vreal small = v_select(steep, b, a), large = v_select(steep, a, b);
    vmask infinite = v_eq(small, infinity); /* both are */
    small = v_select(infinite, one, small);
    large = v_select(m_or(infinite, v_eq(large, zero)), one, large);
    /* lest small + large overflow */
    vreal scale = v_select(v_lt(v_set(VM_EITHER(0x1p1000, 0x1p100)), large),
                           v_set((real)0.5), one);
    small = small * scale, large = large * scale;
    vmask turned = v_lt(large * v_set((real)0.41421356237309504880), small);
    vreal t = v_select(turned, small - large, small) /
              v_select(turned, small + large, large);
    vreal k = v_select(turned, one, zero), square = t * t;
    vreal p = v_fma(t * square, VM_POLYNOMIAL(square, vm_atan_c), t);
    k = v_select(steep, two - k, k), p = v_select(steep, -p, p);
    k = v_select(left, two + two - k, k), p = v_select(left, -p, p);
    vreal low = v_fma(k, v_set(vm_eighth_turn[1]), p);
    vreal angle = v_fma(k, v_set(vm_eighth_turn[0]), low);
    angle = v_real(v_bits(angle) ^ vm_sign(y));
    return v_select(v_nan(x), x, v_select(v_nan(y), y, angle));
}
V_INLINE vreal vm_atan(vreal x) { return vm_atan2(x, v_set(1)); }
/* The point (cos, sin) of the angle, on the unit circle.
 * Error of asin: 2.7 / 2.5 [2.7 / 2.5], of acos: 3.0 / 3.3 [3.0 / 3.3]. */
V_INLINE vreal vm_other_leg(vreal x) {
    return v_sqrt((v_set(1) - x) * (v_set(1) + x));
}
V_INLINE vreal vm_asin(vreal x) { return vm_atan2(x, vm_other_leg(x)); }
V_INLINE vreal vm_acos(vreal x) { return vm_atan2(vm_other_leg(x), x); }

/* sqrt(x^2 + y^2), with the larger one scaled to about 1.
 * Error: 1.0 / 1.0 [1.2 / 1.2]. */
V_INLINE vreal vm_hypot(vreal x, vreal y) {
    const vreal zero = v_set(0), infinity = v_set((real)INFINITY);
    vreal a = v_abs(x), b = v_abs(y);
    vmask first = v_lt(b, a);
    vreal large = v_select(first, a, b), small = v_select(first, b, a);
    vmask ordinary = m_and(v_lt(zero, large), v_lt(large, infinity));
    vreal e;
    v_split(v_select(ordinary, large, v_set(1)), &e);
    vreal u = v_scale(large, -e), v = v_scale(small, -e);
    vreal h = v_scale(v_sqrt(v_fma(u, u, v * v)), e);
    h = v_select(v_eq(large, zero), zero, h);
    h = v_select(v_nan(x), x, v_select(v_nan(y), y, h));
    return v_select(m_or(v_eq(a, infinity), v_eq(b, infinity)), infinity, h);
}

#endif
