# The door of csrc/kernels/reduce.h

cdef extern from "reduce.h" nogil:
    ctypedef struct pd_reduce_geometry:
        int64_t function
        pd_space kept
        pd_space reduced
    enum:
        PD_REDUCE_sum
        PD_REDUCE_mean
        PD_REDUCE_max
        PD_REDUCE_min

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_reduce

reduce_functions = {
    "sum": PD_REDUCE_sum, "mean": PD_REDUCE_mean, "max": PD_REDUCE_max, "min": PD_REDUCE_min,
}


cpdef reduce(int function, cnp.ndarray x, tuple axes, bint keepdims):
    """y = f of x over these axes (each once, counted from the front), in C order.

    NotImplemented where x is not float32 or float64.
    """
    cdef int typenum = cnp.PyArray_TYPE(x), ndim = cnp.PyArray_NDIM(x)
    if typenum != cnp.NPY_FLOAT and typenum != cnp.NPY_DOUBLE:
        return NotImplemented
    cdef pd_reduce_geometry g
    cdef const int64_t *size = <int64_t *>cnp.PyArray_DIMS(x)
    cdef int64_t strides[PD_MAX_AXES]
    cdef int64_t shape[PD_MAX_AXES]    # of y
    cdef int64_t kept[PD_MAX_AXES]     # sizes and strides of each set of x's axes
    cdef int64_t kept_stride[PD_MAX_AXES]
    cdef int64_t reduced[PD_MAX_AXES]
    cdef int64_t reduced_stride[PD_MAX_AXES]
    cdef int64_t dense[PD_MAX_AXES]
    cdef bint is_reduced[PD_MAX_AXES]
    cdef int i, n_kept = 0, n_reduced = 0, n_shape = 0
    memset(is_reduced, 0, sizeof(is_reduced))
    for axis in axes:
        is_reduced[<int>axis] = True
    element_strides(x, strides)
    for i in range(ndim):
        if is_reduced[i]:
            reduced[n_reduced] = size[i]
            reduced_stride[n_reduced] = strides[i]
            n_reduced += 1
        else:
            kept[n_kept] = size[i]
            kept_stride[n_kept] = strides[i]
            n_kept += 1
        if keepdims or not is_reduced[i]:
            shape[n_shape] = 1 if is_reduced[i] else size[i]
            n_shape += 1
    cdef cnp.ndarray y = new_array(n_shape, shape, NULL, typenum)
    g.function = function
    pd_dense_strides(n_kept, kept, NULL, dense)
    pd_space_begin(&g.kept, n_kept, kept)
    pd_space_operand(&g.kept, 0, n_kept, kept, kept_stride)
    pd_space_operand(&g.kept, 1, n_kept, kept, dense)
    pd_space_merge(&g.kept, 2)
    pd_space_begin(&g.reduced, n_reduced, reduced)
    pd_space_operand(&g.reduced, 0, n_reduced, reduced, reduced_stride)
    pd_space_merge(&g.reduced, 1)
    run(PD_KERNEL_reduce, type_of(x), (x, y), &g, sizeof(g), 0.5 * cnp.PyArray_SIZE(x))
    return y
