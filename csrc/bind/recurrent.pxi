# Door of csrc/kernels/recurrent.h, and the geometry that lstm, gru and rnn share

cdef extern from "recurrent.h" nogil:
    ctypedef struct pd_recurrent_geometry:
        int64_t t, b, h
        int64_t reverse
        int64_t weight_row, weight_column
        int64_t y_row, y_time
        int64_t relu
    ctypedef struct pd_recurrent_mask_geometry:
        int64_t t, b, d
        int64_t x_stride[3]

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_recurrent_mask


def recurrent_mask(cnp.ndarray x, cnp.ndarray lengths, cnp.ndarray y):
    cdef pd_recurrent_mask_geometry g
    g.t, g.b, g.d = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1), cnp.PyArray_DIM(x, 2)
    element_strides(x, g.x_stride)
    run(PD_KERNEL_recurrent_mask, type_of(x), (x, lengths, y), &g, sizeof(g),
        0.5 * cnp.PyArray_SIZE(x))


cdef double recurrent_geometry(pd_recurrent_geometry *g, cnp.ndarray z, cnp.ndarray weight,
                               cnp.ndarray y, bint reverse) except -1:
    """From z (or dz) [t, b, gates h], the weight, and y or dy (None: not read); the estimated time
    in nanoseconds."""
    cdef int64_t strides[3]
    g.t = cnp.PyArray_DIM(z, 0)
    g.b = cnp.PyArray_DIM(z, 1)
    g.h = cnp.PyArray_DIM(weight, 1)
    g.reverse = reverse
    g.relu = 0
    element_strides(weight, strides)
    g.weight_row = strides[0]
    g.weight_column = strides[1]
    g.y_row = 0
    g.y_time = 0
    if y is not None:
        element_strides(y, strides)
        g.y_row = strides[0]
        g.y_time = strides[1]
    return 2.0 * cnp.PyArray_SIZE(z) * (g.h + 64) / 50
