# Doors of csrc/kernels/max_pool2d.h. `pool` is the rule's Pool2d; arrays are channels-last, but x
# of forward may lie at any strides.

cdef extern from "max_pool2d.h" nogil:
    int pd_max_pool2d_reads(const pd_pool2d_geometry *g, int with_index)

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_max_pool2d_forward
        PD_KERNEL_max_pool2d_backward
        PD_KERNEL_max_pool2d_gather


def max_pool2d_forward(pool, cnp.ndarray x, cnp.ndarray y, cnp.ndarray index):
    """index: (n, oh, ow, c), uint8 or int32; None where no gradient will be asked for."""
    cdef pd_pool2d_geometry g
    pool_geometry(&g, pool, x)
    if not pd_max_pool2d_reads(&g, index is not None):
        x = channels_last(x)
        pool_geometry(&g, pool, x)
    run(PD_KERNEL_max_pool2d_forward, type_of(x), (x, y, index), &g, sizeof(g), pool_ns(x, y))


def max_pool2d_backward(pool, cnp.ndarray dy, cnp.ndarray index, cnp.ndarray dx):
    cdef pd_pool2d_geometry g
    pool_geometry(&g, pool, dy)
    run(PD_KERNEL_max_pool2d_backward, type_of(dy), (dy, index, dx), &g, sizeof(g),
        pool_ns(dy, dx))


def max_pool2d_gather(pool, cnp.ndarray ddx, cnp.ndarray index, cnp.ndarray ddy):
    cdef pd_pool2d_geometry g
    pool_geometry(&g, pool, ddx)
    run(PD_KERNEL_max_pool2d_gather, type_of(ddx), (ddx, index, ddy), &g, sizeof(g),
        pool_ns(ddx, ddy))
