# Door of csrc/kernels/matmul.h

cdef extern from "matmul.h" nogil:
    ctypedef struct pd_matmul_geometry:
        int64_t m, n, k
        int64_t x_row, x_column
        int64_t w_row, w_column
        int64_t bias_step
        int64_t y_row
        int64_t activation
        pd_space batch
    enum:
        PD_ACTIVATION_NONE
        PD_ACTIVATION_RELU
        PD_ACTIVATION_GELU
        PD_ACTIVATION_TANH
        PD_ACTIVATION_SIGMOID

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_matmul_forward

activations = {
    None: PD_ACTIVATION_NONE,
    "relu": PD_ACTIVATION_RELU,
    "gelu": PD_ACTIVATION_GELU,
    "tanh": PD_ACTIVATION_TANH,
    "sigmoid": PD_ACTIVATION_SIGMOID,
}


def matmul_forward(cnp.ndarray x, cnp.ndarray w, cnp.ndarray bias=None, int activation=0,
                   cnp.ndarray y=None):
    """y[..., m, n] = activation(x[..., m, k] w[..., k, n] + bias[n]); batch axes broadcast.

    A new y in C order where none is given. NotImplemented where the types of x and w differ or are
    not float32 or float64, or where their shapes do not fit: the rule says what is wrong.
    """
    cdef int typenum = cnp.PyArray_TYPE(x)
    if typenum != cnp.PyArray_TYPE(w) or (
            typenum != cnp.NPY_FLOAT and typenum != cnp.NPY_DOUBLE):
        return NotImplemented
    cdef pd_matmul_geometry g
    cdef int64_t strides[PD_MAX_AXES]
    cdef int64_t shape[PD_MAX_AXES]
    cdef int64_t one
    cdef int x_axes = cnp.PyArray_NDIM(x), w_axes = cnp.PyArray_NDIM(w)
    if x_axes < 2 or w_axes < 2 or cnp.PyArray_DIM(x, x_axes - 1) != cnp.PyArray_DIM(w, w_axes - 2):
        return NotImplemented
    cdef int batch = pd_broadcast(x_axes - 2, <int64_t *>cnp.PyArray_DIMS(x),
                                  w_axes - 2, <int64_t *>cnp.PyArray_DIMS(w), shape)
    if batch < 0:
        return NotImplemented
    g.m = shape[batch] = cnp.PyArray_DIM(x, x_axes - 2)
    g.n = shape[batch + 1] = cnp.PyArray_DIM(w, w_axes - 1)
    g.k = cnp.PyArray_DIM(x, x_axes - 1)
    g.activation = activation
    g.bias_step = 0
    if bias is not None:
        element_strides(bias, strides)
        g.bias_step = strides[0]
    if y is None:
        y = new_array(batch + 2, shape, NULL, typenum)
    pd_space_begin(&g.batch, batch, shape)
    matmul_operand(&g.batch, 1, x, &g.x_row, &g.x_column)
    matmul_operand(&g.batch, 2, w, &g.w_row, &g.w_column)
    matmul_operand(&g.batch, 0, y, &g.y_row, &one)
    cdef double flops = 2.0 * cnp.PyArray_SIZE(y) * g.k
    run(PD_KERNEL_matmul_forward, type_of(x), (x, w, bias, y), &g, sizeof(g), flops / 50)
    return y


cdef void matmul_operand(pd_space *batch, int operand, cnp.ndarray a, int64_t *row,
                         int64_t *column) noexcept:
    """The strides of a's last two axes; those of the others go into the batch."""
    cdef int64_t strides[PD_MAX_AXES]
    cdef int axes = cnp.PyArray_NDIM(a)
    element_strides(a, strides)
    row[0] = strides[axes - 2]
    column[0] = strides[axes - 1]
    pd_space_operand(batch, operand, axes - 2, <int64_t *>cnp.PyArray_DIMS(a), strides)
