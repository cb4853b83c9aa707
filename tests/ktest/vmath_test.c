/* How exact is csrc/core/vmath.h?
 *
 * One program per (ISA, type), see vmath.sh. It compares every function with
 * the C library's in the next wider type (double for float, long double for
 * double) and prints, per row of the table below,
 *
 *     function  range  type  ISA  largest error  bound  the x of it
 *
 * An error is counted in units of the last place of the exact result, a
 * denormal's being the least denormal; rows marked otherwise say in what.
 * The program fails when a row exceeds its bound, when a special value (zero
 * with its sign, infinity, NaN, denormal) is wrong, or when a lane's bits
 * depend on its neighbours.
 *
 *     vmath_test [points]    per row; 2^20 unless told
 *     vmath_test --all       all 2^32 floats through exp, log and tanh
 *     vmath_test --time      nanoseconds per element, data in the first cache
 */
#include "../../csrc/core/vmath.h"
#include <float.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STRING2(s) #s
#define STRING(s) STRING2(s)

#if REAL_IS_DOUBLE
typedef long double wide;
typedef uint64_t bits_of_real;
#define W(name) name##l
#define WIDE_MANTISSA LDBL_MANT_DIG
#else
typedef double wide;
typedef uint32_t bits_of_real;
#define W(name) name
#define WIDE_MANTISSA DBL_MANT_DIG
#endif
#define MANTISSA (REAL_IS_DOUBLE ? 53 : 24)
#define LEAST_EXPONENT (REAL_IS_DOUBLE ? -1022 : -126)
#define TOP_EXPONENT (REAL_IS_DOUBLE ? 1024 : 128)
#define PI ((wide)3.14159265358979323846264338327950288L)

enum { BLOCK = 1024 }; /* a multiple of every VL */

/* ---- what is tested ------------------------------------------------------ */

#define LOOP(name)                                                             \
    static void loop_##name(const real *x, real *y, int64_t n) {               \
        for (int64_t i = 0; i < n; i += VL)                                    \
            v_store(y + i, vm_##name(v_load(x + i)));                          \
    }
LOOP(exp)
LOOP(expm1)
LOOP(log)
LOOP(log1p)
LOOP(tanh)
LOOP(sigmoid)
LOOP(softplus)
LOOP(erf)
LOOP(gelu)
LOOP(gelu_grad)
LOOP(gelu_tanh)
LOOP(gelu_tanh_grad)
LOOP(sin)
LOOP(cos)
LOOP(log2)
LOOP(log10)
LOOP(tan)
LOOP(asin)
LOOP(acos)
LOOP(atan)
LOOP(sinh)
LOOP(cosh)
LOOP(asinh)
LOOP(acosh)
LOOP(atanh)
LOOP(floor)
LOOP(ceil)
LOOP(trunc)

static wide ref_exp(wide x) { return W(exp)(x); }
static wide ref_expm1(wide x) { return W(expm1)(x); }
static wide ref_log(wide x) { return W(log)(x); }
static wide ref_log1p(wide x) { return W(log1p)(x); }
static wide ref_tanh(wide x) { return W(tanh)(x); }
static wide ref_erf(wide x) { return W(erf)(x); }
static wide ref_sin(wide x) { return W(sin)(x); }
static wide ref_cos(wide x) { return W(cos)(x); }
static wide ref_log2(wide x) { return W(log2)(x); }
static wide ref_log10(wide x) { return W(log10)(x); }
static wide ref_tan(wide x) { return W(tan)(x); }
static wide ref_asin(wide x) { return W(asin)(x); }
static wide ref_acos(wide x) { return W(acos)(x); }
static wide ref_atan(wide x) { return W(atan)(x); }
static wide ref_sinh(wide x) { return W(sinh)(x); }
static wide ref_cosh(wide x) { return W(cosh)(x); }
static wide ref_asinh(wide x) { return W(asinh)(x); }
static wide ref_acosh(wide x) { return W(acosh)(x); }
static wide ref_atanh(wide x) { return W(atanh)(x); }
static wide ref_floor(wide x) { return W(floor)(x); }
static wide ref_ceil(wide x) { return W(ceil)(x); }
static wide ref_trunc(wide x) { return W(trunc)(x); }
static wide ref_sigmoid(wide x) {
    return x < 0 ? W(exp)(x) / (1 + W(exp)(x)) : 1 / (1 + W(exp)(-x));
}
static wide ref_softplus(wide x) {
    return W(log1p)(W(exp)(-W(fabs)(x))) + (x < 0 ? 0 : x);
}
/* Phi(x) of the normal distribution, and the v of the tanh form. */
static wide normal(wide x) { return W(erfc)(-x / W(sqrt)(2)) / 2; }
static wide tanh_v(wide x) {
    return 2 * W(sqrt)(2 / PI) * (x + (wide)0.044715L * x * x * x);
}
static wide times(wide x, wide y) { return y == 0 ? y : x * y; }
static wide ref_gelu(wide x) { return times(x, normal(x)); }
static wide ref_gelu_grad(wide x) {
    wide density = W(exp)(-x * x / 2) / W(sqrt)(2 * PI);
    return normal(x) + times(x, density);
}
static wide ref_gelu_tanh(wide x) { return times(x, ref_sigmoid(tanh_v(x))); }
static wide ref_gelu_tanh_grad(wide x) {
    wide s = ref_sigmoid(tanh_v(x)), s1 = ref_sigmoid(-tanh_v(x));
    wide slope = 2 * W(sqrt)(2 / PI) * (1 + 3 * (wide)0.044715L * x * x);
    return s + times(x * slope, s * s1);
}

/* In what an error is counted. */
typedef enum {
    ULP,      /* the last place of the exact result */
    ULP_OF_1, /* of 1: the result passes through zero inside the range */
    ULP_OF_X, /* epsilon * |x|: the result vanishes against x */
} unit;
static const char *const unit_names[] = {"", " of 1", " of x"};

typedef struct {
    const char *name, *range;
    void (*loop)(const real *, real *, int64_t);
    wide (*reference)(wide);
    double low, high; /* cut to the type's finite range */
    unit unit;
    double bound_float, bound_double;
} row;

#define ROW(name, low, high, unit, bound_float, bound_double)                  \
    {#name,       "[" #low ", " #high "]",                                     \
     loop_##name, ref_##name,                                                  \
     low,         high,                                                        \
     unit,        bound_float,                                                 \
     bound_double}
#define ALL (double)INFINITY

static const row rows[] = {
    ROW(exp, -800, 800, ULP, 3, 3),
    ROW(exp, -0.4, 0.4, ULP, 3, 3),
    ROW(exp, -750, -80, ULP, 3, 3),
    ROW(expm1, -ALL, ALL, ULP, 4, 4),
    ROW(expm1, -2, 2, ULP, 4, 4),
    ROW(log, 0, ALL, ULP, 4, 4),
    ROW(log, 0.5, 2, ULP, 4, 4),
    ROW(log, 0, 1e-37, ULP, 4, 4),
    ROW(log1p, -1, ALL, ULP, 4, 4),
    ROW(log1p, -1, 2, ULP, 4, 4),
    ROW(tanh, -ALL, ALL, ULP, 4, 4),
    ROW(tanh, -20, 20, ULP, 4, 4),
    ROW(tanh, -1, 1, ULP, 4, 4),
    ROW(sigmoid, -800, 800, ULP, 4, 4),
    ROW(sigmoid, -110, 30, ULP, 4, 4),
    ROW(softplus, -800, 800, ULP, 4, 4),
    ROW(softplus, -110, 30, ULP, 4, 4),
    ROW(erf, -ALL, ALL, ULP, 8, 8),
    ROW(erf, -6, 6, ULP, 8, 8),
    ROW(gelu, -2, ALL, ULP, 8, 8),
    ROW(gelu, -2, 10, ULP, 8, 8),
    ROW(gelu, -50, -2, ULP_OF_X, 0.8, 0.8), /* 0.8 eps |x| < 1e-7 |x| */
    ROW(gelu_grad, -50, 50, ULP_OF_1, 4, 4),
    ROW(gelu_grad, -5, 5, ULP_OF_1, 4, 4),
    ROW(gelu_tanh, -2, ALL, ULP, 8, 8),
    ROW(gelu_tanh, -2, 10, ULP, 8, 8),
    ROW(gelu_tanh, -50, -2, ULP_OF_X, 0.8, 0.8),
    ROW(gelu_tanh_grad, -50, 50, ULP_OF_1, 4, 4),
    ROW(gelu_tanh_grad, -5, 5, ULP_OF_1, 4, 4),
    ROW(sin, -1000, 1000, ULP, 4, 4),
    ROW(sin, -8000, 8000, ULP, 4, 4),
    ROW(sin, -ALL, ALL, ULP, 4, 4),
    ROW(cos, -1000, 1000, ULP, 4, 4),
    ROW(cos, -8000, 8000, ULP, 4, 4),
    ROW(cos, -ALL, ALL, ULP, 4, 4),
    ROW(log2, 0, ALL, ULP, 4, 4),
    ROW(log2, 0.5, 2, ULP, 4, 4),
    ROW(log10, 0, ALL, ULP, 4, 4),
    ROW(log10, 0.5, 2, ULP, 4, 4),
    ROW(tan, -1000, 1000, ULP, 6, 6),
    ROW(tan, -1.5, 1.5, ULP, 6, 6),
    ROW(tan, -ALL, ALL, ULP, 6, 6),
    ROW(asin, -1, 1, ULP, 4, 4),
    ROW(acos, -1, 1, ULP, 4, 4),
    ROW(acos, 0.9, 1, ULP, 4, 4),
    ROW(atan, -ALL, ALL, ULP, 4, 4),
    ROW(atan, -2, 2, ULP, 4, 4),
    ROW(sinh, -ALL, ALL, ULP, 4, 4),
    ROW(sinh, -2, 2, ULP, 4, 4),
    ROW(sinh, 80, 90, ULP, 4, 4),
    ROW(cosh, -ALL, ALL, ULP, 4, 4),
    ROW(cosh, -2, 2, ULP, 4, 4),
    ROW(asinh, -ALL, ALL, ULP, 4, 4),
    ROW(asinh, -2, 2, ULP, 4, 4),
    ROW(acosh, 1, ALL, ULP, 4, 4),
    ROW(acosh, 1, 2, ULP, 4, 4),
    ROW(atanh, -1, 1, ULP, 4, 4),
    ROW(atanh, -0.1, 0.1, ULP, 4, 4),
    ROW(floor, -100, 100, ULP, 0, 0),
    ROW(ceil, -100, 100, ULP, 0, 0),
    ROW(trunc, -100, 100, ULP, 0, 0),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* ---- errors -------------------------------------------------------------- */

static real real_of(bits_of_real b) {
    real x;
    memcpy(&x, &b, sizeof x);
    return x;
}
static bits_of_real bits_of(real x) {
    bits_of_real b;
    memcpy(&b, &x, sizeof b);
    return b;
}

/* The last place of |exact|, of the type under test. */
static wide last_place(wide exact) {
    int e;
    W(frexp)(exact, &e);
    e = exact == 0 || e - 1 < LEAST_EXPONENT ? LEAST_EXPONENT : e - 1;
    return W(ldexp)(1, e - (MANTISSA - 1));
}

/* Infinity counts as the power of two that follows the largest number. */
static wide error_of(unit unit, wide x, real found, wide exact) {
    if (exact != exact || found != found)
        return exact != exact && found != found ? 0 : (wide)INFINITY;
    wide top = W(ldexp)(1, TOP_EXPONENT);
    wide f = found, e = exact;
    if (W(fabs)(f) > top) f = W(copysign)(top, f);
    if (W(fabs)(e) > top) e = W(copysign)(top, e);
    wide place = unit == ULP ? last_place(W(fabs)(e) < top ? e : top / 2)
                             : last_place(1);
    if (unit == ULP_OF_X) place *= W(fabs)(x);
    return W(fabs)(f - e) / place;
}

static int failures;

static void report(const row *r, wide worst, real at) {
    double bound = REAL_IS_DOUBLE ? r->bound_double : r->bound_float;
    bool good = worst <= bound;
    failures += !good;
    printf("%-15s %-14s %-7s %-9s %8.3f%s <= %g at %a%s\n", r->name, r->range,
           STRING(PD_REAL), STRING(PD_ISA), (double)worst, unit_names[r->unit],
           bound, (double)at, good ? "" : "   EXCEEDED");
}

/* ---- points -------------------------------------------------------------- */

static uint64_t random_state = 1;
static uint64_t random_word(void) { /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Dull;
}

/* Every other point is uniform over the numbers of the type (so every
 * magnitude is met, denormals too), the others uniform over the interval. */
static real point(real low, real high, int64_t i) {
    double u = (double)(random_word() >> 11) * 0x1p-53;
    if (i & 1) return (real)((1 - u) * (double)low + u * (double)high);
    const bits_of_real minus = bits_of((real)-0.0);
    bits_of_real below = low < 0 ? bits_of(low) - minus : 0;
    bits_of_real above = high > 0 ? bits_of(high) : 0;
    bits_of_real least = low > 0 ? bits_of(low) : 0;
    if (high < 0) { /* magnitudes between |high| and |low| */
        bits_of_real start = bits_of(high) - minus;
        return real_of(minus + start +
                       (bits_of_real)(u * ((double)below - (double)start + 1)));
    }
    double numbers = (double)below + (double)above - (double)least + 1;
    double k = u * numbers;
    if (k < (double)below) return real_of(minus + (bits_of_real)k);
    return real_of(least + (bits_of_real)(k - (double)below));
}

static void examine(const row *r, int64_t points) {
    static real x[BLOCK], y[BLOCK];
    const double limit = REAL_IS_DOUBLE ? DBL_MAX : (double)FLT_MAX;
    real low = (real)fmax(r->low, -limit), high = (real)fmin(r->high, limit);
    wide worst = 0;
    real at = 0;
    for (int64_t done = 0; done < points; done += BLOCK) {
        for (int64_t i = 0; i < BLOCK; i++) x[i] = point(low, high, i);
        r->loop(x, y, BLOCK);
        for (int64_t i = 0; i < BLOCK; i++) {
            wide e = error_of(r->unit, x[i], y[i], r->reference(x[i]));
            if (e > worst) worst = e, at = x[i];
        }
    }
    report(r, worst, at);
}

#if !REAL_IS_DOUBLE
static void examine_all(const row *r) {
    static real x[BLOCK], y[BLOCK];
    wide worst = 0;
    real at = 0;
    for (uint64_t first = 0; first < (uint64_t)1 << 32; first += BLOCK) {
        for (int64_t i = 0; i < BLOCK; i++)
            x[i] = real_of((bits_of_real)(first + (uint64_t)i));
        r->loop(x, y, BLOCK);
        for (int64_t i = 0; i < BLOCK; i++) {
            wide e = error_of(r->unit, x[i], y[i], r->reference(x[i]));
            if (e > worst) worst = e, at = x[i];
        }
    }
    row whole = *r;
    whole.range = "all floats";
    report(&whole, worst, at);
}
#endif

/* ---- special values -------------------------------------------------------
 */

/* The result must be this very number, a zero with its sign. */
typedef struct {
    const char *name;
    double x, y;
} special;

#define INF (double)INFINITY
static const special specials[] = {
    {"exp", -INF, 0},
    {"exp", INF, INF},
    {"exp", 0, 1},
    {"exp", -0.0, 1},
    {"expm1", -INF, -1},
    {"expm1", INF, INF},
    {"expm1", 0, 0},
    {"expm1", -0.0, -0.0},
    {"log", 0, -INF},
    {"log", -0.0, -INF},
    {"log", INF, INF},
    {"log", 1, 0},
    {"log", -1, NAN},
    {"log", -INF, NAN},
    {"log1p", -1, -INF},
    {"log1p", INF, INF},
    {"log1p", 0, 0},
    {"log1p", -0.0, -0.0},
    {"log1p", -2, NAN},
    {"log1p", -INF, NAN},
    {"tanh", -INF, -1},
    {"tanh", INF, 1},
    {"tanh", 0, 0},
    {"tanh", -0.0, -0.0},
    {"sigmoid", -INF, 0},
    {"sigmoid", INF, 1},
    {"sigmoid", 0, 0.5},
    {"sigmoid", -0.0, 0.5},
    {"softplus", -INF, 0},
    {"softplus", INF, INF},
    {"erf", -INF, -1},
    {"erf", INF, 1},
    {"erf", 0, 0},
    {"erf", -0.0, -0.0},
    {"gelu", INF, INF},
    {"gelu", 0, 0},
    {"gelu", -0.0, -0.0},
    {"gelu", -INF, 0},
    {"gelu_grad", INF, 1},
    {"gelu_grad", -INF, 0},
    {"gelu_tanh", INF, INF},
    {"gelu_tanh", 0, 0},
    {"gelu_tanh", -0.0, -0.0},
    {"gelu_tanh", -INF, 0},
    {"gelu_tanh_grad", INF, 1},
    {"gelu_tanh_grad", -INF, 0},
    {"sin", 0, 0},
    {"sin", -0.0, -0.0},
    {"sin", INF, NAN},
    {"sin", -INF, NAN},
    {"cos", 0, 1},
    {"cos", -0.0, 1},
    {"cos", INF, NAN},
    {"cos", -INF, NAN},
    {"log2", 0, -INF},
    {"log2", -0.0, -INF},
    {"log2", INF, INF},
    {"log2", 1, 0},
    {"log2", 8, 3},
    {"log2", 0x1p-120, -120},
    {"log2", -1, NAN},
    {"log2", -INF, NAN},
    {"log10", 0, -INF},
    {"log10", INF, INF},
    {"log10", 1, 0},
    {"log10", 10, 1},
    {"log10", 100, 2},
    {"log10", 1000, 3},
    {"log10", 1e10, 10},
    {"log10", -1, NAN},
    {"log10", -INF, NAN},
    {"tan", 0, 0},
    {"tan", -0.0, -0.0},
    {"tan", INF, NAN},
    {"asin", 0, 0},
    {"asin", -0.0, -0.0},
    {"asin", 1, M_PI_2},
    {"asin", -1, -M_PI_2},
    {"asin", 1.5, NAN},
    {"asin", INF, NAN},
    {"acos", 1, 0},
    {"acos", -1, M_PI},
    {"acos", 0, M_PI_2},
    {"acos", -1.5, NAN},
    {"acos", -INF, NAN},
    {"atan", 0, 0},
    {"atan", -0.0, -0.0},
    {"atan", 1, M_PI_4},
    {"atan", INF, M_PI_2},
    {"atan", -INF, -M_PI_2},
    {"sinh", 0, 0},
    {"sinh", -0.0, -0.0},
    {"sinh", INF, INF},
    {"sinh", -INF, -INF},
    {"cosh", 0, 1},
    {"cosh", INF, INF},
    {"cosh", -INF, INF},
    {"asinh", 0, 0},
    {"asinh", -0.0, -0.0},
    {"asinh", INF, INF},
    {"asinh", -INF, -INF},
    {"acosh", 1, 0},
    {"acosh", INF, INF},
    {"acosh", 0.5, NAN},
    {"acosh", -INF, NAN},
    {"acosh", -5, NAN},
    {"atanh", 0, 0},
    {"atanh", -0.0, -0.0},
    {"atanh", 1, INF},
    {"atanh", -1, -INF},
    {"atanh", 2, NAN},
    {"atanh", -INF, NAN},
    {"floor", -0.0, -0.0},
    {"floor", 0.75, 0},
    {"floor", -0.25, -1},
    {"floor", INF, INF},
    {"floor", 3, 3},
    {"ceil", -0.0, -0.0},
    {"ceil", 0.25, 1},
    {"ceil", -INF, -INF},
    {"trunc", -0.0, -0.0},
    {"trunc", -1.75, -1},
    {"trunc", INF, INF},
};

static real one_value(const row *r, real x) {
    real in[PD_VECTOR_BYTES / sizeof(real)];
    real out[PD_VECTOR_BYTES / sizeof(real)];
    for (int i = 0; i < VL; i++) in[i] = (real)i;
    in[VL - 1] = x;
    r->loop(in, out, VL);
    return out[VL - 1];
}

static void expect(const row *r, real x, real y) {
    real found = one_value(r, x);
    bool good = y != y ? found != found : bits_of(found) == bits_of(y);
    /* A limit of zero may come with either sign. */
    if (y == 0 && x != 0) good = found == 0;
    failures += !good;
    if (!good)
        printf("%s(%a) is %a, not %a (%s %s)\n", r->name, (double)x,
               (double)found, (double)y, STRING(PD_REAL), STRING(PD_ISA));
}

static void examine_specials(void) {
    static const char *const tangent_one[] = {"expm1", "log1p", "tanh", "sin",
                                              "tan",   "asin",  "atan", "sinh",
                                              "asinh", "atanh"};
    for (int k = 0; k < ROWS; k++) {
        const row *r = rows + k;
        if (k > 0 && strcmp(r->name, r[-1].name) == 0) continue;
        expect(r, (real)NAN, (real)NAN);
        expect(r, -(real)NAN, (real)NAN);
        for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
            if (strcmp(specials[i].name, r->name) == 0)
                expect(r, (real)specials[i].x, (real)specials[i].y);
        for (int i = 0; i < 10; i++)
            if (strcmp(tangent_one[i], r->name) == 0)
                for (bits_of_real b = 1; b < (bits_of_real)1 << (MANTISSA - 1);
                     b = 3 * b + 1) {
                    expect(r, real_of(b), real_of(b));
                    expect(r, -real_of(b), -real_of(b));
                }
    }
}

/* The same elements backwards must give the same bits. */
static void examine_lanes(void) {
    static real x[BLOCK], y[BLOCK], backwards[BLOCK], y_backwards[BLOCK];
    for (int k = 0; k < ROWS; k++) {
        if (k > 0 && strcmp(rows[k].name, rows[k - 1].name) == 0) continue;
        bool same = true;
        for (int trial = 0; trial < 16; trial++) {
            for (int i = 0; i < BLOCK; i++)
                x[i] = i & 2 ? point(-30, 30, i)
                             : real_of((bits_of_real)random_word());
            for (int i = 0; i < BLOCK; i++) backwards[BLOCK - 1 - i] = x[i];
            rows[k].loop(x, y, BLOCK);
            rows[k].loop(backwards, y_backwards, BLOCK);
            for (int i = 0; i < BLOCK; i++)
                same &= bits_of(y[i]) == bits_of(y_backwards[BLOCK - 1 - i]);
        }
        failures += !same;
        if (!same) printf("%s: a lane depends on others\n", rows[k].name);
    }
}

/* ---- pow, the one function of two arguments --------------------------------
 */

static void loop_pow(const real *x, const real *y, real *z, int64_t n) {
    for (int64_t i = 0; i < n; i += VL)
        v_store(z + i, vm_pow(v_load(x + i), v_load(y + i)));
}

/* y is drawn so that y log x covers the range of exp and a little more; an odd
 * whole y now and then under a negative x. */
static void examine_pow(const char *range, real low, real high,
                        int64_t points) {
    static real x[BLOCK], y[BLOCK], z[BLOCK];
    const double least = 1.05 * (double)VM_EXP_LOW;
    const double most = 1.05 * (double)VM_EXP_HIGH;
    wide worst = 0;
    real x_at = 0, y_at = 0;
    for (int64_t done = 0; done < points; done += BLOCK) {
        for (int64_t i = 0; i < BLOCK; i++) {
            double u = (double)(random_word() >> 11) * 0x1p-53;
            double t = i % 7 == 0 ? u - 0.5 : least + u * (most - least);
            x[i] = point(low, high, i);
            y[i] = (real)(t / log((double)x[i]));
            if (i % 5 == 0 || x[i] == 1) y[i] = (real)((int)(u * 60) - 30);
            if (i % 10 == 0) x[i] = -x[i];
        }
        loop_pow(x, y, z, BLOCK);
        for (int64_t i = 0; i < BLOCK; i++) {
            wide e = error_of(ULP, x[i], z[i], W(pow)(x[i], y[i]));
            if (e > worst) worst = e, x_at = x[i], y_at = y[i];
        }
    }
    const row r = {"pow", range, NULL, NULL, 0, 0, ULP, 4, 4};
    report(&r, worst, x_at);
    if (worst > 4) printf("  y = %a\n", (double)y_at);
}

/* C's pow decides over every pair of these; a zero counts with its sign. */
static void examine_pow_specials(void) {
    static const double values[] = {
        0.0,
        -0.0,
        1,
        -1,
        0.5,
        -0.5,
        2,
        -2,
        3,
        -3,
        1.5,
        -2.5,
        INF,
        -INF,
        NAN,
        1e-44,
        -1e-44,
        3e38,
        -3e38,
        1e9,
        -1e9,
        999,
        -999,
        1e-3,
        8388609,
        -8388609,
        8388608.5,
        4194305,
        4194304.5,
        4194303.5,
        16777216,
        16777217,
        1e300,
        -1e300,
        5e-324,
        0x1p52 + 1,
        0x1p51 + 0.5,
        0x1p53,
        -0x1p53 + 1,
    };
    const int n = sizeof values / sizeof values[0];
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            real x[PD_VECTOR_BYTES / sizeof(real)] = {0};
            real y[PD_VECTOR_BYTES / sizeof(real)] = {0};
            real z[PD_VECTOR_BYTES / sizeof(real)];
            x[VL - 1] = (real)values[i];
            y[VL - 1] = (real)values[k];
            loop_pow(x, y, z, VL);
            real found = z[VL - 1], exact = (real)pow(x[VL - 1], y[VL - 1]);
            bool good = error_of(ULP, 0, found, exact) <= 4;
            if (exact == exact)
                good &= signbit(found) == signbit(exact) &&
                        (exact != 0 || found == 0) &&
                        (!isinf(exact) || found == exact);
            failures += !good;
            if (!good)
                printf("pow(%a, %a) is %a, not %a (%s %s)\n", (double)x[VL - 1],
                       (double)y[VL - 1], (double)found, (double)exact,
                       STRING(PD_REAL), STRING(PD_ISA));
        }
}

/* ---- the other functions of two arguments ---------------------------------
 */

typedef struct {
    const char *name;
    vreal (*f)(vreal, vreal);
    wide (*reference)(wide, wide);
    double bound;
} row_of_two;

static wide ref_hypot(wide x, wide y) { return W(hypot)(x, y); }
static wide ref_atan2(wide y, wide x) { return W(atan2)(y, x); }
static wide ref_copysign(wide x, wide y) { return W(copysign)(x, y); }
static wide ref_logaddexp(wide x, wide y) {
    if (x == y) return x + W(log)(2);
    wide top = x < y ? y : x;
    return top + W(log1p)(W(exp)(-W(fabs)(x - y)));
}
static vreal call_hypot(vreal x, vreal y) { return vm_hypot(x, y); }
static vreal call_atan2(vreal x, vreal y) { return vm_atan2(x, y); }
static vreal call_copysign(vreal x, vreal y) { return vm_copysign(x, y); }
static vreal call_logaddexp(vreal x, vreal y) { return vm_logaddexp(x, y); }

static const row_of_two rows_of_two[] = {
    {"hypot", call_hypot, ref_hypot, 2},
    {"atan2", call_atan2, ref_atan2, 4},
    {"copysign", call_copysign, ref_copysign, 0},
    {"logaddexp", call_logaddexp, ref_logaddexp, 4},
};

static wide error_of_two(const row_of_two *r, real x, real y, real *found) {
    real a[PD_VECTOR_BYTES / sizeof(real)] = {0};
    real b[PD_VECTOR_BYTES / sizeof(real)] = {0};
    real c[PD_VECTOR_BYTES / sizeof(real)];
    a[VL - 1] = x, b[VL - 1] = y;
    v_store(c, r->f(v_load(a), v_load(b)));
    *found = c[VL - 1];
    wide exact = r->reference(x, y);
    /* logaddexp passes through zero between its arguments */
    wide e = error_of(ULP, x, *found, exact);
    if (strcmp(r->name, "logaddexp") == 0 && isfinite((double)exact)) {
        wide size = W(fmax)(W(fabs)(x), W(fmax)(W(fabs)(y), 1));
        e = W(fabs)(*found - exact) / last_place(size);
    }
    return e;
}

static void examine_two(int64_t points) {
    static const double values[] = {0.0,   -0.0,  1,      -1,     0.5,    -3,
                                    INF,   -INF,  NAN,    1e-44,  -1e-44, 3e38,
                                    -3e38, 1e300, 5e-324, -1e-300};
    const int n = sizeof values / sizeof values[0];
    const double top = REAL_IS_DOUBLE ? DBL_MAX : (double)FLT_MAX;
    for (size_t k = 0; k < sizeof rows_of_two / sizeof rows_of_two[0]; k++) {
        const row_of_two *f = rows_of_two + k;
        real found;
        for (int i = 0; i < n * n; i++) {
            real x = (real)values[i / n], y = (real)values[i % n];
            wide e = error_of_two(f, x, y, &found), exact = f->reference(x, y);
            bool good = e <= f->bound;
            if (exact == exact) good &= !signbit(found) == !signbit(exact);
            failures += !good;
            if (!good)
                printf("%s(%a, %a) is %a, not %a (%s %s)\n", f->name, (double)x,
                       (double)y, (double)found, (double)exact, STRING(PD_REAL),
                       STRING(PD_ISA));
        }
        wide worst = 0;
        real at = 0;
        for (int64_t i = 0; i < points / 4; i++) {
            /* far apart, near each other, near the diagonal */
            real x = point((real)-top, (real)top, 2 * i);
            real y = point((real)-top, (real)top, 2 * i);
            if (i & 1) x = point(-40, 40, 1), y = point(-40, 40, 1);
            if (i % 4 == 3) y = x * point((real)0.3, 3, 1);
            wide e = error_of_two(f, x, y, &found);
            if (e > worst) worst = e, at = x;
        }
        const row r = {f->name, "two", NULL,     NULL,    0,
                       0,       ULP,   f->bound, f->bound};
        report(&r, worst, at);
    }
}

/* ---- time ---------------------------------------------------------------- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure_time(void) {
    static real x[BLOCK], y[BLOCK];
    for (int k = 0; k < ROWS; k++) {
        if (k > 0 && strcmp(rows[k].name, rows[k - 1].name) == 0) continue;
        for (int i = 0; i < BLOCK; i++) x[i] = point(-4, 4, 1);
        if (strncmp(rows[k].name, "log", 3) == 0)
            for (int i = 0; i < BLOCK; i++) x[i] = (real)fabs((double)x[i]);
        double best = INFINITY;
        for (int trial = 0; trial < 60; trial++) {
            double start = now();
            for (int i = 0; i < 100; i++) rows[k].loop(x, y, BLOCK);
            best = fmin(best, now() - start);
        }
        printf("%-15s %-7s %-9s %7.3f ns\n", rows[k].name, STRING(PD_REAL),
               STRING(PD_ISA), best * 1e9 / (100 * BLOCK));
    }
    for (int i = 0; i < BLOCK; i++) x[i] = point(0, 4, 1);
    double best = INFINITY;
    for (int trial = 0; trial < 60; trial++) {
        double start = now();
        for (int i = 0; i < 100; i++) loop_pow(x, x, y, BLOCK);
        best = fmin(best, now() - start);
    }
    printf("%-15s %-7s %-9s %7.3f ns\n", "pow", STRING(PD_REAL), STRING(PD_ISA),
           best * 1e9 / (100 * BLOCK));
}

int main(int argc, char **argv) {
    int64_t points = (int64_t)1 << 20;
    _Static_assert(WIDE_MANTISSA > (REAL_IS_DOUBLE ? 53 : 24), "no wider type");
    if (argc > 1 && strcmp(argv[1], "--time") == 0) {
        measure_time();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--all") == 0) {
#if !REAL_IS_DOUBLE
        for (int k = 0; k < ROWS; k++) {
            if (k > 0 && strcmp(rows[k].name, rows[k - 1].name) == 0) continue;
            if (strcmp(rows[k].name, "exp") == 0 ||
                strcmp(rows[k].name, "log") == 0 ||
                strcmp(rows[k].name, "tanh") == 0)
                examine_all(rows + k);
        }
#endif
        return failures != 0;
    }
    if (argc > 1) points = atoll(argv[1]);
    examine_specials();
    examine_lanes();
    for (int k = 0; k < ROWS; k++) examine(rows + k, points);
    const real top = (real)(REAL_IS_DOUBLE ? DBL_MAX : (double)FLT_MAX);
    examine_two(points);
    examine_pow_specials();
    examine_pow("[0, ALL]", real_of(1), top, points);
    examine_pow("[0.5, 2]", (real)0.5, (real)2, points);
    examine_pow("[0.99, 1.01]", (real)0.99, (real)1.01, points);
    return failures != 0;
}
