/* Max-pool, channels-last: lanes are channels.
 *
 *     x  c c c c c c c c │ c c c c c c c c │ …        pixel (iy, ix)
 *        └──────┬──────┘   └──────┬──────┘
 *     y       max over the window's pixels, in a register     pixel (oy, ox)
 *
 * The number of the largest entry is kept in a second register and saved as one
 * byte per output, an eighth of what a position in x would take.
 *
 * What has one size most of the time, a whole window of 2 x 2 or 3 x 3, is
 * straight code. Backward is pool2d_walk.h's.
 *
 * PyTorch's semantics of ties and NaN:
 * aten/src/ATen/native/cpu/MaxPoolKernel.cpp (val > max || isnan(val)). */
#include "max_pool2d.h"
#include "max_pool2d_planar.h"
#include "pool2d_walk.h"

/* ---- one window -----------------------------------------------------------
 */

/* `vectors` vectors of channels, or where n < VL the first n lanes of one. */
typedef struct {
    vreal value[BLOCK];
    vint number[BLOCK]; /* of the largest entry; gather's is in memory */
} block_t;

/* Entry k at x. v_max gives the best where either is NaN. */
V_INLINE void entry_compare(block_t *b, const real *x, int64_t k, int bytes,
                            const int vectors, int64_t n) {
    UNROLL for (int v = 0; v < vectors; v++) {
        vreal value = v_load_lanes(x + v * VL, n);
        vmask nan = v_nan(value), larger = m_or(v_lt(b->value[v], value), nan);
        vint number = v_set_int((int_of_real)k);
        if (bytes) b->number[v] = v_select_int(larger, number, b->number[v]);
        b->value[v] = v_select(nan, value, v_max(value, b->value[v]));
    }
}

/* The entries of a window of so many rows and columns, as long as none is NaN:
 * two instructions an entry fewer. Returns 0 where one is. */
V_INLINE int whole_compare(block_t *b, const real *in, int64_t row, int64_t col,
                           const int whole, int bytes, const int vectors,
                           int64_t n) {
    int good = 1;
    UNROLL for (int v = 0; v < vectors; v++) {
        vreal best = v_load_lanes(in + v * VL, n), before = best;
        vint at = v_set_int(0);
        vmask ordered = v_ordered(best, best);
        UNROLL for (int k = 1; k < whole * whole; k++) {
            const real *x = in + k / whole * row + k % whole * col + v * VL;
            const vreal value = v_load_lanes(x, n);
            const vmask larger = v_lt(best, value);
            if (bytes) at = v_select_int(larger, v_set_int(k), at);
            if (k % 2 == 0) ordered = m_and(ordered, v_ordered(before, value));
            best = v_max(value, best);
            before = value;
        }
        if (whole % 2 == 0) ordered = m_and(ordered, v_ordered(before, before));
        b->value[v] = best, b->number[v] = at;
        good &= !m_any(m_not(ordered));
    }
    return good;
}

V_INLINE void entry_gather(block_t *b, const real *x, int64_t k,
                           const char *index, int bytes, const int vectors,
                           int64_t n) {
    UNROLL for (int v = 0; v < vectors; v++) {
        const char *p = index + v * VL * bytes;
        vmask here =
            bytes == BYTE ? v_eq_bytes(p, n, (int)k) : v_eq_words(p, n, (int)k);
        b->value[v] = v_select(here, v_load_lanes(x + v * VL, n), b->value[v]);
    }
}

/* A window as it lies: its first entry inside at `in` has number `first`, so
 * many rows and columns of entries are inside, so far apart. */
typedef struct {
    const real *in;
    int64_t first, rows, cols, row, col, width; /* kw */
} window_t;

/* whole: not 0 where the window has so many rows and columns. */
V_INLINE void block_run(const window_t *w, int64_t c, const int whole, real *y,
                        char *index, int gather, int bytes, const int vectors,
                        int64_t n) {
    const real *in = w->in + c;
    y += c, index += c * bytes;
    block_t b;
    if (gather || !whole ||
        !whole_compare(&b, in, w->row, w->col, whole, bytes, vectors, n)) {
        UNROLL for (int v = 0; v < vectors; v++) {
            b.value[v] = gather ? v_set(0) : v_load_lanes(in + v * VL, n);
            b.number[v] = v_set_int((int_of_real)w->first);
        }
        for (int64_t i = 0; i < w->rows; i++)
            for (int64_t j = 0; j < w->cols; j++) {
                const real *x = in + i * w->row + j * w->col;
                const int64_t k = w->first + i * w->width + j;
                if (gather)
                    entry_gather(&b, x, k, index, bytes, vectors, n);
                else
                    entry_compare(&b, x, k, bytes, vectors, n);
            }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        v_store_lanes(y + v * VL, b.value[v], n);
        if (!gather) index_store(index + v * VL * bytes, b.number[v], n, bytes);
    }
}

/* `channels` of a window. */
V_INLINE void window_run(const window_t *w, int64_t channels, const int whole,
                         real *y, char *index, int gather, int bytes) {
    int64_t c = 0;
    for (; c + 2 * VL <= channels; c += 2 * VL)
        block_run(w, c, whole, y, index, gather, bytes, 2, VL);
    if (c + VL <= channels) {
        block_run(w, c, whole, y, index, gather, bytes, 1, VL);
        c += VL;
    }
    if (c < channels)
        block_run(w, c, whole, y, index, gather, bytes, 1, channels - c);
}

/* ---- rows of windows: forward and gather ----------------------------------
 */

/* A run of whole windows, `step` apart. */
V_INLINE void whole_run(window_t w, int64_t step, int64_t count,
                        int64_t channels, const int whole, real *y, char *index,
                        int gather, int bytes) {
    for (; count > 0; count--) {
        window_run(&w, channels, whole, y, index, gather, bytes);
        w.in += step, y += channels, index += channels * bytes;
    }
}

/* Task t of forward (gather = 0) or gather: a run of y. */
V_INLINE void windows_run(const work_t *work, int64_t t, int gather,
                          int bytes) {
    const pd_pool2d_geometry *g = work->g;
    const int64_t c = g->c, step = g->w.s * g->stride[2];
    window_t window = {.row = g->h.d * g->stride[1],
                       .col = g->w.d * g->stride[2],
                       .width = g->w.k};
    stretch_t s = stretches_of(work, t);
    while (stretch_next(work, &s)) {
        const pd_window h = pd_window_of(&g->h, s.row);
        const int square = h.first == 0 && h.end == g->w.k ? (int)h.end : 0;
        const real *row = work->in + s.image * g->stride[0] +
                          pd_begin(&g->h, h) * g->stride[1];
        int64_t at = (s.image * g->h.out + s.row) * g->w.out + s.from;
        int64_t count;
        window.rows = h.end - h.first;
        for (int64_t ox = s.from; ox < s.to; ox += count, at += count) {
            const pd_window w = pd_window_of(&g->w, ox);
            real *y = work->out + at * c;
            char *index = work->index + at * c * bytes;
            window.in = row + pd_begin(&g->w, w) * g->stride[2];
            window.cols = w.end - w.first;
            window.first = h.first * g->w.k + w.first;
            count = whole_from(&g->w, ox, s.to);
            if (count > 0 && square == 2) {
                whole_run(window, step, count, c, 2, y, index, gather, bytes);
            } else if (count > 0 && square == 3) {
                whole_run(window, step, count, c, 3, y, index, gather, bytes);
            } else {
                count = 1;
                window_run(&window, c, 0, y, index, gather, bytes);
            }
        }
    }
}

static void forward_without_index(void *work, int64_t t) {
    windows_run(work, t, 0, NO_INDEX);
}
static void forward_with_bytes(void *work, int64_t t) {
    windows_run(work, t, 0, BYTE);
}
static void forward_with_words(void *work, int64_t t) {
    windows_run(work, t, 0, WORD);
}
static void planes_without_index(void *work, int64_t t) {
    planes_run(work, t, NO_INDEX);
}
static void planes_with_bytes(void *work, int64_t t) {
    planes_run(work, t, BYTE);
}
static void planes_with_words(void *work, int64_t t) {
    planes_run(work, t, WORD);
}
static void gather_by_bytes(void *work, int64_t t) {
    windows_run(work, t, 1, BYTE);
}
static void gather_by_words(void *work, int64_t t) {
    windows_run(work, t, 1, WORD);
}

static void backward_by_bytes(void *work, int64_t t) {
    pixels_backward(work, t, BYTE);
}
static void backward_by_words(void *work, int64_t t) {
    pixels_backward(work, t, WORD);
}

/* ---- the kernels -----------------------------------------------------------
 */

static int index_bytes(const pd_pool2d_geometry *g) {
    return g->h.k * g->w.k <= 255 ? BYTE : WORD;
}

int64_t K(max_pool2d_forward)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {
        .g = g, .in = arrays[0], .out = arrays[1], .index = arrays[2]};
    const int kind = !work.index ? 0 : index_bytes(g) == BYTE ? 1 : 2;
    const int planar = g->stride[2] == 1 && (g->c == 1 || g->stride[3] != 1);
    static pd_task *const run[2][3] = {
        {forward_without_index, forward_with_bytes, forward_with_words},
        {planes_without_index, planes_with_bytes, planes_with_words}};
    pixels_run(&work, g->h.out, g->w.out, (double)g->h.k * (double)g->w.k,
               run[planar][kind]);
    return 0;
}

int64_t K(max_pool2d_gather)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {
        .g = g, .in = arrays[0], .index = arrays[1], .out = arrays[2]};
    pixels_run(&work, g->h.out, g->w.out, (double)g->h.k * (double)g->w.k,
               index_bytes(g) == BYTE ? gather_by_bytes : gather_by_words);
    return 0;
}

int64_t K(max_pool2d_backward)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {
        .g = g, .in = arrays[0], .index = arrays[1], .out = arrays[2]};
    pixels_run(&work, g->h.in, g->w.in, pd_reads(g),
               index_bytes(g) == BYTE ? backward_by_bytes : backward_by_words);
    return 0;
}
