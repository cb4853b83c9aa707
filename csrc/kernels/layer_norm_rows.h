/* A few rows of layer norm together: their sums, and the order of the pass that
 * follows.
 *
 * Rows of a page and more go alone: several at once are more streams than a
 * processor reads ahead of (4096 x 1024 took 1.7 times as long). */
#ifndef PD_KERNELS_LAYER_NORM_ROWS_H
#define PD_KERNELS_LAYER_NORM_ROWS_H

#include "rows.h"

enum {
    TOGETHER = V_REGISTERS / 8, /* rows of a pass, if shorter */
    LONG = 4096                 /* than so many bytes */
};

/* VL elements of an optional row. */
V_INLINE vreal given(const real *p, int64_t j, int64_t lanes, real absent) {
    return p ? v_load_lanes(p + j, lanes) : v_set(absent);
}

/* A row, and its sums of g and g d: d = x - m, and g is w dy, or d itself where
 * there is no dy. Forward's g has no need of w. */
typedef struct {
    const real *x, *dy;
    real *to; /* y or dx */
    real m, sum, products;
} row_t;

/* What `lanes` elements from j on add to a row's sums: those past them have
 * g = 0. */
V_INLINE void lanes_add(const row_t *row, const real *w, int64_t j,
                        int64_t lanes, vreal *sum, vreal *products) {
    const real *x = row->x + j;
    const vreal m = v_set(row->m);
    vreal d, g;
    if (row->dy) {
        d = v_load_lanes(x, lanes) - m;
        g = v_load_lanes(row->dy + j, lanes);
        if (w) g = g * v_load_lanes(w + j, lanes);
    } else {
        d = g = (lanes == VL ? v_load(x) : v_load_filled(x, lanes, row->m)) - m;
    }
    *sum = *sum + g;
    *products = v_fma(g, d, *products);
}

/* A block at a time: errors grow with n / block. */
V_INLINE void rows_sum(row_t *row, int count, const real *w, int64_t n) {
    vreal all[TOGETHER], all_products[TOGETHER];
    UNROLL for (int r = 0; r < count; r++)
        all[r] = all_products[r] = v_set(0);
    for (int64_t j = 0; j < n;) {
        const int64_t end = n - j < ROW_BLOCK ? n : j + ROW_BLOCK;
        vreal a[TOGETHER], b[TOGETHER];
        UNROLL for (int r = 0; r < count; r++)
            a[r] = b[r] = v_set(0);
        for (; j + VL <= end; j += VL) UNROLL
            for (int r = 0; r < count; r++)
                lanes_add(&row[r], w, j, VL, &a[r], &b[r]);
        if (j < end) {
            UNROLL for (int r = 0; r < count; r++)
                lanes_add(&row[r], w, j, end - j, &a[r], &b[r]);
            j = end;
        }
        UNROLL for (int r = 0; r < count; r++) {
            all[r] = all[r] + a[r];
            all_products[r] = all_products[r] + b[r];
        }
    }
    UNROLL for (int r = 0; r < count; r++) {
        row[r].sum = v_sum(all[r]);
        row[r].products = v_sum(all_products[r]);
    }
}

/* The second pass, at(…, j, lanes) for the vectors of `count` rows: several go
 * back from their end, a long one goes forward. */
#define EACH_VECTOR(at, ...)                                                   \
    do {                                                                       \
        const int64_t whole = n - n % VL;                                      \
        if (count > 1 && whole < n) at(__VA_ARGS__, whole, n - whole);         \
        for (int64_t v = 0; v < whole; v += VL)                                \
            at(__VA_ARGS__, count > 1 ? whole - VL - v : v, VL);               \
        if (count == 1 && whole < n) at(__VA_ARGS__, whole, n - whole);        \
    } while (0)

/* How many rows go together. */
V_INLINE int rows_together(int64_t n) {
    return n * (int64_t)sizeof(real) < LONG ? TOGETHER : 1;
}

#endif
