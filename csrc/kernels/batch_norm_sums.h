/* Batch norm's first pass: the sums of every part.
 *
 * Accuracy: a part's shift is the mean of its first rows, so x - shift has what
 * matters and a large mean costs nothing. q - s s / n cancels little: it is at
 * least those rows' share in it, q / FIRST (Chan, Golub, LeVeque, Algorithms
 * for computing the sample variance, 1983, on shifted data). Parts are brought
 * to the shift of the first one, in double. */
#ifndef PD_KERNELS_BATCH_NORM_SUMS_H
#define PD_KERNELS_BATCH_NORM_SUMS_H

#include "batch_norm_work.h"

/* sum += g, products += g d over rows at `tiles` vectors from column j on,
 * d = x - shift, g = dy, or d where there is no dy. */
V_INLINE void tile_sums(const real *const *x, const real *const *dy,
                        int64_t rows, const real *shift, real *sum,
                        real *products, int64_t j, int tiles, int64_t lanes) {
    vreal m[TILE], a[TILE], b[TILE];
    UNROLL for (int k = 0; k < tiles; k++) {
        m[k] = v_load_lanes(shift + j + k * VL, lanes);
        a[k] = b[k] = v_set(0);
    }
    for (int64_t r = 0; r < rows; r++) UNROLL
        for (int k = 0; k < tiles; k++) {
            const int64_t at = j + k * VL;
            vreal d = v_load_lanes_along(x[r] + at, lanes) - m[k];
            vreal g = dy ? v_load_lanes_along(dy[r] + at, lanes) : d;
            a[k] = a[k] + g;
            b[k] = v_fma(g, d, b[k]);
        }
    UNROLL for (int k = 0; k < tiles; k++) {
        const int64_t at = j + k * VL;
        v_store_lanes(sum + at, v_load_lanes(sum + at, lanes) + a[k], lanes);
        v_store_lanes(products + at, v_load_lanes(products + at, lanes) + b[k],
                      lanes);
    }
}

V_INLINE void block_sums(const real *const *x, const real *const *dy,
                         int64_t rows, const real *shift, real *sum,
                         real *products, int64_t j, int64_t end) {
    for (; j + TILE * VL <= end; j += TILE * VL)
        tile_sums(x, dy, rows, shift, sum, products, j, TILE, VL);
    for (; j + VL <= end; j += VL)
        tile_sums(x, dy, rows, shift, sum, products, j, 1, VL);
    if (j < end) tile_sums(x, dy, rows, shift, sum, products, j, 1, end - j);
}

/* Task: a chunk of the columns of a part. */
static void task_sums(void *context, int64_t task) {
    const set_t *s = context;
    const work_t *w = s->work;
    const int64_t part = task / w->chunks, columns = w->columns;
    int64_t begin = part * w->part, end = min(begin + w->part, w->rows);
    int64_t j = task % w->chunks * w->chunk, last = min(j + w->chunk, columns);
    real *shift = s->sums + part * SUMS * columns, *sum = shift + columns;
    real *products = sum + columns;
    const size_t bytes = (size_t)(last - j) * sizeof(real);
    const real *x[SHIFT_ROWS], *dy[SUM_ROWS];
    if (!w->dy) { /* the shift is the mean of the first rows */
        int64_t rows = min(SHIFT_ROWS, ceil_div(end - begin, FIRST));
        rows_find(s, 1, w->x, begin, rows, x);
        memset(shift + j, 0, bytes);
        memset(sum + j, 0, bytes);
        memset(products + j, 0, bytes);
        block_sums(x, NULL, rows, shift, sum, products, j, last);
        for (int64_t i = j; i < last; i++) shift[i] = sum[i] / (real)rows;
    }
    memset(sum + j, 0, bytes);
    memset(products + j, 0, bytes);
    for (; begin < end; begin += SUM_ROWS) {
        int64_t rows = min(SUM_ROWS, end - begin);
        rows_find(s, 1, w->x, begin, rows, x);
        if (w->dy) {
            rows_find(s, 2, w->dy, begin, rows, dy);
            block_sums(x, dy, rows, s->mean, sum, products, j, last);
        } else {
            block_sums(x, NULL, rows, shift, sum, products, j, last);
        }
    }
}

#endif
