/* Iteration spaces: several strided arrays walked together.
 *
 * A space is a box of indices and, for each operand, the stride of every axis
 * in elements (0 where the operand is broadcast). Building one
 *   - broadcasts the operands' shapes against each other,
 *   - orders the axes by the first operand's memory, slowest first,
 *   - drops axes of length 1 and merges neighbours that are one run in every
 *     operand.
 * So dense arrays of one layout become a single axis, whatever their rank. */
#ifndef PD_CORE_SPACE_H
#define PD_CORE_SPACE_H

#include "kernel.h"

enum { PD_OPERANDS = 4 };

typedef struct {
    int64_t axes;
    int64_t size[PD_MAX_AXES];
    int64_t stride[PD_OPERANDS][PD_MAX_AXES];
} pd_space;

/* The broadcast shape of a and b into `shape`; its rank, or -1 where the
 * shapes do not fit. A single shape is broadcast with rank b_axes = 0. */
int pd_broadcast(int a_axes, const int64_t *a_shape, int b_axes,
                 const int64_t *b_shape, int64_t *shape);

/* The axes by descending |stride|, so slowest in memory first; equal strides
 * keep C order. */
void pd_axes_by_stride(int axes, const int64_t *strides, int *order);

/* Dense strides for an array of this shape whose axes lie in memory in the
 * order of `like` (its strides; NULL for C order). Unit: elements. */
void pd_dense_strides(int axes, const int64_t *shape, const int64_t *like,
                      int64_t *strides);

/* Begins a space over `shape`; operands are then put in one by one, aligned
 * with the last axis; pd_space_merge ends it. */
void pd_space_begin(pd_space *s, int axes, const int64_t *shape);
void pd_space_operand(pd_space *s, int operand, int axes, const int64_t *shape,
                      const int64_t *strides);
void pd_space_merge(pd_space *s, int operands);

int64_t pd_space_elements(const pd_space *s);

/* Where element i, in the order of the axes, lies in an operand. */
static inline int64_t pd_space_offset(const pd_space *s, int operand,
                                      int64_t i) {
    int64_t offset = 0;
    for (int axis = (int)s->axes - 1; axis > 0; axis--) {
        offset += i % s->size[axis] * s->stride[operand][axis];
        i /= s->size[axis];
    }
    return offset + i * s->stride[operand][0];
}

#endif
