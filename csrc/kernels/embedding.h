/* Rows of a table by number, and the sums of rows that are its gradient.
 *
 *     embedding_forward  (ids, weight, y)
 *         y[i, :] = weight[ids[i], :]
 *     embedding_backward (ids, dy, dweight)
 *         dweight[r, :] = sum of dy[i, :] over the i with ids[i] = r
 *
 * ids     [count] integers of any type, dense
 * weight  [rows, width], each row dense;  y, dy [count, width], dense
 * dweight [rows, width], dense; written whole
 *
 * An id outside 0 … rows-1 makes both return 1 + its position; nothing is
 * written then. */
#ifndef PD_KERNELS_EMBEDDING_H
#define PD_KERNELS_EMBEDDING_H

#include "kernel.h"

typedef struct {
    int64_t count, rows, width;
    int64_t id_bytes;   /* 1, 2, 4 or 8 */
    int64_t id_signed;  /* 0 or 1 */
    int64_t row_stride; /* of weight, in elements */
} pd_embedding_geometry;

#endif
