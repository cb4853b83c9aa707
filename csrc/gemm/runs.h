/* Copies of runs and of blocks, in whole vectors. */
#ifndef PD_GEMM_RUNS_H
#define PD_GEMM_RUNS_H

#include "simd.h"

V_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
V_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
V_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* n elements; the last vector of `to` is written whole: zeros after them. */
V_INLINE void copy_run_padded(real *to, const real *from, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) v_store(to + i, v_load(from + i));
    if (i < n) v_store(to + i, v_load_first(from + i, n - i));
}
/* n elements and not one more. */
V_INLINE void copy_run(real *to, const real *from, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) v_store(to + i, v_load(from + i));
    if (i < n) v_store_first(to + i, v_load_first(from + i, n - i), n - i);
}

/* to[j][i] = from[i][j] for i < rows, j < columns, both at most VL. Lanes i
 * from rows to VL are zeros: `to` has whole vectors. */
V_INLINE void transpose_block(real *to, int64_t to_row, const real *from,
                              int64_t from_row, int64_t rows, int64_t columns) {
    vreal x[V_LANES];
    if (rows == VL && columns == VL) {
        UNROLL for (int i = 0; i < V_LANES; i++)
            x[i] = v_load(from + i * from_row);
        v_transpose(x);
        UNROLL for (int j = 0; j < V_LANES; j++)
            v_store(to + j * to_row, x[j]);
        return;
    }
    for (int i = 0; i < V_LANES; i++)
        x[i] = i >= rows       ? (vreal){0}
               : columns == VL ? v_load(from + i * from_row)
                               : v_load_first(from + i * from_row, columns);
    v_transpose(x);
    for (int j = 0; j < columns; j++) v_store(to + j * to_row, x[j]);
}
V_INLINE void zero_run(real *to, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) v_store(to + i, (vreal){0});
    if (i < n) v_store_first(to + i, (vreal){0}, n - i);
}

#endif
