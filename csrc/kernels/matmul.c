/* See matmul.h. Two rewritings save work before the matrix product starts:
 *
 *   - rows: x[b, m, k] with one w for all of b is a single product of b*m rows,
 *     where the rows of b follow each other in x and in y;
 *   - a batch axis of length 1 is none.
 *
 * Everything else is gemm's: see its list of methods. */
#include "matmul.h"
#include "gemm.h"

int64_t K(matmul_forward)(void *const *arrays, const void *geometry) {
    const pd_matmul_geometry *g = geometry;
    const pd_space *s = &g->batch;
    int64_t m = g->m, x_row = g->x_row, y_row = g->y_row, axes = s->axes;
    /* Batch axes that only continue the rows become rows. */
    for (; axes > 0; axes--) {
        const int64_t size = s->size[axes - 1];
        const int64_t y = s->stride[0][axes - 1], x = s->stride[1][axes - 1];
        if (size != 1 && m == 1) y_row = y, x_row = x;
        if (size != 1 &&
            (s->stride[2][axes - 1] != 0 || y != m * y_row || x != m * x_row))
            break;
        m *= size;
    }
    const gemm_t product = {
        .m = m,
        .n = g->n,
        .k = g->k,
        .a = {.data = arrays[0], .row = x_row, .column = g->x_column},
        .b = {.data = arrays[1], .row = g->w_row, .column = g->w_column},
        .bias = arrays[2],
        .bias_step = g->bias_step,
        .c = arrays[3],
        .c_row = y_row,
        .activation = (int)g->activation,
        .batch_axes = axes,
        .batch_shape = s->size,
        .c_batch = s->stride[0],
        .a_batch = s->stride[1],
        .b_batch = s->stride[2],
    };
    return K(gemm)(&product);
}
