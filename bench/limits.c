/* What the machine can do at most: chains of fused multiply-adds, and a loop
 * over streams of memory, in the words of csrc/core/simd.h.
 *
 *     run_fma(turns, …)  enough independent chains to hide the latency, all in
 *                        registers; flops_per_turn() operations each turn
 *     run_streams(...)   y[i] = a * (x0[i] + x1[i] + …): `reads` arrays are
 *                        read while one is written. Not a copy: compilers turn
 *                        that into memcpy. */
#include "simd.h"

enum { CHAINS = V_REGISTERS - 4 };

int64_t flops_per_turn(void) { return 2 * VL * CHAINS; }

/* With a half of 0.5 every chain x -> x * 0.5 + 0.5 goes to 1, far from the
 * slow denormal numbers. The compiler knows neither the half nor that the
 * chains, which begin apart, become equal: else it would compute only one. */
double run_fma(int64_t turns, double one_half) {
    vreal half = v_set((real)one_half), sums[CHAINS];
    UNROLL for (int i = 0; i < CHAINS; i++) sums[i] = v_set((real)i);
    for (int64_t t = 0; t < turns; t++) {
        UNROLL for (int i = 0; i < CHAINS; i++) sums[i] =
            v_fma(sums[i], half, half);
    }
    vreal total = v_set((real)0);
    UNROLL for (int i = 0; i < CHAINS; i++) total = total + sums[i];
    return (double)v_sum(total);
}

#define AT(x) v_load((x) + i)
#define LOOP(value)                                                            \
    for (int64_t i = 0; i + VL <= n; i += VL) v_store(y + i, a * (value))

/* y and reads arrays of n elements at x, x + apart, x + 2 apart */
void run_streams(real *restrict y, const real *restrict x, int64_t apart,
                 int64_t reads, int64_t n, int64_t times) {
    const vreal a = v_set((real)0.5);
    const real *x1 = x + apart, *x2 = x1 + apart;
    for (int64_t t = 0; t < times; t++) {
        if (reads == 1) LOOP(AT(x));
        else if (reads == 2) LOOP(AT(x) + AT(x1));
        else LOOP(AT(x) + AT(x1) + AT(x2));
        __asm__ volatile("" : : : "memory");
    }
}
