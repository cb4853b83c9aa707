/* See gru.h. The products and the order of steps are recurrent_walk.h's; here
 * is what one step does to a row. */
#include "gru.h"
#include "recurrent_walk.h"

/* The product has put q into the first three blocks of gates. */
static void gru_cell(const walk_t *w, int64_t t, int64_t row, int64_t u,
                     int64_t n) {
    const pd_recurrent_geometry *g = w->g;
    const int64_t h = g->h, at = row * h + u;
    real *y = w->y + row * g->y_row + t * g->y_time + u;
    real *gate = series_at(&w->gates, t) + row * 4 * h + u;
    if (!row_runs(w, t, row)) {
        row_keep(w, &w->hs, t, at, n);
        zero_run(gate + 3 * h, n);
        zero_run(y, n);
        return;
    }
    const real *z = w->z + (t * g->b + row) * 3 * h + u;
    const real *h_before = series_at(&w->hs, moment_before(w, t)) + at;
    real *h_after = series_at(&w->hs, moment_after(w, t)) + at;
    for (int64_t j = 0; j < n; j += VL) {
        const int64_t m = least(VL, n - j);
        const vreal q = v_load_lanes(gate + 2 * h + j, m);
        const vreal r =
            vm_sigmoid(v_load_lanes(gate + j, m) + v_load_lanes(z + j, m));
        const vreal keep = vm_sigmoid(v_load_lanes(gate + h + j, m) +
                                      v_load_lanes(z + h + j, m));
        const vreal fresh =
            vm_tanh(v_fma(r, q, v_load_lanes(z + 2 * h + j, m)));
        const vreal out =
            v_fma(keep, v_load_lanes(h_before + j, m) - fresh, fresh);
        v_store_lanes(gate + j, r, m);
        v_store_lanes(gate + h + j, keep, m);
        v_store_lanes(gate + 2 * h + j, fresh, m);
        v_store_lanes(gate + 3 * h + j, q, m);
        v_store_lanes(h_after + j, out, m);
        v_store_lanes(y + j, out, m);
    }
}

/* dh' -> du, dn and what goes straight to dh; dn -> dr and dq_n. */
static void gru_cell_backward(const walk_t *w, int64_t t, int64_t row,
                              int64_t u, int64_t n) {
    const pd_recurrent_geometry *g = w->g;
    const int64_t h = g->h, at = row * h + u;
    real *dz = series_at(&w->dz, t) + row * 3 * h + u;
    real *dq = series_at(&w->dq, t) + row * 3 * h + u;
    if (!row_runs(w, t, row)) {
        for (int k = 0; k < 3; k++) {
            zero_run(dz + k * h, n);
            zero_run(dq + k * h, n);
        }
        return;
    }
    const real *gate = series_at(&w->gates, t) + row * 4 * h + u;
    const real *h_before = series_at(&w->hs, moment_before(w, t)) + at;
    const real *dy = w->dy ? w->dy + row * g->y_row + t * g->y_time + u : NULL;
    real *dh = w->dh + at;
    const vreal one = v_set(1);
    for (int64_t j = 0; j < n; j += VL) {
        const int64_t m = least(VL, n - j);
        const vreal r = v_load_lanes(gate + j, m);
        const vreal keep = v_load_lanes(gate + h + j, m);
        const vreal fresh = v_load_lanes(gate + 2 * h + j, m);
        const vreal q = v_load_lanes(gate + 3 * h + j, m);
        vreal d = v_load_lanes(dh + j, m);
        if (dy) d += v_load_lanes(dy + j, m);
        const vreal d_u =
            d * (v_load_lanes(h_before + j, m) - fresh) * (keep * (one - keep));
        const vreal d_n = d * (one - keep) * (one - fresh * fresh);
        const vreal d_r = d_n * q * (r * (one - r));
        v_store_lanes(dz + j, d_r, m);
        v_store_lanes(dq + j, d_r, m);
        v_store_lanes(dz + h + j, d_u, m);
        v_store_lanes(dq + h + j, d_u, m);
        v_store_lanes(dz + 2 * h + j, d_n, m);
        v_store_lanes(dq + 2 * h + j, d_n * r, m);
        v_store_lanes(dh + j, d * keep, m);
    }
}

int64_t K(gru_forward)(void *const *arrays, const void *geometry) {
    const pd_recurrent_geometry *g = geometry;
    const int64_t state = g->b * g->h, saves = arrays[7] != NULL;
    real *own = NULL; /* two moments of h, gates of one step */
    if (!saves) {
        own = pd_scratch(PD_SCRATCH_D, (size_t)(6 * state) * sizeof(real));
        if (!own) return PD_NO_MEMORY;
    }
    walk_t w = walk_forward(g, 3, arrays[1]);
    w.cell = gru_cell;
    w.z = arrays[0];
    w.bias = arrays[2];
    w.lengths = arrays[4];
    w.y = arrays[5];
    w.hs = series(saves ? arrays[7] : own, g->b, g->h, saves ? -1 : 1);
    w.gates = series(saves ? arrays[8] : own + 2 * state, g->b, 4 * g->h,
                     saves ? -1 : 0);
    moments_begin(&w, &w.hs, arrays[3]);
    if (walk_run(&w)) return PD_NO_MEMORY;
    moments_end(&w, &w.hs, arrays[6]);
    return 0;
}

int64_t K(gru_backward)(void *const *arrays, const void *geometry) {
    const pd_recurrent_geometry *g = geometry;
    walk_t w = walk_backward(g, 3, arrays[0]);
    w.cell = gru_cell_backward;
    w.lengths = arrays[1];
    w.hs = series(arrays[2], g->b, g->h, -1);
    w.gates = series(arrays[3], g->b, 4 * g->h, -1);
    w.dy = arrays[4];
    w.dz = series(arrays[6], g->b, 3 * g->h, -1);
    w.dq = series(arrays[7], g->b, 3 * g->h, -1);
    w.dh = arrays[8];
    state_copy(&w, w.dh, arrays[5]);
    return walk_run(&w);
}
