/* lstm_forward and lstm_backward against the formulas of lstm.h, row by row. */
#include "ktest_recurrent.h"
#include "lstm.h"

static void forward(const shape_t *s, int variant) {
    const int64_t t = s->t, b = s->b, h = s->h;
    const int saves = !(variant & PLAIN);
    kt_case(PD_KERNEL_lstm_forward, "%s, variant %d", s->why, variant);
    const real *z = kt_reals(t * b * 4 * h);
    const real *weight = weight_array(s, 4);
    const real *h0 = kt_reals(b * h), *c0 = kt_reals(b * h);
    const int64_t *lengths = lengths_array(s, variant);
    const real *y = kt_array(b * t * h, sizeof(real));
    const real *h_end = kt_array(b * h, sizeof(real));
    const real *c_end = kt_array(b * h, sizeof(real));
    const real *hs = NULL, *cs = NULL, *gates = NULL;
    if (saves) {
        hs = kt_array((t + 1) * b * h, sizeof(real));
        cs = kt_array((t + 1) * b * h, sizeof(real));
        gates = kt_array(t * b * 4 * h, sizeof(real));
    } else {
        for (int i = 0; i < 3; i++) kt_absent();
    }
    pd_recurrent_geometry g = geometry(s, variant, 4);
    if (kt_call(&g)) kt_fail("reports a bad datum");

    double *hd = doubles(h), *cd = doubles(h), *a = doubles(4 * h);
    for (int64_t row = 0; row < b; row++) {
        for (int64_t j = 0; j < h; j++) {
            hd[j] = (double)h0[row * h + j];
            cd[j] = (double)c0[row * h + j];
        }
        const int64_t count = row_steps(s, lengths, row);
        for (int64_t step = 0; step < count; step++) {
            const int64_t at = row_time(&g, count, step), to = at * b + row;
            near_state(&g, hs, before(&g, at), row, hd, "hs");
            near_state(&g, cs, before(&g, at), row, cd, "cs");
            for (int64_t i = 0; i < 4 * h; i++) {
                a[i] = (double)z[to * 4 * h + i] + product(&g, weight, i, hd);
                a[i] = i / h == 2 ? tanh(a[i]) : sigmoid(a[i]);
                if (gates)
                    near((double)gates[to * 4 * h + i], a[i], "gates",
                         to * 4 * h + i);
            }
            for (int64_t j = 0; j < h; j++) {
                cd[j] = a[h + j] * cd[j] + a[j] * a[2 * h + j];
                hd[j] = a[3 * h + j] * tanh(cd[j]);
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
        near_state(&g, cs, g.reverse ? 0 : t, row, cd, "last cs");
        near_state(&g, h_end, 0, row, hd, "h");
        near_state(&g, c_end, 0, row, cd, "c");
    }
    free(hd);
    free(cd);
    free(a);
}

static void backward(const shape_t *s, int variant) {
    const int64_t t = s->t, b = s->b, h = s->h;
    const int all = !(variant & PLAIN);
    kt_case(PD_KERNEL_lstm_backward, "%s, variant %d", s->why, variant);
    pd_recurrent_geometry g = geometry(s, variant, 4);
    const int one_row = all && (variant & TURNED);
    if (one_row) dy_is_one_row(&g);
    const real *weight = weight_array(s, 4);
    const int64_t *lengths = lengths_array(s, variant);
    const real *cs = kt_reals((t + 1) * b * h);
    const real *gates = shares_array(t * b * 4 * h);
    const real *dy = optional_array(all, one_row ? h : b * t * h);
    const real *dh = optional_array(variant != PLAIN, b * h);
    const real *dc = optional_array(all, b * h);
    const real *dz = kt_array(t * b * 4 * h, sizeof(real));
    const real *dh0 = kt_array(b * h, sizeof(real));
    const real *dc0 = kt_array(b * h, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");

    double *dhd = doubles(h), *dcd = doubles(h), *d = doubles(4 * h);
    for (int64_t row = 0; row < b; row++) {
        for (int64_t j = 0; j < h; j++) {
            dhd[j] = dh ? (double)dh[row * h + j] : 0;
            dcd[j] = dc ? (double)dc[row * h + j] : 0;
        }
        const int64_t count = row_steps(s, lengths, row);
        for (int64_t step = count - 1; step >= 0; step--) {
            const int64_t at = row_time(&g, count, step), to = at * b + row;
            const real *gate = gates + to * 4 * h;
            for (int64_t j = 0; j < h; j++) {
                const double i = (double)gate[j], f = (double)gate[h + j];
                const double c_in = (double)gate[2 * h + j];
                const double o = (double)gate[3 * h + j];
                const int64_t was = (before(&g, at) * b + row) * h + j;
                const int64_t is = (after(&g, at) * b + row) * h + j;
                const double c = tanh((double)cs[is]);
                const int64_t in = row * g.y_row + at * g.y_time + j;
                const double up = dhd[j] + (dy ? (double)dy[in] : 0);
                const double up_c = dcd[j] + up * o * (1 - c * c);
                d[j] = up_c * c_in * i * (1 - i);
                d[h + j] = up_c * (double)cs[was] * f * (1 - f);
                d[2 * h + j] = up_c * i * (1 - c_in * c_in);
                d[3 * h + j] = up * c * o * (1 - o);
                dcd[j] = up_c * f;
                dhd[j] = 0;
            }
            for (int64_t i = 0; i < 4 * h; i++)
                near((double)dz[to * 4 * h + i], d[i], "dz", to * 4 * h + i);
            product_back(&g, weight, d, 4 * h, dhd);
        }
        for (int64_t i = (count * b + row) * 4 * h; i < t * b * 4 * h; i++)
            if (i / (4 * h) % b == row)
                kt_near((double)dz[i], 0, 0, 0, "dz behind the end", i);
        near_state(&g, dh0, 0, row, dhd, "dh0");
        near_state(&g, dc0, 0, row, dcd, "dc0");
    }
    free(dhd);
    free(dcd);
    free(d);
}

KTEST(lstm) {
    EACH_VARIANT(s, v) {
        forward(&shapes[s], v);
        backward(&shapes[s], v);
    }
}
