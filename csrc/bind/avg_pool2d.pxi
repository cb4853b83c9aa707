# Doors of csrc/kernels/avg_pool2d.h. `pool` is the rule's Pool2d; arrays are channels-last.

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_avg_pool2d_forward
        PD_KERNEL_avg_pool2d_backward


def avg_pool2d_forward(pool, cnp.ndarray x, cnp.ndarray y):
    cdef pd_pool2d_geometry g
    pool_geometry(&g, pool, x)
    run(PD_KERNEL_avg_pool2d_forward, type_of(x), (x, y), &g, sizeof(g), pool_ns(x, y))


def avg_pool2d_backward(pool, cnp.ndarray dy, cnp.ndarray dx):
    cdef pd_pool2d_geometry g
    pool_geometry(&g, pool, dy)
    run(PD_KERNEL_avg_pool2d_backward, type_of(dy), (dy, dx), &g, sizeof(g), pool_ns(dy, dx))
