# Doors of csrc/kernels/gru.h

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_gru_forward
        PD_KERNEL_gru_backward


def gru_forward(cnp.ndarray z, cnp.ndarray weight, cnp.ndarray bias, cnp.ndarray h0,
                cnp.ndarray lengths, cnp.ndarray y, cnp.ndarray h, cnp.ndarray hs,
                cnp.ndarray gates, bint reverse):
    cdef pd_recurrent_geometry g
    cdef double ns = recurrent_geometry(&g, z, weight, y, reverse)
    run(PD_KERNEL_gru_forward, type_of(z), (z, weight, bias, h0, lengths, y, h, hs, gates), &g,
        sizeof(g), ns)


def gru_backward(cnp.ndarray weight, cnp.ndarray lengths, cnp.ndarray hs, cnp.ndarray gates,
                 cnp.ndarray dy, cnp.ndarray dh, cnp.ndarray dz, cnp.ndarray dq, cnp.ndarray dh0,
                 bint reverse):
    cdef pd_recurrent_geometry g
    cdef double ns = recurrent_geometry(&g, dz, weight, dy, reverse)
    run(PD_KERNEL_gru_backward, type_of(dz), (weight, lengths, hs, gates, dy, dh, dz, dq, dh0), &g,
        sizeof(g), ns)
