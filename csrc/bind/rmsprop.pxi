# Door of csrc/kernels/rmsprop.h

cdef extern from "rmsprop.h" nogil:
    enum:
        PD_RMSPROP_SETTINGS
        PD_RMSPROP_STATES

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_rmsprop


def rmsprop(tuple arrays):
    """setting, step, p, dp, square, momentum (None where mu is 0), mean (None where not
    centered) for each parameter."""
    multi_tensor(PD_KERNEL_rmsprop, arrays, PD_RMSPROP_SETTINGS, PD_RMSPROP_STATES)
