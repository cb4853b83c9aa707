# Door of csrc/kernels/adadelta.h

cdef extern from "adadelta.h" nogil:
    enum:
        PD_ADADELTA_SETTINGS
        PD_ADADELTA_STATES

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_adadelta


def adadelta(tuple arrays):
    """setting, step, p, dp, square, delta for each parameter."""
    multi_tensor(PD_KERNEL_adadelta, arrays, PD_ADADELTA_SETTINGS, PD_ADADELTA_STATES)
