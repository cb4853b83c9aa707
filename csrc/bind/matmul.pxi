# Doors of csrc/kernels/matmul.h

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


# ---- the linear layer: matrices that are read as they lie, turned or not

cdef struct Matrix:
    int64_t rows, columns
    int64_t row, column  # strides in elements


cdef list leading_axes = [tuple(range(i)) for i in range(PD_MAX_AXES)]


cdef Matrix matrix_of(cnp.ndarray a) noexcept:
    """All axes but the last are rows: of an array in C order, or of one with two axes."""
    cdef int axes = cnp.PyArray_NDIM(a)
    cdef int64_t itemsize = cnp.PyArray_ITEMSIZE(a)
    cdef Matrix m
    m.columns = cnp.PyArray_DIM(a, axes - 1)
    if axes == 2:
        m.rows = cnp.PyArray_DIM(a, 0)
        m.row = cnp.PyArray_STRIDE(a, 0) // itemsize
        m.column = cnp.PyArray_STRIDE(a, 1) // itemsize
        return m
    m.rows = 1
    for i in range(axes - 1):
        m.rows *= cnp.PyArray_DIM(a, i)
    m.row, m.column = m.columns, 1
    return m


cdef Matrix turned(Matrix m) noexcept:
    return Matrix(m.columns, m.rows, m.column, m.row)


cdef cnp.ndarray rows_in_place(cnp.ndarray a):
    """a itself where `matrix_of` can read it, else a copy in C order."""
    return a if cnp.PyArray_NDIM(a) == 2 else contiguous(a)


cdef int multiply_matrices(cnp.ndarray x, Matrix a, cnp.ndarray w, Matrix b, cnp.ndarray bias,
                           int activation, cnp.ndarray y) except -1:
    """y = activation(x w + bias), where x is read as a and w as b; y lies in C order."""
    cdef pd_matmul_geometry g
    g.m, g.n, g.k = a.rows, b.columns, a.columns
    g.x_row, g.x_column = a.row, a.column
    g.w_row, g.w_column = b.row, b.column
    g.y_row = b.columns
    g.bias_step = 0
    if bias is not None:
        g.bias_step = cnp.PyArray_STRIDE(bias, 0) // cnp.PyArray_ITEMSIZE(bias)
    g.activation = activation
    pd_space_begin(&g.batch, 0, NULL)
    run(PD_KERNEL_matmul_forward, type_of(x), (x, w, bias, y), &g, sizeof(g),
        2.0 * g.m * g.n * g.k / 50)
    return 0


def linear_forward(cnp.ndarray x, cnp.ndarray weight, cnp.ndarray bias, int activation):
    """y[..., o] = activation(x[..., i] weight[o, i]ᵀ + bias[o]), in C order.

    NotImplemented where they do not have one type, float32 or float64, or where their shapes do not
    fit: the rule says what is wrong.
    """
    cdef int typenum = cnp.PyArray_TYPE(x), axes = cnp.PyArray_NDIM(x)
    cdef int64_t shape[PD_MAX_AXES]
    if typenum != cnp.NPY_FLOAT and typenum != cnp.NPY_DOUBLE:
        return NotImplemented
    if typenum != cnp.PyArray_TYPE(weight) or cnp.PyArray_NDIM(weight) != 2:
        return NotImplemented
    if axes < 1 or cnp.PyArray_DIM(x, axes - 1) != cnp.PyArray_DIM(weight, 1):
        return NotImplemented
    if bias is not None and (
            typenum != cnp.PyArray_TYPE(bias) or cnp.PyArray_NDIM(bias) != 1
            or cnp.PyArray_DIM(bias, 0) != cnp.PyArray_DIM(weight, 0)):
        return NotImplemented
    for i in range(axes - 1):
        shape[i] = cnp.PyArray_DIM(x, i)
    shape[axes - 1] = cnp.PyArray_DIM(weight, 0)
    x = rows_in_place(x)
    cdef cnp.ndarray y = new_array(axes, shape, NULL, typenum)
    multiply_matrices(x, matrix_of(x), weight, turned(matrix_of(weight)), bias, activation, y)
    return y


def linear_backward(cnp.ndarray x, cnp.ndarray weight, cnp.ndarray dz, bint wants_x,
                    bint wants_weight, bint wants_bias):
    """dx = dz W, dW = dzᵀ x and db = Σ dz over the rows, each None where it is not wanted.

    x, weight and dz have one type, float32 or float64.
    """
    cdef int typenum = cnp.PyArray_TYPE(x), rows = cnp.PyArray_NDIM(x) - 1
    cdef cnp.ndarray dx = None, dweight = None, dbias = None
    x, dz = rows_in_place(x), rows_in_place(dz)
    cdef Matrix of_x = matrix_of(x), of_dz = matrix_of(dz), of_weight = matrix_of(weight)
    if wants_x:
        dx = new_array(rows + 1, <int64_t *>cnp.PyArray_DIMS(x), NULL, typenum)
        multiply_matrices(dz, of_dz, weight, of_weight, None, 0, dx)
    if wants_weight:
        dweight = new_array(2, <int64_t *>cnp.PyArray_DIMS(weight), NULL, typenum)
        multiply_matrices(dz, turned(of_dz), x, of_x, None, 0, dweight)
    if wants_bias:
        dbias = reduce(PD_REDUCE_sum, dz, leading_axes[rows], False)
    return dx, dweight, dbias
