/* What the tasks of attention share: arrays, heads, scratch memory. */
#ifndef PD_KERNELS_ATTENTION_WORK_H
#define PD_KERNELS_ATTENTION_WORK_H

#include "attention_tile.h"
#include "par.h"

typedef struct {
    const pd_attention_geometry *g;
    const real *q, *k, *v, *dy;
    const void *mask;
    pd_key key;
    real *y, *rows; /* backward reads them */
    real *dq, *dk, *dv;
    int64_t query_tiles;
    int64_t shares;              /* of the queries of one head of k and v */
    real *dk_shares, *dv_shares; /* where there are several */
    _Atomic int no_memory;
} work_t;

static head_t head_at(const work_t *w, int64_t head) {
    const pd_attention_geometry *g = w->g;
    const int64_t h = head % g->heads;
    head_t found = {.g = g, .mask = w->mask, .key = w->key, .head = head};
    int64_t *at = found.at, item = head / g->heads;
    for (int o = 0; o < PD_ATTENTION_OPERANDS; o++) {
        const int shared = o == PD_ATTENTION_K || o == PD_ATTENTION_V ||
                           o == PD_ATTENTION_DK || o == PD_ATTENTION_DV;
        at[o] = (shared ? h * g->groups / g->heads : h) * g->head[o];
    }
    for (int64_t axis = g->batch_axes - 1; axis >= 0; axis--) {
        for (int o = 0; o < PD_ATTENTION_OPERANDS; o++)
            at[o] += item % g->batch_shape[axis] * g->batch[o][axis];
        item /= g->batch_shape[axis];
    }
    const int64_t mask_item =
        g->mask == PD_MASK_BOOL ? 1 : (int64_t)sizeof(real);
    if (w->mask)
        found.mask = (const char *)w->mask + at[PD_ATTENTION_MASK] * mask_item;
    return found;
}

static int64_t batch_heads(const pd_attention_geometry *g, int64_t heads) {
    for (int64_t axis = 0; axis < g->batch_axes; axis++)
        heads *= g->batch_shape[axis];
    return heads;
}

/* A task's scratch memory: what is asked for, one after the other. */
typedef struct {
    real *next;
} arena;
static real *arena_take(arena *a, int64_t elements) {
    real *found = a->next;
    a->next += ceil_div(elements, LINE) * LINE;
    return found;
}

static tile_t tile_of(const head_t *h, int64_t index, arena *a) {
    const pd_attention_geometry *g = h->g;
    tile_t t = {.head = h, .q0 = index * TILE_QUERIES};
    t.queries = least(TILE_QUERIES, g->queries - t.q0);
    t.lanes = whole(t.queries);
    if (g->mask) t.bias = arena_take(a, TILE_KEYS * STRIDE);
    if (g->keep >= 0) t.keeps = arena_take(a, TILE_KEYS * STRIDE);
    return t;
}

/* to[n][width] = from[n][whole(width)] * factors[n] */
static void write_rows(real *to, int64_t row, const real *from, int64_t n,
                       int64_t width, const real *factors) {
    for (int64_t r = 0; r < n; r++, from += whole(width), to += row) {
        const vreal factor = v_set(factors[r]);
        for (int64_t p = 0; p < width; p += VL)
            v_store_lanes(to + p, v_load(from + p) * factor,
                          least(VL, width - p));
    }
}

/* Multiply-adds per nanosecond, for par.h. */
#define SPEED 20.0

static double pairs(const pd_attention_geometry *g) {
    return (double)batch_heads(g, g->heads) * (double)g->queries *
           (double)g->keys * (g->causal ? 0.5 : 1);
}

static work_t work_of(void *const *arrays, const pd_attention_geometry *g) {
    work_t w = {.g = g,
                .q = arrays[0],
                .k = arrays[1],
                .v = arrays[2],
                .mask = arrays[3],
                .y = arrays[5],
                .rows = arrays[6],
                .query_tiles = ceil_div(g->queries, TILE_QUERIES)};
    if (arrays[4]) memcpy(&w.key, arrays[4], sizeof w.key);
    return w;
}

#endif
