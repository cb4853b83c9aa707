/* softmax along an axis whose rows lie side by side: lanes are rows.
 *
 *                rows                     a group: a few vectors of rows
 *     i = 0     x x x x x x x x x …   ─┐
 *     i = 1     x x x x x x x x x …    ├─> tile [n, group] ──> y
 *     i = 2     x x x x x x x x x …   ─┘
 *
 * Nothing is turned: the maximum, the sum and the result of a row stay in its
 * lane, and those of a group in registers. A group is copied to a tile when it
 * is first read: lines of an image are often a power of two apart, so that they
 * push each other out of the cache before the next pass. */
#ifndef PD_KERNELS_SOFTMAX_COLUMNS_H
#define PD_KERNELS_SOFTMAX_COLUMNS_H

#include "simd.h"
#include "vmath.h"

enum {
    GROUP = 4,     /* vectors of a group */
    FEWEST = 4,    /* rows side by side that are worth it */
    SUM_BLOCK = 64 /* elements that are added before their sum joins others */
};

/* What is computed; the formulas stand in softmax.h. */
enum { SOFTMAX, LOG_SOFTMAX, SOFTMAX_BACKWARD, LOG_SOFTMAX_BACKWARD };

typedef struct {
    const real *a, *b; /* element 0 of the first row: inputs and output */
    real *y;
    int64_t a_stride, b_stride, y_stride; /* to element 1 */
    int64_t n, count;                     /* count rows */
    real *tile; /* [n, vectors] of a, and of b in backward */
} columns_t;

/* A group of `vectors` vectors, of which only `lanes` lanes are rows. */
typedef struct {
    int64_t first, lanes;
    int vectors, kind;
} group_t;

/* The tile's vector k of element i; b's follows a's. */
V_INLINE real *tile_at(const columns_t *c, group_t g, int64_t i, int k) {
    const int inputs = g.kind < SOFTMAX_BACKWARD ? 1 : 2;
    return c->tile + (i * g.vectors + k) * inputs * VL;
}

/* a to the tile; the largest of each row, NaN left out. */
V_INLINE void group_top(const columns_t *c, group_t g, vreal *top) {
    const real *a = c->a + g.first;
    UNROLL for (int k = 0; k < g.vectors; k++)
        top[k] = v_set((real)-INFINITY);
    for (int64_t i = 0; i < c->n; i++, a += c->a_stride) UNROLL
        for (int k = 0; k < g.vectors; k++) {
            vreal v = v_load_lanes(a + k * VL, g.lanes);
            v_store(tile_at(c, g, i, k), v);
            top[k] = v_max(v, top[k]);
        }
}

/* What element i of a row adds to its sum; softmax keeps it in the tile, and
 * backward puts its inputs there. */
V_INLINE vreal term(const columns_t *c, group_t g, int64_t i, int k,
                    vreal top) {
    real *at = tile_at(c, g, i, k);
    if (g.kind < SOFTMAX_BACKWARD) {
        vreal e = vm_exp_negative(v_load(at) - top);
        if (g.kind == SOFTMAX) v_store(at, e);
        return e;
    }
    const int64_t j = g.first + k * VL;
    vreal a = v_load_lanes(c->a + j + i * c->a_stride, g.lanes);
    vreal b = v_load_lanes(c->b + j + i * c->b_stride, g.lanes);
    v_store(at, a);
    v_store(at + VL, b);
    return g.kind == SOFTMAX_BACKWARD ? a * b : b;
}

V_INLINE void group_sum(const columns_t *c, group_t g, const vreal *top,
                        vreal *sum) {
    UNROLL for (int k = 0; k < g.vectors; k++)
        sum[k] = v_set(0);
    for (int64_t i = 0; i < c->n;) {
        const int64_t end = c->n - i < SUM_BLOCK ? c->n : i + SUM_BLOCK;
        vreal part[GROUP];
        UNROLL for (int k = 0; k < g.vectors; k++)
            part[k] = v_set(0);
        for (; i < end; i++) UNROLL
            for (int k = 0; k < g.vectors; k++)
                part[k] = part[k] + term(c, g, i, k, top[k]);
        UNROLL for (int k = 0; k < g.vectors; k++)
            sum[k] = sum[k] + part[k];
    }
}

V_INLINE vreal result(const real *at, int kind, vreal top, vreal sum) {
    vreal a = v_load(at);
    if (kind == SOFTMAX) return a * sum;
    if (kind == LOG_SOFTMAX) return (a - top) - sum;
    vreal b = v_load(at + VL);
    return kind == SOFTMAX_BACKWARD ? a * (b - sum) : b - vm_exp(a) * sum;
}

V_INLINE void group_run(const columns_t *c, group_t g) {
    vreal top[GROUP] = {v_set(0)}, sum[GROUP];
    if (g.kind < SOFTMAX_BACKWARD) group_top(c, g, top);
    group_sum(c, g, top, sum);
    UNROLL for (int k = 0; k < g.vectors; k++) {
        if (g.kind == SOFTMAX) sum[k] = v_set(1) / sum[k];
        if (g.kind == LOG_SOFTMAX) sum[k] = vm_log(sum[k]);
    }
    real *y = c->y + g.first;
    for (int64_t i = 0; i < c->n; i++, y += c->y_stride) UNROLL
        for (int k = 0; k < g.vectors; k++) {
            vreal v = result(tile_at(c, g, i, k), g.kind, top[k], sum[k]);
            v_store_lanes(y + k * VL, v, g.lanes);
        }
}

V_INLINE void columns_run(const columns_t *c, int kind) {
    int64_t j = 0;
    for (; j + GROUP * VL <= c->count; j += GROUP * VL)
        group_run(c, (group_t){j, VL, GROUP, kind});
    for (; j + VL <= c->count; j += VL) group_run(c, (group_t){j, VL, 1, kind});
    if (j < c->count) group_run(c, (group_t){j, c->count - j, 1, kind});
}

/* The elements of a tile. */
V_INLINE int64_t columns_tile(int64_t n, int inputs) {
    return n * GROUP * VL * inputs;
}

typedef void columns_function(const columns_t *c);
static void softmax_columns(const columns_t *c) { columns_run(c, SOFTMAX); }
static void log_softmax_columns(const columns_t *c) {
    columns_run(c, LOG_SOFTMAX);
}
static void softmax_columns_backward(const columns_t *c) {
    columns_run(c, SOFTMAX_BACKWARD);
}
static void log_softmax_columns_backward(const columns_t *c) {
    columns_run(c, LOG_SOFTMAX_BACKWARD);
}

#endif
