# Door of csrc/kernels/adagrad.h

cdef extern from "adagrad.h" nogil:
    enum:
        PD_ADAGRAD_SETTINGS
        PD_ADAGRAD_STATES

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_adagrad


def adagrad(tuple arrays):
    """setting, step, p, dp, sum for each parameter."""
    multi_tensor(PD_KERNEL_adagrad, arrays, PD_ADAGRAD_SETTINGS, PD_ADAGRAD_STATES)
