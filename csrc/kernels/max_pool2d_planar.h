/* Max-pool of images whose rows lie in one piece, as C order has them and a
 * signal of one channel has: lanes are neighbouring outputs of a row.
 *
 *     x   row of channel c      a b c d e f g h …      entry kx of all lanes is
 *                               └─┬─┘                  one load, with stride 2
 *     tile  [VL channels][RUN]    max  max  max …      two, for two entries
 *                  │
 *     y   c c c c … │ c c c c …     transposed in registers: channels-last
 *
 * Windows that reach into the padding are taken one by one. With one channel
 * the row goes to y itself, and only then may there be an index. */
#ifndef PD_KERNELS_MAX_POOL2D_PLANAR_H
#define PD_KERNELS_MAX_POOL2D_PLANAR_H

#include "pool2d_walk.h"

enum { RUN = 256 /* outputs of a row at a time */ };

/* Of two vectors side by side. */
#define EVEN_LANE(s, l) (2 * (l))
#define ODD_LANE(s, l) (2 * (l) + 1)

typedef int32_t word_lanes
    __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real) * 4)));

V_INLINE void index_store(char *p, vint index, int64_t n, int bytes) {
    if (bytes == BYTE) v_store_bytes(p, index, n);
    if (bytes != WORD) return;
    word_lanes words = __builtin_convertvector(index, word_lanes);
    memcpy(p, &words, (size_t)n * WORD);
}
V_INLINE vint v_select_int(vmask m, vint a, vint b) {
    return v_bits(v_select(m, v_real(a), v_real(b)));
}

/* How many windows from o to end-1 are whole, for windows of their own size. */
V_INLINE int64_t whole_from(const pd_pool_axis *a, int64_t o, int64_t end) {
    const pd_window w = pd_window_of(a, o);
    if (a->s == 0 || w.first > 0 || w.end < a->k) return 0;
    const int64_t reach = (a->k - 1) * a->d;
    const int64_t last = (a->in - 1 - reach + a->p) / a->s;
    return (last + 1 < end ? last + 1 : end) - o;
}

/* One output, at x's entry (0, 0) of the window (h, w). */
V_INLINE void one_planar(const pd_pool2d_geometry *g, const real *x,
                         pd_window h, pd_window w, real *y, char *index,
                         int bytes) {
    const int64_t row = g->h.d * g->stride[1], col = g->w.d;
    real best = 0;
    int64_t at = -1;
    for (int64_t ky = h.first; ky < h.end; ky++)
        for (int64_t kx = w.first; kx < w.end; kx++) {
            const real value = x[ky * row + kx * col];
            if (at >= 0 && !(value > best || value != value)) continue;
            best = value, at = ky * g->w.k + kx;
        }
    *y = best;
    if (bytes == BYTE) *(uint8_t *)index = (uint8_t)at;
    if (bytes == WORD) memcpy(index, &(int32_t){(int32_t)at}, WORD);
}

/* VL outputs, all of whose windows have the rows of h and are whole in width;
 * x: entry (0, 0) of the first. */
V_INLINE void lanes_planar(const pd_pool2d_geometry *g, const real *x,
                           pd_window h, real *y, char *index, int bytes,
                           const int64_t s) {
    const int64_t row = g->h.d * g->stride[1], col = g->w.d;
    vreal best = v_load_strided(x + h.first * row, s);
    vint at = v_set_int((int_of_real)(h.first * g->w.k));
    for (int64_t ky = h.first; ky < h.end; ky++)
        for (int64_t kx = 0; kx < g->w.k; kx++) {
            const vreal value = v_load_strided(x + ky * row + kx * col, s);
            const vmask nan = v_nan(value);
            const vmask larger = m_or(v_lt(best, value), nan);
            const vint k = v_set_int((int_of_real)(ky * g->w.k + kx));
            if (bytes) at = v_select_int(larger, k, at);
            best = v_select(nan, value, v_max(value, best));
        }
    v_store(y, best);
    index_store(index, at, VL, bytes);
}

/* p[0], p[2] … p[2 VL - 2], and what lies between them and after the last. */
V_INLINE vreal v_load_pairs(const real *p, vreal *odd) {
    const vreal a = v_load(p), b = v_load(p + VL);
    *odd = __builtin_shufflevector(a, b, V_LIST(ODD_LANE, 0));
    return __builtin_shufflevector(a, b, V_LIST(EVEN_LANE, 0));
}

/* NaN is larger than all; of equals the first, of several NaN the last. */
V_INLINE vreal larger_of(vreal best, vreal value) {
    return v_select(v_nan(value), value, v_max(value, best));
}

/* As lanes_planar for stride 2 and 2 or 3 adjacent entries, without index. */
V_INLINE void lanes_pairs(const pd_pool2d_geometry *g, const real *x,
                          pd_window h, real *y, const int64_t entries) {
    const int64_t row = g->h.d * g->stride[1];
    vreal best = v_set(0);
    for (int64_t ky = h.first; ky < h.end; ky++) {
        vreal odd, even = v_load_pairs(x + ky * row, &odd);
        best = ky > h.first ? larger_of(best, even) : even;
        best = larger_of(best, odd);
        if (entries == 3)
            best = larger_of(best, v_load_strided(x + ky * row + 2, 2));
    }
    v_store(y, best);
}

/* What VL outputs of the next channel will read is asked for: a run is too
 * short to be seen as a stream. One row of entries is passed over in less time
 * than memory takes: there it is the channel after the next. */
V_INLINE void next_fetch(const pd_pool2d_geometry *g, const real *x,
                         pd_window h, const int64_t s) {
    const int64_t row = g->h.d * g->stride[1];
    const int64_t line = 64 / (int64_t)sizeof(real);
    if (h.end - h.first == 1) {
        x += 2 * g->stride[3] + h.first * row;
        for (int64_t i = 0; i < s * VL; i += line)
            __builtin_prefetch(x + i, 0, 2);
        return;
    }
    for (int64_t ky = h.first; ky < h.end; ky++)
        for (int64_t i = 0; i < s * VL; i += line)
            __builtin_prefetch(x + g->stride[3] + ky * row + i, 0, 3);
}

/* `count` >= VL such outputs; s is the stride, `pairs` the entries where those
 * of lanes_pairs are meant, else 0. */
V_INLINE void wholes_planar(const pd_pool2d_geometry *g, const real *x,
                            pd_window h, int64_t count, real *y, char *index,
                            int bytes, const int64_t s, const int64_t pairs) {
    for (int64_t i = 0; i < count; i += VL) {
        if (i > count - VL) i = count - VL; /* some of them again */
        if (g->c > 1) next_fetch(g, x + i * s, h, s);
        if (pairs)
            lanes_pairs(g, x + i * s, h, y + i, pairs);
        else
            lanes_planar(g, x + i * s, h, y + i, index + i * bytes, bytes, s);
    }
}

/* Outputs from … to-1 of a row. x: position 0 of the row of entries 0. */
V_INLINE void row_planar(const pd_pool2d_geometry *g, const real *x,
                         pd_window h, int64_t from, int64_t to, real *y,
                         char *index, int bytes) {
    const int adjacent = bytes == NO_INDEX && g->w.s == 2 && g->w.d == 1;
    const int64_t pairs = adjacent ? g->w.k : 0;
    int64_t ox = from;
    while (ox < to) {
        const pd_window w = pd_window_of(&g->w, ox);
        const int64_t whole = whole_from(&g->w, ox, to);
        const real *at = x + w.start;
        real *out = y + ox - from;
        char *number = index + (ox - from) * bytes;
        if (whole < VL) {
            one_planar(g, at, h, w, out, number, bytes);
            ox++;
            continue;
        }
        if (pairs == 2)
            wholes_planar(g, at, h, whole, out, number, bytes, 2, 2);
        else if (pairs == 3)
            wholes_planar(g, at, h, whole, out, number, bytes, 2, 3);
        else if (g->w.s == 1)
            wholes_planar(g, at, h, whole, out, number, bytes, 1, 0);
        else if (g->w.s == 2)
            wholes_planar(g, at, h, whole, out, number, bytes, 2, 0);
        else
            wholes_planar(g, at, h, whole, out, number, bytes, g->w.s, 0);
        ox += whole;
    }
}

/* `count` outputs of `channels` <= VL channels from a tile to y. */
V_INLINE void tile_write(real tile[V_LANES][RUN], int64_t channels,
                         int64_t count, real *y, int64_t step) {
    for (int64_t i = 0; i < count; i += VL) {
        vreal block[V_LANES];
        UNROLL for (int c = 0; c < V_LANES; c++)
            block[c] = v_load(tile[c] + i);
        v_transpose(block);
        for (int j = 0; j < V_LANES && i + j < count; j++)
            v_store_lanes(y + (i + j) * step, block[j], channels);
    }
}

/* Task t: a run of y. */
V_INLINE void planes_run(const work_t *work, int64_t t, int bytes) {
    const pd_pool2d_geometry *g = work->g;
    real tile[V_LANES][RUN] = {{0}};
    stretch_t s = stretches_of(work, t);
    while (stretch_next(work, &s)) {
        const pd_window h = pd_window_of(&g->h, s.row);
        const real *x =
            work->in + s.image * g->stride[0] + h.start * g->stride[1];
        const int64_t row = (s.image * g->h.out + s.row) * g->w.out;
        if (g->c == 1) {
            row_planar(g, x, h, s.from, s.to, work->out + row + s.from,
                       work->index + (row + s.from) * bytes, bytes);
            continue;
        }
        for (int64_t from = s.from; from < s.to; from += RUN)
            for (int64_t c = 0; c < g->c; c += VL) {
                const int64_t to = from + RUN < s.to ? from + RUN : s.to;
                const int64_t n = g->c - c < VL ? g->c - c : VL;
                real *y = work->out + (row + from) * g->c + c;
                for (int64_t i = 0; n == VL && i < to - from; i++)
                    __builtin_prefetch(y + i * g->c, 1, 2);
                for (int64_t i = 0; i < n; i++)
                    row_planar(g, x + (c + i) * g->stride[3], h, from, to,
                               tile[i], NULL, NO_INDEX);
                tile_write(tile, n, to - from, y, g->c);
            }
    }
}

#endif
