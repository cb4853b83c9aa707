/* dropout against its definition: word i of the key's stream decides. */
#include "dropout.h"
#include "ktest_philox.h"

static const struct {
    const char *why;
    double p;
} cases[] = {{"a tenth", 0.1}, {"half", 0.5}, {"all", 1}};

static const int64_t counts[] = {0, 1, 31, 32, 33, 1000, 16384, 70001};

static void examine(double p, const char *why, int64_t n) {
    kt_case(PD_KERNEL_dropout, "%s of %lld", why, (long long)n);
    uint64_t *key = kt_key(0x9E3779B97F4A7C15u, 0xD1B54A32D192ED03u);
    real *x = kt_reals(n);
    if (n > 2) x[1] = (real)NAN, x[2] = (real)INFINITY;
    real *y = kt_array(n, sizeof(real));
    pd_dropout_geometry g = {.elements = n,
                             .last_dropped = (int64_t)(p * 0x1p32) - 1,
                             .scale = p < 1 ? 1 / (1 - p) : 0};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    int64_t stay = 0;
    for (int64_t i = 0; i < n; i++) {
        int stays = philox_word32(key, i) > (uint32_t)g.last_dropped;
        double want = stays ? (double)(x[i] * (real)g.scale) : 0;
        kt_near((double)y[i], want, 0, 0, "y", i);
        stay += stays;
    }
    double off = (double)stay - (1 - p) * (double)n;
    if (off * off > 25 * p * (1 - p) * (double)n)
        kt_fail("%lld of %lld stay", (long long)stay, (long long)n);
}

KTEST(dropout) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int n = 0; n < KT_COUNT(counts); n++)
            examine(cases[c].p, cases[c].why, counts[n]);
}
