# Door of csrc/kernels/adam.h

cdef extern from "adam.h" nogil:
    enum:
        PD_ADAM_SETTINGS
        PD_ADAM_STATES

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_adam


def adam(tuple arrays):
    """setting, step, p, dp, m, v, top (None without AMSGrad) for each parameter."""
    multi_tensor(PD_KERNEL_adam, arrays, PD_ADAM_SETTINGS, PD_ADAM_STATES)
