# Door of csrc/kernels/sgd.h

cdef extern from "sgd.h" nogil:
    enum:
        PD_SGD_SETTINGS
        PD_SGD_STATES

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_sgd


def sgd(tuple arrays):
    """setting, step, p, dp, momentum (None where mu is 0) for each parameter."""
    multi_tensor(PD_KERNEL_sgd, arrays, PD_SGD_SETTINGS, PD_SGD_STATES)
