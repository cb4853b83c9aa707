/* See space.h. */
#include "space.h"

int pd_broadcast(int a_axes, const int64_t *a_shape, int b_axes,
                 const int64_t *b_shape, int64_t *shape) {
    int axes = a_axes > b_axes ? a_axes : b_axes;
    for (int i = 1; i <= axes; i++) {
        int64_t a = i <= a_axes ? a_shape[a_axes - i] : 1;
        int64_t b = i <= b_axes ? b_shape[b_axes - i] : 1;
        if (a != b && a != 1 && b != 1) return -1;
        shape[axes - i] = a == 1 ? b : a;
    }
    return axes;
}

/* Insertion sort. */
void pd_axes_by_stride(int axes, const int64_t *key, int *order) {
    for (int i = 0; i < axes; i++) {
        int64_t k = key[i] < 0 ? -key[i] : key[i];
        int j = i;
        for (; j > 0; j--) {
            int64_t before = key[order[j - 1]];
            if ((before < 0 ? -before : before) >= k) break;
            order[j] = order[j - 1];
        }
        order[j] = i;
    }
}

void pd_dense_strides(int axes, const int64_t *shape, const int64_t *like,
                      int64_t *strides) {
    int order[PD_MAX_AXES];
    for (int i = 0; i < axes; i++) order[i] = i;
    if (like) pd_axes_by_stride(axes, like, order);
    int64_t run = 1;
    for (int i = axes - 1; i >= 0; i--) {
        strides[order[i]] = run;
        run *= shape[order[i]] > 0 ? shape[order[i]] : 1;
    }
}

void pd_space_begin(pd_space *s, int axes, const int64_t *shape) {
    s->axes = axes;
    for (int i = 0; i < axes; i++) s->size[i] = shape[i]; /* NULL where 0-d */
}

void pd_space_operand(pd_space *s, int operand, int axes, const int64_t *shape,
                      const int64_t *strides) {
    int64_t *to = s->stride[operand];
    int missing = (int)s->axes - axes;
    for (int i = 0; i < s->axes; i++) {
        int j = i - missing;
        to[i] = j < 0 || shape[j] == 1 ? 0 : strides[j];
    }
}

void pd_space_merge(pd_space *s, int operands) {
    int order[PD_MAX_AXES];
    int axes = (int)s->axes;
    pd_axes_by_stride(axes, s->stride[0], order);
    /* The axes as they were; most spaces have few, so not all of the struct. */
    int64_t size[PD_MAX_AXES], stride[PD_OPERANDS][PD_MAX_AXES];
    for (int i = 0; i < axes; i++) {
        size[i] = s->size[i];
        for (int k = 0; k < operands; k++) stride[k][i] = s->stride[k][i];
    }
    int last = -1; /* the axis built last */
    for (int i = 0; i < axes; i++) {
        int axis = order[i];
        if (size[axis] == 1) continue;
        int merges = last >= 0;
        for (int k = 0; merges && k < operands; k++)
            merges = s->stride[k][last] == stride[k][axis] * size[axis];
        if (!merges) s->size[++last] = 1;
        s->size[last] *= size[axis];
        for (int k = 0; k < operands; k++) s->stride[k][last] = stride[k][axis];
    }
    if (last < 0) { /* a single element is an axis of length 1 */
        last = 0;
        s->size[0] = 1;
        for (int k = 0; k < operands; k++) s->stride[k][0] = 0;
    }
    s->axes = last + 1;
}

int64_t pd_space_elements(const pd_space *s) {
    int64_t n = 1;
    for (int i = 0; i < s->axes; i++) n *= s->size[i];
    return n;
}
