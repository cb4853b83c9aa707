/* Mathematical functions of a vreal.
 *
 *     vm_exp vm_expm1 vm_log vm_log1p vm_log2 vm_log10 vm_pow vm_logaddexp
 *     vm_sin vm_cos vm_tan vm_atan2 vm_atan vm_asin vm_acos
 *     vm_sinh vm_cosh vm_asinh vm_acosh vm_atanh vm_hypot
 *     vm_floor vm_ceil vm_trunc vm_copysign
 *     vm_tanh vm_sigmoid vm_softplus vm_erf
 *     vm_gelu vm_gelu_grad              x Phi(x) and its derivative
 *     vm_gelu_tanh vm_gelu_tanh_grad    x sigmoid(2 u(x)), the tanh form
 *
 * Each is a reduction to a short interval, one minimax polynomial there, and
 * the way back; no tables, at most one division, and no branches but one in
 * vm_sin and vm_cos for huge arguments.
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

#include "simd.h"
#include <math.h>

#define VM_TABLE(name) static const real name[] __attribute__((unused))
#define VM_COUNT(table) ((int)(sizeof(table) / sizeof(real)))
/* A constant that differs between the types. */
#define VM_EITHER(of_double, of_float)                                         \
    ((real)(REAL_IS_DOUBLE ? (of_double) : (of_float)))

/* Where the exponent and the sign begin. */
#define VM_FIELD (REAL_IS_DOUBLE ? 52 : 23)
#define VM_SIGN_BIT (REAL_IS_DOUBLE ? 63 : 31)

/* ---- coefficients ------------------------------------------------------- */

/* clang-format off */
#if REAL_IS_DOUBLE

/* ln 2: the first part times an exponent is exact */
VM_TABLE(vm_ln2) = {
    0x1.62e42fefa3p-1, 0x1.3de6af278ece6p-42,
};
/* pi: n times a part is exact for whole 2 n up to 2^19 */
VM_TABLE(vm_pi) = {
    0x1.921fb544p+1, 0x1.0b4611a6p-33, 0x1.3198a2ep-68,
    0x1.b839a252p-103,
};
/* 2 / 3 */
VM_TABLE(vm_two_thirds) = {
    0x1.5555555555555p-1, 0x1.5555555555555p-55,
};
/* v = y (c0 + c1 + c2 y^2) in the tanh form of gelu */
VM_TABLE(vm_gelu_v_c) = {
    0x1.9884533d4365p+0, 0x1.1a1f9678a0175p-53, 0x1.2444f2a4d8b4bp-4,
};
/* pi / 4: three times the first part is exact */
VM_TABLE(vm_eighth_turn) = {
    0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55,
};
/* e / 2 */
VM_TABLE(vm_half_e) = {
    0x1.5bf0a8b145769p+0, 0x1.4d57ee2b1013ap-54,
};
/* log 2 and log e in base 10: the first part times an exponent is exact */
VM_TABLE(vm_log10_c) = {
    0x1.34413509f7p-2, 0x1.3fde623e2566bp-43, 0x1.bcb7b1526e50ep-2,
    0x1.95355baaafad3p-57,
};
/* log 2 and log e in base 2 */
VM_TABLE(vm_log2_c) = {
    0x1p+0, 0x0p+0, 0x1.71547652b82fep+0,
    0x1.777d0ffda0d24p-56,
};
/* (exp(r) - 1 - r) / r^2, |r| <= ln 2 / 2, against exp(r) - 1; 0.16 ulp */
VM_TABLE(vm_exp_c) = {
    0x1.0000000000005p-1, 0x1.5555555555539p-3, 0x1.55555555522bcp-5,
    0x1.1111111118f7fp-7, 0x1.6c16c17edab07p-10, 0x1.a01a0175225d6p-13,
    0x1.a019a7721e633p-16, 0x1.71de87ef26907p-19, 0x1.28a1dd360684dp-22,
    0x1.ae6bc0dec5538p-26,
};
/* (log(1 + f) - f + f^2 / 2) / f^3, -1/4 <= f <= 1/2; 0.014 ulp */
VM_TABLE(vm_log_c) = {
    0x1.555555555554ap-2, -0x1.0000000000158p-2, 0x1.999999999c6b8p-3,
    -0x1.555555552bdb5p-3, 0x1.24924922a3f02p-3, -0x1.0000000d3a703p-3,
    0x1.c71c730b0a81fp-4, -0x1.999996738d6d5p-4, 0x1.745cde79ec776p-4,
    -0x1.55554bc06ed44p-4, 0x1.3b1914f92247dp-4, -0x1.249d7ea3b0514p-4,
    0x1.10d28528b4e1p-4, -0x1.fdedea8553289p-5, 0x1.e2aab8499f323p-5,
    -0x1.d95c46bcf5ff6p-5, 0x1.cf9d56e77adc5p-5, -0x1.82c444526ba91p-5,
    0x1.b3b1fc90d06b8p-6, -0x1.d07ed8631f555p-8,
};
/* erf(x) / x - 1 in x^2, |x| <= 0.8; 0.028 ulp */
VM_TABLE(vm_erf_c) = {
    0x1.06eba8214db68p-3, -0x1.812746b0379cfp-2, 0x1.ce2f21a0414b5p-4,
    -0x1.b82ce311fc8c7p-6, 0x1.565bccf32ce24p-8, -0x1.c02dadcf046b2p-11,
    0x1.f9a245ac9e8bcp-14, -0x1.f4bdb7b86c8ecp-17, 0x1.b8ade700555cdp-20,
    -0x1.53d27d3aaa2bdp-23, 0x1.7c4d53bd7d565p-27,
};
/* (sin(r) / r - 1) / r^2 in r^2, |r| <= pi / 2; 0.0025 ulp */
VM_TABLE(vm_sin_c) = {
    -0x1.5555555555555p-3, 0x1.11111111110c1p-7, -0x1.a01a01a0148cp-13,
    0x1.71de3a5287e38p-19, -0x1.ae6454cb65d4ap-26, 0x1.6123cb2ce5af9p-33,
    -0x1.ae431ea371c58p-41, 0x1.8829bf73a8c09p-49,
};
/* (sinh(x) / x - 1) / x^2 in x^2, |x| <= 1; 0.86 ulp */
VM_TABLE(vm_sinh_c) = {
    0x1.555555555547bp-3, 0x1.1111111121e36p-7, 0x1.a01a01848d529p-13,
    0x1.71de4f0522255p-19, 0x1.ae54ab2ecf7e3p-26, 0x1.66f70b843753cp-33,
};
/* (atan(t) / t - 1) / t^2 in t^2, |t| <= tan(pi / 8); 0.011 ulp */
VM_TABLE(vm_atan_c) = {
    -0x1.555555555553dp-2, 0x1.99999999957c7p-3, -0x1.24924922aa2e8p-3,
    0x1.c71c70e50301p-4, -0x1.745cf8c247613p-4, 0x1.3b111781c32b3p-4,
    -0x1.10eba7fd501bbp-4, 0x1.df0e759a324b6p-5, -0x1.9ccf53ae230edp-5,
    0x1.37cdbcc733a8cp-5, -0x1.255a7c39dc01dp-6,
};
/* (log((1 + s) / (1 - s)) - 2 s - 2 s^3 / 3) / s^5 in s^2, |s| < 0.172;
 * 0.0001 ulp */
VM_TABLE(vm_pow_c) = {
    0x1.9999999999b3p-2, 0x1.2492492457e3p-2, 0x1.c71c722d53e95p-3,
    0x1.745ce9e9b1f89p-3, 0x1.3b1eeae5713fap-3, 0x1.0f80047707085p-3,
    0x1.0e41b1923bf72p-3,
};
/* exp(z^2) erfc(z) in u = (z - 4) / (z + 4), z <= 27.3, the weight falling
 * with exp(-z) to z = 3; 0.0049 ulp */
VM_TABLE(vm_tail_c) = {
    0x1.18932bf08e154p-3, -0x1.094922737431ap-2, 0x1.bff01a5f90871p-3,
    -0x1.506666f69e578p-3, 0x1.be502c3657e2ap-4, -0x1.027d5744b5a94p-4,
    0x1.0066e104a65cbp-5, -0x1.a4ded41494cc4p-7, 0x1.0a17eb74b0814p-8,
    -0x1.a2f8fbf3c4fccp-11, -0x1.6d19b9fed2b84p-16, 0x1.4b478051f8ca2p-14,
    -0x1.7a6e2119de464p-16, -0x1.feda9d316e9abp-20, 0x1.8b466cc49918ap-19,
    -0x1.b726444296e47p-22, -0x1.3212fdd5924b5p-22, 0x1.9e4023978539fp-24,
    0x1.c8850725a8447p-26, -0x1.06324192b47f9p-26, -0x1.bb9ff71a52a7ep-29,
    0x1.cdeb542dee4a8p-30, 0x1.0be83631d939p-31,
};

#else

/* ln 2: the first part times an exponent is exact */
VM_TABLE(vm_ln2) = {
    0x1.62e4p-1, 0x1.7f7d1cp-20,
};
/* pi: n times a part is exact for whole 2 n up to 2^12 */
VM_TABLE(vm_pi) = {
    0x1.92p+1, 0x1.fb4p-11, 0x1.444p-23,
    0x1.68c234p-38,
};
/* 2 / 3 */
VM_TABLE(vm_two_thirds) = {
    0x1.555554p-1, 0x1.555556p-25,
};
/* v = y (c0 + c1 + c2 y^2) in the tanh form of gelu */
VM_TABLE(vm_gelu_v_c) = {
    0x1.988452p+0, 0x1.3d4366p-24, 0x1.2444f2p-4,
};
/* pi / 4: three times the first part is exact */
VM_TABLE(vm_eighth_turn) = {
    0x1.921fbp-1, 0x1.5110b4p-23,
};
/* e / 2 */
VM_TABLE(vm_half_e) = {
    0x1.5bf0a8p+0, 0x1.628aeep-25,
};
/* log 2 and log e in base 10: the first part times an exponent is exact */
VM_TABLE(vm_log10_c) = {
    0x1.344p-2, 0x1.3509f8p-18, 0x1.bcb7bp-2,
    0x1.526e5p-26,
};
/* log 2 and log e in base 2 */
VM_TABLE(vm_log2_c) = {
    0x1p+0, 0x0p+0, 0x1.715476p+0,
    0x1.4ae0cp-26,
};
/* (exp(r) - 1 - r) / r^2, |r| <= ln 2 / 2, against exp(r) - 1; 0.22 ulp */
VM_TABLE(vm_exp_c) = {
    0x1.fffffep-2, 0x1.5554bp-3, 0x1.555674p-5,
    0x1.12276cp-7, 0x1.6beb88p-10,
};
/* (log(1 + f) - f + f^2 / 2) / f^3, -1/4 <= f <= 1/2; 0.082 ulp */
VM_TABLE(vm_log_c) = {
    0x1.5555a4p-2, -0x1.00004p-2, 0x1.9969b2p-3,
    -0x1.54efdcp-3, 0x1.28847p-3, -0x1.0d8a84p-3,
    0x1.ac90dp-4, -0x1.7140d2p-5,
};
/* erf(x) / x - 1 in x^2, |x| <= 0.8; 0.05 ulp */
VM_TABLE(vm_erf_c) = {
    0x1.06eba8p-3, -0x1.81272ep-2, 0x1.ce2804p-4,
    -0x1.b76e9cp-6, 0x1.4d4252p-8, -0x1.56a292p-11,
};
/* (sin(r) / r - 1) / r^2 in r^2, |r| <= pi / 2; 0.1 ulp */
VM_TABLE(vm_sin_c) = {
    -0x1.55554cp-3, 0x1.110ed4p-7, -0x1.9f7006p-13,
    0x1.5dbe54p-19,
};
/* (sinh(x) / x - 1) / x^2 in x^2, |x| <= 1; 0.00087 ulp */
VM_TABLE(vm_sinh_c) = {
    0x1.555556p-3, 0x1.111134p-7, 0x1.9ffe94p-13,
    0x1.7a1596p-19,
};
/* (atan(t) / t - 1) / t^2 in t^2, |t| <= tan(pi / 8); 0.011 ulp */
VM_TABLE(vm_atan_c) = {
    -0x1.55554ap-2, 0x1.999196p-3, -0x1.23b52ap-3,
    0x1.b1ec82p-4, -0x1.f1ef0ap-5,
};
/* (log((1 + s) / (1 - s)) - 2 s - 2 s^3 / 3) / s^5 in s^2, |s| < 0.172;
 * 0.00014 ulp */
VM_TABLE(vm_pow_c) = {
    0x1.999ap-2, 0x1.245298p-2, 0x1.df9ccep-3,
};
/* exp(z^2) erfc(z) in u = (z - 3.5) / (z + 3.5), z <= 10.3, the weight
 * falling with exp(-z) to z = 3; 0.034 ulp */
VM_TABLE(vm_tail_c) = {
    0x1.3e0a9ap-3, -0x1.283518p-2, 0x1.dd7344p-3,
    -0x1.4a6c4ap-3, 0x1.82cdc6p-4, -0x1.741cd8p-5,
    0x1.15a91p-6, -0x1.1af88ep-8, 0x1.279daap-12,
    0x1.c64b6ap-12,
};

#endif
/* clang-format on */

/* ---- parts -------------------------------------------------------------- */

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

/* ---- exponentials and logarithms ---------------------------------------- */

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

/* ---- the functions between two limits ----------------------------------- */

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

/* ---- sine and cosine ---------------------------------------------------- */

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

/* ---- angles ------------------------------------------------------------- */

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

/* ---- hyperbolic functions ----------------------------------------------- */

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

/* ---- sums of exponentials; whole numbers --------------------------------- */

/* log(exp(a) + exp(b)).
 * Error: 1.4 / 1.4 [1.4 / 1.5] ulp of the largest of |a|, |b| and 1. */
V_INLINE vreal vm_logaddexp(vreal a, vreal b) {
    vreal apart = v_select(v_eq(a, b), v_set(0), v_abs(a - b));
    return v_select(v_lt(a, b), b, a) + vm_softplus(-apart);
}

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
