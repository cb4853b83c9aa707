/* A few rows of layer norm together: their sums, and the order of the pass that
 * follows.
 *
 * Rows of a page and more go alone, forward with several sums side by side, so
 * that none waits for itself. Together they took twice as long (4096 x 1024,
 * even where only the second pass was together): perhaps since they lie a page
 * apart and take one another's place in the nearest cache. How a row is summed
 * depends on its length alone. */
#ifndef PD_KERNELS_LAYER_NORM_ROWS_H
#define PD_KERNELS_LAYER_NORM_ROWS_H

#include "rows.h"

enum {
    TOGETHER = V_REGISTERS / 8, /* rows of a pass, if shorter */
    LONG = 4096,                /* than so many bytes */
    CHAINS = 4                  /* sums of a longer one, forward */
};

V_INLINE int row_is_long(int64_t n) {
    return n * (int64_t)sizeof(real) >= LONG;
}

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
V_INLINE void lanes_add(const row_t *row, int filled, const real *w, int64_t j,
                        int64_t lanes, vreal *sum, vreal *products) {
    const real *x = row->x + j;
    const vreal m = v_set(row->m);
    vreal d, g;
    if (row->dy) {
        d = v_load_lanes(x, lanes) - m;
        g = v_load_lanes(row->dy + j, lanes);
        if (w) g = g * v_load_lanes(w + j, lanes);
    } else {
        /* where m is 0, zeros will do (and gcc 12 fails to compile a filling
         * with a constant) */
        d = g = filled && lanes < VL ? v_load_filled(x, lanes, row->m) - m
                                     : v_load_lanes(x, lanes) - m;
    }
    *sum = *sum + g;
    *products = v_fma(g, d, *products);
}

/* Adds elements j … end, whole vectors, of `count` rows to their sums, each by
 * `chains` sums side by side. What is left of a row goes elsewhere: where both
 * met in one sum, gcc kept it in memory, and rows took a sixth longer. */
V_INLINE void vectors_sum(const row_t *row, const int count, const int chains,
                          int filled, const real *w, int64_t j, int64_t end,
                          vreal *sum, vreal *products) {
    enum { SUMS = TOGETHER > CHAINS ? TOGETHER : CHAINS };
    vreal a[SUMS], b[SUMS];
    UNROLL for (int s = 0; s < count * chains; s++)
        a[s] = b[s] = v_set(0);
    for (; j + chains * VL <= end; j += chains * VL) UNROLL
        for (int s = 0; s < count * chains; s++)
            lanes_add(&row[s / chains], filled, w, j + s % chains * VL, VL,
                      &a[s], &b[s]);
    for (; chains > 1 && j + VL <= end; j += VL)
        lanes_add(&row[0], filled, w, j, VL, &a[0], &b[0]);
    UNROLL for (int s = 0; s < count * chains; s++) {
        sum[s / chains] = sum[s / chains] + a[s];
        products[s / chains] = products[s / chains] + b[s];
    }
}

/* The sums of `count` rows. A block at a time: errors grow with n / block. */
V_INLINE void rows_sum(row_t *row, const int count, const int chains,
                       int filled, const real *w, int64_t n) {
    const int64_t whole = n - n % VL;
    vreal sum[TOGETHER], products[TOGETHER];
    UNROLL for (int r = 0; r < count; r++)
        sum[r] = products[r] = v_set(0);
    for (int64_t j = 0; j < whole; j += ROW_BLOCK) {
        const int64_t end = whole - j < ROW_BLOCK ? whole : j + ROW_BLOCK;
        vectors_sum(row, count, chains, filled, w, j, end, sum, products);
    }
    UNROLL for (int r = 0; r < count; r++) {
        if (whole < n)
            lanes_add(&row[r], filled, w, whole, n - whole, &sum[r],
                      &products[r]);
        row[r].sum = v_sum(sum[r]);
        row[r].products = v_sum(products[r]);
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
V_INLINE int rows_together(int64_t n) { return row_is_long(n) ? 1 : TOGETHER; }

#endif
