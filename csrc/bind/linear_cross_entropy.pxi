# Door of csrc/kernels/linear_cross_entropy.h

cdef extern from "linear_cross_entropy.h" nogil:
    ctypedef struct pd_linear_cross_entropy_geometry:
        int64_t rows, k, n
        int64_t x_row, x_column, w_row, w_column
        int64_t ignore
        int64_t reduction
        double smoothing

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_linear_cross_entropy


def linear_cross_entropy(cnp.ndarray x, cnp.ndarray w, bias, target, dloss, loss, dx, dw, dbias,
                         int64_t ignore, double smoothing, int reduction):
    """0, or 1 + the first row whose target is out of range.

    bias, target (int64) and dloss are contiguous; there is at least one class. bias, dloss and
    the gradients are None where absent or not wanted.
    """
    cdef pd_linear_cross_entropy_geometry g
    cdef int64_t strides[PD_MAX_AXES]
    cdef bint wanted = not (dx is None and dw is None and dbias is None)
    g.rows = cnp.PyArray_DIM(x, 0)
    g.k = cnp.PyArray_DIM(x, 1)
    g.n = cnp.PyArray_DIM(w, 0)
    element_strides(x, strides)
    g.x_row, g.x_column = strides[0], strides[1]
    element_strides(w, strides)
    g.w_row, g.w_column = strides[0], strides[1]
    g.ignore = ignore
    g.smoothing = smoothing
    g.reduction = reduction
    cdef double products = <double>g.rows * g.n * (g.k + 1) * (3 if wanted else 1)
    return run(PD_KERNEL_linear_cross_entropy, type_of(x),
               (x, w, bias, target, dloss, loss, dx, dw, dbias), &g, sizeof(g), products / 25)
