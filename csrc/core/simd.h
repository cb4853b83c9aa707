/* The vector words: what a kernel may say, and one block per instruction set
 * that says it.
 *
 * A `vreal` holds VL elements of `real`, a `vint` VL integers of the same
 * width, a `vmask` VL truths. The operators + - * / and unary - work on vreal,
 * + - & | ^ << >> on vint (vector extensions of gcc and clang).
 *
 *     v_set(a)                  a in every lane
 *     v_load(p) v_store(p, x)   VL elements, any alignment
 *     v_load_first(p, n)        the first n < VL elements, zeros after them
 *     v_store_first(p, x, n)    writes n < VL elements only
 *     v_fma(a, b, c)            a * b + c, rounded once (twice on baseline)
 *     v_max(a, b) v_min(a, b)   b where either is NaN
 *     v_sqrt(x) v_abs(x) v_round(x)  (to nearest, ties to even)
 *     v_eq v_lt v_le v_nan(x)   comparisons; false where a NaN takes part
 *     v_eq_int(i, j)            comparison of vints
 *     m_and m_or m_not m_any    on masks
 *     v_select(m, a, b)         a where m, b elsewhere
 *     v_bits(x) v_real(i)       the same bits seen as vint, as vreal
 *     v_set_int(i)              i in every lane
 *     v_sum(x) v_top(x)         sum and maximum of the lanes, in a fixed order
 *
 * Invariant: no file but this one asks which instruction set it is compiled
 * for. Contraction is off (-ffp-contract=off): a * b + c is two roundings, and
 * v_fma is the one way to ask for one. */
#ifndef PD_CORE_SIMD_H
#define PD_CORE_SIMD_H

#include "real.h"
#include <string.h>

#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define PD_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define PD_VECTOR_BYTES 32
#else
#define PD_VECTOR_BYTES 16
#endif

#define VL ((int64_t)(PD_VECTOR_BYTES / sizeof(real)))

#if REAL_IS_DOUBLE
typedef int64_t int_of_real;
#else
typedef int32_t int_of_real;
#endif

typedef real vreal __attribute__((vector_size(PD_VECTOR_BYTES)));
typedef int_of_real vint __attribute__((vector_size(PD_VECTOR_BYTES)));
typedef real vreal_unaligned
    __attribute__((vector_size(PD_VECTOR_BYTES), aligned(sizeof(real)),
                   may_alias));

#define V_INLINE static inline __attribute__((always_inline, unused))
/* Placed before a loop of constant length that must become straight code;
 * without it accumulators end up on the stack. */
#define UNROLL _Pragma("GCC unroll 64")

V_INLINE vreal v_load(const real *p) {
    return (vreal)(*(const vreal_unaligned *)p);
}
V_INLINE void v_store(real *p, vreal x) {
    *(vreal_unaligned *)p = (vreal_unaligned)x;
}
V_INLINE vint v_bits(vreal x) { return (vint)x; }
V_INLINE vreal v_real(vint i) { return (vreal)i; }

/* ---- AVX-512 ------------------------------------------------------------ */
#if defined(__AVX512F__)

#if REAL_IS_DOUBLE
typedef __mmask8 vmask;
#define V512(name) _mm512_##name##_pd
#define V_COMPARE(a, b, how) _mm512_cmp_pd_mask(a, b, how)
#else
typedef __mmask16 vmask;
#define V512(name) _mm512_##name##_ps
#define V_COMPARE(a, b, how) _mm512_cmp_ps_mask(a, b, how)
#endif

V_INLINE vreal v_set(real a) { return V512(set1)(a); }
V_INLINE vmask m_first(int64_t n) { return (vmask)((1u << n) - 1u); }
V_INLINE vreal v_load_first(const real *p, int64_t n) {
    return V512(maskz_loadu)(m_first(n), p);
}
V_INLINE void v_store_first(real *p, vreal x, int64_t n) {
    V512(mask_storeu)(p, m_first(n), x);
}
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) { return V512(fmadd)(a, b, c); }
V_INLINE vreal v_max(vreal a, vreal b) { return V512(max)(a, b); }
V_INLINE vreal v_min(vreal a, vreal b) { return V512(min)(a, b); }
V_INLINE vreal v_sqrt(vreal x) { return V512(sqrt)(x); }
V_INLINE vreal v_abs(vreal x) { return V512(abs)(x); }
V_INLINE vreal v_round(vreal x) { return V512(roundscale)(x, 0x08); }
V_INLINE vmask v_eq(vreal a, vreal b) { return V_COMPARE(a, b, _CMP_EQ_OQ); }
V_INLINE vmask v_eq_int(vint a, vint b) {
#if REAL_IS_DOUBLE
    return _mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b);
#else
    return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b);
#endif
}
V_INLINE vmask v_lt(vreal a, vreal b) { return V_COMPARE(a, b, _CMP_LT_OQ); }
V_INLINE vmask v_le(vreal a, vreal b) { return V_COMPARE(a, b, _CMP_LE_OQ); }
V_INLINE vmask v_nan(vreal a) { return V_COMPARE(a, a, _CMP_UNORD_Q); }
V_INLINE vmask m_and(vmask a, vmask b) { return (vmask)(a & b); }
V_INLINE vmask m_or(vmask a, vmask b) { return (vmask)(a | b); }
V_INLINE vmask m_not(vmask a) { return (vmask)~a; }
V_INLINE int m_any(vmask a) { return a != 0; }
V_INLINE vreal v_select(vmask m, vreal a, vreal b) {
    return V512(mask_blend)(m, b, a);
}

#else
/* ---- masks as vectors of 0 and -1: AVX2, SSE2, NEON --------------------- */

typedef vint vmask;

V_INLINE vreal v_set(real a) { return a - (vreal){0}; }
V_INLINE vmask v_eq(vreal a, vreal b) { return (vmask)(a == b); }
V_INLINE vmask v_eq_int(vint a, vint b) { return (vmask)(a == b); }
V_INLINE vmask v_lt(vreal a, vreal b) { return (vmask)(a < b); }
V_INLINE vmask v_le(vreal a, vreal b) { return (vmask)(a <= b); }
V_INLINE vmask v_nan(vreal a) { return (vmask)(a != a); }
V_INLINE vmask m_and(vmask a, vmask b) { return a & b; }
V_INLINE vmask m_or(vmask a, vmask b) { return a | b; }
V_INLINE vmask m_not(vmask a) { return ~a; }
V_INLINE int m_any(vmask a) {
    int_of_real any = 0;
    for (int i = 0; i < VL; i++) any |= a[i];
    return any != 0;
}
V_INLINE vreal v_select(vmask m, vreal a, vreal b) {
    return (vreal)((m & (vint)a) | (~m & (vint)b));
}
V_INLINE vreal v_abs(vreal x) {
    return (vreal)((vint)x & ~(vint)(v_set((real)-0.0)));
}

#if defined(__AVX2__)

#if REAL_IS_DOUBLE
#define V256(name) _mm256_##name##_pd
#define V_MASK_INDEX (__m256i)((vint){0, 1, 2, 3} < (int_of_real)n)
typedef long long v_mask_word;
#else
#define V256(name) _mm256_##name##_ps
#define V_MASK_INDEX (__m256i)((vint){0, 1, 2, 3, 4, 5, 6, 7} < (int_of_real)n)
typedef int v_mask_word;
#endif

V_INLINE vreal v_load_first(const real *p, int64_t n) {
    return V256(maskload)(p, V_MASK_INDEX);
}
V_INLINE void v_store_first(real *p, vreal x, int64_t n) {
    V256(maskstore)(p, V_MASK_INDEX, x);
}
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) { return V256(fmadd)(a, b, c); }
V_INLINE vreal v_max(vreal a, vreal b) { return V256(max)(a, b); }
V_INLINE vreal v_min(vreal a, vreal b) { return V256(min)(a, b); }
V_INLINE vreal v_sqrt(vreal x) { return V256(sqrt)(x); }
V_INLINE vreal v_round(vreal x) { return V256(round)(x, 0x08); }

#else /* 16-byte vectors: SSE2 and NEON */

V_INLINE vreal v_load_first(const real *p, int64_t n) {
    vreal x = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return x;
}
V_INLINE void v_store_first(real *p, vreal x, int64_t n) {
    for (int64_t i = 0; i < n; i++) p[i] = x[i];
}
/* Adding and taking away 1.5 * 2^(mantissa bits) rounds to an integer; beyond
 * half of that every value is one already. */
V_INLINE vreal v_round(vreal x) {
    const vreal magic =
        v_set(REAL_IS_DOUBLE ? (real)0x1.8p52 : (real)0x1.8p23);
    const vreal limit = v_set(REAL_IS_DOUBLE ? (real)0x1p51 : (real)0x1p22);
    vint sign = (vint)x & (vint)v_set((real)-0.0);
    vreal rounded = (vreal)((vint)((x + magic) - magic) | sign);
    return v_select(v_lt(v_abs(x), limit), rounded, x);
}

#if defined(__ARM_NEON)
#if REAL_IS_DOUBLE
#define V_NEON(name) name##q_f64
#else
#define V_NEON(name) name##q_f32
#endif
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) {
    return (vreal)V_NEON(vfma)(c, a, b);
}
V_INLINE vreal v_sqrt(vreal x) { return (vreal)V_NEON(vsqrt)(x); }
/* vmaxq gives NaN where either is one; the rule here is "b where either is". */
V_INLINE vreal v_max(vreal a, vreal b) { return v_select(v_lt(b, a), a, b); }
V_INLINE vreal v_min(vreal a, vreal b) { return v_select(v_lt(a, b), a, b); }
#elif defined(__SSE2__)
#if REAL_IS_DOUBLE
#define V128(name) _mm_##name##_pd
#else
#define V128(name) _mm_##name##_ps
#endif
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) { return a * b + c; }
V_INLINE vreal v_max(vreal a, vreal b) { return V128(max)(a, b); }
V_INLINE vreal v_min(vreal a, vreal b) { return V128(min)(a, b); }
V_INLINE vreal v_sqrt(vreal x) { return V128(sqrt)(x); }
#else /* any other processor: the words in plain C */
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) { return a * b + c; }
V_INLINE vreal v_max(vreal a, vreal b) { return v_select(v_lt(b, a), a, b); }
V_INLINE vreal v_min(vreal a, vreal b) { return v_select(v_lt(a, b), a, b); }
V_INLINE vreal v_sqrt(vreal x) {
    for (int i = 0; i < VL; i++)
        x[i] = (real)(REAL_IS_DOUBLE ? __builtin_sqrt(x[i])
                                     : __builtin_sqrtf((float)x[i]));
    return x;
}
#endif
#endif /* 16-byte vectors */
#endif /* masks as vectors */

/* ---- every instruction set ---------------------------------------------- */

V_INLINE vint v_set_int(int_of_real i) { return i - (vint){0}; }

/* Lanes are added pairwise, lane i with lane i + VL/2, until one is left. */
V_INLINE real v_sum(vreal x) {
    for (int half = (int)VL / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) x[i] = x[i] + x[i + half];
    return x[0];
}
/* The largest lane; NaN if any lane is NaN. */
V_INLINE real v_top(vreal x) {
    real top = x[0];
    for (int i = 1; i < VL; i++)
        if (x[i] > top || x[i] != x[i]) top = x[i];
    return top;
}

#endif
