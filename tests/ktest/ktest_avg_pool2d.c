/* avg_pool2d against loops over windows, padding counted and not counted, and
 * with a divisor of its own. */
#include "avg_pool2d.h"
#include "ktest_pool2d.h"

/* How many entries output p's window is divided by: those inside; or those
 * inside the padded image, which is less than all where ceil_mode reaches out
 * of it. */
static double entries(const pd_pool2d_geometry *g, pixel_t p) {
    if (g->divisor) return (double)g->divisor;
    double count = 0;
    for (int64_t k = 0; k < g->h.k; k++)
        for (int64_t l = 0; l < g->w.k; l++) {
            int64_t i, j;
            int inside = pool_entry(g, p, k, l, &i, &j);
            count += inside || (g->count_include_pad && i < g->h.in + g->h.p &&
                                j < g->w.in + g->w.p);
        }
    return count;
}

static void forward(const pool_case_t *t, int wide, int count_padding,
                    int divisor) {
    pd_pool2d_geometry g = pool_geometry(t);
    g.count_include_pad = count_padding;
    g.divisor = divisor;
    kt_case(PD_KERNEL_avg_pool2d_forward, "%s%s, padding %d, divisor %d",
            t->why, wide ? ", wide" : "", count_padding, divisor);
    real *x = kt_integers(pool_strides(&g, g.h.in, g.w.in, wide));
    real *y = kt_array(pool_out(&g), sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t e = 0; e < pool_out(&g); e++) {
        pixel_t p = pixel_of(e, g.h.out, g.w.out, g.c);
        double sum = 0;
        int64_t i, j;
        for (int64_t k = 0; k < g.h.k; k++)
            for (int64_t l = 0; l < g.w.k; l++)
                if (pool_entry(&g, p, k, l, &i, &j))
                    sum += (double)x[strided_at(&g, p, i, j)];
        double want = sum / entries(&g, p);
        kt_near((double)y[e], want, want, 2, "y", e);
    }
}

static void backward(const pool_case_t *t, int wide, int count_padding,
                     int divisor) {
    pd_pool2d_geometry g = pool_geometry(t);
    g.count_include_pad = count_padding;
    g.divisor = divisor;
    kt_case(PD_KERNEL_avg_pool2d_backward, "%s%s, padding %d, divisor %d",
            t->why, wide ? ", wide" : "", count_padding, divisor);
    real *dy = kt_integers(pool_strides(&g, g.h.out, g.w.out, wide));
    real *dx = kt_array(pool_in(&g), sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");
    double *want = calloc(2 * (size_t)pool_in(&g) + 1, sizeof *want);
    double *large =
        want + pool_in(&g); /* the sum of what was added, positive */
    for (int64_t e = 0; e < pool_out(&g); e++) {
        pixel_t p = pixel_of(e, g.h.out, g.w.out, g.c);
        double share = (double)dy[strided_at(&g, p, p.i, p.j)] / entries(&g, p);
        int64_t i, j;
        for (int64_t k = 0; k < g.h.k; k++)
            for (int64_t l = 0; l < g.w.k; l++)
                if (pool_entry(&g, p, k, l, &i, &j)) {
                    want[dense_at(&g, p, i, j)] += share;
                    large[dense_at(&g, p, i, j)] += fabs(share);
                }
    }
    for (int64_t e = 0; e < pool_in(&g); e++)
        kt_near((double)dx[e], want[e], large[e], 8, "dx", e);
    free(want);
}

KTEST(avg_pool2d) {
    for (int t = 0; t < KT_COUNT(pool_cases); t++) {
        if (pool_cases[t].h.d != 1 || pool_cases[t].w.d != 1)
            continue; /* average pools have none */
        int adaptive = !pool_cases[t].h.s || !pool_cases[t].w.s;
        for (int wide = 0; wide < 2; wide++)
            for (int padding = 0; padding < 2 - adaptive; padding++) {
                forward(&pool_cases[t], wide, padding, padding * 7);
                forward(&pool_cases[t], wide, padding, 0);
                backward(&pool_cases[t], wide, padding, padding * 7);
                backward(&pool_cases[t], wide, padding, 0);
            }
    }
}
