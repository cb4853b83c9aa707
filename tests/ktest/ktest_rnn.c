/* rnn_forward and rnn_backward against the formulas of rnn.h, row by row. */
#include "ktest_recurrent.h"
#include "rnn.h"

static void forward(const shape_t *s, int variant, int relu) {
    const int64_t t = s->t, b = s->b, h = s->h;
    kt_case(PD_KERNEL_rnn_forward, "%s, variant %d, relu %d", s->why, variant,
            relu);
    const real *z = kt_reals(t * b * h);
    const real *weight = weight_array(s, 1);
    const real *h0 = kt_reals(b * h);
    const int64_t *lengths = lengths_array(s, variant);
    const real *y = kt_array(b * t * h, sizeof(real));
    const real *h_end = kt_array(b * h, sizeof(real));
    const real *hs = NULL;
    if (variant & PLAIN)
        kt_absent();
    else
        hs = kt_array((t + 1) * b * h, sizeof(real));
    pd_recurrent_geometry g = geometry(s, variant, 1);
    g.relu = relu;
    if (kt_call(&g)) kt_fail("reports a bad datum");

    double *hd = doubles(h), *a = doubles(h);
    for (int64_t row = 0; row < b; row++) {
        for (int64_t j = 0; j < h; j++) hd[j] = (double)h0[row * h + j];
        const int64_t count = row_steps(s, lengths, row);
        for (int64_t step = 0; step < count; step++) {
            const int64_t at = row_time(&g, count, step);
            near_state(&g, hs, before(&g, at), row, hd, "hs");
            for (int64_t j = 0; j < h; j++) {
                a[j] = (double)z[(at * b + row) * h + j] +
                       product(&g, weight, j, hd);
                a[j] = relu ? fmax(0, a[j]) : tanh(a[j]);
            }
            for (int64_t j = 0; j < h; j++) {
                hd[j] = a[j];
                const int64_t out = row * g.y_row + at * g.y_time + j;
                near((double)y[out], hd[j], "y", out);
            }
        }
        for (int64_t at = count; at < t; at++)
            for (int64_t j = 0; j < h; j++) {
                const int64_t out = row * g.y_row + at * g.y_time + j;
                kt_near((double)y[out], 0, 0, 0, "y behind the end", out);
            }
        near_state(&g, hs, g.reverse ? 0 : t, row, hd, "last hs");
        near_state(&g, h_end, 0, row, hd, "h");
    }
    free(hd);
    free(a);
}

static void backward(const shape_t *s, int variant, int relu) {
    const int64_t t = s->t, b = s->b, h = s->h;
    const int all = !(variant & PLAIN);
    kt_case(PD_KERNEL_rnn_backward, "%s, variant %d, relu %d", s->why, variant,
            relu);
    pd_recurrent_geometry g = geometry(s, variant, 1);
    g.relu = relu;
    const int one_row = all && (variant & TURNED);
    if (one_row) dy_is_one_row(&g);
    const real *weight = weight_array(s, 1);
    const int64_t *lengths = lengths_array(s, variant);
    real *hs = kt_reals((t + 1) * b * h);
    scaled(hs, (t + 1) * b * h, 0.5);
    const real *dy = optional_array(all, one_row ? h : b * t * h);
    const real *dh = optional_array(variant != PLAIN, b * h);
    const real *dz = kt_array(t * b * h, sizeof(real));
    const real *dh0 = kt_array(b * h, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");

    double *dhd = doubles(h), *d = doubles(h);
    for (int64_t row = 0; row < b; row++) {
        for (int64_t j = 0; j < h; j++)
            dhd[j] = dh ? (double)dh[row * h + j] : 0;
        const int64_t count = row_steps(s, lengths, row);
        for (int64_t step = count - 1; step >= 0; step--) {
            const int64_t at = row_time(&g, count, step);
            for (int64_t j = 0; j < h; j++) {
                const double is = (double)hs[(after(&g, at) * b + row) * h + j];
                const int64_t in = row * g.y_row + at * g.y_time + j;
                const double up = dhd[j] + (dy ? (double)dy[in] : 0);
                d[j] = relu ? is > 0 ? up : 0 : up * (1 - is * is);
                dhd[j] = 0;
                const int64_t out = (at * b + row) * h + j;
                near((double)dz[out], d[j], "dz", out);
            }
            product_back(&g, weight, d, h, dhd);
        }
        for (int64_t i = (count * b + row) * h; i < t * b * h; i++)
            if (i / h % b == row)
                kt_near((double)dz[i], 0, 0, 0, "dz behind the end", i);
        near_state(&g, dh0, 0, row, dhd, "dh0");
    }
    free(dhd);
    free(d);
}

KTEST(rnn) {
    EACH_VARIANT(s, v) {
        for (int relu = 0; relu < 2; relu++) {
            forward(&shapes[s], v, relu);
            backward(&shapes[s], v, relu);
        }
    }
}
