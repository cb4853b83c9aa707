# Doors of csrc/kernels/rnn.h

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_rnn_forward
        PD_KERNEL_rnn_backward


def rnn_forward(cnp.ndarray z, cnp.ndarray weight, cnp.ndarray h0, cnp.ndarray lengths,
                cnp.ndarray y, cnp.ndarray h, cnp.ndarray hs, bint reverse, bint relu):
    cdef pd_recurrent_geometry g
    cdef double ns = recurrent_geometry(&g, z, weight, y, reverse)
    g.relu = relu
    run(PD_KERNEL_rnn_forward, type_of(z), (z, weight, h0, lengths, y, h, hs), &g, sizeof(g), ns)


def rnn_backward(cnp.ndarray weight, cnp.ndarray lengths, cnp.ndarray hs, cnp.ndarray dy,
                 cnp.ndarray dh, cnp.ndarray dz, cnp.ndarray dh0, bint reverse, bint relu):
    cdef pd_recurrent_geometry g
    cdef double ns = recurrent_geometry(&g, dz, weight, dy, reverse)
    g.relu = relu
    run(PD_KERNEL_rnn_backward, type_of(dz), (weight, lengths, hs, dy, dh, dz, dh0), &g, sizeof(g),
        ns)
