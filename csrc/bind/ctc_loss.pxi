# Doors of csrc/kernels/ctc_loss.h. They return 0, or 1 + the position of the first bad target.

cdef extern from "ctc_loss.h" nogil:
    ctypedef struct pd_ctc_loss_geometry:
        int64_t t, n, c, k
        int64_t x_time, x_row
        int64_t blank
        int64_t zero_infinity

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_ctc_loss_forward
        PD_KERNEL_ctc_loss_backward


cdef double ctc_loss_geometry(pd_ctc_loss_geometry *g, cnp.ndarray x, cnp.ndarray targets,
                              int64_t blank, bint zero_infinity):
    """Filled in; the estimated time."""
    cdef int64_t strides[PD_MAX_AXES]
    element_strides(x, strides)
    g.t, g.n, g.c = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1), cnp.PyArray_DIM(x, 2)
    g.k = cnp.PyArray_DIM(targets, 1)
    g.x_time, g.x_row = strides[0], strides[1]
    g.blank = blank
    g.zero_infinity = zero_infinity
    return 4.0 * g.t * g.n * (2 * g.k + 5)


def ctc_loss_forward(cnp.ndarray x, cnp.ndarray targets, cnp.ndarray steps, cnp.ndarray labels,
                     cnp.ndarray loss, cnp.ndarray alpha, int64_t blank, bint zero_infinity):
    cdef pd_ctc_loss_geometry g
    cdef double ns = ctc_loss_geometry(&g, x, targets, blank, zero_infinity)
    return run(PD_KERNEL_ctc_loss_forward, type_of(x), (x, targets, steps, labels, loss, alpha),
               &g, sizeof(g), ns)


def ctc_loss_backward(cnp.ndarray x, cnp.ndarray targets, cnp.ndarray steps, cnp.ndarray labels,
                      cnp.ndarray alpha, cnp.ndarray dloss, cnp.ndarray dx, int64_t blank,
                      bint zero_infinity):
    cdef pd_ctc_loss_geometry g
    cdef double ns = ctc_loss_geometry(&g, x, targets, blank, zero_infinity)
    return run(PD_KERNEL_ctc_loss_backward, type_of(x),
               (x, targets, steps, labels, alpha, dloss, dx), &g, sizeof(g), ns)
