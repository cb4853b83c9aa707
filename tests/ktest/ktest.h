/* What the kernels' C tests share: guarded, poisoned outputs; small integers
 * whose products are exact in float; the comparison.
 *
 * A test is compiled like a kernel, once per (ISA, type), together with
 * csrc/gemm, csrc/kernels and csrc/core, and returns the number of failures. */
#ifndef PD_TESTS_KTEST_H
#define PD_TESTS_KTEST_H

#include "kernel.h"
#include "par.h"
#include "real.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64 }; /* elements before and after an output */

static uint32_t kt_state = 1;
static int kt_random(int below) {
    kt_state = kt_state * 1664525u + 1013904223u;
    return (int)((kt_state >> 8) % (uint32_t)below);
}
/* n elements in -2 … 2. */
__attribute__((unused)) static real *kt_integers(int64_t n) {
    real *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = (real)(kt_random(5) - 2);
    return x;
}
/* n elements of NaN between two guards; the first of the n is returned. */
__attribute__((unused)) static real *kt_output(int64_t n) {
    real *x = malloc(((size_t)n + 2 * GUARD) * sizeof *x);
    for (int64_t i = 0; i < n + 2 * GUARD; i++) x[i] = (real)NAN;
    for (int64_t i = 0; i < GUARD; i++) x[i] = x[n + GUARD + i] = (real)-77;
    return x + GUARD;
}
__attribute__((unused)) static int kt_guards_whole(const real *x, int64_t n) {
    for (int64_t i = 1; i <= GUARD; i++)
        if (x[-i] != (real)-77 || x[n - 1 + i] != (real)-77) return 0;
    return 1;
}
__attribute__((unused)) static void kt_free_output(real *x) {
    free(x - GUARD);
}

#endif
