/* Average pool, channels-last: lanes are channels; see max_pool2d.c, of which
 * this is the linear cousin: forward goes over windows, backward over the
 * rows of dx, and each row has one owner. */
#include "avg_pool2d.h"
#include "par.h"
#include "real.h"
#include "simd.h"

typedef struct {
    const pd_pool2d_geometry *g;
    const real *in; /* x or dy */
    real *out;      /* y or dx */
    int64_t rows;   /* image rows of `out` in one task */
} work_t;

/* Entries of a window that count. */
static int64_t window_size(const pd_pool2d_geometry *g, const pd_pool_axis *a,
                           pd_window window) {
    if (!g->count_include_pad) return window.end - window.first;
    int64_t room = a->in + a->p - window.start;
    return a->k < room ? a->k : room;
}

/* What the sum over window (h, w) is divided by. */
static real divisor_of(const pd_pool2d_geometry *g, pd_window h, pd_window w) {
    if (g->divisor) return (real)g->divisor;
    return (real)(window_size(g, &g->h, h) * window_size(g, &g->w, w));
}

/* ---- windows: forward ------------------------------------------------------
 */

/* One window, n channels. x: the window's first inside entry. */
V_INLINE void lanes_forward(const pd_pool2d_geometry *g, const real *x,
                            pd_window h, pd_window w, vreal size, real *y,
                            int64_t n) {
    vreal sum = v_set(0);
    for (int64_t ky = h.first; ky < h.end; ky++, x += g->stride[1]) {
        const real *entry = x;
        for (int64_t kx = w.first; kx < w.end; kx++, entry += g->stride[2])
            sum += v_load_lanes(entry, n);
    }
    v_store_lanes(y, sum / size, n);
}

/* Task t: some rows of y. */
static void windows_forward(void *context, int64_t t) {
    const work_t *work = context;
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
            vreal size = v_set(divisor_of(g, h, w));
            const real *x = row + pd_begin(&g->w, w) * g->stride[2];
            real *y = work->out + (r * g->w.out + ox) * g->c;
            int64_t c = 0;
            for (; c + VL <= g->c; c += VL)
                lanes_forward(g, x + c, h, w, size, y + c, VL);
            if (c < g->c) lanes_forward(g, x + c, h, w, size, y + c, g->c - c);
        }
    }
}

/* ---- rows of dx: backward --------------------------------------------------
 */

/* What one window gives to its row of dx, n channels.
 * dx: the pixel of the row's first inside entry. */
V_INLINE void lanes_backward(const pd_pool2d_geometry *g, const real *dy,
                             vreal size, pd_window w, real *dx, int64_t n) {
    vreal part = v_load_lanes(dy, n) / size;
    for (int64_t kx = w.first; kx < w.end; kx++, dx += g->c)
        v_store_lanes(dx, v_load_lanes(dx, n) + part, n);
}

/* What the windows in row oy of image i give to one row of dx. */
static void row_backward(const work_t *work, int64_t i, int64_t oy, real *dx) {
    const pd_pool2d_geometry *g = work->g;
    const real *dy = work->in + i * g->stride[0] + oy * g->stride[1];
    pd_window h = pd_window_of(&g->h, oy);
    for (int64_t ox = 0; ox < g->w.out; ox++, dy += g->stride[2]) {
        pd_window w = pd_window_of(&g->w, ox);
        vreal size = v_set(divisor_of(g, h, w));
        real *to = dx + pd_begin(&g->w, w) * g->c;
        int64_t c = 0;
        for (; c + VL <= g->c; c += VL)
            lanes_backward(g, dy + c, size, w, to + c, VL);
        if (c < g->c) lanes_backward(g, dy + c, size, w, to + c, g->c - c);
    }
}

/* Task t: some rows of dx, which stay in the cache while windows add to them.
 */
static void rows_backward(void *context, int64_t t) {
    const work_t *work = context;
    const pd_pool2d_geometry *g = work->g;
    int64_t width = g->w.in * g->c;
    int64_t end = (t + 1) * work->rows;
    if (end > g->n * g->h.in) end = g->n * g->h.in;
    for (int64_t r = t * work->rows; r < end; r++) {
        real *dx = work->out + r * width;
        memset(dx, 0, (size_t)width * sizeof *dx);
        pd_readers readers = pd_readers_of(&g->h, r % g->h.in);
        for (int64_t oy = readers.first; oy < readers.end; oy++)
            row_backward(work, r / g->h.in, oy, dx);
    }
}

/* ---- the kernels -----------------------------------------------------------
 */

static void rows_run(work_t *work, int64_t height, int64_t width,
                     double reads_per_pixel, pd_task *run) {
    const pd_pool2d_geometry *g = work->g;
    int64_t rows = g->n * height;
    work->rows = pd_rows_per_task(width * g->c);
    double ns = 0.05 * (reads_per_pixel + 4) * (double)(rows * width * g->c);
    pd_parallel((rows + work->rows - 1) / work->rows, ns, run, work);
}

int64_t K(avg_pool2d_forward)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {.g = g, .in = arrays[0], .out = arrays[1]};
    rows_run(&work, g->h.out, g->w.out, (double)g->h.k * (double)g->w.k,
             windows_forward);
    return 0;
}

int64_t K(avg_pool2d_backward)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {.g = g, .in = arrays[0], .out = arrays[1]};
    rows_run(&work, g->h.in, g->w.in, pd_reads(g), rows_backward);
    return 0;
}
