/* Random numbers from Philox (core/philox.h).
 *
 * A real takes as many bits as its fraction holds, from the top of its word;
 * the conversion is exact. Normal numbers are Box and Muller's:
 *
 *     u in (0, 1], angle in [0, 2 pi)   ->   sqrt(-2 log u) * (cos, sin)(angle)
 *
 * with logarithm, sine and cosine as short series in + * / and sqrt, which IEEE
 * rounds alike everywhere; the faster functions of vmath.h use the fused
 * multiply-add where there is one, so their last bit depends on the ISA. */
#include "random.h"
#include "par.h"
#include "philox.h"
#include "real.h"
#include "simd.h"

enum {
    GROUP = PD_GROUP_WORDS * 8 / sizeof(real), /* reals of a group */
    HALF = GROUP / 2,
    FLIGHT = PD_FLIGHT_GROUPS * GROUP,
    TASK = 128, /* flights */
};
#define FRACTION (REAL_IS_DOUBLE ? 53 : 24) /* bits */
#define UNIT ((real)(REAL_IS_DOUBLE ? 0x1p-53 : 0x1p-24))

int64_t K(random_draw)(void *const *arrays, const void *geometry) {
    (void)geometry;
    uint64_t *state = arrays[0], *key = arrays[1];
    key[0] = state[0];
    key[1] = __atomic_fetch_add(&state[1], 1, __ATOMIC_RELAXED);
    return 0;
}

/* ---- reals -----------------------------------------------------------------
 */

/* VL reals from VL words: n / 2^FRACTION of the words' top bits n. */
V_INLINE vreal v_fraction(vint words, int64_t add) {
    vint top = v_shift_down(words, (int)sizeof(real) * 8 - FRACTION);
    top = top + (int_of_real)add;
    return __builtin_convertvector(top, vreal) * v_set(UNIT);
}

/* log(u) for u in (0, 1]: u = m 2^e, log m = 2 atanh(s), s = (m-1) / (m+1),
 * |s| <= 1/5. The series' next term is below the last bit. */
V_INLINE vreal v_log_series(vreal u) {
    const int terms = REAL_IS_DOUBLE ? 12 : 6;
    vreal e, m = v_split(u, &e);
    vreal s = (m - v_set(1)) / (m + v_set(1)), square = s * s;
    vreal sum = v_set(0);
    for (int k = terms - 1; k >= 0; k--)
        sum = sum * square + v_set((real)(2.0 / (2 * k + 1)));
    return e * v_set((real)0.693147180559945309417) + sum * s;
}

/* sin x and cos x for |x| <= pi / 4 by Taylor's series. */
V_INLINE void v_sin_cos(vreal x, vreal *sine, vreal *cosine) {
    const int terms = REAL_IS_DOUBLE ? 9 : 6;
    vreal square = x * x, s = v_set(1), c = v_set(1);
    for (int k = terms - 1; k > 0; k--) {
        s = v_set(1) - s * square * v_set((real)(1.0 / (2 * k * (2 * k + 1))));
        c = v_set(1) - c * square * v_set((real)(1.0 / (2 * k * (2 * k - 1))));
    }
    *sine = s * x;
    *cosine = c;
}

V_INLINE vint v_load_words(const void *p) {
    vint words;
    memcpy(&words, p, sizeof words);
    return words;
}

V_INLINE void group_uniform(const uint64_t *words, real *y) {
    for (int i = 0; i < GROUP; i += VL)
        v_store(y + i, v_fraction(v_load_words((const real *)words + i), 0));
}

/* -log(u) of the uniform u in (0, 1]. */
V_INLINE void group_exponential(const uint64_t *words, real *y) {
    for (int i = 0; i < GROUP; i += VL) {
        vint a = v_load_words((const real *)words + i);
        v_store(y + i, -v_log_series(v_fraction(a, 1)));
    }
}

/* A group's first half are radii, its second half angles. The top two bits of
 * an angle's word tell the quarter turn, those below the angle within it. */
V_INLINE void group_normal(const uint64_t *words, real *y) {
    const int bits = sizeof(real) * 8;
    for (int i = 0; i < HALF; i += VL) {
        vint a = v_load_words((const real *)words + i);
        vint b = v_load_words((const real *)words + HALF + i);
        vreal radius = v_sqrt(v_set(-2) * v_log_series(v_fraction(a, 1)));
        vreal part = v_fraction(b << 2, 0) - v_set((real)0.5);
        vreal sine, cosine;
        v_sin_cos(part * v_set((real)1.57079632679489661923), &sine, &cosine);
        vint quarter = v_shift_down(b, bits - 2);
        vmask odd = v_eq_int(quarter & 1, v_set_int(1));
        vint turn = (quarter & 2) << (bits - 2); /* the sign bit */
        vint flip = ((quarter + 1) & 2) << (bits - 2);
        vreal across = v_select(odd, sine, cosine);
        vreal along = v_select(odd, cosine, sine);
        v_store(y + i, v_real(v_bits(across) ^ flip) * radius);
        v_store(y + HALF + i, v_real(v_bits(along) ^ turn) * radius);
    }
}

typedef struct {
    pd_key key;
    int64_t elements;
    real *y;
} work_t;

/* Task t: TASK flights. */
V_INLINE void flights_fill(const work_t *w, int64_t t,
                           void (*group)(const uint64_t *, real *)) {
    const pd_philox_plan plan = pd_philox_flights(w->key, t * TASK);
    uint64_t words[PD_FLIGHT_WORDS];
    for (int64_t f = t * TASK; f < (t + 1) * TASK; f++) {
        int64_t left = w->elements - f * FLIGHT;
        real last[FLIGHT], *y = w->y + f * FLIGHT;
        if (left <= 0) return;
        pd_philox_flight(&plan, f, words);
        real *to = left < FLIGHT ? last : y;
        for (int g = 0; g < PD_FLIGHT_GROUPS; g++)
            group(words + g * PD_GROUP_WORDS, to + g * GROUP);
        if (to == last) memcpy(y, last, (size_t)left * sizeof(real));
    }
}
static void uniform_task(void *work, int64_t t) {
    flights_fill(work, t, group_uniform);
}
static void normal_task(void *work, int64_t t) {
    flights_fill(work, t, group_normal);
}
static void exponential_task(void *work, int64_t t) {
    flights_fill(work, t, group_exponential);
}

static int64_t reals_fill(void *const *arrays, const pd_random_geometry *g,
                          double ns, pd_task *run) {
    work_t w = {.elements = g->elements, .y = arrays[1]};
    memcpy(&w.key, arrays[0], sizeof w.key);
    int64_t task = (int64_t)TASK * FLIGHT;
    pd_parallel((g->elements + task - 1) / task, ns * (double)g->elements, run,
                &w);
    return 0;
}

int64_t K(random_uniform)(void *const *arrays, const void *geometry) {
    return reals_fill(arrays, geometry, 1, uniform_task);
}

int64_t K(random_normal)(void *const *arrays, const void *geometry) {
    return reals_fill(arrays, geometry, 3, normal_task);
}

int64_t K(random_exponential)(void *const *arrays, const void *geometry) {
    return reals_fill(arrays, geometry, 2, exponential_task);
}

/* ---- integers ---------------------------------------------------------------
 */

/* The i-th 64-bit word of a stream; `words` holds the flight it is in. */
static uint64_t word_at(pd_key key, int64_t i, uint64_t *words) {
    if (i % PD_FLIGHT_WORDS == 0) {
        const int64_t flight = i / PD_FLIGHT_WORDS;
        const pd_philox_plan plan = pd_philox_flights(key, flight);
        pd_philox_flight(&plan, flight, words);
    }
    return words[i % PD_FLIGHT_WORDS];
}

/* A word scaled to 0 … range-1: the upper half of word * range. What is uneven
 * is range / 2^64. */
static int64_t below(uint64_t word, uint64_t range) {
    return (int64_t)(((unsigned __int128)word * range) >> 64);
}

int64_t K(random_integers)(void *const *arrays, const void *geometry) {
    const pd_random_geometry *g = geometry;
    int64_t *y = arrays[1];
    uint64_t words[PD_FLIGHT_WORDS];
    pd_key key;
    memcpy(&key, arrays[0], sizeof key);
    for (int64_t i = 0; i < g->elements; i++)
        y[i] = (int64_t)((uint64_t)g->low +
                         (uint64_t)below(word_at(key, i, words), g->range));
    return 0;
}

/* Fisher and Yates: the element at i changes places with one before it or with
 * itself. */
int64_t K(random_permutation)(void *const *arrays, const void *geometry) {
    const pd_random_geometry *g = geometry;
    int64_t *y = arrays[1];
    uint64_t words[PD_FLIGHT_WORDS];
    pd_key key;
    memcpy(&key, arrays[0], sizeof key);
    for (int64_t i = 0; i < g->elements; i++) {
        int64_t j = below(word_at(key, i, words), (uint64_t)i + 1);
        y[i] = y[j]; /* y[i] is not written yet where j = i */
        y[j] = i;
    }
    return 0;
}
