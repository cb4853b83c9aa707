/* gru_forward and gru_backward against the formulas of gru.h, row by row. */
#include "gru.h"
#include "ktest_recurrent.h"

static void forward(const shape_t *s, int variant) {
    const int64_t t = s->t, b = s->b, h = s->h;
    const int all = !(variant & PLAIN);
    kt_case(PD_KERNEL_gru_forward, "%s, variant %d", s->why, variant);
    const real *z = kt_reals(t * b * 3 * h);
    const real *weight = weight_array(s, 3);
    const real *bias = optional_array(all, 3 * h);
    const real *h0 = kt_reals(b * h);
    const int64_t *lengths = lengths_array(s, variant);
    const real *y = kt_array(b * t * h, sizeof(real));
    const real *h_end = kt_array(b * h, sizeof(real));
    const real *hs = NULL, *gates = NULL;
    if (all) {
        hs = kt_array((t + 1) * b * h, sizeof(real));
        gates = kt_array(t * b * 4 * h, sizeof(real));
    } else {
        kt_absent();
        kt_absent();
    }
    pd_recurrent_geometry g = geometry(s, variant, 3);
    if (kt_call(&g)) kt_fail("reports a bad datum");

    double *hd = doubles(h), *q = doubles(3 * h);
    for (int64_t row = 0; row < b; row++) {
        for (int64_t j = 0; j < h; j++) hd[j] = (double)h0[row * h + j];
        const int64_t count = row_steps(s, lengths, row);
        for (int64_t step = 0; step < count; step++) {
            const int64_t at = row_time(&g, count, step), to = at * b + row;
            near_state(&g, hs, before(&g, at), row, hd, "hs");
            for (int64_t i = 0; i < 3 * h; i++)
                q[i] =
                    product(&g, weight, i, hd) + (bias ? (double)bias[i] : 0);
            for (int64_t j = 0; j < h; j++) {
                const real *zj = z + to * 3 * h + j;
                const double r = sigmoid((double)zj[0] + q[j]);
                const double u = sigmoid((double)zj[h] + q[h + j]);
                const double n = tanh((double)zj[2 * h] + r * q[2 * h + j]);
                const double want[4] = {r, u, n, q[2 * h + j]};
                for (int k = 0; k < 4 && gates; k++) {
                    const int64_t i = to * 4 * h + k * h + j;
                    near((double)gates[i], want[k], "gates", i);
                }
                hd[j] = (1 - u) * n + u * hd[j];
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
    free(q);
}

static void backward(const shape_t *s, int variant) {
    const int64_t t = s->t, b = s->b, h = s->h;
    const int all = !(variant & PLAIN);
    kt_case(PD_KERNEL_gru_backward, "%s, variant %d", s->why, variant);
    pd_recurrent_geometry g = geometry(s, variant, 3);
    const int one_row = all && (variant & TURNED);
    if (one_row) dy_is_one_row(&g);
    const real *weight = weight_array(s, 3);
    const int64_t *lengths = lengths_array(s, variant);
    const real *hs = kt_reals((t + 1) * b * h);
    const real *gates = shares_array(t * b * 4 * h);
    const real *dy = optional_array(all, one_row ? h : b * t * h);
    const real *dh = optional_array(variant != PLAIN, b * h);
    const real *dz = kt_array(t * b * 3 * h, sizeof(real));
    const real *dq = kt_array(t * b * 3 * h, sizeof(real));
    const real *dh0 = kt_array(b * h, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");

    double *dhd = doubles(h), *d = doubles(4 * h);
    for (int64_t row = 0; row < b; row++) {
        for (int64_t j = 0; j < h; j++)
            dhd[j] = dh ? (double)dh[row * h + j] : 0;
        const int64_t count = row_steps(s, lengths, row);
        for (int64_t step = count - 1; step >= 0; step--) {
            const int64_t at = row_time(&g, count, step), to = at * b + row;
            const real *gate = gates + to * 4 * h;
            for (int64_t j = 0; j < h; j++) {
                const double r = (double)gate[j], u = (double)gate[h + j];
                const double n = (double)gate[2 * h + j];
                const double q = (double)gate[3 * h + j];
                const double was =
                    (double)hs[(before(&g, at) * b + row) * h + j];
                const int64_t in = row * g.y_row + at * g.y_time + j;
                const double up = dhd[j] + (dy ? (double)dy[in] : 0);
                d[3 * h + j] = up * (1 - u) * (1 - n * n); /* of z_n */
                d[2 * h + j] = d[3 * h + j] * r;           /* of q_n */
                d[j] = d[3 * h + j] * q * r * (1 - r);
                d[h + j] = up * (was - n) * u * (1 - u);
                dhd[j] = up * u;
            }
            for (int64_t i = 0; i < 3 * h; i++) {
                const int64_t out = to * 3 * h + i;
                near((double)dq[out], d[i], "dq", out);
                near((double)dz[out], i < 2 * h ? d[i] : d[h + i], "dz", out);
            }
            product_back(&g, weight, d, 3 * h, dhd);
        }
        for (int64_t i = (count * b + row) * 3 * h; i < t * b * 3 * h; i++)
            if (i / (3 * h) % b == row) {
                kt_near((double)dz[i], 0, 0, 0, "dz behind the end", i);
                kt_near((double)dq[i], 0, 0, 0, "dq behind the end", i);
            }
        near_state(&g, dh0, 0, row, dhd, "dh0");
    }
    free(dhd);
    free(d);
}

KTEST(gru) {
    EACH_VARIANT(s, v) {
        forward(&shapes[s], v);
        backward(&shapes[s], v);
    }
}
