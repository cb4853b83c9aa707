/* ktest: the kernels examined from C, without Python.
 *
 * A test names a kernel, makes its arrays in the kernel's order, and calls it
 * once; the harness makes several calls of it, which differ in everything that
 * must not matter:
 *
 *     threads      place                         outputs before the call
 *     1            flush with a page on the left      0xFF (NaN)
 *     2            flush with a page on the right     0x5A
 *     4            one element off alignment          0x5A
 *
 *     ┌───────────┬──────────────────────┬───────────────┬───────────┐
 *     │ no access │ the array, flush left│  guard bytes  │ no access │
 *     └───────────┴──────────────────────┴───────────────┴───────────┘
 *     ┌───────────┬───────────────┬──────────────────────┬───────────┐
 *     │ no access │  guard bytes  │ the array, flush right│ no access │
 *     └───────────┴───────────────┴──────────────────────┴───────────┘
 *
 * So a read or a write one element outside faults, on one side in the first
 * call and on the other in the second. All calls must leave the same bits in
 * every output (an unwritten element keeps the poison, and differs), the
 * guards, and the inputs unchanged. Then the test compares the outputs with
 * its own naive loops in double.
 *
 * With --heap every array is a heap block of its exact size, not filled: for
 * AddressSanitizer and valgrind, which watch such blocks.
 *
 * One ktest_<family>.c per kernel file, compiled for float and for double. */
#ifndef KTEST_H
#define KTEST_H

#include "real.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* KTEST(pool) { … } in ktest_pool.c: the family's cases for one type. */
#define KTEST(family)                                                          \
    static void family##_test(void);                                           \
    __attribute__((constructor)) static void family##_register(void) {         \
        kt_register(#family, REAL_IS_DOUBLE ? PD_FLOAT64 : PD_FLOAT32,         \
                    family##_test);                                            \
    }                                                                          \
    static void family##_test(void)
void kt_register(const char *family, int type, void (*test)(void));

/* Begins a case of kernel PD_KERNEL_…; the words appear in its failures. */
void kt_case(int kernel, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The kernel's next array: `count` elements of `bytes` bytes, held between the
 * calls at the address returned. Reading arrays hold zeros at first. */
void *kt_array(int64_t count, size_t bytes);
/* The next array is absent: NULL. */
void kt_absent(void);
/* The kernel is given the address of this element instead of the first: for
 * views with negative strides or an offset. */
void kt_start(int array, int64_t element);

/* All calls; what the kernel returned. Outputs are now in the held arrays. */
int64_t kt_call(const void *geometry);

/* |got - want| <= ulps * epsilon * magnitude, or both NaN, or equal. */
void kt_near(double got, double want, double magnitude, double ulps,
             const char *what, int64_t at);
void kt_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A sum whose own rounding does not show: what each addition loses is kept
 * (Neumaier 1974). Not a wider type, since valgrind's is double. */
typedef struct {
    double sum, lost;
} kt_sum;
static inline void kt_add(kt_sum *s, double x) {
    const double sum = s->sum + x;
    s->lost += fabs(s->sum) >= fabs(x) ? s->sum - sum + x : x - sum + s->sum;
    s->sum = sum;
}
static inline double kt_total(const kt_sum *s) {
    return isfinite(s->sum) ? s->sum + s->lost : s->sum;
}

/* Uniform in [low, high); the same numbers in every run of a case. */
double kt_random(double low, double high);

/* 1 under emulators: leave out cases of more than about 20 000 elements. */
extern int kt_small;

#define KT_COUNT(table) ((int64_t)(sizeof(table) / sizeof *(table)))

/* ---- for one type -------------------------------------------------------- */

/* The next array, of reals uniform in [-2, 2). */
static inline __attribute__((unused)) real *kt_reals(int64_t count) {
    real *array = kt_array(count, sizeof(real));
    for (int64_t i = 0; i < count; i++) array[i] = (real)kt_random(-2, 2);
    return array;
}
/* Small integers, whose sums and products are exact. */
static inline __attribute__((unused)) real *kt_integers(int64_t count) {
    real *array = kt_array(count, sizeof(real));
    for (int64_t i = 0; i < count; i++)
        array[i] = (real)floor(kt_random(-4, 5));
    return array;
}
/* Indices in [0, below). */
static inline __attribute__((unused)) int64_t *kt_indices(int64_t count,
                                                          int64_t below) {
    int64_t *array = kt_array(count, sizeof(int64_t));
    for (int64_t i = 0; i < count; i++)
        array[i] = (int64_t)kt_random(0, (double)below);
    return array;
}

#endif
