/* Average pool, channels-last: lanes are channels; see max_pool2d.c, of which
 * this is the linear cousin. Forward goes over windows, backward is
 * pool2d_walk.h's. */
#include "avg_pool2d.h"
#include "pool2d_walk.h"

/* What the sum over window (h, w) is divided by. */
static real divisor_of(const pd_pool2d_geometry *g, pd_window h, pd_window w) {
    if (g->divisor) return (real)g->divisor;
    return (real)(window_size(g, &g->h, h) * window_size(g, &g->w, w));
}

/* rows x cols entries from x on, `vectors` vectors of channels or where n < VL
 * the first n lanes of one. */
V_INLINE void block_forward(const pd_pool2d_geometry *g, const real *x,
                            int64_t rows, int64_t cols, vreal size, real *y,
                            const int vectors, int64_t n) {
    vreal sum[BLOCK];
    UNROLL for (int v = 0; v < vectors; v++)
        sum[v] = v_set(0);
    for (int64_t ky = 0; ky < rows; ky++, x += g->stride[1]) {
        const real *entry = x;
        for (int64_t kx = 0; kx < cols; kx++, entry += g->stride[2]) UNROLL
            for (int v = 0; v < vectors; v++)
                sum[v] = sum[v] + v_load_lanes(entry + v * VL, n);
    }
    UNROLL for (int v = 0; v < vectors; v++)
        v_store_lanes(y + v * VL, sum[v] / size, n);
}

/* All channels of a window. */
V_INLINE void window_forward(const pd_pool2d_geometry *g, const real *x,
                             int64_t rows, int64_t cols, vreal size, real *y) {
    const int64_t channels = g->c;
    int64_t c = 0;
    for (; c + BLOCK * VL <= channels; c += BLOCK * VL)
        block_forward(g, x + c, rows, cols, size, y + c, BLOCK, VL);
    for (; c + VL <= channels; c += VL)
        block_forward(g, x + c, rows, cols, size, y + c, 1, VL);
    if (c < channels)
        block_forward(g, x + c, rows, cols, size, y + c, 1, channels - c);
}

/* Task t: a run of y. */
static void windows_forward(void *context, int64_t t) {
    const work_t *work = context;
    const pd_pool2d_geometry *g = work->g;
    stretch_t s = stretches_of(work, t);
    while (stretch_next(work, &s)) {
        const pd_window h = pd_window_of(&g->h, s.row);
        const real *row = work->in + s.image * g->stride[0] +
                          pd_begin(&g->h, h) * g->stride[1];
        real *y = work->out +
                  ((s.image * g->h.out + s.row) * g->w.out + s.from) * g->c;
        for (int64_t ox = s.from; ox < s.to; ox++, y += g->c) {
            const pd_window w = pd_window_of(&g->w, ox);
            const real *x = row + pd_begin(&g->w, w) * g->stride[2];
            const int64_t rows = h.end - h.first, cols = w.end - w.first;
            const vreal size = v_set(divisor_of(g, h, w));
            if (rows == 2 && cols == 2)
                window_forward(g, x, 2, 2, size, y);
            else if (rows == 3 && cols == 3)
                window_forward(g, x, 3, 3, size, y);
            else
                window_forward(g, x, rows, cols, size, y);
        }
    }
}

static void backward(void *work, int64_t t) {
    pixels_backward(work, t, NO_INDEX);
}

int64_t K(avg_pool2d_forward)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {.g = g, .in = arrays[0], .out = arrays[1]};
    pixels_run(&work, g->h.out, g->w.out, (double)g->h.k * (double)g->w.k,
               windows_forward);
    return 0;
}

int64_t K(avg_pool2d_backward)(void *const *arrays, const void *geometry) {
    const pd_pool2d_geometry *g = geometry;
    work_t work = {.g = g, .in = arrays[0], .out = arrays[1]};
    pixels_run(&work, g->h.in, g->w.in, pd_reads(g), backward);
    return 0;
}
