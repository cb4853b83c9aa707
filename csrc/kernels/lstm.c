/* See lstm.h. The products and the order of steps are recurrent_walk.h's; here
 * is what one step does to a row. */
#include "lstm.h"
#include "recurrent_walk.h"

static void lstm_cell(const walk_t *w, int64_t t, int64_t row, int64_t u,
                      int64_t n) {
    const pd_recurrent_geometry *g = w->g;
    const int64_t h = g->h, at = row * h + u;
    real *y = w->y + row * g->y_row + t * g->y_time + u;
    if (!row_runs(w, t, row)) {
        row_keep(w, &w->hs, t, at, n);
        row_keep(w, &w->cs, t, at, n);
        zero_run(y, n);
        return;
    }
    const real *z = w->z + (t * g->b + row) * 4 * h + u;
    real *gate = series_at(&w->gates, t) + row * 4 * h + u;
    const real *c_before = series_at(&w->cs, moment_before(w, t)) + at;
    real *c_after = series_at(&w->cs, moment_after(w, t)) + at;
    real *h_after = series_at(&w->hs, moment_after(w, t)) + at;
    for (int64_t j = 0; j < n; j += VL) {
        const int64_t m = least(VL, n - j);
        vreal a[4];
        for (int k = 0; k < 4; k++)
            a[k] = v_load_lanes(gate + k * h + j, m) +
                   v_load_lanes(z + k * h + j, m);
        const vreal i = vm_sigmoid(a[0]), f = vm_sigmoid(a[1]);
        const vreal c_in = vm_tanh(a[2]), o = vm_sigmoid(a[3]);
        const vreal c = v_fma(f, v_load_lanes(c_before + j, m), i * c_in);
        const vreal out = o * vm_tanh(c);
        v_store_lanes(gate + j, i, m);
        v_store_lanes(gate + h + j, f, m);
        v_store_lanes(gate + 2 * h + j, c_in, m);
        v_store_lanes(gate + 3 * h + j, o, m);
        v_store_lanes(c_after + j, c, m);
        v_store_lanes(h_after + j, out, m);
        v_store_lanes(y + j, out, m);
    }
}

/* dh' -> do and dc' -> di, df, dg and dc; dh is left 0 for the product that
 * comes. */
static void lstm_cell_backward(const walk_t *w, int64_t t, int64_t row,
                               int64_t u, int64_t n) {
    const pd_recurrent_geometry *g = w->g;
    const int64_t h = g->h, at = row * h + u;
    real *dz = series_at(&w->dz, t) + row * 4 * h + u;
    if (!row_runs(w, t, row)) {
        for (int k = 0; k < 4; k++) zero_run(dz + k * h, n);
        return;
    }
    const real *gate = series_at(&w->gates, t) + row * 4 * h + u;
    const real *c_before = series_at(&w->cs, moment_before(w, t)) + at;
    const real *c_after = series_at(&w->cs, moment_after(w, t)) + at;
    const real *dy = w->dy ? w->dy + row * g->y_row + t * g->y_time + u : NULL;
    real *dh = w->dh + at, *dc = w->dc + at;
    const vreal one = v_set(1);
    for (int64_t j = 0; j < n; j += VL) {
        const int64_t m = least(VL, n - j);
        const vreal i = v_load_lanes(gate + j, m);
        const vreal f = v_load_lanes(gate + h + j, m);
        const vreal c_in = v_load_lanes(gate + 2 * h + j, m);
        const vreal o = v_load_lanes(gate + 3 * h + j, m);
        const vreal c = vm_tanh(v_load_lanes(c_after + j, m));
        vreal d = v_load_lanes(dh + j, m);
        if (dy) d += v_load_lanes(dy + j, m);
        const vreal d_c = v_fma(d * o, one - c * c, v_load_lanes(dc + j, m));
        v_store_lanes(dz + j, d_c * c_in * (i * (one - i)), m);
        v_store_lanes(dz + h + j,
                      d_c * v_load_lanes(c_before + j, m) * (f * (one - f)), m);
        v_store_lanes(dz + 2 * h + j, d_c * i * (one - c_in * c_in), m);
        v_store_lanes(dz + 3 * h + j, d * c * (o * (one - o)), m);
        v_store_lanes(dc + j, d_c * f, m);
        v_store_lanes(dh + j, v_set(0), m);
    }
}

int64_t K(lstm_forward)(void *const *arrays, const void *geometry) {
    const pd_recurrent_geometry *g = geometry;
    const int64_t state = g->b * g->h, saves = arrays[8] != NULL;
    real *own = NULL; /* two moments of h and c, gates of one step */
    if (!saves) {
        own = pd_scratch(PD_SCRATCH_D, (size_t)(8 * state) * sizeof(real));
        if (!own) return PD_NO_MEMORY;
    }
    walk_t w = walk_forward(g, 4, arrays[1]);
    w.cell = lstm_cell;
    w.z = arrays[0];
    w.lengths = arrays[4];
    w.y = arrays[5];
    w.hs = series(saves ? arrays[8] : own, g->b, g->h, saves ? -1 : 1);
    w.cs =
        series(saves ? arrays[9] : own + 2 * state, g->b, g->h, saves ? -1 : 1);
    w.gates = series(saves ? arrays[10] : own + 4 * state, g->b, 4 * g->h,
                     saves ? -1 : 0);
    moments_begin(&w, &w.hs, arrays[2]);
    moments_begin(&w, &w.cs, arrays[3]);
    if (walk_run(&w)) return PD_NO_MEMORY;
    moments_end(&w, &w.hs, arrays[6]);
    moments_end(&w, &w.cs, arrays[7]);
    return 0;
}

int64_t K(lstm_backward)(void *const *arrays, const void *geometry) {
    const pd_recurrent_geometry *g = geometry;
    walk_t w = walk_backward(g, 4, arrays[0]);
    w.cell = lstm_cell_backward;
    w.lengths = arrays[1];
    w.cs = series(arrays[2], g->b, g->h, -1);
    w.gates = series(arrays[3], g->b, 4 * g->h, -1);
    w.dy = arrays[4];
    w.dz = series(arrays[7], g->b, 4 * g->h, -1);
    w.dh = arrays[8];
    w.dc = arrays[9];
    state_copy(&w, w.dh, arrays[5]);
    state_copy(&w, w.dc, arrays[6]);
    return walk_run(&w);
}
