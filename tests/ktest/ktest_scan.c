/* scan: recurrences, sums and products, both ways, plain and shifted. */
#include "ktest.h"
#include "scan.h"

typedef struct {
    const char *why;
    int64_t outer, n, inner;
} case_t;

static const case_t cases[] = {
    {"one", 1, 1, 1},        {"no elements", 3, 0, 2},   {"no rows", 0, 4, 1},
    {"no columns", 2, 4, 0}, {"a row", 1, 1000, 1},      {"rows", 900, 37, 1},
    {"one block", 2, 5, 16}, {"past a block", 3, 7, 83},
};

/* which: 1 with a, 2 with x, 3 with both */
static void examine(const case_t *c, int which, int reverse, int shifted) {
    kt_case(PD_KERNEL_scan, "%s, which %d, reverse %d, shifted %d", c->why,
            which, reverse, shifted);
    int64_t size = c->outer * c->n * c->inner;
    /* coefficients at most 1: what grows does so slowly */
    real *a = NULL, *x = NULL;
    if (which & 1)
        a = kt_reals(size);
    else
        kt_absent();
    for (int64_t i = 0; a && i < size; i++)
        a[i] = (real)(i % 5 == 0 ? 1 : i % 7 == 0 ? 0 : -0.5);
    if (which & 2)
        x = kt_integers(size);
    else
        kt_absent();
    real *h = kt_array(size, sizeof(real));
    pd_scan_geometry g = {.outer = c->outer,
                          .n = c->n,
                          .inner = c->inner,
                          .reverse = reverse,
                          .shifted = shifted};
    if (kt_call(&g)) kt_fail("returned not 0");
    for (int64_t o = 0; o < c->outer; o++)
        for (int64_t i = 0; i < c->inner; i++) {
            double value = which & 2 ? 0 : 1;
            for (int64_t k = 0; k < c->n; k++) {
                int64_t j = reverse ? c->n - 1 - k : k;
                int64_t of = shifted ? (reverse ? j + 1 : j - 1) : j;
                int64_t at = (o * c->n + j) * c->inner + i;
                if (a && of >= 0 && of < c->n)
                    value *= (double)a[(o * c->n + of) * c->inner + i];
                if (x) value += (double)x[at];
                kt_near((double)h[at], value, fabs(value), 1, "h", at);
            }
        }
}

KTEST(scan) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int which = 1; which <= 3; which++)
            for (int how = 0; how < 4; how++)
                examine(&cases[c], which, how & 1, how >> 1);
}
