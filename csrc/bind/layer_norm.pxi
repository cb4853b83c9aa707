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


def layer_norm_forward(cnp.ndarray x, weight, bias, y, mean, rstd, int64_t n, double eps):
    """mean and rstd: [rows], None where no gradient will be asked for."""
    layer_norm_run(PD_KERNEL_layer_norm_forward, x, n, eps, (x, weight, bias, y, mean, rstd))


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
