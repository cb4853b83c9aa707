/* See rnn.h. The products and the order of steps are recurrent_walk.h's; here
 * is what one step does to a row. */
#include "rnn.h"
#include "recurrent_walk.h"

/* The product has put its sum where h will be. */
static void rnn_cell(const walk_t *w, int64_t t, int64_t row, int64_t u,
                     int64_t n) {
    const pd_recurrent_geometry *g = w->g;
    const int64_t at = row * g->h + u;
    real *y = w->y + row * g->y_row + t * g->y_time + u;
    if (!row_runs(w, t, row)) {
        row_keep(w, &w->hs, t, at, n);
        zero_run(y, n);
        return;
    }
    const real *z = w->z + t * g->b * g->h + at;
    real *h_after = series_at(&w->hs, moment_after(w, t)) + at;
    for (int64_t j = 0; j < n; j += VL) {
        const int64_t m = least(VL, n - j);
        const vreal a = v_load_lanes(h_after + j, m) + v_load_lanes(z + j, m);
        const vreal out = g->relu ? v_max(v_set(0), a) : vm_tanh(a);
        v_store_lanes(h_after + j, out, m);
        v_store_lanes(y + j, out, m);
    }
}

static void rnn_cell_backward(const walk_t *w, int64_t t, int64_t row,
                              int64_t u, int64_t n) {
    const pd_recurrent_geometry *g = w->g;
    const int64_t at = row * g->h + u;
    real *dz = series_at(&w->dz, t) + at;
    if (!row_runs(w, t, row)) {
        zero_run(dz, n);
        return;
    }
    const real *h_after = series_at(&w->hs, moment_after(w, t)) + at;
    const real *dy = w->dy ? w->dy + row * g->y_row + t * g->y_time + u : NULL;
    real *dh = w->dh + at;
    const vreal zero = v_set(0), one = v_set(1);
    for (int64_t j = 0; j < n; j += VL) {
        const int64_t m = least(VL, n - j);
        const vreal out = v_load_lanes(h_after + j, m);
        vreal d = v_load_lanes(dh + j, m);
        if (dy) d += v_load_lanes(dy + j, m);
        v_store_lanes(dz + j,
                      g->relu ? v_select(v_lt(zero, out), d, zero)
                              : d * (one - out * out),
                      m);
        v_store_lanes(dh + j, zero, m);
    }
}

int64_t K(rnn_forward)(void *const *arrays, const void *geometry) {
    const pd_recurrent_geometry *g = geometry;
    const int64_t state = g->b * g->h, saves = arrays[6] != NULL;
    real *own = NULL; /* two moments of h */
    if (!saves) {
        own = pd_scratch(PD_SCRATCH_D, (size_t)(2 * state) * sizeof(real));
        if (!own) return PD_NO_MEMORY;
    }
    walk_t w = walk_forward(g, 1, arrays[1]);
    w.cell = rnn_cell;
    w.z = arrays[0];
    w.lengths = arrays[3];
    w.y = arrays[4];
    w.hs = series(saves ? arrays[6] : own, g->b, g->h, saves ? -1 : 1);
    moments_begin(&w, &w.hs, arrays[2]);
    if (walk_run(&w)) return PD_NO_MEMORY;
    moments_end(&w, &w.hs, arrays[5]);
    return 0;
}

int64_t K(rnn_backward)(void *const *arrays, const void *geometry) {
    const pd_recurrent_geometry *g = geometry;
    walk_t w = walk_backward(g, 1, arrays[0]);
    w.cell = rnn_cell_backward;
    w.lengths = arrays[1];
    w.hs = series(arrays[2], g->b, g->h, -1);
    w.dy = arrays[3];
    w.dz = series(arrays[5], g->b, g->h, -1);
    w.dh = arrays[6];
    state_copy(&w, w.dh, arrays[4]);
    return walk_run(&w);
}
