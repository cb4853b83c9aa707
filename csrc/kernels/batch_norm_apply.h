/* Batch norm's second pass: y or dx, from what each column was found to be
 * given. */
#ifndef PD_KERNELS_BATCH_NORM_APPLY_H
#define PD_KERNELS_BATCH_NORM_APPLY_H

#include "batch_norm_work.h"

/* y = (x - mean) scale + offset. */
V_INLINE void tile_forward(const set_t *s, const real *const *x, int64_t rows,
                           real *y, int64_t j, int tiles, int64_t lanes) {
    const int64_t columns = s->work->columns;
    vreal mean[TILE], scale[TILE], offset[TILE];
    UNROLL for (int k = 0; k < tiles; k++) {
        mean[k] = v_load_lanes(s->mean + j + k * VL, lanes);
        scale[k] = v_load_lanes(s->scale + j + k * VL, lanes);
        offset[k] = v_load_lanes(s->offset + j + k * VL, lanes);
    }
    for (int64_t r = 0; r < rows; r++) UNROLL
        for (int k = 0; k < tiles; k++) {
            const int64_t at = j + k * VL;
            vreal d = v_load_lanes_along(x[r] + at, lanes) - mean[k];
            v_store_lanes(y + r * columns + at, v_fma(d, scale[k], offset[k]),
                          lanes);
        }
}

/* dx = dy scale - (x - mean) slope - share; without x: dy scale. */
V_INLINE void tile_backward(const set_t *s, const real *const *x,
                            const real *const *dy, int64_t rows, real *dx,
                            int64_t j, int tiles, int64_t lanes) {
    const int64_t columns = s->work->columns;
    vreal mean[TILE], scale[TILE], slope[TILE], share[TILE];
    UNROLL for (int k = 0; k < tiles; k++) {
        scale[k] = v_load_lanes(s->scale + j + k * VL, lanes);
        if (!x) continue;
        mean[k] = v_load_lanes(s->mean + j + k * VL, lanes);
        slope[k] = v_load_lanes(s->slope + j + k * VL, lanes);
        share[k] = v_load_lanes(s->share + j + k * VL, lanes);
    }
    for (int64_t r = 0; r < rows; r++) UNROLL
        for (int k = 0; k < tiles; k++) {
            const int64_t at = j + k * VL;
            vreal g = v_load_lanes_along(dy[r] + at, lanes) * scale[k];
            if (x) {
                vreal d = v_load_lanes_along(x[r] + at, lanes) - mean[k];
                g = v_fma(-d, slope[k], g - share[k]);
            }
            v_store_lanes(dx + r * columns + at, g, lanes);
        }
}

#define EACH_TILE(tile, ...)                                                   \
    do {                                                                       \
        int64_t j = from;                                                      \
        for (; j + TILE * VL <= last; j += TILE * VL)                          \
            tile(__VA_ARGS__, j, TILE, VL);                                    \
        for (; j + VL <= last; j += VL) tile(__VA_ARGS__, j, 1, VL);           \
        if (j < last) tile(__VA_ARGS__, j, 1, last - j);                       \
    } while (0)

static void task_apply(void *context, int64_t task) {
    const set_t *s = context;
    const work_t *w = s->work;
    int64_t begin = task / w->chunks * w->part;
    const int64_t end = min(begin + w->part, w->rows);
    const int64_t from = task % w->chunks * w->chunk;
    const int64_t last = min(from + w->chunk, w->columns);
    const real *x[APPLY_ROWS], *dy[APPLY_ROWS];
    for (; begin < end; begin += APPLY_ROWS) {
        int64_t rows = min(APPLY_ROWS, end - begin);
        int64_t at = s->set * w->g->set_stride[0] + begin * w->columns;
        rows_find(s, 1, w->x, begin, rows, x);
        if (w->dy) rows_find(s, 2, w->dy, begin, rows, dy);
        if (!w->dy)
            EACH_TILE(tile_forward, s, x, rows, w->y + at);
        else if (w->g->trains)
            EACH_TILE(tile_backward, s, x, dy, rows, w->dx + at);
        else
            EACH_TILE(tile_backward, s, NULL, dy, rows, w->dx + at);
    }
}

#endif
