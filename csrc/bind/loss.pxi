# Doors of csrc/kernels/loss.h

cdef extern from "loss.h" nogil:
    ctypedef struct pd_loss_geometry:
        int64_t function
        int64_t elements
        int64_t reduction
        double p
    const char *pd_loss_names[]
    enum:
        PD_LOSS_FUNCTIONS

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_loss_forward
        PD_KERNEL_loss_backward

loss_functions = {pd_loss_names[i].decode(): i for i in range(PD_LOSS_FUNCTIONS)}


def loss_forward(int function, cnp.ndarray x, cnp.ndarray t, double p, int reduction):
    """(0, loss), or (1 + the first element of x that the loss does not take, …).

    x and t are contiguous, of one shape and dtype.
    """
    cdef pd_loss_geometry g
    cdef int axes = cnp.PyArray_NDIM(x) if reduction == PD_LOSS_NONE else 0
    loss = new_array(axes, <int64_t *>cnp.PyArray_DIMS(x), NULL, cnp.PyArray_TYPE(x))
    loss_geometry(&g, function, x, p, reduction)
    bad = run(PD_KERNEL_loss_forward, type_of(x), (x, t, loss), &g, sizeof(g),
              0.5 * cnp.PyArray_SIZE(x))
    return bad, loss


def loss_backward(int function, cnp.ndarray x, cnp.ndarray t, cnp.ndarray dloss, double p,
                  int reduction):
    """dx. dloss is contiguous too."""
    cdef pd_loss_geometry g
    dx = new_array(cnp.PyArray_NDIM(x), <int64_t *>cnp.PyArray_DIMS(x), NULL, cnp.PyArray_TYPE(x))
    loss_geometry(&g, function, x, p, reduction)
    run(PD_KERNEL_loss_backward, type_of(x), (x, t, dloss, dx), &g, sizeof(g),
        0.5 * cnp.PyArray_SIZE(x))
    return dx


cdef void loss_geometry(pd_loss_geometry *g, int function, cnp.ndarray x, double p,
                        int reduction) noexcept:
    g.function = function
    g.elements = cnp.PyArray_SIZE(x)
    g.reduction = reduction
    g.p = p
