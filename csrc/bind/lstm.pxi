# Doors of csrc/kernels/lstm.h

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_lstm_forward
        PD_KERNEL_lstm_backward


def lstm_forward(cnp.ndarray z, cnp.ndarray weight, cnp.ndarray h0, cnp.ndarray c0,
                 cnp.ndarray lengths, cnp.ndarray y, cnp.ndarray h, cnp.ndarray c, cnp.ndarray hs,
                 cnp.ndarray cs, cnp.ndarray gates, bint reverse):
    cdef pd_recurrent_geometry g
    cdef double ns = recurrent_geometry(&g, z, weight, y, reverse)
    run(PD_KERNEL_lstm_forward, type_of(z),
        (z, weight, h0, c0, lengths, y, h, c, hs, cs, gates), &g, sizeof(g), ns)


def lstm_backward(cnp.ndarray weight, cnp.ndarray lengths, cnp.ndarray cs, cnp.ndarray gates,
                  cnp.ndarray dy, cnp.ndarray dh, cnp.ndarray dc, cnp.ndarray dz, cnp.ndarray dh0,
                  cnp.ndarray dc0, bint reverse):
    cdef pd_recurrent_geometry g
    cdef double ns = recurrent_geometry(&g, dz, weight, dy, reverse)
    run(PD_KERNEL_lstm_backward, type_of(dz),
        (weight, lengths, cs, gates, dy, dh, dc, dz, dh0, dc0), &g, sizeof(g), ns)
