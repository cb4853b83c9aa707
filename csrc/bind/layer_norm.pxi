# Doors of csrc/kernels/layer_norm.h. Arrays are in C order; n is the length of a row.

cdef extern from "layer_norm.h" nogil:
    ctypedef struct pd_layer_norm_geometry:
        int64_t rows
        int64_t n
        double eps

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_layer_norm_forward
        PD_KERNEL_layer_norm_backward
        PD_KERNEL_rms_norm_forward
        PD_KERNEL_rms_norm_backward


cdef void layer_norm_run(int kernel, cnp.ndarray x, int64_t n, double eps, tuple arrays) except *:
    cdef pd_layer_norm_geometry g
    g.rows = cnp.PyArray_SIZE(x) // n if n else 0
    g.n = n
    g.eps = eps
    run(kernel, type_of(x), arrays, &g, sizeof(g), 0.5 * cnp.PyArray_SIZE(x))


def layer_norm_forward(cnp.ndarray x, cnp.ndarray weight, cnp.ndarray bias, int axes, double eps,
                       bint keep):
    """y, mean and rstd over the last `axes` axes, in C order; mean and rstd are [rows], and None
    unless they are kept for a gradient. weight and bias have the shape of those axes, or are None.
    """
    cdef int typenum = cnp.PyArray_TYPE(x), axis, ndim = cnp.PyArray_NDIM(x)
    cdef const int64_t *shape = <int64_t *>cnp.PyArray_DIMS(x)
    cdef int64_t n = 1
    cdef cnp.ndarray mean = None, rstd = None
    for axis in range(ndim - axes, ndim):
        n *= shape[axis]
    x = contiguous(x)
    weight = None if weight is None else contiguous(weight)
    bias = None if bias is None else contiguous(bias)
    type_of(x)  # refused before there is a result
    cdef cnp.ndarray y = new_array(ndim, <int64_t *>cnp.PyArray_DIMS(x), NULL, typenum)
    if keep:
        mean = new_array(ndim - axes, <int64_t *>cnp.PyArray_DIMS(x), NULL, typenum)
        rstd = new_array(ndim - axes, <int64_t *>cnp.PyArray_DIMS(x), NULL, typenum)
    layer_norm_run(PD_KERNEL_layer_norm_forward, x, n, eps, (x, weight, bias, y, mean, rstd))
    return y, mean, rstd


def layer_norm_backward(cnp.ndarray x, dy, weight, mean, rstd, dx, dweight, dbias, int64_t n):
    """dx, dweight, dbias: None where not wanted."""
    layer_norm_run(PD_KERNEL_layer_norm_backward, x, n, 0,
                   (x, dy, weight, mean, rstd, dx, dweight, dbias))


def rms_norm_forward(cnp.ndarray x, weight, y, rstd, int64_t n, double eps):
    """rstd: [rows], None where no gradient will be asked for."""
    layer_norm_run(PD_KERNEL_rms_norm_forward, x, n, eps, (x, weight, y, rstd))


def rms_norm_backward(cnp.ndarray x, dy, weight, rstd, dx, dweight, int64_t n):
    """dx, dweight: None where not wanted."""
    layer_norm_run(PD_KERNEL_rms_norm_backward, x, n, 0, (x, dy, weight, rstd, dx, dweight))
