/* Attention by tiles: no matrix of queries x keys in memory.
 *
 *     forward    a task is one tile of queries of one head
 *         for each tile of keys
 *             s = K Qt             scores
 *             m' = max(m, s)       and what was summed so far shrinks by
 *             p = exp(s - m')      exp(m - m')
 *             l += sum p
 *             acc += P V
 *         y = acc / l
 *
 *     backward   a task is one head of k and v, and all queries that read it,
 *                or a share of them
 *         for each tile of queries
 *             d = sum y dy
 *             for each tile of keys
 *                 p  = exp(K Qt - m) / l      again, from the m and l of
 * forward dp = V dYt ds = p (dp - d) dv += P dY    dk += dS Q    acc += dSt K
 *             dq = acc
 *
 * Work is cut by shape. Few heads are cut into shares of their queries, each
 * with a dk and dv of its own, which are added in order; so nothing is added by
 * two threads, and bits do not depend on their number.
 *
 * Milakov, Gimelshein, Online normalizer calculation for softmax, 2018.
 * Dao, FlashAttention-2, 2023. */
#include "attention_tile.h"
#include "par.h"

typedef struct {
    const pd_attention_geometry *g;
    const real *q, *k, *v, *dy, *y;
    const void *mask;
    const real *rows;
    pd_key key;
    real *to, *to_rows; /* forward: y, rows */
    real *dq, *dk, *dv;
    int64_t query_tiles;
    int64_t shares;              /* of the queries of one head of k and v */
    real *dk_shares, *dv_shares; /* NULL where dk, dv itself is added up in */
    _Atomic int no_memory;
} work_t;

static head_t head_at(const work_t *w, int64_t head) {
    const pd_attention_geometry *g = w->g;
    const int64_t h = head % g->heads;
    int64_t at[PD_ATTENTION_OPERANDS], item = head / g->heads;
    for (int o = 0; o < PD_ATTENTION_OPERANDS; o++) {
        const int shared = o == PD_ATTENTION_K || o == PD_ATTENTION_V;
        at[o] = (shared ? h * g->groups / g->heads : h) * g->head[o];
    }
    for (int64_t axis = g->batch_axes - 1; axis >= 0; axis--) {
        for (int o = 0; o < PD_ATTENTION_OPERANDS; o++)
            at[o] += item % g->batch_shape[axis] * g->batch[o][axis];
        item /= g->batch_shape[axis];
    }
    const int64_t mask_item =
        g->mask == PD_MASK_BOOL ? 1 : (int64_t)sizeof(real);
    return (head_t){
        .g = g,
        .q = w->q + at[PD_ATTENTION_Q],
        .k = w->k + at[PD_ATTENTION_K],
        .v = w->v + at[PD_ATTENTION_V],
        .dy = w->dy ? w->dy + at[PD_ATTENTION_DY] : NULL,
        .mask = w->mask
                    ? (const char *)w->mask + at[PD_ATTENTION_MASK] * mask_item
                    : NULL,
        .key = w->key,
        .head = head,
    };
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

/* ---- forward --------------------------------------------------------------
 */

/* The numbers of each query of a tile. */
typedef struct {
    real m[TILE_QUERIES], l[TILE_QUERIES]; /* so far */
    real shrink[TILE_QUERIES];             /* exp(m before - m) */
} softmax_t;

/* s = exp(s - m) for the queries i … i+VL-1, with m and l brought up to date.
 * Returns whether m has grown. */
V_INLINE int softmax_lanes(const tile_t *t, softmax_t *x, real *s, int64_t i,
                           const int diagonal, const int mask) {
    const int64_t keys = keys_seen(t, i + VL - 1);
    vmask seen;
    const vreal before = v_load(x->m + i);
    vreal top[4] = {before, before, before, before};
    for (int64_t j = 0; j < keys; j++) {
        vreal a = score_at(t, s, i, j, diagonal, mask, &seen);
        if (diagonal || mask) v_store(s + j * STRIDE + i, a);
        top[j & 3] = v_max(a, top[j & 3]);
    }
    const vreal m = v_max(v_max(top[0], top[1]), v_max(top[2], top[3]));
    /* -inf - -inf would not be a number */
    const vreal shift = v_select(v_eq(m, v_set(LEAST)), v_set(0), m);
    vreal sum[2] = {v_set(0), v_set(0)};
    for (int64_t j = 0; j < keys; j++) {
        real *at = s + j * STRIDE + i;
        const vreal e = vm_exp_negative(v_load(at) - shift);
        sum[j & 1] = sum[j & 1] + e;
        v_store(at, t->keeps ? e * v_load(t->keeps + j * STRIDE + i) : e);
    }
    for (int64_t j = keys; j < t->keys; j++)
        v_store(s + j * STRIDE + i, v_set(0));
    const vreal shrink = vm_exp_negative(before - shift);
    v_store(x->shrink + i, shrink);
    v_store(x->m + i, m);
    v_store(x->l + i, v_fma(v_load(x->l + i), shrink, sum[0] + sum[1]));
    return m_any(v_lt(before, m));
}

static int softmax_tile(const tile_t *t, softmax_t *x, real *s) {
    int grown = 0;
    for (int64_t i = 0; i < t->lanes; i += VL) {
        const int diagonal = i + t->diagonal < t->keys - 1;
        if (t->has_mask)
            grown |= softmax_lanes(t, x, s, i, 1, 1);
        else if (diagonal)
            grown |= softmax_lanes(t, x, s, i, 1, 0);
        else
            grown |= softmax_lanes(t, x, s, i, 0, 0);
    }
    return grown;
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
    scale_rows(head.q + t.q0 * g->row[PD_ATTENTION_Q], g->row[PD_ATTENTION_Q],
               t.queries, d, (real)g->scale, q);
    transpose_rows((operand){q, whole(d), 1}, t.queries, d, qt);
    softmax_t x;
    for (int64_t i = 0; i < t.lanes; i++) x.m[i] = LEAST, x.l[i] = 0;
    int begun = 0;
    const int64_t end = tile_keys_end(&t);
    for (int64_t k0 = 0; k0 < end; k0 += TILE_KEYS) {
        if (!tile_begin(&t, k0)) continue;
        const int64_t k_row = g->row[PD_ATTENTION_K];
        const int64_t v_row = g->row[PD_ATTENTION_V];
        const operand k =
            whole_rows(head.k + k0 * k_row, k_row, t.keys, d, k_copy);
        const operand v = whole_rows(head.v + k0 * v_row, v_row, t.keys,
                                     g->value_width, v_copy);
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
    for (int64_t i = 0; i < t.queries; i++) {
        const real l = x.l[i] == 0 ? 0 : 1 / x.l[i];
        if (w->to_rows) {
            w->to_rows[2 * (at + i)] = x.l[i] == 0 ? 0 : x.m[i];
            w->to_rows[2 * (at + i) + 1] = l;
        }
        x.l[i] = l;
    }
    write_rows(w->to + at * g->value_width, g->value_width, sum, t.queries,
               g->value_width, x.l);
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
                .query_tiles = ceil_div(g->queries, TILE_QUERIES)};
    if (arrays[4]) memcpy(&w.key, arrays[4], sizeof w.key);
    return w;
}

int64_t K(attention_forward)(void *const *arrays, const void *geometry) {
    const pd_attention_geometry *g = geometry;
    work_t w = work_of(arrays, g);
    w.to = arrays[5];
    w.to_rows = arrays[6];
    pd_parallel(batch_heads(g, g->heads) * w.query_tiles,
                pairs(g) * (double)(g->width + g->value_width + 32) / SPEED,
                forward_task, &w);
    return w.no_memory ? PD_NO_MEMORY : 0;
}

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
    for (int64_t j = keys; j < t->keys; j++) {
        v_store(s + j * STRIDE + i, zero);
        v_store(dp + j * STRIDE + i, zero);
    }
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

static size_t backward_scratch(const pd_attention_geometry *g) {
    const int64_t tiles = 2 + (g->mask != 0) + (g->keep >= 0);
    const int64_t d = whole(g->width), e = whole(g->value_width);
    return (size_t)(tiles * TILE_KEYS * STRIDE +
                    TILE_QUERIES * (2 * d + e + 2 * LINE) +
                    TILE_KEYS * (d + e) + (g->width + g->value_width) * STRIDE +
                    16 * LINE) *
           sizeof(real);
}

/* sum y dy of each query. */
static void read_rows(const work_t *w, const tile_t *t, operand dy,
                      gradient_t *x) {
    const pd_attention_geometry *g = w->g;
    const int64_t at = t->head->head * g->queries + t->q0, e = g->value_width;
    for (int64_t i = 0; i < t->lanes; i++) x->m[i] = x->l[i] = x->d[i] = 0;
    for (int64_t i = 0; i < t->queries; i++) {
        const real *y = w->y + (at + i) * e;
        vreal sum = v_set(0);
        for (int64_t p = 0; p < e; p += VL)
            sum = v_fma(v_load_lanes(y + p, least(VL, e - p)),
                        v_load(dy.data + i * dy.row + p), sum);
        x->d[i] = v_sum(sum);
        x->m[i] = w->rows[2 * (at + i)];
        x->l[i] = w->rows[2 * (at + i) + 1];
    }
}

/* One tile of queries against all its keys: dq, and its part of dk and dv,
 * which have rows of whole vectors. */
static void backward_tile(const work_t *w, const head_t *head, int64_t index,
                          arena a, real *dk, real *dv) {
    const pd_attention_geometry *g = w->g;
    tile_t t = tile_of(head, index, &a);
    const int64_t d = whole(g->width), e = whole(g->value_width);
    const int64_t q_row = g->row[PD_ATTENTION_Q],
                  dy_row = g->row[PD_ATTENTION_DY],
                  k_row = g->row[PD_ATTENTION_K],
                  v_row = g->row[PD_ATTENTION_V];
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
    scale_rows(head->q + t.q0 * q_row, q_row, t.queries, g->width,
               (real)g->scale, q_scaled);
    transpose_rows(q, t.queries, g->width, qt);
    const operand dy = whole_rows(head->dy + t.q0 * dy_row, dy_row, t.queries,
                                  g->value_width, dy_copy);
    transpose_rows(dy, t.queries, g->value_width, dyt);
    gradient_t x;
    read_rows(w, &t, dy, &x);
    const int clean = is_finite(q, t.queries, d) && is_finite(dy, t.queries, e);
    zero_run(sum, t.queries * d);
    const int64_t end = tile_keys_end(&t);
    for (int64_t k0 = 0; k0 < end; k0 += TILE_KEYS) {
        if (!tile_begin(&t, k0)) continue;
        const operand k =
            whole_rows(head->k + k0 * k_row, k_row, t.keys, g->width, k_copy);
        const operand v = whole_rows(head->v + k0 * v_row, v_row, t.keys,
                                     g->value_width, v_copy);
        scores(&t, g->width, k, qt, s);
        scores(&t, g->value_width, v, dyt, ds);
        gradient_tile(&t, &x, s, ds);
        if (t.has_hidden && !(clean && is_finite(k, t.keys, d))) {
            add_queries_seen(&t, s, dy, e, dv + k0 * e);
            add_queries_seen(&t, ds, q, d, dk + k0 * d);
            add_keys_seen(&t, ds, k, d, sum, 1);
        } else {
            add_queries(&t, s, dy, e, dv + k0 * e);
            add_queries(&t, ds, q, d, dk + k0 * d);
            add_keys(&t, ds, k, d, sum, 1);
        }
    }
    for (int64_t i = 0; i < t.queries; i++) x.d[i] = (real)g->scale;
    write_rows(w->dq + (head->head * g->queries + t.q0) * g->width, g->width,
               sum, t.queries, g->width, x.d);
}

/* Task: one share of the queries that read one head of k and v. */
static void backward_task(void *context, int64_t task) {
    work_t *w = context;
    const pd_attention_geometry *g = w->g;
    const int64_t d = whole(g->width), e = whole(g->value_width);
    const int64_t group = task / w->shares, share = task % w->shares;
    const int64_t heads = g->heads / g->groups; /* that read it */
    const int64_t tiles = heads * w->query_tiles;
    arena a = {pd_scratch(PD_SCRATCH_A, backward_scratch(g))};
    if (!a.next) {
        w->no_memory = 1;
        return;
    }
    real *dk = w->dk_shares ? w->dk_shares + task * g->keys * d
                            : w->dk + group * g->keys * d;
    real *dv = w->dv_shares ? w->dv_shares + task * g->keys * e
                            : w->dv + group * g->keys * e;
    zero_run(dk, g->keys * d);
    zero_run(dv, g->keys * e);
    for (int64_t i = share * tiles / w->shares;
         i < (share + 1) * tiles / w->shares; i++) {
        const head_t head = head_at(w, group * heads + i / w->query_tiles);
        backward_tile(w, &head, i % w->query_tiles, a, dk, dv);
    }
}

/* to[keys][width] = the sum of the shares of one head, in order. */
static void add_shares(const work_t *w, const real *from, int64_t width,
                       real *to) {
    const int64_t row = whole(width), size = w->g->keys * row;
    for (int64_t j = 0; j < w->g->keys; j++)
        for (int64_t p = 0; p < width; p += VL) {
            const real *at = from + j * row + p;
            vreal sum = v_load(at);
            for (int64_t share = 1; share < w->shares; share++)
                sum = sum + v_load(at + share * size);
            v_store_lanes(to + j * width + p, sum, least(VL, width - p));
        }
}
static void share_task(void *context, int64_t group) {
    const work_t *w = context;
    const int64_t d = w->g->width, e = w->g->value_width, n = w->g->keys;
    if (w->dk_shares)
        add_shares(w, w->dk_shares + group * w->shares * n * whole(d), d,
                   w->dk + group * n * d);
    if (w->dv_shares)
        add_shares(w, w->dv_shares + group * w->shares * n * whole(e), e,
                   w->dv + group * n * e);
}

int64_t K(attention_backward)(void *const *arrays, const void *geometry) {
    enum { TASKS = 16 }; /* that many at least, where there is so much work */
    const pd_attention_geometry *g = geometry;
    work_t w = work_of(arrays, g);
    w.y = arrays[5];
    w.rows = arrays[6];
    w.dy = arrays[7];
    w.dq = arrays[8];
    w.dk = arrays[9];
    w.dv = arrays[10];
    const int64_t groups = batch_heads(g, g->groups);
    if (groups == 0) return 0;
    const int64_t tiles = g->heads / g->groups * w.query_tiles;
    w.shares = within(ceil_div(TASKS, groups), 1, most(tiles, 1));
    const int64_t n = groups * w.shares * g->keys;
    const int64_t d = whole(g->width), e = whole(g->value_width);
    const int k_apart = w.shares > 1 || d != g->width;
    const int v_apart = w.shares > 1 || e != g->value_width;
    if (k_apart || v_apart) {
        real *shares = pd_scratch(
            PD_SCRATCH_B,
            (size_t)(n * (d * k_apart + e * v_apart) + 1) * sizeof(real));
        if (!shares) return PD_NO_MEMORY;
        if (k_apart) w.dk_shares = shares;
        if (v_apart) w.dv_shares = shares + n * d * k_apart;
    }
    const double cost = (double)(3 * g->width + 2 * g->value_width + 64);
    pd_parallel(groups * w.shares, pairs(g) * cost / SPEED, backward_task, &w);
    if (w.no_memory) return PD_NO_MEMORY;
    if (w.dk_shares || w.dv_shares)
        pd_parallel(groups, (double)(n * (d + e)) / 4, share_task, &w);
    return 0;
}
