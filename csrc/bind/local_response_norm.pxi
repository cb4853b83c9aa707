# Doors of csrc/kernels/local_response_norm.h. Images (n, c, spatial …) are channels-last.

cdef extern from "local_response_norm.h" nogil:
    ctypedef struct pd_local_response_norm_geometry:
        int64_t c
        int64_t before
        int64_t after
        double scale
        double beta
        double k
        pd_space rows

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_local_response_norm_forward
        PD_KERNEL_local_response_norm_backward


def local_response_norm_forward(cnp.ndarray x, cnp.ndarray y, int64_t size, double alpha,
                                double beta, double k):
    local_response_norm_run(PD_KERNEL_local_response_norm_forward, x, None, y, size, alpha, beta, k)


def local_response_norm_backward(cnp.ndarray x, cnp.ndarray dy, cnp.ndarray dx, int64_t size,
                                 double alpha, double beta, double k):
    local_response_norm_run(PD_KERNEL_local_response_norm_backward, x, dy, dx, size, alpha, beta, k)


cdef void local_response_norm_run(int kernel, cnp.ndarray x, cnp.ndarray dy, cnp.ndarray out,
                                  int64_t size, double alpha, double beta, double k) except *:
    cdef pd_local_response_norm_geometry g
    g.c = cnp.PyArray_DIM(x, 1)
    g.before = min(size // 2, g.c)
    g.after = min((size - 1) // 2, g.c)
    g.scale = alpha / size
    g.beta = beta
    g.k = k
    rows_begin(&g.rows, x, 1)
    rows_operand(&g.rows, 0, out, 1)
    rows_operand(&g.rows, 1, x, 1)
    if dy is not None:
        rows_operand(&g.rows, 2, dy, 1)
    pd_space_merge(&g.rows, 2 if dy is None else 3)
    run(kernel, type_of(x), (x, out) if dy is None else (x, dy, out), &g, sizeof(g),
        1.0 * cnp.PyArray_SIZE(x))
