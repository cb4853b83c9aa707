# Door of csrc/kernels/adamax.h

cdef extern from "adamax.h" nogil:
    enum:
        PD_ADAMAX_SETTINGS
        PD_ADAMAX_STATES

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_adamax


def adamax(tuple arrays):
    """setting, step, p, dp, m, top for each parameter."""
    multi_tensor(PD_KERNEL_adamax, arrays, PD_ADAMAX_SETTINGS, PD_ADAMAX_STATES)
