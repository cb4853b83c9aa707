# Doors of csrc/kernels/take.h. They return 0, or 1 + the position of the first bad id.

cdef extern from "take.h" nogil:
    ctypedef struct pd_take_geometry:
        int64_t outer, rows, count, inner, along, id_bytes, id_signed

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_take_forward
        PD_KERNEL_take_backward


cdef void take_geometry(pd_take_geometry *g, cnp.ndarray ids, cnp.ndarray x, int axis, bint along):
    """x [outer, rows, inner] around its axis; an array without axes is one row."""
    cdef int i, ndim = cnp.PyArray_NDIM(x)
    g.outer = g.inner = g.rows = 1
    for i in range(ndim):
        if i < axis:
            g.outer *= cnp.PyArray_DIM(x, i)
        elif i == axis:
            g.rows = cnp.PyArray_DIM(x, i)
        else:
            g.inner *= cnp.PyArray_DIM(x, i)
    g.along = along
    g.count = cnp.PyArray_DIM(ids, axis) if along else cnp.PyArray_SIZE(ids)
    g.id_bytes = cnp.PyArray_ITEMSIZE(ids)
    g.id_signed = cnp.PyTypeNum_ISSIGNED(cnp.PyArray_TYPE(ids))


def take_forward(cnp.ndarray x, cnp.ndarray ids, cnp.ndarray y, int axis, bint along):
    cdef pd_take_geometry g
    take_geometry(&g, ids, x, axis, along)
    return run(PD_KERNEL_take_forward, type_of(x), (x, ids, y), &g, sizeof(g),
               0.5 * cnp.PyArray_SIZE(y))


def take_backward(cnp.ndarray ids, cnp.ndarray dy, cnp.ndarray dx, int axis, bint along):
    cdef pd_take_geometry g
    take_geometry(&g, ids, dx, axis, along)
    return run(PD_KERNEL_take_backward, type_of(dy), (ids, dy, dx), &g, sizeof(g),
               1.0 * cnp.PyArray_SIZE(dy) + 0.3 * cnp.PyArray_SIZE(dx))
