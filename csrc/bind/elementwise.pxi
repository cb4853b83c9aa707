# Doors of csrc/kernels/elementwise.h

cdef extern from "elementwise.h" nogil:
    ctypedef struct pd_elementwise_geometry:
        int64_t function
        double constants[3]
        pd_space space
    const char *pd_unary_names[]
    const char *pd_binary_names[]
    enum:
        PD_UNARY_FUNCTIONS
        PD_BINARY_FUNCTIONS

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_unary
        PD_KERNEL_binary

unary_functions = {pd_unary_names[i].decode(): i for i in range(PD_UNARY_FUNCTIONS)}
binary_functions = {pd_binary_names[i].decode(): i for i in range(PD_BINARY_FUNCTIONS)}


def unary(int function, cnp.ndarray x, double p=0, double q=0, double r=0):
    """y = f(x) in x's layout; NotImplemented where x is not float32 or float64.

    p, q and r are the constants of the functions that have any.
    """
    cdef int typenum = cnp.PyArray_TYPE(x), axes = cnp.PyArray_NDIM(x)
    if typenum != cnp.NPY_FLOAT and typenum != cnp.NPY_DOUBLE:
        return NotImplemented
    cdef pd_elementwise_geometry g
    cdef int64_t strides[PD_MAX_AXES]
    cdef const int64_t *shape = <int64_t *>cnp.PyArray_DIMS(x)
    element_strides(x, strides)
    cdef cnp.ndarray y = new_array(axes, shape, strides, typenum)
    g.function = function
    g.constants[0], g.constants[1], g.constants[2] = p, q, r
    pd_space_begin(&g.space, axes, shape)
    put_operand(&g.space, 0, y)
    put_operand(&g.space, 1, x)
    pd_space_merge(&g.space, 2)
    run(PD_KERNEL_unary, type_of(x), (x, y), &g, sizeof(g), 2.0 * cnp.PyArray_SIZE(x))
    return y


def binary(int function, cnp.ndarray a, cnp.ndarray b, double p=0, double q=0, double r=0):
    """y = f(a, b), broadcast, in the layout of the first operand of full rank.

    NotImplemented where the types differ or are not float32 or float64, or where the shapes do
    not fit: the rule promotes, or says what is wrong.
    """
    cdef int typenum = cnp.PyArray_TYPE(a)
    if typenum != cnp.PyArray_TYPE(b) or (
            typenum != cnp.NPY_FLOAT and typenum != cnp.NPY_DOUBLE):
        return NotImplemented
    cdef pd_elementwise_geometry g
    cdef int64_t shape[PD_MAX_AXES]
    cdef int64_t strides[PD_MAX_AXES]
    cdef int axes = pd_broadcast(
        cnp.PyArray_NDIM(a), <int64_t *>cnp.PyArray_DIMS(a),
        cnp.PyArray_NDIM(b), <int64_t *>cnp.PyArray_DIMS(b), shape)
    if axes < 0:
        return NotImplemented
    cdef cnp.ndarray first = b if not has_shape(a, axes, shape) and has_shape(b, axes, shape) else a
    cdef bint follow = has_shape(first, axes, shape)
    element_strides(first, strides)
    cdef cnp.ndarray y = new_array(axes, shape, strides if follow else NULL, typenum)
    g.function = function
    g.constants[0], g.constants[1], g.constants[2] = p, q, r
    pd_space_begin(&g.space, axes, shape)
    put_operand(&g.space, 0, y)
    put_operand(&g.space, 1, a)
    put_operand(&g.space, 2, b)
    pd_space_merge(&g.space, 3)
    run(PD_KERNEL_binary, type_of(a), (a, b, y), &g, sizeof(g), 2.0 * cnp.PyArray_SIZE(y))
    return y


cdef void put_operand(pd_space *space, int operand, cnp.ndarray array) noexcept:
    cdef int64_t strides[PD_MAX_AXES]
    element_strides(array, strides)
    pd_space_operand(space, operand, cnp.PyArray_NDIM(array),
                     <int64_t *>cnp.PyArray_DIMS(array), strides)


cdef bint has_shape(cnp.ndarray array, int axes, const int64_t *shape) noexcept:
    cdef int i
    if cnp.PyArray_NDIM(array) != axes:
        return False
    for i in range(axes):
        if cnp.PyArray_DIM(array, i) != shape[i]:
            return False
    return True
