/* Rows: passes over n contiguous elements, for kernels that treat an axis as a
 * whole (softmax, cross entropy), and how rows of any strides become
 * contiguous.
 *
 *     a row along any axis:              a tile of `count` such rows:
 *     x[offset + j * stride]   ──gather──>  tile[r * n + j]  ──scatter──> y
 *
 * Sums are taken BLOCK elements at a time and the blocks then added, so their
 * error grows with n / BLOCK. */
#ifndef PD_CORE_ROWS_H
#define PD_CORE_ROWS_H

#include "simd.h"
#include "space.h"
#include "vmath.h"

#define ROW_BLOCK (64 * VL)

/* The largest element, NaN left out; -inf for n = 0. */
V_INLINE real row_top(const real *x, int64_t n) {
    const real least = (real)-INFINITY;
    vreal a = v_set(least), b = a;
    int64_t j = 0;
    for (; j + 2 * VL <= n; j += 2 * VL) {
        a = v_max(v_load(x + j), a);
        b = v_max(v_load(x + j + VL), b);
    }
    for (; j + VL <= n; j += VL) a = v_max(v_load(x + j), a);
    if (j < n) b = v_max(v_load_filled(x + j, n - j, least), b);
    return v_top(v_max(a, b));
}

/* y = exp(x - top) where y is not NULL; returns the sum. top >= x. */
V_INLINE real row_exp(const real *x, real top, real *y, int64_t n) {
    const vreal shift = v_set(top);
    vreal total = v_set(0);
    int64_t j = 0;
    while (j < n) {
        vreal sum = v_set(0);
        int64_t end = n - j < ROW_BLOCK ? n : j + ROW_BLOCK;
        for (; j + VL <= end; j += VL) {
            vreal e = vm_exp_negative(v_load(x + j) - shift);
            if (y) v_store(y + j, e);
            sum = sum + e;
        }
        if (j < end) {
            vreal tail = v_load_filled(x + j, end - j, (real)-INFINITY);
            vreal e = vm_exp_negative(tail - shift);
            if (y) v_store_first(y + j, e, end - j);
            sum = sum + e;
            j = end;
        }
        total = total + sum;
    }
    return v_sum(total);
}

/* The sum of a, or of a * b where b is not NULL. */
V_INLINE real row_dot(const real *a, const real *b, int64_t n) {
    const vreal one = v_set(1);
    vreal total = v_set(0);
    int64_t j = 0;
    while (j < n) {
        vreal sum[2] = {v_set(0), v_set(0)};
        int64_t end = n - j < ROW_BLOCK ? n : j + ROW_BLOCK;
        for (; j + 2 * VL <= end; j += 2 * VL) UNROLL
            for (int k = 0; k < 2; k++) {
                const int64_t i = j + k * VL;
                sum[k] = v_fma(v_load(a + i), b ? v_load(b + i) : one, sum[k]);
            }
        for (; j + VL <= end; j += VL)
            sum[0] = v_fma(v_load(a + j), b ? v_load(b + j) : one, sum[0]);
        if (j < end) {
            vreal tail = b ? v_load_first(b + j, end - j) : one;
            sum[1] = v_fma(v_load_first(a + j, end - j), tail, sum[1]);
            j = end;
        }
        total = total + (sum[0] + sum[1]);
    }
    return v_sum(total);
}

/* y[j] = formula, with the vectors a and b of two rows at j (b may be a). */
#define ROW_MAP(formula)                                                       \
    do {                                                                       \
        int64_t j = 0;                                                         \
        for (; j + VL <= n; j += VL) {                                         \
            vreal a = v_load(pa + j), b = v_load(pb + j);                      \
            (void)b;                                                           \
            v_store(py + j, formula);                                          \
        }                                                                      \
        if (j < n) {                                                           \
            vreal a = v_load_first(pa + j, n - j);                             \
            vreal b = v_load_first(pb + j, n - j);                             \
            (void)b;                                                           \
            v_store_first(py + j, formula, n - j);                             \
        }                                                                      \
    } while (0)

/* The elements of a task, and so the rows. */
enum { ROWS_TASK = 8192 };
V_INLINE int64_t rows_per_task(int64_t n) {
    return n < ROWS_TASK ? ROWS_TASK / n : 1;
}

/* Rows first … first + VL lie side by side in an operand's memory. */
V_INLINE int rows_adjoin(const pd_space *rows, int operand, int64_t first) {
    int last = (int)rows->axes - 1;
    return rows->stride[operand][last] == 1 &&
           first % rows->size[last] + VL <= rows->size[last];
}

/* The rows first … first + count of an operand, whole, into a tile and back.
 * VL rows side by side are transposed, VL elements of each at a time. */
static inline void rows_gather(real *tile, const real *x, const pd_space *rows,
                               int operand, int64_t stride, int64_t n,
                               int64_t first, int64_t count) {
    int64_t r = 0;
    while (r < count) {
        int64_t j = 0;
        int side_by_side =
            count - r >= VL && rows_adjoin(rows, operand, first + r);
        int64_t m = side_by_side ? VL : 1;
        const real *from = x + pd_space_offset(rows, operand, first + r);
        real *to = tile + r * n;
        for (; side_by_side && j + VL <= n; j += VL) {
            vreal block[V_LANES];
            UNROLL for (int i = 0; i < V_LANES; i++)
                block[i] = v_load(from + (j + i) * stride);
            v_transpose(block);
            UNROLL for (int i = 0; i < V_LANES; i++)
                v_store(to + i * n + j, block[i]);
        }
        for (; j < n; j++)
            for (int64_t i = 0; i < m; i++)
                to[i * n + j] = from[j * stride + i];
        r += m;
    }
}
static inline void rows_scatter(const real *tile, real *y, const pd_space *rows,
                                int operand, int64_t stride, int64_t n,
                                int64_t first, int64_t count) {
    int64_t r = 0;
    while (r < count) {
        int64_t j = 0;
        int side_by_side =
            count - r >= VL && rows_adjoin(rows, operand, first + r);
        int64_t m = side_by_side ? VL : 1;
        const real *from = tile + r * n;
        real *to = y + pd_space_offset(rows, operand, first + r);
        for (; side_by_side && j + VL <= n; j += VL) {
            vreal block[V_LANES];
            UNROLL for (int i = 0; i < V_LANES; i++)
                block[i] = v_load(from + i * n + j);
            v_transpose(block);
            UNROLL for (int i = 0; i < V_LANES; i++)
                v_store(to + (j + i) * stride, block[i]);
        }
        for (; j < n; j++)
            for (int64_t i = 0; i < m; i++)
                to[j * stride + i] = from[i * n + j];
        r += m;
    }
}

#endif
