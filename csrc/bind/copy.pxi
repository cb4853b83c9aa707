# Doors of csrc/kernels/copy.h: any dtype, any strides.

cdef extern from "copy.h" nogil:
    ctypedef struct pd_copy_geometry:
        int64_t item
        pd_space space

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_copy


cpdef cnp.ndarray copy_to(cnp.ndarray x, cnp.ndarray y):
    """y[...] = x, for arrays of one shape and dtype that do not overlap."""
    cdef pd_copy_geometry g
    g.item = cnp.PyArray_ITEMSIZE(x)
    pd_space_begin(&g.space, cnp.PyArray_NDIM(x), <int64_t *>cnp.PyArray_DIMS(x))
    put_operand(&g.space, 0, y)
    put_operand(&g.space, 1, x)
    pd_space_merge(&g.space, 2)
    run(PD_KERNEL_copy, g.item == 8, (x, y), &g, sizeof(g), 0.05 * cnp.PyArray_NBYTES(x))
    return y


cpdef cnp.ndarray copy_like(cnp.ndarray x, cnp.ndarray like):
    """A dense copy of x whose axes lie in memory in the order of those of `like`."""
    cdef int64_t strides[PD_MAX_AXES]
    element_strides(like, strides)
    return copy_to(x, new_array(cnp.PyArray_NDIM(x), <int64_t *>cnp.PyArray_DIMS(x), strides,
                                cnp.PyArray_TYPE(x)))


def own_like(cnp.ndarray x, cnp.ndarray like):
    """x itself where it lies in a Block of ours, is no view, can be written, and has the strides of
    `like`, which has x's shape; else a copy as copy_like makes it."""
    cdef int i
    cdef PyObject *base = <PyObject *>cnp.PyArray_BASE(x)
    cdef bint own = base != NULL and type(<object>base) is Block and cnp.PyArray_ISWRITEABLE(x)
    for i in range(cnp.PyArray_NDIM(x) if own else 0):
        own = own and cnp.PyArray_STRIDE(x, i) == cnp.PyArray_STRIDE(like, i)
    return x if own else copy_like(x, like)


def in_order_of(cnp.ndarray x, tuple strides):
    """x itself where its axes lie in memory in the order of these strides, else a dense copy."""
    cdef int64_t wanted[PD_MAX_AXES]
    cdef int64_t found[PD_MAX_AXES]
    cdef int i, axes = cnp.PyArray_NDIM(x)
    cdef const int64_t *shape = <int64_t *>cnp.PyArray_DIMS(x)
    for i in range(axes):
        wanted[i] = strides[i]
    pd_dense_strides(axes, shape, wanted, wanted)
    element_strides(x, found)
    for i in range(axes):
        if shape[i] != 1 and wanted[i] != found[i]:
            return copy_to(x, new_array(axes, shape, wanted, cnp.PyArray_TYPE(x)))
    return x


cpdef cnp.ndarray contiguous(cnp.ndarray x):
    """x itself where it lies in C order, else a copy that does."""
    if cnp.PyArray_IS_C_CONTIGUOUS(x):
        return x
    return copy_to(x, empty((<object>x).shape, x.dtype))


def channels_last(cnp.ndarray x):
    """x (n, c, h, w) itself where neighbouring channels are neighbours in memory, else a copy."""
    if cnp.PyArray_STRIDE(x, 1) == cnp.PyArray_ITEMSIZE(x) or cnp.PyArray_DIM(x, 1) == 1:
        return x
    return copy_to(x, empty_channels_last((<object>x).shape, x.dtype))
