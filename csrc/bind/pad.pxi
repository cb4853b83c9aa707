# Doors of csrc/kernels/pad.h. x, dy: dense in any order of the axes, which the result takes over.

cdef extern from "pad.h" nogil:
    ctypedef struct pd_pad_geometry:
        int64_t mode, item, axes
        int64_t x[PD_MAX_AXES]
        int64_t y[PD_MAX_AXES]
        int64_t low[PD_MAX_AXES]

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_pad
        PD_KERNEL_pad_backward

# The modes' numbers are the enum's in pad.h.
pad_modes = {"constant": 0, "reflect": 1, "replicate": 2, "circular": 3}


cdef cnp.ndarray pad_geometry(pd_pad_geometry *g, cnp.ndarray given, tuple low, tuple sizes,
                              int mode, bint backward):
    """The geometry of pad, or of its transpose, and the new array of these sizes."""
    cdef int64_t strides[PD_MAX_AXES]
    cdef int64_t shape[PD_MAX_AXES]
    cdef int order[PD_MAX_AXES]
    cdef int i, axis, axes = parse_shape(sizes, shape)
    element_strides(given, strides)
    pd_axes_by_stride(axes, strides, order)
    g.mode, g.item, g.axes = mode, cnp.PyArray_ITEMSIZE(given), axes
    for i in range(axes):
        axis = order[i]
        g.x[i] = shape[axis] if backward else cnp.PyArray_DIM(given, axis)
        g.y[i] = cnp.PyArray_DIM(given, axis) if backward else shape[axis]
        g.low[i] = low[axis]
    return new_array(axes, shape, strides, cnp.PyArray_TYPE(given))


def pad(cnp.ndarray x, cnp.ndarray value, tuple low, tuple sizes, int mode):
    cdef pd_pad_geometry g
    cdef cnp.ndarray y = pad_geometry(&g, x, low, sizes, mode, False)
    run(PD_KERNEL_pad, g.item == 8, (x, value, y), &g, sizeof(g), 0.2 * cnp.PyArray_NBYTES(y))
    return y


def pad_backward(cnp.ndarray dy, tuple low, tuple sizes, int mode):
    cdef pd_pad_geometry g
    cdef cnp.ndarray dx = pad_geometry(&g, dy, low, sizes, mode, True)
    run(PD_KERNEL_pad_backward, type_of(dy), (dy, dx), &g, sizeof(g),
        0.2 * cnp.PyArray_NBYTES(dy))
    return dx
