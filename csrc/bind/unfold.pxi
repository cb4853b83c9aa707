# Doors of csrc/kernels/unfold.h. `windows` is the rule's Pool2d; arrays are in C order.

cdef extern from "unfold.h" nogil:
    ctypedef struct pd_unfold_geometry:
        pass

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_unfold
        PD_KERNEL_fold

cdef enum:
    UNFOLD_AXES = 12  # the members of the geometry after the planes: both axes


cdef int unfold_geometry(pd_unfold_geometry *g, windows) except -1:
    """The struct from a Pool2d, a tuple (n, c, height's six, width's six, …)."""
    cdef int i
    (<int64_t *>g)[0] = windows[0] * windows[1]
    for i in range(UNFOLD_AXES):
        (<int64_t *>g)[1 + i] = windows[2 + i]
    return 0


def unfold(windows, cnp.ndarray x, cnp.ndarray y):
    cdef pd_unfold_geometry g
    unfold_geometry(&g, windows)
    run(PD_KERNEL_unfold, type_of(x), (x, y), &g, sizeof(g), 0.5 * cnp.PyArray_SIZE(y))


def fold(windows, cnp.ndarray y, cnp.ndarray x):
    cdef pd_unfold_geometry g
    unfold_geometry(&g, windows)
    run(PD_KERNEL_fold, type_of(y), (y, x), &g, sizeof(g), 0.5 * cnp.PyArray_SIZE(y))
