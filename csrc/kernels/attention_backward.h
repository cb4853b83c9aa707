/* A task of the backward pass: one head of k and v, or a share of the queries
 * that read it; see attention.c. */
#ifndef PD_KERNELS_ATTENTION_BACKWARD_H
#define PD_KERNELS_ATTENTION_BACKWARD_H

#include "attention_work.h"

/* ---- backward -------------------------------------------------------------
 */

/* The numbers of each query of a tile. */
typedef struct {
    real m[TILE_QUERIES], l[TILE_QUERIES]; /* max s, 1 / sum exp(s - m) */
    real d[TILE_QUERIES];                  /* sum y dy */
} gradient_t;

/* s = p r and dp = ds for the queries i … i+VL-1. */
V_INLINE void gradient_lanes(const tile_t *t, const gradient_t *x, real *s,
                             real *dp, int64_t i, const int diagonal,
                             const int mask) {
    const int64_t keys = keys_seen(t, i + VL - 1);
    const vreal m = v_load(x->m + i), l = v_load(x->l + i);
    const vreal d = v_load(x->d + i), zero = v_set(0);
    vmask seen;
    for (int64_t j = 0; j < keys; j++) {
        const int64_t at = j * STRIDE + i;
        vreal a = score_at(t, s, i, j, diagonal, mask, &seen);
        vreal p = vm_exp_negative(a - m) * l, dropped = p;
        vreal da = v_load(dp + at);
        if (t->keeps) {
            const vreal keep = v_load(t->keeps + at);
            dropped = p * keep;
            da = da * keep;
        }
        da = p * (da - d);
        if (diagonal || mask) {
            dropped = v_select(seen, dropped, zero);
            da = v_select(seen, da, zero);
        }
        v_store(s + at, dropped);
        v_store(dp + at, da);
    }
    zero_below(t, s, i, VL, keys);
    zero_below(t, dp, i, VL, keys);
}

static void gradient_tile(const tile_t *t, const gradient_t *x, real *s,
                          real *dp) {
    for (int64_t i = 0; i < t->lanes; i += VL) {
        const int diagonal = i + t->diagonal < t->keys - 1;
        if (t->has_mask)
            gradient_lanes(t, x, s, dp, i, 1, 1);
        else if (diagonal)
            gradient_lanes(t, x, s, dp, i, 1, 0);
        else
            gradient_lanes(t, x, s, dp, i, 0, 0);
    }
}

/* dk and dv of a task are added up in `dk`, `dv`, with rows of whole vectors.
 */
typedef struct {
    real *dk, *dv;
} sums_t;

/* Where there is one share of the queries and rows are whole and dense, in the
 * result itself. */
static int is_place(const work_t *w, int gradient, int64_t width) {
    return w->shares == 1 && width % VL == 0 && w->g->row[gradient] == width;
}

static size_t backward_scratch(const work_t *w) {
    const pd_attention_geometry *g = w->g;
    const int64_t tiles = 2 + (g->mask != 0) + (g->keep >= 0);
    const int64_t d = whole(g->width), e = whole(g->value_width);
    return (size_t)(tiles * TILE_KEYS * STRIDE +
                    TILE_QUERIES * (2 * d + e + 2 * LINE) +
                    (TILE_KEYS + g->keys) * (d + e) +
                    (g->width + g->value_width) * STRIDE + 18 * LINE) *
           sizeof(real);
}

/* sum y dy of each query. */
static void read_rows(const work_t *w, const tile_t *t, operand dy,
                      gradient_t *x) {
    const pd_attention_geometry *g = w->g;
    const int64_t row = g->row[PD_ATTENTION_Y], e = g->value_width;
    const real *y = w->y + t->head->at[PD_ATTENTION_Y] + t->q0 * row;
    const real *rows = w->rows + 2 * (t->head->head * g->queries + t->q0);
    for (int64_t i = t->queries; i < t->lanes; i++)
        x->m[i] = x->l[i] = x->d[i] = 0;
    for (int64_t i = 0; i < t->queries; i++, y += row) {
        vreal sum = v_set(0);
        for (int64_t p = 0; p < e; p += VL)
            sum = v_fma(v_load_lanes(y + p, least(VL, e - p)),
                        v_load(dy.data + i * dy.row + p), sum);
        x->d[i] = v_sum(sum);
        x->m[i] = rows[2 * i];
        x->l[i] = rows[2 * i + 1];
    }
}

/* One tile of queries against all its keys: dq, and its part of dk and dv. */
static void backward_tile(const work_t *w, const head_t *head, int64_t index,
                          arena a, sums_t to) {
    const pd_attention_geometry *g = w->g;
    tile_t t = tile_of(head, index, &a);
    const int64_t d = whole(g->width), e = whole(g->value_width);
    const int64_t *row = g->row;
    real *s = arena_take(&a, TILE_KEYS * STRIDE);
    real *ds = arena_take(&a, TILE_KEYS * STRIDE);
    real *q_scaled = arena_take(&a, TILE_QUERIES * d);
    real *sum = arena_take(&a, TILE_QUERIES * d);
    real *dy_copy = arena_take(&a, TILE_QUERIES * e);
    real *k_copy = arena_take(&a, TILE_KEYS * d);
    real *v_copy = arena_take(&a, TILE_KEYS * e);
    real *qt = arena_take(&a, g->width * STRIDE);
    real *dyt = arena_take(&a, g->value_width * STRIDE);

    const operand q = {q_scaled, d, 1};
    scale_rows(w->q + head->at[PD_ATTENTION_Q] + t.q0 * row[PD_ATTENTION_Q],
               row[PD_ATTENTION_Q], t.queries, g->width, (real)g->scale,
               q_scaled);
    transpose_rows(q, t.queries, g->width, qt);
    const operand dy = whole_rows(
        w->dy + head->at[PD_ATTENTION_DY] + t.q0 * row[PD_ATTENTION_DY],
        row[PD_ATTENTION_DY], t.queries, g->value_width, dy_copy);
    transpose_rows(dy, t.queries, g->value_width, dyt);
    gradient_t x;
    read_rows(w, &t, dy, &x);
    const int clean = is_finite(q, t.queries, d) && is_finite(dy, t.queries, e);
    const int64_t end = tile_keys_end(&t);
    int begun = 0;
    for (int64_t k0 = 0; k0 < end; k0 += TILE_KEYS) {
        if (!tile_begin(&t, k0)) continue;
        const operand k = whole_rows(
            w->k + head->at[PD_ATTENTION_K] + k0 * row[PD_ATTENTION_K],
            row[PD_ATTENTION_K], t.keys, g->width, k_copy);
        const operand v = whole_rows(
            w->v + head->at[PD_ATTENTION_V] + k0 * row[PD_ATTENTION_V],
            row[PD_ATTENTION_V], t.keys, g->value_width, v_copy);
        scores(&t, g->width, k, qt, s);
        scores(&t, g->value_width, v, dyt, ds);
        gradient_tile(&t, &x, s, ds);
        if (t.has_hidden && !(clean && is_finite(k, t.keys, d))) {
            add_queries_seen(&t, s, dy, e, to.dv + k0 * e);
            add_queries_seen(&t, ds, q, d, to.dk + k0 * d);
            add_keys_seen(&t, ds, k, d, sum, begun);
        } else {
            add_queries(&t, s, dy, e, to.dv + k0 * e);
            add_queries(&t, ds, q, d, to.dk + k0 * d);
            add_keys(&t, ds, k, d, sum, begun);
        }
        begun = 1;
    }
    if (!begun) zero_run(sum, t.queries * d);
    for (int64_t i = 0; i < t.queries; i++) x.d[i] = (real)g->scale;
    write_rows(w->dq + head->at[PD_ATTENTION_DQ] + t.q0 * row[PD_ATTENTION_DQ],
               row[PD_ATTENTION_DQ], sum, t.queries, g->width, x.d);
}

/* to[keys][width] = from[keys][whole(width)] */
static void copy_rows(real *to, int64_t row, const real *from, int64_t n,
                      int64_t width) {
    for (int64_t r = 0; r < n; r++)
        copy_run(to + r * row, from + r * whole(width), width);
}

/* Task: one share of the queries that read one head of k and v. */
static void backward_task(void *context, int64_t task) {
    work_t *w = context;
    const pd_attention_geometry *g = w->g;
    const int64_t d = whole(g->width), e = whole(g->value_width);
    const int64_t group = task / w->shares, share = task % w->shares;
    const int64_t heads = g->heads / g->groups; /* that read it */
    const int64_t tiles = heads * w->query_tiles;
    arena a = {pd_scratch(PD_SCRATCH_A, backward_scratch(w))};
    if (!a.next) {
        w->no_memory = 1;
        return;
    }
    const head_t first = head_at(w, group * heads);
    real *dk = w->dk + first.at[PD_ATTENTION_DK];
    real *dv = w->dv + first.at[PD_ATTENTION_DV];
    const int k_placed = is_place(w, PD_ATTENTION_DK, g->width);
    const int v_placed = is_place(w, PD_ATTENTION_DV, g->value_width);
    sums_t to = {dk, dv};
    if (w->shares > 1) {
        to.dk = w->dk_shares + task * g->keys * d;
        to.dv = w->dv_shares + task * g->keys * e;
    } else {
        if (!k_placed) to.dk = arena_take(&a, g->keys * d);
        if (!v_placed) to.dv = arena_take(&a, g->keys * e);
    }
    zero_run(to.dk, g->keys * d);
    zero_run(to.dv, g->keys * e);
    for (int64_t i = share * tiles / w->shares;
         i < (share + 1) * tiles / w->shares; i++) {
        const head_t head = head_at(w, group * heads + i / w->query_tiles);
        backward_tile(w, &head, i % w->query_tiles, a, to);
    }
    if (w->shares > 1) return;
    if (!k_placed)
        copy_rows(dk, g->row[PD_ATTENTION_DK], to.dk, g->keys, g->width);
    if (!v_placed)
        copy_rows(dv, g->row[PD_ATTENTION_DV], to.dv, g->keys, g->value_width);
}

/* to[keys][width] = the sum of the shares of one head, in order. */
static void add_shares(const work_t *w, const real *from, int64_t width,
                       real *to, int64_t to_row) {
    const int64_t row = whole(width), size = w->g->keys * row;
    for (int64_t j = 0; j < w->g->keys; j++)
        for (int64_t p = 0; p < width; p += VL) {
            const real *at = from + j * row + p;
            vreal sum = v_load(at);
            for (int64_t share = 1; share < w->shares; share++)
                sum = sum + v_load(at + share * size);
            v_store_lanes(to + j * to_row + p, sum, least(VL, width - p));
        }
}
static void share_task(void *context, int64_t group) {
    const work_t *w = context;
    const pd_attention_geometry *g = w->g;
    const int64_t d = g->width, e = g->value_width;
    const head_t first = head_at(w, group * (g->heads / g->groups));
    const int64_t before = group * w->shares * g->keys;
    add_shares(w, w->dk_shares + before * whole(d), d,
               w->dk + first.at[PD_ATTENTION_DK], g->row[PD_ATTENTION_DK]);
    add_shares(w, w->dv_shares + before * whole(e), e,
               w->dv + first.at[PD_ATTENTION_DV], g->row[PD_ATTENTION_DV]);
}

#endif
