# Door of csrc/kernels/where.h

cdef extern from "where.h" nogil:
    ctypedef struct pd_where_geometry:
        pd_space space

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_where


def where(cnp.ndarray condition, cnp.ndarray a, cnp.ndarray b):
    """y = a where the condition holds, else b; in the layout of the first of a, b and the condition
    that has full rank. NotImplemented where a and b are not float32 or float64."""
    cdef int typenum = cnp.PyArray_TYPE(a)
    if typenum != cnp.PyArray_TYPE(b) or (
            typenum != cnp.NPY_FLOAT and typenum != cnp.NPY_DOUBLE):
        return NotImplemented
    cdef pd_where_geometry g
    cdef int64_t pair[PD_MAX_AXES]
    cdef int64_t shape[PD_MAX_AXES]
    cdef int64_t strides[PD_MAX_AXES]
    cdef int axes = pd_broadcast(
        cnp.PyArray_NDIM(a), <int64_t *>cnp.PyArray_DIMS(a),
        cnp.PyArray_NDIM(b), <int64_t *>cnp.PyArray_DIMS(b), pair)
    if axes >= 0:
        axes = pd_broadcast(
            axes, pair, cnp.PyArray_NDIM(condition), <int64_t *>cnp.PyArray_DIMS(condition), shape)
    if axes < 0:
        raise ValueError("where: the shapes do not fit")
    cdef cnp.ndarray first = a
    if not has_shape(a, axes, shape):
        first = b if has_shape(b, axes, shape) else condition
    cdef bint follow = has_shape(first, axes, shape)
    element_strides(first, strides)
    cdef cnp.ndarray y = new_array(axes, shape, strides if follow else NULL, typenum)
    pd_space_begin(&g.space, axes, shape)
    put_operand(&g.space, 0, y)
    put_operand(&g.space, 1, condition)
    put_operand(&g.space, 2, a)
    put_operand(&g.space, 3, b)
    pd_space_merge(&g.space, 4)
    run(PD_KERNEL_where, type_of(a), (condition, a, b, y), &g, sizeof(g),
        2.0 * cnp.PyArray_SIZE(y))
    return y
