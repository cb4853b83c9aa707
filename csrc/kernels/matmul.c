/* See matmul.h. Two rewritings save work before the matrix product starts:
 *
 *   - rows: x[b, m, k] with one w for all of b is a single product of b*m rows,
 *     where the rows of b follow each other in x and in y;
 *   - a batch axis of length 1 is none.
 *
 * Everything else is gemm's: see its list of methods. */
#include "matmul.h"
#include "gemm.h"

/* Batch axes that only continue the rows become rows. */
static void batch_to_rows(pd_matmul_geometry *g) {
    pd_space *s = &g->batch;
    while (s->axes > 0) {
        const int64_t axis = s->axes - 1, size = s->size[axis];
        const int64_t y = s->stride[0][axis], x = s->stride[1][axis];
        if (size != 1 && g->m == 1) {
            g->y_row = y;
            g->x_row = x;
        }
        if (size != 1 && (s->stride[2][axis] != 0 || y != g->m * g->y_row ||
                          x != g->m * g->x_row))
            return;
        g->m *= size;
        s->axes--;
    }
}

int64_t K(matmul_forward)(void *const *arrays, const void *geometry) {
    pd_matmul_geometry g = *(const pd_matmul_geometry *)geometry;
    batch_to_rows(&g);
    const gemm_t product = {
        .m = g.m,
        .n = g.n,
        .k = g.k,
        .a = {arrays[0], g.x_row, g.x_column, NULL, NULL, 0, NULL, NULL},
        .b = {arrays[1], g.w_row, g.w_column, NULL, NULL, 0, NULL, NULL},
        .bias = arrays[2],
        .bias_step = g.bias_step,
        .c = arrays[3],
        .c_row = g.y_row,
        .activation = (int)g.activation,
        .batch_axes = g.batch.axes,
        .batch_shape = g.batch.size,
        .c_batch = g.batch.stride[0],
        .a_batch = g.batch.stride[1],
        .b_batch = g.batch.stride[2],
    };
    return K(gemm)(&product);
}
