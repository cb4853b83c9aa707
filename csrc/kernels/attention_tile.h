/* A tile of attention: some queries against some keys, all in cache.
 *
 * Scores are kept transposed, keys down and queries across:
 *
 *              queries ->  VL lanes
 *            +-------------------------+     m, l, and every other number of a
 *     keys   |  s[j][i] = k[j]·q[i]    |     query is a lane, so the softmax is
 *       |    |                         |     vertical and nothing is summed
 *       v    +-------------------------+     across lanes;
 *
 * and of the two operands of each product the micro-kernel (gemm/tiles.h) reads
 * one by single elements and one by whole vectors of rows:
 *
 *     s  = K Qt       K by elements, in place; Qt [width][queries]
 *     y += P V        P by elements of s, its columns; V by vectors, in place
 *
 * so that of K and V nothing is ever packed, and Qt is made once per tile of
 * queries. A matrix whose rows are not whole vectors, or lie apart, is copied.
 *
 * Masks: a pair that is masked out has the score -inf and the weight 0. Where
 * an operand holds a NaN or an infinity 0 times it would spread; such tiles are
 * multiplied pair by pair. */
#ifndef PD_KERNELS_ATTENTION_TILE_H
#define PD_KERNELS_ATTENTION_TILE_H

#include "attention.h"
#include "philox.h"
#include "runs.h"
#include "tiles.h"
#include "vmath.h"

enum {
    TILE_QUERIES = 512 / (int)sizeof(real), /* a multiple of 32 */
    TILE_KEYS = 128,
    LINE = 64 / (int)sizeof(real),
    STRIDE = TILE_QUERIES + LINE, /* of a row: rows do not evict each other */
    GROUP = PD_GROUP_WORDS * 2    /* random words of 32 bits */
};

#define LEAST ((real) - INFINITY)

/* What stays the same while a task works on one head. */
typedef struct {
    const pd_attention_geometry *g;
    int64_t at[PD_ATTENTION_OPERANDS]; /* the head's first elements */
    const void *mask;
    pd_key key;
    int64_t head; /* counted through the batch */
} head_t;

/* Queries q0 … q0+queries-1 against keys k0 … k0+keys-1. */
typedef struct {
    const head_t *head;
    int64_t q0, queries, lanes; /* lanes: queries, up to whole vectors */
    int64_t k0, keys;
    int64_t diagonal; /* query i of the tile sees the keys j <= i + diagonal */
    int has_mask;     /* bias is to be added */
    int has_hidden;   /* some pair is masked out */
    real *bias, *keeps; /* [TILE_KEYS][STRIDE]: mask, dropout */
} tile_t;

V_INLINE int64_t whole(int64_t n) { return ceil_div(n, VL) * VL; }
V_INLINE int64_t within(int64_t n, int64_t low, int64_t high) {
    return least(most(n, low), high);
}

/* How many of the keys the queries up to number i see. */
V_INLINE int64_t keys_seen(const tile_t *t, int64_t i) {
    return within(i + t->diagonal + 1, 0, t->keys);
}
/* The tile's first query that sees key j. */
V_INLINE int64_t first_seeing(const tile_t *t, int64_t j) {
    return within(j - t->diagonal, 0, t->queries);
}
V_INLINE int is_seen(const tile_t *t, int64_t i, int64_t j) {
    if (j > i + t->diagonal) return 0;
    return !t->has_mask || t->bias[j * STRIDE + i] != LEAST;
}

/* ---- products -------------------------------------------------------------
 */

/* One side of a product. */
typedef struct {
    const real *data;
    int64_t row;  /* from one row to the next */
    int64_t step; /* from one element of a row to the next */
} operand;

/* Tiles of rows i … end-1 of C[rows, n] (+)= A[rows, k] B[k, n]. */
V_INLINE void rows_multiply(int64_t i, int64_t end, int64_t n, int64_t first,
                            int64_t last, operand a, operand b, real *c,
                            int64_t c_row, int add) {
    if (first >= last && add) return;
    for (int64_t j = 0; j < n; j += PANEL)
        K(gemm_tiles)(ceil_div(least(PANEL, n - j), VL))[end - i - 1](
            most(last - first, 0), a.data + i * a.row + first * a.step, a.row,
            a.step, b.data + first * b.row + j, b.row, c + i * c_row + j, c_row,
            add);
}

/* s[keys][lanes] = A Bt, as far as any query of a vector sees: below the keys
 * that all of a panel see, some of its vectors alone.
 *
 *         panel
 *       +---+---+
 *       | . | . |
 *       +---+ . |
 *           +---+      Elsewhere s is not written. */
static void scores(const tile_t *t, int64_t width, operand a, const real *bt,
                   real *s) {
    for (int64_t c = 0; c < t->lanes; c += PANEL) {
        const int64_t last = least(c + PANEL, t->lanes);
        int64_t from = 0;
        for (int64_t v = c; v < last; v += VL) {
            const int64_t keys = keys_seen(t, v + VL - 1) - from;
            const int64_t tiles = ceil_div(keys, TILE_ROWS);
            const operand b = {bt + v, STRIDE, 1};
            for (int64_t r = 0; r < tiles; r++)
                rows_multiply(from + r * keys / tiles,
                              from + (r + 1) * keys / tiles, last - v, 0, width,
                              a, b, s + v, STRIDE, 0);
            from += keys;
        }
    }
}

/* c[queries][n] (+)= sum over the keys, weights s[keys][queries]. */
static void add_keys(const tile_t *t, const real *s, operand b, int64_t n,
                     real *c, int add) {
    const int64_t tiles = ceil_div(t->queries, TILE_ROWS);
    const operand a = {s, 1, STRIDE};
    for (int64_t r = 0; r < tiles; r++) {
        const int64_t end = (r + 1) * t->queries / tiles;
        rows_multiply(r * t->queries / tiles, end, n, 0, keys_seen(t, end - 1),
                      a, b, c, n, add);
    }
}

/* c[keys][n] += sum over the queries, weights s[keys][queries]. */
static void add_queries(const tile_t *t, const real *s, operand b, int64_t n,
                        real *c) {
    const int64_t tiles = ceil_div(t->keys, TILE_ROWS);
    const operand a = {s, STRIDE, 1};
    for (int64_t r = 0; r < tiles; r++) {
        const int64_t i = r * t->keys / tiles;
        rows_multiply(i, (r + 1) * t->keys / tiles, n, first_seeing(t, i),
                      t->queries, a, b, c, n, 1);
    }
}

/* Both again, pair by pair: what is masked out is not even looked at. */
static void add_keys_seen(const tile_t *t, const real *s, operand b, int64_t n,
                          real *c, int add) {
    if (!add) zero_run(c, t->queries * n);
    for (int64_t i = 0; i < t->queries; i++)
        for (int64_t j = 0; j < t->keys; j++)
            for (int64_t e = 0; e < n && is_seen(t, i, j); e++)
                c[i * n + e] += s[j * STRIDE + i] * b.data[j * b.row + e];
}
static void add_queries_seen(const tile_t *t, const real *s, operand b,
                             int64_t n, real *c) {
    for (int64_t j = 0; j < t->keys; j++)
        for (int64_t i = 0; i < t->queries; i++)
            for (int64_t e = 0; e < n && is_seen(t, i, j); e++)
                c[j * n + e] += s[j * STRIDE + i] * b.data[i * b.row + e];
}

/* ---- operands -------------------------------------------------------------
 */

/* Rows of whole vectors: where they lie, or copied to `to`. Rows that lie
 * apart, as those of a head among others do, crowd in a few sets of the cache.
 */
static operand whole_rows(const real *from, int64_t row, int64_t n,
                          int64_t width, real *to) {
    if (width % VL == 0 && row == width) return (operand){from, row, 1};
    for (int64_t r = 0; r < n; r++)
        copy_run_padded(to + r * whole(width), from + r * row, width);
    return (operand){to, whole(width), 1};
}

/* to[n][whole(width)] = from[n][width] * scale, zeros after it. */
static void scale_rows(const real *from, int64_t row, int64_t n, int64_t width,
                       real scale, real *to) {
    const vreal factor = v_set(scale);
    for (int64_t r = 0; r < n; r++, from += row, to += whole(width))
        for (int64_t p = 0; p < width; p += VL)
            v_store(to + p,
                    v_load_lanes(from + p, least(VL, width - p)) * factor);
}
/* to[width][STRIDE], zeros up to whole vectors of n. */
static void transpose_rows(operand from, int64_t n, int64_t width, real *to) {
    for (int64_t i = 0; i < n; i += VL)
        for (int64_t p = 0; p < width; p += VL)
            transpose_block(to + p * STRIDE + i, STRIDE,
                            from.data + i * from.row + p, from.row,
                            least(VL, n - i), least(VL, width - p));
}

/* 0 * x is NaN where x is not finite. Four sums, for one addition waits for the
 * one before. */
static int is_finite(operand x, int64_t n, int64_t width) {
    const vreal zero = v_set(0);
    vreal a = zero, b = zero, c = zero, d = zero;
    for (int64_t p = 0; p < width; p += VL) {
        const real *at = x.data + p;
        int64_t r = 0;
        for (; r + 4 <= n; r += 4, at += 4 * x.row) {
            a = v_fma(v_load(at), zero, a);
            b = v_fma(v_load(at + x.row), zero, b);
            c = v_fma(v_load(at + 2 * x.row), zero, c);
            d = v_fma(v_load(at + 3 * x.row), zero, d);
        }
        for (; r < n; r++, at += x.row) a = v_fma(v_load(at), zero, a);
    }
    return !m_any(v_nan((a + b) + (c + d)));
}

/* ---- mask and dropout -----------------------------------------------------
 */

/* As many bytes as a vector has lanes. */
typedef uint8_t vbyte
    __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real))));

/* The mask of query i and the keys j …, n of them: 0 or -inf, or what is
 * added. Lanes beyond are 0. */
V_INLINE vreal mask_lanes(const tile_t *t, int64_t i, int64_t j, int64_t n) {
    const pd_attention_geometry *g = t->head->g;
    const int64_t column = g->mask_column;
    const int64_t at =
        (t->q0 + i) * g->row[PD_ATTENTION_MASK] + (t->k0 + j) * column;
    if (g->mask == PD_MASK_BOOL) {
        const uint8_t *from = (const uint8_t *)t->head->mask + at;
        vbyte seen = (vbyte){0} == (vbyte){0};
        if (column == 1 && n == VL)
            memcpy(&seen, from, sizeof seen);
        else
            for (int64_t c = 0; c < n; c++) seen[c] = from[c * column];
        const vint wide = __builtin_convertvector(seen, vint);
        return v_select(v_eq_int(wide, v_set_int(0)), v_set(LEAST), v_set(0));
    }
    const real *from = (const real *)t->head->mask + at;
    if (column == 1) return v_load_lanes(from, n);
    vreal x = v_set(0);
    for (int64_t c = 0; c < n; c++) x[c] = from[c * column];
    return x;
}

/* The tile's bias. Returns whether any pair may be seen. */
static int mask_read(tile_t *t) {
    const vmask none = v_lt(v_set(0), v_set(0));
    vmask hidden = none, seen = none;
    for (int64_t j = 0; j < t->keys; j += VL)
        for (int64_t i = 0; i < t->lanes; i += VL) {
            const int64_t n = least(VL, t->keys - j);
            vreal x[V_LANES];
            for (int l = 0; l < V_LANES; l++) {
                x[l] = v_set(0);
                if (i + l < t->queries) x[l] = mask_lanes(t, i + l, j, n);
                const vmask least = v_eq(x[l], v_set(LEAST));
                hidden = m_or(hidden, least);
                seen = m_or(seen, m_not(least));
            }
            v_transpose(x);
            for (int64_t c = 0; c < n; c++)
                v_store(t->bias + (j + c) * STRIDE + i, x[c]);
        }
    t->has_mask = m_any(hidden) || t->head->g->mask == PD_MASK_ADDED;
    t->has_hidden |= m_any(hidden);
    return m_any(seen);
}

typedef uint32_t vword32
    __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real) * 4)));

/* The tile's factors of dropout: 0 or 1 / (1 - p). */
static void dropout_draw(const tile_t *t) {
    const head_t *h = t->head;
    const pd_attention_geometry *g = h->g;
    const vreal keep = v_set((real)g->keep);
    const vint last = v_set_int((int_of_real)g->last_dropped);
    const int64_t row = ceil_div(g->queries, GROUP);
    uint64_t words[PD_GROUP_WORDS];
    for (int64_t j = 0; j < t->keys; j++) {
        const int64_t at = (h->head * g->keys + t->k0 + j) * row;
        for (int64_t c = 0; c < t->lanes; c += GROUP) {
            pd_philox_group(h->key, at + (t->q0 + c) / GROUP, words);
            for (int64_t i = 0; i < least(GROUP, t->lanes - c); i += VL) {
                vword32 narrow;
                memcpy(&narrow, (const uint32_t *)words + i, sizeof narrow);
                const vint stays = (vint)(__builtin_convertvector(
                                              narrow, vuint) > (vuint)last);
                v_store(t->keeps + j * STRIDE + c + i,
                        v_real(v_bits(keep) & stays));
            }
        }
    }
}

/* The tile at these keys: whether any of its pairs is seen. */
static int tile_begin(tile_t *t, int64_t k0) {
    const pd_attention_geometry *g = t->head->g;
    t->k0 = k0;
    t->keys = least(TILE_KEYS, g->keys - k0);
    t->diagonal = g->causal ? t->q0 - k0 + g->keys - g->queries : g->keys;
    t->has_hidden = t->diagonal < t->keys - 1;
    t->has_mask = 0;
    if (g->mask != PD_MASK_NONE && !mask_read(t)) return 0;
    if (t->head->g->keep >= 0) dropout_draw(t);
    return 1;
}
/* One more than the last key that a query of the tile sees; 0 where there is
 * nothing to be had of the keys. */
static int64_t tile_keys_end(const tile_t *t) {
    const pd_attention_geometry *g = t->head->g;
    if (g->value_width == 0) return 0;
    const int64_t last = t->q0 + t->queries + g->keys - g->queries;
    return g->causal ? within(last, 0, g->keys) : g->keys;
}

/* ---- one vector of queries ------------------------------------------------
 */

static const real lane_numbers[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                      8, 9, 10, 11, 12, 13, 14, 15};

/* Zeros for the queries i … i+n-1 below the keys that one of them sees: as many
 * rows as a tile of a product reaches over them. */
V_INLINE void zero_below(const tile_t *t, real *s, int64_t i, int64_t n,
                         int64_t keys) {
    const int64_t end = least(keys + TILE_ROWS, t->keys);
    for (int64_t j = keys; j < end; j++)
        for (int64_t l = 0; l < n; l += VL)
            v_store(s + j * STRIDE + i + l, v_set(0));
}

/* The scores of key j and the queries i …, and which of them are seen; what is
 * not may hold anything. */
V_INLINE vreal score_at(const tile_t *t, const real *s, int64_t i, int64_t j,
                        const int diagonal, const int mask, vmask *seen) {
    vreal x = v_load(s + j * STRIDE + i);
    if (mask) {
        const vreal bias = v_load(t->bias + j * STRIDE + i);
        *seen = m_not(v_eq(bias, v_set(LEAST)));
        x = v_select(*seen, x + bias, v_set(LEAST));
    }
    if (diagonal) {
        const vmask below =
            v_le(v_set((real)(j - i - t->diagonal)), v_load(lane_numbers));
        *seen = mask ? m_and(*seen, below) : below;
        x = v_select(below, x, v_set(LEAST));
    }
    return x;
}

#endif
