/* What the optimizers share: one pass over all parameters of a model.
 *
 * The arrays come in groups, one group per parameter; the geometry is the
 * number of groups and each parameter's number of elements. A parameter, its
 * gradient and its state are dense and have one layout, so that position alone
 * pairs their elements.
 *
 *     parameter  0              1     2                 …
 *     tasks      [0][1][2][3]   [4]   [5][6]            SPAN elements each
 *
 * Every operation is elementwise and rounded by itself (no fused multiply-add),
 * so a step has the same bits on every ISA. The region is never cut short:
 * after Ctrl-C the parameters are all before the step or all behind it. */
#ifndef PD_KERNELS_MULTI_TENSOR_H
#define PD_KERNELS_MULTI_TENSOR_H

#include "kernel.h"

typedef struct {
    int64_t count;      /* parameters */
    int64_t elements[]; /* of each */
} pd_multi_tensor_geometry;

enum { PD_SPAN = 16384 };

static inline int64_t pd_spans(int64_t elements) {
    return (elements + PD_SPAN - 1) / PD_SPAN;
}

/* The parameter of task t: the last one whose first task is not behind t. */
static inline int64_t pd_parameter_of(const int64_t *first_task, int64_t count,
                                      int64_t t) {
    int64_t low = 0, high = count;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (first_task[middle] <= t)
            low = middle;
        else
            high = middle;
    }
    return low;
}

#endif
