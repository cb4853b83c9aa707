/* Average pool, channels-last: lanes are channels; see max_pool2d.c, of which
 * this is the linear cousin: forward goes over windows, backward over pixels,
 * and each output element is written once. */
#include "avg_pool2d.h"
#include "par.h"
#include "real.h"
#include "simd.h"

typedef struct {
    const pd_pool2d_geometry *g;
    const real *in; /* x or dy */
    real *out;      /* y or dx */
    int64_t rows;   /* image rows of `out` in one task */
    pd_readers readers_h, readers_w;
} work_t;

V_INLINE vreal lanes_load(const real *p, int64_t n) {
    return n == VL ? v_load(p) : v_load_first(p, n);
}
V_INLINE void lanes_store(real *p, vreal x, int64_t n) {
    if (n == VL)
        v_store(p, x);
    else
        v_store_first(p, x, n);
}

/* Entries of output o's window that count. */
static int64_t window_size(const pd_pool2d_geometry *g, const pd_pool_axis *a,
                           int64_t o) {
    if (!g->count_include_pad) {
        pd_window window = pd_window_of(a, o);
        return window.end - window.first;
    }
    int64_t room = a->in + a->p - (o * a->s - a->p);
    return a->k < room ? a->k : room;
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
            sum += lanes_load(entry, n);
    }
    lanes_store(y, sum / size, n);
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
        int64_t height = window_size(g, &g->h, oy);
        const real *row = work->in + r / g->h.out * g->stride[0] +
                          (oy * g->h.s - g->h.p + h.first) * g->stride[1];
        for (int64_t ox = 0; ox < g->w.out; ox++) {
            pd_window w = pd_window_of(&g->w, ox);
            vreal size = v_set((real)(height * window_size(g, &g->w, ox)));
            const real *x =
                row + (ox * g->w.s - g->w.p + w.first) * g->stride[2];
            real *y = work->out + (r * g->w.out + ox) * g->c;
            int64_t c = 0;
            for (; c + VL <= g->c; c += VL)
                lanes_forward(g, x + c, h, w, size, y + c, VL);
            if (c < g->c) lanes_forward(g, x + c, h, w, size, y + c, g->c - c);
        }
    }
}

/* ---- pixels: backward ------------------------------------------------------
 */

/* One pixel (iy, ix) of image i, n channels from channel c. */
V_INLINE void lanes_backward(const work_t *work, int64_t i, int64_t iy,
                             int64_t ix, int64_t c, int64_t n) {
    const pd_pool2d_geometry *g = work->g;
    const pd_readers *h = &work->readers_h, *w = &work->readers_w;
    vreal dx = v_set(0);
    for (int64_t a = h->begin[iy]; a < h->begin[iy + 1]; a++) {
        int64_t oy = h->reader[a].o, height = window_size(g, &g->h, oy);
        const real *dy = work->in + i * g->stride[0] + oy * g->stride[1] + c;
        for (int64_t b = w->begin[ix]; b < w->begin[ix + 1]; b++) {
            int64_t ox = w->reader[b].o;
            vreal size = v_set((real)(height * window_size(g, &g->w, ox)));
            dx += lanes_load(dy + ox * g->stride[2], n) / size;
        }
    }
    lanes_store(work->out + ((i * g->h.in + iy) * g->w.in + ix) * g->c + c, dx,
                n);
}

/* Task t: some rows of dx. */
static void pixels_backward(void *context, int64_t t) {
    const work_t *work = context;
    const pd_pool2d_geometry *g = work->g;
    int64_t end = (t + 1) * work->rows;
    if (end > g->n * g->h.in) end = g->n * g->h.in;
    for (int64_t r = t * work->rows; r < end; r++) {
        int64_t i = r / g->h.in, iy = r % g->h.in;
        for (int64_t ix = 0; ix < g->w.in; ix++) {
            int64_t c = 0;
            for (; c + VL <= g->c; c += VL)
                lanes_backward(work, i, iy, ix, c, VL);
            if (c < g->c) lanes_backward(work, i, iy, ix, c, g->c - c);
        }
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
    void *h = pd_scratch(PD_SCRATCH_A, (size_t)pd_readers_bytes(&g->h));
    void *w = pd_scratch(PD_SCRATCH_B, (size_t)pd_readers_bytes(&g->w));
    if (!h || !w) return PD_NO_MEMORY;
    work.readers_h = pd_readers_of(&g->h, h);
    work.readers_w = pd_readers_of(&g->w, w);
    double readers =
        (double)g->h.k * (double)g->w.k / ((double)g->h.s * (double)g->w.s);
    rows_run(&work, g->h.in, g->w.in, readers, pixels_backward);
    return 0;
}
