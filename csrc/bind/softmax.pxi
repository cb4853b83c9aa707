# Doors of csrc/kernels/softmax.h

cdef extern from "softmax.h" nogil:
    ctypedef struct pd_softmax_geometry:
        int64_t n
        int64_t stride[3]
        pd_space rows

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_softmax_forward
        PD_KERNEL_softmax_backward
        PD_KERNEL_log_softmax_forward
        PD_KERNEL_log_softmax_backward


def softmax_forward(cnp.ndarray x, int axis):
    """softmax of x along an axis, in C order."""
    return rows_call(PD_KERNEL_softmax_forward, x, None, axis)


def softmax_backward(cnp.ndarray y, cnp.ndarray dy, int axis):
    """The gradient of x from y = softmax(x) and dy, which has y's shape and dtype."""
    return rows_call(PD_KERNEL_softmax_backward, y, dy, axis)


def log_softmax_forward(cnp.ndarray x, int axis):
    """log(softmax(x)) along an axis, in C order."""
    return rows_call(PD_KERNEL_log_softmax_forward, x, None, axis)


def log_softmax_backward(cnp.ndarray y, cnp.ndarray dy, int axis):
    """The gradient of x from y = log_softmax(x) and dy, which has y's shape and dtype."""
    return rows_call(PD_KERNEL_log_softmax_backward, y, dy, axis)


cdef cnp.ndarray rows_call(int kernel, cnp.ndarray a, cnp.ndarray b, int axis):
    cdef int type = type_of(a)
    cdef int ndim = cnp.PyArray_NDIM(a)
    cdef pd_softmax_geometry g
    cdef cnp.ndarray y = new_array(ndim, <int64_t *>cnp.PyArray_DIMS(a), NULL, cnp.PyArray_TYPE(a))
    rows_begin(&g.rows, a, axis)
    g.n = cnp.PyArray_DIM(a, axis) if ndim else 1
    g.stride[0] = rows_operand(&g.rows, 0, y, axis)
    g.stride[1] = rows_operand(&g.rows, 1, a, axis)
    if b is not None:
        g.stride[2] = rows_operand(&g.rows, 2, b, axis)
    pd_space_merge(&g.rows, 2 if b is None else 3)
    arrays = (a, y) if b is None else (a, b, y)
    run(kernel, type, arrays, &g, sizeof(g), 1.0 * cnp.PyArray_SIZE(a))
    return y


cdef void rows_begin(pd_space *rows, cnp.ndarray array, int axis) noexcept:
    """Begin the space of an array's rows along an axis: its shape without that axis."""
    cdef int64_t shape[PD_MAX_AXES]
    cdef int i, n = 0
    for i in range(cnp.PyArray_NDIM(array)):
        if i != axis:
            shape[n] = cnp.PyArray_DIM(array, i)
            n += 1
    pd_space_begin(rows, n, shape)


cdef int64_t rows_operand(pd_space *rows, int operand, cnp.ndarray array, int axis) noexcept:
    """Put in an array's rows. Returns the stride along a row (1 where there is one element)."""
    cdef int64_t strides[PD_MAX_AXES]
    cdef int64_t kept[PD_MAX_AXES]
    cdef int i, n = 0
    cdef int64_t stride = 1
    element_strides(array, strides)
    for i in range(cnp.PyArray_NDIM(array)):
        if i != axis:
            kept[n] = strides[i]
            n += 1
        elif cnp.PyArray_DIM(array, i) != 1:
            stride = strides[i]
    pd_space_operand(rows, operand, n, rows.size, kept)
    return stride
