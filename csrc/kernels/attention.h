/* Scaled dot-product attention, and its gradients.
 *
 *     s[i,j] = scale q[i]·k[j] + mask[i,j]      -inf where masked out
 *     p[i,j] = exp(s[i,j] - m[i]) / l[i]        m = max s, l = sum exp(s - m)
 *     y[i]   = sum p[i,j] r[i,j] v[j]           r: dropout, 0 or keep
 *
 *     attention_forward   (q, k, v, mask, key, y, rows)
 *     attention_backward  (q, k, v, mask, key, y, rows, dy, dq, dk, dv)
 *
 * q            [batch …, heads, queries, width]         any strides, last 1
 * k            [batch …, groups, keys, width]           any strides, last 1
 * v            [batch …, groups, keys, value_width]     any strides, last 1
 * mask         [batch …, heads, queries, keys], any strides: bytes, of which 0
 *              masks out, or reals, which are added, -inf masks out; or absent
 * key          uint64 [2]: seed, stream (core/philox.h); absent: no dropout
 * y, dy        [batch …, heads, queries, value_width]; as q
 * rows         [batch …, heads, queries, 2], dense: m and 1 / l, both 0 where a
 *              query sees nothing (or values have no width); for backward, or
 *              absent
 * dq, dk, dv   as q, k, v
 *
 * Query heads share k and v in groups: head h reads group h * groups / heads.
 * Causal: query i sees the keys j <= i + keys - queries.
 *
 * Word number ((head * keys + j) * padded + i) of the key's stream drops weight
 * [i,j] if it is at most last_dropped; padded is `queries` rounded up to a
 * multiple of 32, `head` counts through the batch.
 *
 * A query that sees nothing gives zeros and no gradient. What is masked out
 * takes no part, whatever it holds. Outputs are written whole and overlap no
 * input. */
#ifndef PD_KERNELS_ATTENTION_H
#define PD_KERNELS_ATTENTION_H

#include "kernel.h"

enum {
    PD_ATTENTION_Q,
    PD_ATTENTION_K,
    PD_ATTENTION_V,
    PD_ATTENTION_MASK,
    PD_ATTENTION_Y,
    PD_ATTENTION_DY,
    PD_ATTENTION_DQ,
    PD_ATTENTION_DK,
    PD_ATTENTION_DV,
    PD_ATTENTION_OPERANDS
};
enum { PD_MASK_NONE, PD_MASK_BOOL, PD_MASK_ADDED };

typedef struct {
    int64_t heads, groups, queries, keys, width, value_width;
    int64_t mask, causal;
    int64_t last_dropped; /* words of 32 bits up to this one drop */
    double scale, keep;   /* keep: 1 / (1 - p), or 0 */
    int64_t batch_axes, batch_shape[PD_MAX_AXES];
    /* In elements: along the batch axes, from head to head, from row to row. */
    int64_t batch[PD_ATTENTION_OPERANDS][PD_MAX_AXES];
    int64_t head[PD_ATTENTION_OPERANDS], row[PD_ATTENTION_OPERANDS];
    int64_t mask_column;
} pd_attention_geometry;

#endif
