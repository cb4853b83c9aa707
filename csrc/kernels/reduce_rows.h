/* Reductions whose reduced axis is innermost in memory: along vectors. See
 * reduce.c. */
#ifndef PD_KERNELS_REDUCE_ROWS_H
#define PD_KERNELS_REDUCE_ROWS_H

#include "reduce_work.h"

/* The combination of n <= BLOCK contiguous elements, by lanes; `along`: of a
 * long row. */
V_INLINE vreal block_reduce(int f, int along, const real *p, int64_t n) {
    const vreal none = v_set(identity(f));
    vreal a[4] = {none, none, none, none};
    int64_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) UNROLL
        for (int k = 0; k < 4; k++) {
            const real *at = p + i + k * VL;
            a[k] = combine(f, a[k], along ? v_load_along(at) : v_load(at));
        }
    for (; i + VL <= n; i += VL) a[0] = combine(f, a[0], v_load(p + i));
    if (i < n)
        a[1] = combine(f, a[1], v_load_filled(p + i, n - i, identity(f)));
    return combine(f, combine(f, a[0], a[1]), combine(f, a[2], a[3]));
}

/* level[l] holds the entries since it was last handed up, if any. */
typedef struct {
    int64_t entries;
    vreal level[LEVELS];
} row_cascade;

V_INLINE void row_push(int f, row_cascade *c, vreal entry) {
    c->level[0] = combine(f, c->level[0], entry);
    int64_t n = ++c->entries;
    for (int l = 0; l + 1 < LEVELS && n % FAN == 0; l++, n /= FAN) {
        c->level[l + 1] = combine(f, c->level[l + 1], c->level[l]);
        c->level[l] = v_set(identity(f));
    }
}

/* x[begin … end) of the reduced space, from x on, to one value. */
V_INLINE real row_reduce(int f, const pd_space *s, const real *x, int64_t begin,
                         int64_t end) {
    int last = (int)s->axes - 1;
    int64_t stride = s->stride[0][last];
    if (last == 0 && stride == 1 && end - begin <= BLOCK)
        return combine_lanes(f, block_reduce(f, 0, x + begin, end - begin));

    real buffer[TILE];
    int64_t most = stride == 1 || BLOCK < TILE ? BLOCK : TILE;
    row_cascade c = {.entries = 0};
    for (int l = 0; l < LEVELS; l++) c.level[l] = v_set(identity(f));
    walk_t at;
    walk_from(&at, s, begin);
    while (begin < end) {
        int64_t n = s->size[last] - at.index[last];
        if (n > end - begin) n = end - begin;
        if (n > most) n = most;
        const real *p = contiguous(x + at.offset, stride, n, buffer);
        row_push(f, &c, block_reduce(f, 1, p, n));
        walk_on(&at, s, n);
        begin += n;
    }
    vreal sum = c.level[0];
    for (int l = 1; l < LEVELS; l++) sum = combine(f, c.level[l], sum);
    return combine_lanes(f, sum);
}

V_INLINE void rows_apply(int f, const work_t *w, int64_t unit, int64_t end,
                         int64_t part) {
    int64_t first = part * w->part, after = first + w->part;
    if (after > w->terms) after = w->terms;
    for (; unit < end; unit++) {
        const real *x = w->x + pd_space_offset(w->kept, 0, unit);
        real y = row_reduce(f, w->reduced, x, first, after);
        if (w->partial)
            w->partial[part * w->outputs + unit] = y;
        else
            w->y[pd_space_offset(w->kept, 1, unit)] = y / w->divisor;
    }
}

/* Sums of rows that lie in one piece of at most BLOCK elements, VL rows side by
 * side: their lanes are added all at once. Where fewer rows are left the others
 * are zeros, so a row's sum does not depend on its neighbours. */
static int short_rows(const work_t *w) {
    const int last = (int)w->reduced->axes - 1;
    return w->f == PD_REDUCE_sum && !w->partial && last == 0 &&
           w->terms <= BLOCK && w->reduced->stride[0][0] == 1;
}

/* Not inlined: among the other loops of a task it takes an eighth longer. */
__attribute__((noinline)) static void
short_rows_sum(const work_t *w, int64_t unit, int64_t end) {
    const pd_space *kept = w->kept;
    const int last = (int)kept->axes - 1;
    const int64_t step = kept->stride[0][last];
    while (unit < end) {
        const real *x = w->x + pd_space_offset(kept, 0, unit);
        real *y = w->y + pd_space_offset(kept, 1, unit);
        int64_t rows = kept->size[last] - unit % kept->size[last];
        if (rows > end - unit) rows = end - unit;
        if (rows > VL) rows = VL;
        vreal sum[V_LANES];
        if (rows == VL)
            for (int i = 0; i < V_LANES; i++)
                sum[i] = block_reduce(PD_REDUCE_sum, 0, x + i * step, w->terms);
        else
            for (int i = 0; i < V_LANES; i++)
                sum[i] = i < rows ? block_reduce(PD_REDUCE_sum, 0, x + i * step,
                                                 w->terms)
                                  : v_set(0);
        const vreal all = v_sums(sum) / v_set(w->divisor);
        if (rows == VL && kept->stride[1][last] == 1)
            v_store(y, all);
        else
            for (int64_t i = 0; i < rows; i++)
                y[i * kept->stride[1][last]] = all[i];
        unit += rows;
    }
}

#endif
