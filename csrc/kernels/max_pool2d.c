/* Max-pool, channels-last: lanes are channels.
 *
 *     x  c c c c c c c c │ c c c c c c c c │ …        pixel (iy, ix)
 *        └──────┬──────┘   └──────┬──────┘
 *     y       max over the window's pixels, in a register     pixel (oy, ox)
 *
 * The number of the largest entry is kept in a second register and saved as one
 * byte per output, an eighth of what a position in x would take.
 *
 * Backward goes over the rows of dx: a row asks the windows that read it which
 * of its pixels was their maximum, and adds up while it is in the cache. So a
 * row of dx has one owner and leaves the cache once, nothing is added in an
 * order that depends on threads, and overlapping windows are no special case.
 *
 * PyTorch's semantics of ties and NaN:
 * aten/src/ATen/native/cpu/MaxPoolKernel.cpp (val > max || isnan(val)). */
#include "max_pool2d.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum { NO_INDEX = 0, BYTE = 1, WORD = 4 }; /* bytes of an index */

typedef uint8_t byte_lanes
    __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real))));
typedef int32_t word_lanes
    __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real) * 4)));

/* ---- lanes: the first n <= VL, VL being the constant of whole vectors -----
 */

V_INLINE vint index_load(const char *p, int64_t n, int bytes) {
    if (bytes == BYTE) {
        byte_lanes narrow = {0};
        memcpy(&narrow, p, (size_t)n);
        return __builtin_convertvector(narrow, vint);
    }
    word_lanes words = {0};
    memcpy(&words, p, (size_t)n * WORD);
    return __builtin_convertvector(words, vint);
}
V_INLINE void index_store(char *p, vint index, int64_t n, int bytes) {
    if (bytes == BYTE) {
        byte_lanes narrow = __builtin_convertvector(index, byte_lanes);
        memcpy(p, &narrow, (size_t)n);
    } else if (bytes == WORD) {
        word_lanes words = __builtin_convertvector(index, word_lanes);
        memcpy(p, &words, (size_t)n * WORD);
    }
}
V_INLINE vint v_select_int(vmask m, vint a, vint b) {
    return v_bits(v_select(m, v_real(a), v_real(b)));
}

typedef struct {
    const pd_pool2d_geometry *g;
    const real *in; /* x, dy or ddx */
    real *out;      /* y, dx or ddy */
    char *index;
    int64_t rows;                    /* image rows of `out` in one task */
    pd_readers readers_h, readers_w; /* backward */
} work_t;

/* ---- windows: forward and gather ------------------------------------------
 */

/* One window, n channels. in: the window's first inside entry. */
V_INLINE void lanes_forward(const pd_pool2d_geometry *g, const real *in,
                            pd_window h, pd_window w, real *y, char *index,
                            int64_t n, int bytes) {
    const int64_t row = g->h.d * g->stride[1], col = g->w.d * g->stride[2];
    vreal best = v_load_lanes(in, n);
    vint at = v_set_int((int_of_real)(h.first * g->w.k + w.first));
    for (int64_t ky = h.first; ky < h.end; ky++, in += row) {
        const real *entry = in;
        int64_t k = ky * g->w.k + w.first;
        for (int64_t kx = w.first; kx < w.end; kx++, k++, entry += col) {
            vreal x = v_load_lanes(entry, n);
            vmask larger = m_or(v_lt(best, x), v_nan(x));
            best = v_select(larger, x, best);
            if (bytes) at = v_select_int(larger, v_set_int((int_of_real)k), at);
        }
    }
    v_store_lanes(y, best, n);
    index_store(index, at, n, bytes);
}

V_INLINE void lanes_gather(const pd_pool2d_geometry *g, const real *in,
                           pd_window h, pd_window w, real *y, const char *index,
                           int64_t n, int bytes) {
    const int64_t row = g->h.d * g->stride[1], col = g->w.d * g->stride[2];
    vint at = index_load(index, n, bytes);
    vreal found = v_set(0);
    for (int64_t ky = h.first; ky < h.end; ky++, in += row) {
        const real *entry = in;
        int64_t k = ky * g->w.k + w.first;
        for (int64_t kx = w.first; kx < w.end; kx++, k++, entry += col) {
            vmask here = v_eq_int(at, v_set_int((int_of_real)k));
            found = v_select(here, v_load_lanes(entry, n), found);
        }
    }
    v_store_lanes(y, found, n);
}

V_INLINE void lanes_run(const pd_pool2d_geometry *g, const real *in,
                        pd_window h, pd_window w, real *y, char *index,
                        int64_t n, int gather, int bytes) {
    if (gather)
        lanes_gather(g, in, h, w, y, index, n, bytes);
    else
        lanes_forward(g, in, h, w, y, index, n, bytes);
}

/* Task t of forward (gather = 0) or gather: some rows of y. */
V_INLINE void windows_run(const work_t *work, int64_t t, int gather,
                          int bytes) {
    const pd_pool2d_geometry *g = work->g;
    int64_t end = (t + 1) * work->rows;
    if (end > g->n * g->h.out) end = g->n * g->h.out;
    for (int64_t r = t * work->rows; r < end; r++) {
        int64_t oy = r % g->h.out;
        pd_window h = pd_window_of(&g->h, oy);
        const real *row = work->in + r / g->h.out * g->stride[0] +
                          pd_begin(&g->h, h) * g->stride[1];
        for (int64_t ox = 0; ox < g->w.out; ox++) {
            pd_window w = pd_window_of(&g->w, ox);
            const real *in = row + pd_begin(&g->w, w) * g->stride[2];
            int64_t at = (r * g->w.out + ox) * g->c;
            real *y = work->out + at;
            char *index = work->index + at * bytes;
            int64_t c = 0;
            for (; c + VL <= g->c; c += VL)
                lanes_run(g, in + c, h, w, y + c, index + c * bytes, VL, gather,
                          bytes);
            if (c < g->c)
                lanes_run(g, in + c, h, w, y + c, index + c * bytes, g->c - c,
                          gather, bytes);
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
static void gather_by_bytes(void *work, int64_t t) {
    windows_run(work, t, 1, BYTE);
}
static void gather_by_words(void *work, int64_t t) {
    windows_run(work, t, 1, WORD);
}

/* ---- rows of dx: backward --------------------------------------------------
 */

/* What row ky of one window gives to its row of dx, n channels.
 * dx: the pixel of the row's first inside entry. */
V_INLINE void lanes_backward(const pd_pool2d_geometry *g, const real *dy,
                             const char *index, int64_t ky, pd_window w,
                             real *dx, int64_t n, int bytes) {
    vreal part = v_load_lanes(dy, n);
    vint at = index_load(index, n, bytes);
    int64_t k = ky * g->w.k + w.first;
    for (int64_t kx = w.first; kx < w.end; kx++, k++, dx += g->w.d * g->c) {
        vmask mine = v_eq_int(at, v_set_int((int_of_real)k));
        vreal sum = v_load_lanes(dx, n) + v_select(mine, part, v_set(0));
        v_store_lanes(dx, sum, n);
    }
}

/* What the windows in row oy of image i give to one row of dx, their row ky. */
V_INLINE void row_backward(const work_t *work, int64_t i, int64_t oy,
                           int64_t ky, real *dx, int bytes) {
    const pd_pool2d_geometry *g = work->g;
    const real *dy = work->in + i * g->stride[0] + oy * g->stride[1];
    const char *index =
        work->index + (i * g->h.out + oy) * g->w.out * g->c * bytes;
    for (int64_t ox = 0; ox < g->w.out; ox++) {
        pd_window w = pd_window_of(&g->w, ox);
        real *to = dx + pd_begin(&g->w, w) * g->c;
        int64_t c = 0;
        for (; c + VL <= g->c; c += VL)
            lanes_backward(g, dy + c, index + c * bytes, ky, w, to + c, VL,
                           bytes);
        if (c < g->c)
            lanes_backward(g, dy + c, index + c * bytes, ky, w, to + c,
                           g->c - c, bytes);
        dy += g->stride[2];
        index += g->c * bytes;
    }
}

/* Task t: some rows of dx, which stay in the cache while windows add to them.
 */
V_INLINE void rows_backward(const work_t *work, int64_t t, int bytes) {
    const pd_pool2d_geometry *g = work->g;
    int64_t width = g->w.in * g->c;
    int64_t end = (t + 1) * work->rows;
    if (end > g->n * g->h.in) end = g->n * g->h.in;
    for (int64_t r = t * work->rows; r < end; r++) {
        real *dx = work->out + r * width;
        memset(dx, 0, (size_t)width * sizeof *dx);
        pd_readers readers = pd_readers_of(&g->h, r % g->h.in);
        for (int64_t oy = readers.first; oy < readers.end; oy++) {
            int64_t ky = pd_entry_of(&g->h, oy, r % g->h.in);
            if (ky >= 0) row_backward(work, r / g->h.in, oy, ky, dx, bytes);
        }
    }
}

static void backward_by_bytes(void *work, int64_t t) {
    rows_backward(work, t, BYTE);
}
static void backward_by_words(void *work, int64_t t) {
    rows_backward(work, t, WORD);
}

/* ---- the kernels -----------------------------------------------------------
 */

static int index_bytes(const pd_pool2d_geometry *g) {
    return g->h.k * g->w.k <= 255 ? BYTE : WORD;
}

/* Cuts `images` times `height` rows of `width` pixels into tasks. */
static void rows_run(work_t *work, int64_t height, int64_t width,
                     double reads_per_pixel, pd_task *run) {
    const pd_pool2d_geometry *g = work->g;
    int64_t rows = g->n * height;
    work->rows = pd_rows_per_task(width * g->c);
    double ns = 0.05 * (reads_per_pixel + 4) * (double)(rows * width * g->c);
    pd_parallel((rows + work->rows - 1) / work->rows, ns, run, work);
}

int64_t K(max_pool2d_forward)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {
        .g = g, .in = arrays[0], .out = arrays[1], .index = arrays[2]};
    pd_task *run = !work.index              ? forward_without_index
                   : index_bytes(g) == BYTE ? forward_with_bytes
                                            : forward_with_words;
    rows_run(&work, g->h.out, g->w.out, (double)g->h.k * (double)g->w.k, run);
    return 0;
}

int64_t K(max_pool2d_gather)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {
        .g = g, .in = arrays[0], .index = arrays[1], .out = arrays[2]};
    rows_run(&work, g->h.out, g->w.out, (double)g->h.k * (double)g->w.k,
             index_bytes(g) == BYTE ? gather_by_bytes : gather_by_words);
    return 0;
}

int64_t K(max_pool2d_backward)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {
        .g = g, .in = arrays[0], .index = arrays[1], .out = arrays[2]};
    rows_run(&work, g->h.in, g->w.in, pd_reads(g),
             index_bytes(g) == BYTE ? backward_by_bytes : backward_by_words);
    return 0;
}
