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
 *     v_load_filled(p, n, a)    the first n < VL elements, a after them
 *     v_store_first(p, x, n)    writes n < VL elements only
 *     v_load_along(p)           v_load of what is read once, in a long run
 *     v_load_strided(p, s)      p[0], p[s] … p[(VL - 1) s], s >= 1
 *     v_load_lanes(p, n) v_store_lanes(p, x, n)   the same for n <= VL
 *     v_load_lanes_along(p, n)  v_load_along for n <= VL
 *     v_fma(a, b, c)            a * b + c, rounded once (twice on baseline)
 *     v_max(a, b) v_min(a, b)   b where either is NaN
 *     v_sqrt(x) v_abs(x) v_round(x)  (to nearest, ties to even)
 *     v_eq v_lt v_le v_nan(x)   comparisons; false where a NaN takes part
 *     v_ordered(a, b)           neither is NaN
 *     v_eq_int(i, j)            comparison of vints
 *     v_store_bytes(p, i, n)    the low bytes of the first n <= VL lanes
 *     v_eq_bytes(p, n, k)       which of the n <= VL bytes at p are k
 *     v_eq_words(p, n, k)       which of the n <= VL int32 at p are k
 *     m_and m_or m_not m_any    on masks
 *     v_select(m, a, b)         a where m, b elsewhere
 *     v_add_where(m, a, b)      a + b where m, a (or a + 0) elsewhere
 *     v_bits(x) v_real(i)       the same bits seen as vint, as vreal
 *     v_set_int(i)              i in every lane
 *     v_shift_down(i, n)        i >> n with zeros coming in
 *     v_scale(x, n)             x * 2^n for a whole n, rounded once
 *     v_split(x, &e)            m in [3/4, 3/2) with x = m * 2^e
 *     v_product_error(a, b, p)  a * b - p, for a p next to a * b
 *     w_multiply(a, b)          vwords (64 bits): product of the low halves
 *     w_xor3(a, b, c)           vwords: a ^ b ^ c
 *     v_sum(x) v_top(x)         sum and maximum of the lanes, in a fixed order
 *     v_transpose(x)            x[VL] as a VL x VL matrix, transposed in place
 *     v_sums(x)                 lane i is the sum of the lanes of x[i]; x[VL]
 *                               is used up
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
/* VL once more, usable in #if. */
#define V_LANES (PD_VECTOR_BYTES >> (2 + REAL_IS_DOUBLE))

/* How many vectors fit into registers at once. */
#if defined(__AVX512F__) || defined(__ARM_NEON)
#define V_REGISTERS 32
#else
#define V_REGISTERS 16
#endif

#if REAL_IS_DOUBLE
typedef int64_t int_of_real;
#else
typedef int32_t int_of_real;
#endif

typedef real vreal __attribute__((vector_size(PD_VECTOR_BYTES)));
typedef int_of_real vint __attribute__((vector_size(PD_VECTOR_BYTES)));
#if REAL_IS_DOUBLE
typedef uint64_t vuint __attribute__((vector_size(PD_VECTOR_BYTES)));
#else
typedef uint32_t vuint __attribute__((vector_size(PD_VECTOR_BYTES)));
#endif
typedef real vreal_unaligned __attribute__((vector_size(PD_VECTOR_BYTES),
                                            aligned(sizeof(real)), may_alias));

/* Words of 64 bits, whatever `real` is. */
typedef uint64_t vword __attribute__((vector_size(PD_VECTOR_BYTES)));

#define V_INLINE static inline __attribute__((always_inline, unused))
/* Placed before a loop of constant length that must become straight code;
 * without it accumulators end up on the stack. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

V_INLINE vreal v_load(const real *p) {
    return (vreal)(*(const vreal_unaligned *)p);
}
V_INLINE void v_store(real *p, vreal x) {
    *(vreal_unaligned *)p = (vreal_unaligned)x;
}
V_INLINE vint v_bits(vreal x) { return (vint)x; }
V_INLINE vreal v_real(vint i) { return (vreal)i; }
V_INLINE vint v_shift_down(vint i, int n) { return (vint)((vuint)i >> n); }

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
/* A line in two loads. What the processor fetches ahead of loads of whole lines
 * comes later: from beyond the second level of cache Zen 4 sums 16 MB in 0.72
 * of the time this way, adds 48 MB in 0.71, and what is near as fast. */
V_INLINE vreal v_load_along(const real *p) {
    const double *half = (const double *)p;
    const __m512d low = _mm512_castpd256_pd512(_mm256_loadu_pd(half));
    const __m256d high = _mm256_loadu_pd(half + 4);
    return (vreal)_mm512_insertf64x4(low, high, 1);
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
V_INLINE vmask v_ordered(vreal a, vreal b) {
    return V_COMPARE(a, b, _CMP_ORD_Q);
}
V_INLINE vmask m_and(vmask a, vmask b) { return (vmask)(a & b); }
V_INLINE vmask m_or(vmask a, vmask b) { return (vmask)(a | b); }
V_INLINE vmask m_not(vmask a) { return (vmask)~a; }
V_INLINE int m_any(vmask a) { return a != 0; }
V_INLINE vreal v_select(vmask m, vreal a, vreal b) {
    return V512(mask_blend)(m, b, a);
}
V_INLINE vreal v_add_where(vmask m, vreal a, vreal b) {
    return V512(mask_add)(a, m, a, b);
}
V_INLINE vreal v_scale(vreal x, vreal n) { return V512(scalef)(x, n); }
V_INLINE vreal v_split(vreal x, vreal *e) {
    vreal m = V512(getmant)(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
    *e = V512(getexp)(x) - V512(getexp)(m);
    return m;
}
V_INLINE vreal v_product_error(vreal a, vreal b, vreal p) {
    return V512(fmsub)(a, b, p);
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
V_INLINE vreal v_abs(vreal x) {
    return (vreal)((vint)x & ~(vint)(v_set((real)-0.0)));
}

V_INLINE vreal v_add_where(vmask m, vreal a, vreal b) {
    return a + (vreal)(m & (vint)b);
}

#if defined(__AVX2__)

V_INLINE int m_any(vmask a) { return _mm256_movemask_epi8((__m256i)a) != 0; }
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
V_INLINE vreal v_select(vmask m, vreal a, vreal b) {
    return V256(blendv)(b, a, (vreal)m);
}
V_INLINE vmask v_ordered(vreal a, vreal b) {
    return (vmask)V256(cmp)(a, b, _CMP_ORD_Q);
}
V_INLINE vreal v_product_error(vreal a, vreal b, vreal p) {
    return V256(fmsub)(a, b, p);
}

#else /* 16-byte vectors: SSE2 and NEON */

V_INLINE int m_any(vmask a) {
    typedef int64_t two_words __attribute__((vector_size(16)));
    two_words w = (two_words)a;
    return (w[0] | w[1]) != 0;
}
V_INLINE vreal v_select(vmask m, vreal a, vreal b) {
    return (vreal)((m & (vint)a) | (~m & (vint)b));
}
V_INLINE vreal v_load_first(const real *p, int64_t n) {
    vreal x = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return x;
}
V_INLINE void v_store_first(real *p, vreal x, int64_t n) {
    for (int64_t i = 0; i < n; i++) p[i] = x[i];
}
/* Adding and taking away 2^(mantissa bits) with x's sign rounds to an integer;
 * from there on every value is one already. */
V_INLINE vreal v_round(vreal x) {
    const vreal limit = v_set(REAL_IS_DOUBLE ? (real)0x1p52 : (real)0x1p23);
    vint sign = (vint)x & (vint)v_set((real)-0.0);
    vreal magic = (vreal)((vint)limit | sign);
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
V_INLINE vreal v_product_error(vreal a, vreal b, vreal p) {
    return v_fma(a, b, -p);
}
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
V_INLINE vmask v_ordered(vreal a, vreal b) { return (vmask)V128(cmpord)(a, b); }
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
#if !defined(__SSE2__)
V_INLINE vmask v_ordered(vreal a, vreal b) { return m_and(a == a, b == b); }
#endif
#if !defined(__ARM_NEON)
/* Without a fused multiply-add: the factors are cut in halves, whose products
 * are exact (Dekker). */
V_INLINE vreal v_product_error(vreal a, vreal b, vreal p) {
    const int_of_real lower =
        ((int_of_real)1 << (REAL_IS_DOUBLE ? 27 : 12)) - 1;
    const vint upper = ~(lower - (vint){0});
    vreal a1 = (vreal)((vint)a & upper), a2 = a - a1;
    vreal b1 = (vreal)((vint)b & upper), b2 = b - b1;
    return ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2;
}
#endif
#endif /* 16-byte vectors */

/* The exponent is cut in two so that both factors are normal: the first
 * product is then exact and the second rounds once, also to a denormal. The
 * low bits of n + magic are n + 2 * bias. Holds for -2000 <= n <= 2000
 * (double), -250 <= n <= 250 (float). */
V_INLINE vreal v_scale(vreal x, vreal n) {
    const int field = REAL_IS_DOUBLE ? 52 : 23;
    const vreal magic = v_set(REAL_IS_DOUBLE ? (real)(0x1.8p52 + 2046)
                                             : (real)(0x1.8p23 + 254));
    vuint whole = (vuint)(n + magic), half = whole >> 1;
    return x * (vreal)(half << field) * (vreal)((whole - half) << field);
}
/* As AVX-512's instructions have it: e is -inf for zero and +inf for inf, and
 * for a negative x or NaN one of m and e is NaN. */
V_INLINE vreal v_split(vreal x, vreal *e) {
    const int field = REAL_IS_DOUBLE ? 52 : 23;
    const vreal least = v_set((real)(REAL_IS_DOUBLE ? 0x1p-1022 : 0x1p-126));
    const vreal infinity = v_set((real)__builtin_inf()), zero = v_set(0);
    const vreal ones = v_set((real)(REAL_IS_DOUBLE ? 0x1p52 : 0x1p23));
    const vreal bias =
        v_set((real)(REAL_IS_DOUBLE ? 0x1p52 + 1023 : 0x1p23 + 127));
    const vint start = (vint)v_set((real)0.75);
    vmask small = v_lt(x, least);
    vreal scaled =
        v_select(small, x * v_set((real)(REAL_IS_DOUBLE ? 0x1p54 : 0x1p24)), x);
    vint i = (vint)((vuint)scaled + (vuint)((vint)v_set((real)1) - start));
    vreal n = (vreal)(v_shift_down(i, field) | (vint)ones) - bias;
    n = n - (vreal)(small & (vint)v_set((real)(REAL_IS_DOUBLE ? 54 : 24)));
    n = v_select(v_lt(x, infinity), n, x);
    *e = v_select(v_eq(x, zero), -infinity, n);
    const int_of_real fraction = ((int_of_real)1 << field) - 1;
    vreal m = (vreal)((i & (fraction - (vint){0})) + start);
    return v_select(v_lt(x, zero), v_set((real)__builtin_nan("")), m);
}
#endif /* masks as vectors */

/* ---- every instruction set ---------------------------------------------- */

V_INLINE vword w_multiply(vword a, vword b) {
#if defined(__AVX512F__)
    return (vword)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (vword)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (vword)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF);
#endif
}

V_INLINE vword w_xor3(vword a, vword b, vword c) {
#if defined(__AVX512F__)
    return (vword)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c,
                                            0x96);
#else
    return a ^ b ^ c;
#endif
}

#if !defined(__AVX512F__)
V_INLINE vreal v_load_along(const real *p) { return v_load(p); }
#endif
V_INLINE vreal v_load_lanes(const real *p, int64_t n) {
    return n == VL ? v_load(p) : v_load_first(p, n);
}
V_INLINE vreal v_load_lanes_along(const real *p, int64_t n) {
    return n == VL ? v_load_along(p) : v_load_first(p, n);
}
V_INLINE void v_store_lanes(real *p, vreal x, int64_t n) {
    if (n == VL)
        v_store(p, x);
    else
        v_store_first(p, x, n);
}

V_INLINE vint v_set_int(int_of_real i) { return i - (vint){0}; }

V_INLINE void v_store_bytes(void *p, vint i, int64_t n) {
#if defined(__AVX512F__) && REAL_IS_DOUBLE
    _mm512_mask_cvtepi64_storeu_epi8(p, (__mmask8)((1u << n) - 1u), (__m512i)i);
#elif defined(__AVX512F__)
    if (n == VL)
        _mm_storeu_si128(p, _mm512_cvtepi32_epi8((__m512i)i));
    else
        _mm512_mask_cvtepi32_storeu_epi8(p, m_first(n), (__m512i)i);
#else
    typedef int8_t v_bytes
        __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real))));
    v_bytes bytes = __builtin_convertvector(i, v_bytes);
    memcpy(p, &bytes, (size_t)n);
#endif
}
/* Lanes beyond n are of no matter. */
V_INLINE vmask v_eq_bytes(const void *p, int64_t n, int k) {
#if defined(__AVX512F__)
    const __mmask16 given = (__mmask16)((1u << n) - 1u);
    const __m128i bytes = n == 16  ? _mm_loadu_si128(p)
                          : n == 8 ? _mm_loadl_epi64(p)
                                   : _mm_maskz_loadu_epi8(given, p);
    return (vmask)_mm_cmpeq_epi8_mask(bytes, _mm_set1_epi8((char)k));
#else
    typedef int8_t v_bytes
        __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real))));
    v_bytes bytes = {0};
    memcpy(&bytes, p, (size_t)n);
    return __builtin_convertvector(bytes == (int8_t)k - (v_bytes){0}, vint);
#endif
}
V_INLINE vmask v_eq_words(const void *p, int64_t n, int k) {
    typedef int32_t v_words
        __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real) * 4)));
    v_words words = {0};
    memcpy(&words, p, (size_t)n * sizeof(int32_t));
    return v_eq_int(__builtin_convertvector(words, vint), v_set_int(k));
}

V_INLINE vreal v_load_filled(const real *p, int64_t n, real fill) {
    static const real lane[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                  8, 9, 10, 11, 12, 13, 14, 15};
    vmask given = v_lt(v_load(lane), v_set((real)n));
    return v_select(given, v_load_first(p, n), v_set(fill));
}

/* Two vectors seen as rows of blocks of `s` lanes: V_EVEN takes the blocks
 * 0, 2 … of a and puts those of b between them, V_ODD the blocks 1, 3 …
 *     a = a0 a1 a2 a3, b = b0 b1 b2 b3 ->  a0 b0 a2 b2  and  a1 b1 a3 b3 */
#define V_EVEN_LANE(s, l) ((l) & (s) ? V_LANES + (l) - (s) : (l))
#define V_ODD_LANE(s, l) ((l) & (s) ? V_LANES + (l) : (l) + (s))
#define V_TURN_LANE(s, l) (((l) + (s)) % V_LANES)
#define V_LIST2(f, s, l) f(s, l), f(s, l + 1)
#define V_LIST4(f, s, l) V_LIST2(f, s, l), V_LIST2(f, s, l + 2)
#define V_LIST8(f, s, l) V_LIST4(f, s, l), V_LIST4(f, s, l + 4)
#define V_LIST16(f, s, l) V_LIST8(f, s, l), V_LIST8(f, s, l + 8)
#define V_LIST(f, s) PD_JOIN(V_LIST, V_LANE_COUNT)(f, s, 0)
/* The first half from a's lanes 0, 2 …, the second from b's lanes 1, 3 … */
#define V_PAIR_LANE(s, l) ((l) < V_LANES / 2 ? 2 * (l) : 2 * (l) + 1)
#define V_EVEN(a, b, s) __builtin_shufflevector(a, b, V_LIST(V_EVEN_LANE, s))
#define V_ODD(a, b, s) __builtin_shufflevector(a, b, V_LIST(V_ODD_LANE, s))
#define V_TURN(a, s) __builtin_shufflevector(a, a, V_LIST(V_TURN_LANE, s))
#if V_LANES == 16
#define V_LANE_COUNT 16
#define V_EACH_STEP(f) f(1) f(2) f(4) f(8)
#define V_EACH_HALF(f) f(8) f(4) f(2) f(1)
#elif V_LANES == 8
#define V_LANE_COUNT 8
#define V_EACH_STEP(f) f(1) f(2) f(4)
#define V_EACH_HALF(f) f(4) f(2) f(1)
#elif V_LANES == 4
#define V_LANE_COUNT 4
#define V_EACH_STEP(f) f(1) f(2)
#define V_EACH_HALF(f) f(2) f(1)
#else
#define V_LANE_COUNT 2
#define V_EACH_STEP(f) f(1)
#define V_EACH_HALF(f) f(1)
#endif

/* Two loads hold what lies two apart; the second ends where the last lane is.
 */
V_INLINE vreal v_load_strided(const real *p, int64_t s) {
    if (s == 1) return v_load(p);
    if (s == 2)
        return __builtin_shufflevector(v_load(p), v_load(p + VL - 1),
                                       V_LIST(V_PAIR_LANE, 0));
    vreal x = {0};
    for (int i = 0; i < V_LANES; i++) x[i] = p[i * s];
    return x;
}

/* Step s exchanges, in every 2s x 2s block, the two s x s corners that are off
 * the diagonal; after the steps 1, 2, 4 … all is transposed. */
V_INLINE void v_transpose(vreal *x){
#define V_EXCHANGE(s)                                                          \
    UNROLL for (int i = 0; i < V_LANES; i++)                                   \
        if (!(i & (s))) {                                                      \
            vreal even = V_EVEN(x[i], x[i + (s)], s);                          \
            x[i + (s)] = V_ODD(x[i], x[i + (s)], s);                           \
            x[i] = even;                                                       \
        }
    V_EACH_STEP(V_EXCHANGE)
#undef V_EXCHANGE
} V_INLINE vreal v_sums(vreal *x) {
#define V_ADD_PAIRS(s)                                                         \
    UNROLL for (int i = 0; i < V_LANES; i += 2 * (s))                          \
        x[i] = V_EVEN(x[i], x[i + (s)], s) + V_ODD(x[i], x[i + (s)], s);
    V_EACH_STEP(V_ADD_PAIRS)
#undef V_ADD_PAIRS
    return x[0];
}
/* Lanes are added pairwise, lane i with lane i + VL/2, until one is left. */
V_INLINE real v_sum(vreal x) {
#define V_ADD_HALF(s) x = x + V_TURN(x, s);
    V_EACH_HALF(V_ADD_HALF)
#undef V_ADD_HALF
    return x[0];
}
/* The largest lane; NaN if any lane is NaN. */
V_INLINE real v_top(vreal x) {
#define V_TOP_HALF(s) x = v_select(v_nan(x), x, v_max(x, V_TURN(x, s)));
    V_EACH_HALF(V_TOP_HALF)
#undef V_TOP_HALF
    return x[0];
}

#endif
