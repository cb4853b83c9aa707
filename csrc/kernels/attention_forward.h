/* A task of the forward pass: one tile of queries; see attention.c. */
#ifndef PD_KERNELS_ATTENTION_FORWARD_H
#define PD_KERNELS_ATTENTION_FORWARD_H

#include "attention_work.h"

/* ---- forward --------------------------------------------------------------
 */

/* The numbers of each query of a tile. */
typedef struct {
    real m[TILE_QUERIES], l[TILE_QUERIES]; /* so far */
    real shrink[TILE_QUERIES];             /* exp(m before - m) */
} softmax_t;

/* s[j] = exp(s[j] - shift); what it adds to l. */
V_INLINE vreal exp_at(const tile_t *t, real *s, int64_t at, vreal shift) {
    const vreal e = vm_exp_negative(v_load(s + at) - shift);
    v_store(s + at, t->keeps ? e * v_load(t->keeps + at) : e);
    return e;
}

/* s = exp(s - m) for the queries i … i+width*VL-1, with m and l brought up to
 * date. Two vectors, and two keys of each, are added up side by side: a sum
 * waits for the one before, and shorter sums round less. Returns whether m has
 * grown. */
V_INLINE int softmax_lanes(const tile_t *t, softmax_t *x, real *s, int64_t i,
                           const int width, const int diagonal,
                           const int mask) {
    const int64_t keys = keys_seen(t, i + width * VL - 1);
    vmask seen;
    vreal before[2], top[2], shift[2], even[2], odd[2];
    UNROLL for (int c = 0; c < width; c++) {
        top[c] = before[c] = v_load(x->m + i + c * VL);
        even[c] = odd[c] = v_set(0);
    }
    for (int64_t j = 0; j < keys; j++) UNROLL
        for (int c = 0; c < width; c++) {
            const int64_t at = i + c * VL;
            vreal a = score_at(t, s, at, j, diagonal, mask, &seen);
            if (diagonal || mask) v_store(s + j * STRIDE + at, a);
            top[c] = v_max(a, top[c]);
        }
    /* -inf - -inf would not be a number */
    UNROLL for (int c = 0; c < width; c++)
        shift[c] = v_select(v_eq(top[c], v_set(LEAST)), v_set(0), top[c]);
    int64_t j = 0;
    for (; j + 2 <= keys; j += 2) UNROLL
        for (int c = 0; c < width; c++) {
            const int64_t at = j * STRIDE + i + c * VL;
            even[c] = even[c] + exp_at(t, s, at, shift[c]);
            odd[c] = odd[c] + exp_at(t, s, at + STRIDE, shift[c]);
        }
    UNROLL for (int c = 0; c < width && j < keys; c++)
        even[c] = even[c] + exp_at(t, s, j * STRIDE + i + c * VL, shift[c]);
    zero_below(t, s, i, width * VL, keys);
    int grown = 0;
    UNROLL for (int c = 0; c < width; c++) {
        const int64_t at = i + c * VL;
        const vreal shrink = vm_exp_negative(before[c] - shift[c]);
        v_store(x->shrink + at, shrink);
        v_store(x->m + at, top[c]);
        v_store(x->l + at, v_fma(v_load(x->l + at), shrink, even[c] + odd[c]));
        grown |= m_any(v_lt(before[c], top[c]));
    }
    return grown;
}

V_INLINE int softmax_some(const tile_t *t, softmax_t *x, real *s, int64_t i,
                          const int width) {
    const int diagonal = i + t->diagonal < t->keys - 1;
    if (t->has_mask) return softmax_lanes(t, x, s, i, width, 1, 1);
    if (diagonal) return softmax_lanes(t, x, s, i, width, 1, 0);
    return softmax_lanes(t, x, s, i, width, 0, 0);
}
static int softmax_tile(const tile_t *t, softmax_t *x, real *s) {
    int grown = 0;
    int64_t i = 0;
    for (; i + 2 * VL <= t->lanes; i += 2 * VL)
        grown |= softmax_some(t, x, s, i, 2);
    if (i < t->lanes) grown |= softmax_some(t, x, s, i, 1);
    return grown;
}

/* l = 1 / l, or 0, and what backward wants of the queries. */
static void finish_queries(const tile_t *t, softmax_t *x, real *rows) {
    const vreal zero = v_set(0), one = v_set(1);
    for (int64_t i = 0; i < t->lanes; i += VL) {
        const vreal l = v_load(x->l + i);
        const vmask blind = v_eq(l, zero);
        v_store(x->l + i, v_select(blind, zero, one / l));
        v_store(x->m + i, v_select(blind, zero, v_load(x->m + i)));
    }
    for (int64_t i = 0; i < t->queries && rows; i++) {
        rows[2 * i] = x->m[i];
        rows[2 * i + 1] = x->l[i];
    }
}

static size_t forward_scratch(const pd_attention_geometry *g) {
    const int64_t tiles = 1 + (g->mask != 0) + (g->keep >= 0);
    const int64_t rows = TILE_QUERIES * (whole(g->width) + LINE) +
                         (TILE_QUERIES + TILE_KEYS) * whole(g->value_width) +
                         TILE_KEYS * whole(g->width);
    return (size_t)(tiles * TILE_KEYS * STRIDE + rows + g->width * STRIDE +
                    8 * LINE) *
           sizeof(real);
}

/* Task: one tile of queries; the last ones, which see most keys, first. */
static void forward_task(void *context, int64_t task) {
    work_t *w = context;
    const pd_attention_geometry *g = w->g;
    const head_t head = head_at(w, task / w->query_tiles);
    arena a = {pd_scratch(PD_SCRATCH_A, forward_scratch(g))};
    if (!a.next) {
        w->no_memory = 1;
        return;
    }
    tile_t t = tile_of(&head, w->query_tiles - 1 - task % w->query_tiles, &a);
    const int64_t d = g->width, e = whole(g->value_width);
    real *s = arena_take(&a, TILE_KEYS * STRIDE);
    real *q = arena_take(&a, TILE_QUERIES * whole(d));
    real *qt = arena_take(&a, d * STRIDE);
    real *sum = arena_take(&a, TILE_QUERIES * e);
    real *k_copy = arena_take(&a, TILE_KEYS * whole(d));
    real *v_copy = arena_take(&a, TILE_KEYS * e);
    const int64_t *row = g->row;
    const real *k_at = w->k + head.at[PD_ATTENTION_K];
    const real *v_at = w->v + head.at[PD_ATTENTION_V];
    scale_rows(w->q + head.at[PD_ATTENTION_Q] + t.q0 * row[PD_ATTENTION_Q],
               row[PD_ATTENTION_Q], t.queries, d, (real)g->scale, q);
    transpose_rows((operand){q, whole(d), 1}, t.queries, d, qt);
    softmax_t x;
    for (int64_t i = 0; i < t.lanes; i++) x.m[i] = LEAST, x.l[i] = 0;
    int begun = 0;
    const int64_t end = tile_keys_end(&t);
    for (int64_t k0 = 0; k0 < end; k0 += TILE_KEYS) {
        if (!tile_begin(&t, k0)) continue;
        const operand k = whole_rows(k_at + k0 * row[PD_ATTENTION_K],
                                     row[PD_ATTENTION_K], t.keys, d, k_copy);
        const operand v =
            whole_rows(v_at + k0 * row[PD_ATTENTION_V], row[PD_ATTENTION_V],
                       t.keys, g->value_width, v_copy);
        scores(&t, d, k, qt, s);
        if (softmax_tile(&t, &x, s) && begun)
            write_rows(sum, e, sum, t.queries, e, x.shrink);
        if (t.has_hidden && !is_finite(v, t.keys, e))
            add_keys_seen(&t, s, v, e, sum, begun);
        else
            add_keys(&t, s, v, e, sum, begun);
        begun = 1;
    }
    if (!begun) zero_run(sum, t.queries * e);
    const int64_t at = head.head * g->queries + t.q0;
    finish_queries(&t, &x, w->rows ? w->rows + 2 * at : NULL);
    write_rows(w->y + head.at[PD_ATTENTION_Y] + t.q0 * row[PD_ATTENTION_Y],
               row[PD_ATTENTION_Y], sum, t.queries, g->value_width, x.l);
}

#endif
