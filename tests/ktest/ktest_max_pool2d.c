/* max_pool2d against loops over windows: values and numbers of the maxima are
 * exact, with ties (small integers), NaN and -inf; gradients of integers too.
 */
#include "ktest_pool2d.h"
#include "max_pool2d.h"

/* The number of the largest entry of output p's window. */
static int64_t winner(const pd_pool2d_geometry *g, const real *x, pixel_t p) {
    double best = 0;
    int64_t number = -1, i, j;
    for (int64_t k = 0; k < g->h.k; k++)
        for (int64_t l = 0; l < g->w.k; l++) {
            if (!pool_entry(g, p, k, l, &i, &j)) continue;
            double value = (double)x[strided_at(g, p, i, j)];
            if (number >= 0 && !(value > best || isnan(value))) continue;
            best = value;
            number = k * g->w.k + l;
        }
    return number;
}

static void forward(const pool_case_t *t, int how, int with_index,
                    int special) {
    static const char *const lies[] = {"", ", in a wider memory", ", by rows"};
    pd_pool2d_geometry g = pool_geometry(t);
    kt_case(PD_KERNEL_max_pool2d_forward, "%s%s%s%s", t->why, lies[how],
            with_index ? "" : ", no index",
            special ? ", with NaN and -inf" : "");
    int64_t count = pool_strides(&g, g.h.in, g.w.in, how), i, j;
    real *x = kt_integers(count);
    for (int64_t e = 0; special && e < count; e++)
        x[e] = (real)(kt_random(0, 9) < 1 ? NAN : e % 5 ? -INFINITY : 1);
    real *y = kt_array(pool_out(&g), sizeof(real));
    int bytes = g.h.k * g.w.k <= 255;
    uint8_t *index = NULL;
    if (with_index)
        index = kt_array(pool_out(&g), bytes ? 1 : sizeof(int32_t));
    else
        kt_absent();
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t e = 0; e < pool_out(&g); e++) {
        pixel_t p = pixel_of(e, g.h.out, g.w.out, g.c);
        int64_t number = winner(&g, x, p);
        pool_entry(&g, p, number / g.w.k, number % g.w.k, &i, &j);
        kt_near((double)y[e], (double)x[strided_at(&g, p, i, j)], 0, 0, "y", e);
        if (!index) continue;
        int64_t got = bytes ? index[e] : ((int32_t *)(void *)index)[e];
        kt_near((double)got, (double)number, 0, 0, "index", e);
    }
}

/* index: any entries inside; backward and gather follow them. */
static void *indices(const pd_pool2d_geometry *g, int64_t *numbers) {
    int bytes = g->h.k * g->w.k <= 255;
    void *index = kt_array(pool_out(g), bytes ? 1 : sizeof(int32_t));
    for (int64_t e = 0; e < pool_out(g); e++) {
        pixel_t p = pixel_of(e, g->h.out, g->w.out, g->c);
        int64_t i, j, number;
        do number = (int64_t)kt_random(0, (double)(g->h.k * g->w.k));
        while (!pool_entry(g, p, number / g->w.k, number % g->w.k, &i, &j));
        numbers[e] = number;
        if (bytes)
            ((uint8_t *)index)[e] = (uint8_t)number;
        else
            ((int32_t *)index)[e] = (int32_t)number;
    }
    return index;
}

static void backward(const pool_case_t *t, int wide) {
    pd_pool2d_geometry g = pool_geometry(t);
    kt_case(PD_KERNEL_max_pool2d_backward, "%s%s", t->why,
            wide ? ", wide" : "");
    real *dy = kt_integers(pool_strides(&g, g.h.out, g.w.out, wide));
    int64_t *numbers = calloc((size_t)pool_out(&g) + 1, sizeof *numbers);
    indices(&g, numbers);
    real *dx = kt_array(pool_in(&g), sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");
    double *want = calloc((size_t)pool_in(&g) + 1, sizeof *want);
    for (int64_t e = 0; e < pool_out(&g); e++) {
        pixel_t p = pixel_of(e, g.h.out, g.w.out, g.c);
        int64_t i, j;
        pool_entry(&g, p, numbers[e] / g.w.k, numbers[e] % g.w.k, &i, &j);
        want[dense_at(&g, p, i, j)] += (double)dy[strided_at(&g, p, p.i, p.j)];
    }
    for (int64_t e = 0; e < pool_in(&g); e++)
        kt_near((double)dx[e], want[e], 0, 0, "dx", e);
    free(numbers);
    free(want);
}

static void gather(const pool_case_t *t, int wide) {
    pd_pool2d_geometry g = pool_geometry(t);
    kt_case(PD_KERNEL_max_pool2d_gather, "%s%s", t->why, wide ? ", wide" : "");
    real *ddx = kt_integers(pool_strides(&g, g.h.in, g.w.in, wide));
    int64_t *numbers = calloc((size_t)pool_out(&g) + 1, sizeof *numbers);
    indices(&g, numbers);
    real *ddy = kt_array(pool_out(&g), sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t e = 0; e < pool_out(&g); e++) {
        pixel_t p = pixel_of(e, g.h.out, g.w.out, g.c);
        int64_t i, j;
        pool_entry(&g, p, numbers[e] / g.w.k, numbers[e] % g.w.k, &i, &j);
        kt_near((double)ddy[e], (double)ddx[strided_at(&g, p, i, j)], 0, 0,
                "ddy", e);
    }
    free(numbers);
}

KTEST(max_pool2d) {
    for (int t = 0; t < KT_COUNT(pool_cases); t++) {
        forward(&pool_cases[t], PLANAR, pool_cases[t].c == 1, 0);
        forward(&pool_cases[t], PLANAR, 0, 1);
        for (int wide = 0; wide < 2; wide++) {
            forward(&pool_cases[t], wide, 1, 0);
            forward(&pool_cases[t], wide, 0, 0);
            forward(&pool_cases[t], wide, 1, 1);
            backward(&pool_cases[t], wide);
            gather(&pool_cases[t], wide);
        }
    }
}
