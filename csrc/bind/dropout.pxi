# Door of csrc/kernels/dropout.h

cdef extern from "dropout.h" nogil:
    ctypedef struct pd_dropout_geometry:
        int64_t elements, last_dropped
        double scale

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_dropout


def dropout(cnp.ndarray key, cnp.ndarray x, cnp.ndarray y, int64_t last_dropped, double scale):
    cdef pd_dropout_geometry g
    g.elements = cnp.PyArray_SIZE(x)
    g.last_dropped = last_dropped
    g.scale = scale
    run(PD_KERNEL_dropout, type_of(x), (key, x, y), &g, sizeof(g), 0.6 * g.elements)
