/* What the functions of vmath.h share: polynomials, signs, and the ways to the
 * short interval and back.
 *
 *     VM_POLYNOMIAL                     a table of vmath_tables.h at x
 *     vm_sign vm_signed                 the sign off, and on again
 *     vm_reduce vm_exp_within           x = n ln 2 + r; exp(x)
 *     vm_log_sum                        log(2^e (1 + f))
 *     vm_tail                           exp(z^2) erfc(z) */
#ifndef PD_CORE_VMATH_PARTS_H
#define PD_CORE_VMATH_PARTS_H

#include "simd.h"
#include "vmath_tables.h"
#include <math.h>

#define VM_COUNT(table) ((int)(sizeof(table) / sizeof(real)))
/* A constant that differs between the types. */
#define VM_EITHER(of_double, of_float)                                         \
    ((real)(REAL_IS_DOUBLE ? (of_double) : (of_float)))

/* Where the exponent and the sign begin. */
#define VM_FIELD (REAL_IS_DOUBLE ? 52 : 23)
#define VM_SIGN_BIT (REAL_IS_DOUBLE ? 63 : 31)

/* c[first] + c[first + step] x + ... by Horner's rule. */
V_INLINE vreal vm_horner(vreal x, const real *c, int n, int first, int step) {
    const int last = first + (n - 1 - first) / step * step;
    vreal sum = v_set(c[last]);
    UNROLL for (int k = last - step; k >= 0; k -= step) {
        sum = v_fma(sum, x, v_set(c[k]));
    }
    return sum;
}
/* c[0] + c[1] x + ...; a long one as two chains, of even and of odd powers,
 * which a processor works on side by side. */
V_INLINE vreal vm_sum(vreal x, const real *c, int n) {
    if (n < 16) return vm_horner(x, c, n, 0, 1);
    vreal square = x * x;
    vreal odd = vm_horner(square, c, n, 1, 2);
    return v_fma(odd, x, vm_horner(square, c, n, 0, 2));
}
#define VM_POLYNOMIAL(x, table) vm_sum(x, table, VM_COUNT(table))

V_INLINE vint vm_sign(vreal x) { return v_bits(x) & v_bits(v_set((real)-0.0)); }
/* x, which has no sign, with the sign given. */
V_INLINE vreal vm_signed(vreal x, vint sign) {
    return v_real(v_bits(x) | sign);
}

/* x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^(mantissa bits) rounds
 * to the whole number n and leaves n + bias in the low bits, so `power` is 2^n
 * by a shift, where that is a normal number. */
typedef struct {
    vreal n, r, power;
} vm_reduced;

V_INLINE vm_reduced vm_reduce(vreal x) {
    const vreal log2_e = v_set((real)0x1.71547652b82fep+0);
    const vreal magic = v_set(VM_EITHER(0x1.8p52 + 1023, 0x1.8p23 + 127));
    vreal shifted = v_fma(x, log2_e, magic);
    vreal n = shifted - magic;
    vreal r = v_fma(n, v_set(-vm_ln2[0]), x);
    r = v_fma(n, v_set(-vm_ln2[1]), r);
    vreal power = v_real(v_bits(shifted) << VM_FIELD);
    return (vm_reduced){n, r, power};
}

/* Below the first, exp rounds to zero; above the second, to infinity. */
#define VM_EXP_LOW VM_EITHER(-746, -104)
#define VM_EXP_HIGH VM_EITHER(710, 89)

/* exp(x) for VM_EXP_LOW <= x <= VM_EXP_HIGH. */
V_INLINE vreal vm_exp_within(vreal x) {
    const vreal one = v_set(1);
    vm_reduced a = vm_reduce(x);
    vreal p = VM_POLYNOMIAL(a.r, vm_exp_c);
    p = v_fma(v_fma(p, a.r, one), a.r, one);
    return v_scale(p, a.n);
}
/* exp(x) for x <= 0. */
V_INLINE vreal vm_exp_negative(vreal x) {
    return vm_exp_within(v_max(v_set(VM_EXP_LOW), x));
}

/* log(2^e (1 + f)) for -1/4 <= f <= 1/2. */
V_INLINE vreal vm_log_sum(vreal e, vreal f) {
    vreal p = VM_POLYNOMIAL(f, vm_log_c);
    p = v_fma(f, p, v_set((real)-0.5));
    p = v_fma(f * f, p, e * v_set(vm_ln2[1]));
    return v_fma(e, v_set(vm_ln2[0]), f + p);
}

/* exp(z^2) erfc(z) for z >= 0, given above = z + a and below = z - a, or both
 * times the same number. */
V_INLINE vreal vm_tail(vreal above, vreal below) {
    return VM_POLYNOMIAL(below / above, vm_tail_c);
}
#define VM_TAIL_A VM_EITHER(4, 3.5)

#endif
