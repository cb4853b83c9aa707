# Doors of csrc/kernels/scan.h: a, x and h of one shape in C order; a or x may be None.

cdef extern from "scan.h" nogil:
    ctypedef struct pd_scan_geometry:
        int64_t outer, n, inner, reverse, shifted

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_scan


def scan(cnp.ndarray a, cnp.ndarray x, cnp.ndarray h, int axis, bint reverse, bint shifted):
    cdef pd_scan_geometry g
    cdef int i
    g.outer = g.inner = 1
    for i in range(cnp.PyArray_NDIM(h)):
        if i < axis:
            g.outer *= cnp.PyArray_DIM(h, i)
        elif i > axis:
            g.inner *= cnp.PyArray_DIM(h, i)
    g.n = cnp.PyArray_DIM(h, axis)
    g.reverse = reverse
    g.shifted = shifted
    run(PD_KERNEL_scan, type_of(h), (a, x, h), &g, sizeof(g), 1.3 * cnp.PyArray_SIZE(h))
