/* Reductions whose kept axis is innermost in memory: across vectors. See
 * reduce.c. */
#ifndef PD_KERNELS_REDUCE_COLUMNS_H
#define PD_KERNELS_REDUCE_COLUMNS_H

#include "reduce_work.h"

/* f of `lanes` elements of each of the rows p[0 … rows), from j on. */
V_INLINE vreal rows_at(int f, const real *const *p, int64_t rows, int64_t j,
                       int64_t lanes) {
#define ROW(i) (lanes == VL ? v_load(p[i] + j) : v_load_first(p[i] + j, lanes))
#define PAIR(i) combine(f, ROW(i), ROW(i + 1))
    if (rows == ROWS)
        return combine(f, combine(f, PAIR(0), PAIR(2)),
                       combine(f, PAIR(4), PAIR(6)));
    vreal s = ROW(0);
    for (int64_t i = 1; i < rows; i++) s = combine(f, s, ROW(i));
    return s;
#undef PAIR
#undef ROW
}

/* sum[0 … n) = f of the rows and, unless it is the first time, of sum itself,
 * which has room for whole vectors. */
V_INLINE void rows_into(int f, const real *const *p, int64_t rows, real *sum,
                        int first, int64_t n) {
    int64_t j = 0;
    for (; j + VL <= n; j += VL) {
        vreal s = rows_at(f, p, rows, j, VL);
        v_store(sum + j, first ? s : combine(f, v_load(sum + j), s));
    }
    if (j < n) {
        vreal s = rows_at(f, p, rows, j, n - j);
        v_store(sum + j, first ? s : combine(f, v_load(sum + j), s));
    }
}

/* Level l, of `width` columns each, after `entries` entries: those that are
 * full go one up. */
V_INLINE void columns_carry(int f, real level[LEVELS][TILE], int64_t entries,
                            int64_t width) {
    for (int l = 0; l + 1 < LEVELS && entries % FAN == 0; l++) {
        entries /= FAN;
        const real *from[1] = {level[l]};
        int first = l + 2 < LEVELS ? entries % FAN == 1 : entries == 1;
        rows_into(f, from, 1, level[l + 1], first, width);
    }
}

/* Which levels hold something after `entries` entries: level l does unless
 * its last entry filled it. */
V_INLINE int level_is_held(int l, int64_t entries) {
    for (int k = 0; k < l; k++) entries /= FAN;
    return l + 1 < LEVELS ? entries % FAN != 0 : entries != 0;
}

/* x[begin … end) of the reduced space at `width` columns from x on. Returns
 * the level that holds the result. */
V_INLINE real *columns_reduce(int f, const pd_space *s, const real *x,
                              int64_t stride, int64_t width, int64_t begin,
                              int64_t end, real level[LEVELS][TILE]) {
    real buffer[ROWS][NARROW];
    int last = (int)s->axes - 1;
    int64_t step = s->stride[0][last];
    walk_t at;
    walk_from(&at, s, begin);
    int64_t entries = 0;
    while (begin < end) {
        int64_t rows = s->size[last] - at.index[last];
        if (rows > end - begin) rows = end - begin;
        if (rows > ROWS) rows = ROWS;
        const real *p[ROWS] = {NULL};
        for (int64_t i = 0; i < rows; i++)
            p[i] =
                contiguous(x + at.offset + i * step, stride, width, buffer[i]);
        rows_into(f, p, rows, level[0], entries % FAN == 0, width);
        columns_carry(f, level, ++entries, width);
        walk_on(&at, s, rows);
        begin += rows;
    }
    int held = 0;
    while (!level_is_held(held, entries)) held++;
    for (int l = held + 1; l < LEVELS; l++) {
        if (!level_is_held(l, entries)) continue;
        const real *lower[1] = {level[held]};
        rows_into(f, lower, 1, level[l], 0, width);
        held = l;
    }
    return level[held];
}

static void columns_write(real *y, int64_t stride, const real *sum, int64_t n,
                          real divisor) {
    int64_t j = 0;
    if (stride == 1)
        for (; j + VL <= n; j += VL)
            v_store(y + j, v_load(sum + j) / v_set(divisor));
    for (; j < n; j++) y[j * stride] = sum[j] / divisor;
}

V_INLINE void columns_apply(int f, const work_t *w, int64_t unit, int64_t end,
                            int64_t part) {
    real level[LEVELS][TILE];
    const pd_space *kept = w->kept;
    int last = (int)kept->axes - 1;
    int64_t run = kept->size[last];
    int64_t x_stride = kept->stride[0][last], y_stride = kept->stride[1][last];
    int64_t first = part * w->part, after = first + w->part;
    if (after > w->terms) after = w->terms;
    for (; unit < end; unit++) {
        int64_t column = unit % w->per_run * w->width;
        int64_t k = unit / w->per_run * run + column;
        int64_t n = run - column < w->width ? run - column : w->width;
        const real *sum =
            columns_reduce(f, w->reduced, w->x + pd_space_offset(kept, 0, k),
                           x_stride, n, first, after, level);
        if (w->partial) {
            memcpy(w->partial + part * w->outputs + k, sum,
                   (size_t)n * sizeof(real));
        } else {
            columns_write(w->y + pd_space_offset(kept, 1, k), y_stride, sum, n,
                          w->divisor);
        }
    }
}

#endif
