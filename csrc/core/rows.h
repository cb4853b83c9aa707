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

/* y = exp(x - top) where y is not NULL; returns the sum. top >= x. What is two
 * parts of a long row ahead is asked for meanwhile: its top is found next. */
V_INLINE real row_exp(const real *x, real top, real *y, int64_t n) {
    const vreal shift = v_set(top);
    vreal total = v_set(0);
    int64_t j = 0;
    while (j < n) {
        vreal sum = v_set(0);
        int64_t end = n - j < ROW_BLOCK ? n : j + ROW_BLOCK;
        for (; j + VL <= end; j += VL) {
            vreal e = vm_exp_negative(v_load(x + j) - shift);
            __builtin_prefetch(x + j + 4 * ROW_BLOCK, 0, 2);
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

/* A long row is taken in parts, so that it is read from memory once: the top of
 * a part is that of all elements so far, and what parts before it were given is
 * raised to the last one in the end. */
enum { ROW_PARTS = 64 }; /* at most */
V_INLINE int64_t row_part(int64_t n) {
    const int64_t blocks =
        (n + ROW_PARTS * ROW_BLOCK - 1) / (ROW_PARTS * ROW_BLOCK);
    return ROW_BLOCK * (blocks < 2 ? 2 : blocks);
}

/* exp(from - to) of two tops, from <= to; equal ones may be infinite. */
V_INLINE real row_raise(real from, real to) {
    return from == to ? 1 : vm_exp_negative(v_set(from - to))[0];
}

/* y = exp(x - top[part]) where y is not NULL. Returns the sum of exp(x - last),
 * last the top of the last part, which is that of the row. The next part's top
 * is found before this part's exponentials, whose loop hides the wait for it.
 */
V_INLINE real row_exp_parts(const real *x, real *y, int64_t n, real *top,
                            real *last) {
    const int64_t part = row_part(n);
    real sum = 0, next = row_top(x, n < part ? n : part);
    *last = next;
    for (int64_t j = 0, k = 0; j < n; j += part, k++) {
        const int64_t count = n - j < part ? n - j : part, rest = n - j - count;
        const real before = *last;
        if (before < next) *last = next;
        if (top) top[k] = *last;
        if (rest > 0) next = row_top(x + j + count, rest < part ? rest : part);
        /* of nothing but -inf so far: exp(-inf) */
        const real shift = *last == (real)-INFINITY ? 0 : *last;
        sum = sum * row_raise(before, *last) +
              row_exp(x + j, shift, y ? y + j : NULL, count);
    }
    return sum;
}

/* y = y * scale. */
V_INLINE void row_scale(real *y, real scale, int64_t n) {
    const vreal factor = v_set(scale);
    int64_t j = 0;
    for (; j + VL <= n; j += VL) v_store(y + j, v_load(y + j) * factor);
    if (j < n) v_store_first(y + j, v_load_first(y + j, n - j) * factor, n - j);
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
/* The same where rows go through a tile: as many as are transposed at once. */
V_INLINE int64_t rows_per_tile(int64_t n) {
    const int64_t rows = rows_per_task(n);
    return rows < VL ? VL : rows;
}

/* Rows first … first + VL lie side by side in an operand's memory. */
V_INLINE int rows_adjoin(const pd_space *rows, int operand, int64_t first) {
    int last = (int)rows->axes - 1;
    return rows->stride[operand][last] == 1 &&
           first % rows->size[last] + VL <= rows->size[last];
}

/* The rows first … first + count of an operand, whole, into a tile and back.
 * VL rows side by side are transposed, at most VL elements of each at a time.
 */
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
        if (side_by_side && j < n) {
            vreal block[V_LANES];
            UNROLL for (int i = 0; i < V_LANES; i++)
                block[i] =
                    j + i < n ? v_load(from + (j + i) * stride) : v_set(0);
            v_transpose(block);
            UNROLL for (int i = 0; i < V_LANES; i++)
                v_store_first(to + i * n + j, block[i], n - j);
            j = n;
        }
        for (; j < n; j++) to[j] = from[j * stride];
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
        if (side_by_side && j < n) {
            vreal block[V_LANES];
            UNROLL for (int i = 0; i < V_LANES; i++)
                block[i] = v_load_first(from + i * n + j, n - j);
            v_transpose(block);
            UNROLL for (int i = 0; i < V_LANES; i++)
                if (j + i < n) v_store(to + (j + i) * stride, block[i]);
            j = n;
        }
        for (; j < n; j++) to[j * stride] = from[j];
        r += m;
    }
}

#endif
