# Doors of csrc/kernels/cross_entropy.h

cdef extern from "cross_entropy.h" nogil:
    ctypedef struct pd_cross_entropy_geometry:
        int64_t n
        int64_t stride[2]
        int64_t ignore
        int64_t reduction
        double smoothing
        pd_space rows
    enum:
        PD_LOSS_NONE
        PD_LOSS_SUM
        PD_LOSS_MEAN

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_cross_entropy_forward
        PD_KERNEL_cross_entropy_backward

loss_reductions = {"none": PD_LOSS_NONE, "sum": PD_LOSS_SUM, "mean": PD_LOSS_MEAN}


def cross_entropy_forward(cnp.ndarray x, cnp.ndarray target, weight, int axis, int64_t ignore,
                          double smoothing, int reduction):
    """(0, loss, lse, total), or (1 + the first row whose target is out of range, …).

    target (int64) and weight (None, or x's dtype) are contiguous; x has at least one class. The
    axis is counted from the back.
    """
    cdef pd_cross_entropy_geometry g
    cdef int typenum = cnp.PyArray_TYPE(x)
    cdef int64_t lse_shape[2]
    cdef bint each = reduction == PD_LOSS_NONE
    lse_shape[0] = cnp.PyArray_SIZE(target)
    lse_shape[1] = 2
    loss = new_array(cnp.PyArray_NDIM(target) if each else 0,
                     <int64_t *>cnp.PyArray_DIMS(target), NULL, typenum)
    lse = new_array(2, lse_shape, NULL, typenum)
    total = new_array(0, lse_shape, NULL, typenum)
    cross_entropy_geometry(&g, x, target, None, axis, ignore, smoothing, reduction)
    bad = run(PD_KERNEL_cross_entropy_forward, type_of(x), (x, target, weight, loss, lse, total),
              &g, sizeof(g), 0.5 * cnp.PyArray_SIZE(x))
    return bad, loss, lse, total


def cross_entropy_backward(cnp.ndarray x, cnp.ndarray target, weight, lse, total, dloss, int axis,
                           int64_t ignore, double smoothing, int reduction):
    """(0, dx in C order), or (1 + the first row whose target is out of range, …).

    As forward; dloss is contiguous too.
    """
    cdef pd_cross_entropy_geometry g
    dx = new_array(cnp.PyArray_NDIM(x), <int64_t *>cnp.PyArray_DIMS(x), NULL, cnp.PyArray_TYPE(x))
    cross_entropy_geometry(&g, x, target, dx, axis, ignore, smoothing, reduction)
    bad = run(PD_KERNEL_cross_entropy_backward, type_of(x),
              (x, target, weight, lse, total, dloss, dx), &g, sizeof(g),
              0.5 * cnp.PyArray_SIZE(x))
    return bad, dx


cdef void cross_entropy_geometry(pd_cross_entropy_geometry *g, cnp.ndarray x, cnp.ndarray target,
                                 cnp.ndarray dx, int axis, int64_t ignore, double smoothing,
                                 int reduction) noexcept:
    cdef int64_t dense[PD_MAX_AXES]
    cdef int axes = cnp.PyArray_NDIM(target)
    axis += cnp.PyArray_NDIM(x)
    cdef const int64_t *shape = <int64_t *>cnp.PyArray_DIMS(target)
    g.n = cnp.PyArray_DIM(x, axis)
    g.ignore = ignore
    g.smoothing = smoothing
    g.reduction = reduction
    g.stride[1] = 1
    rows_begin(&g.rows, x, axis)
    pd_dense_strides(axes, shape, NULL, dense)
    pd_space_operand(&g.rows, 0, axes, shape, dense)
    g.stride[0] = rows_operand(&g.rows, 1, x, axis)
    if dx is not None:
        g.stride[1] = rows_operand(&g.rows, 2, dx, axis)
    pd_space_merge(&g.rows, 2 if dx is None else 3)
