# Doors of csrc/kernels/attention.h. `a` is the rule's AttentionGeometry.

cdef extern from "attention.h" nogil:
    enum:
        PD_ATTENTION_Q
        PD_ATTENTION_K
        PD_ATTENTION_V
        PD_ATTENTION_MASK
        PD_ATTENTION_Y
        PD_ATTENTION_DY
        PD_ATTENTION_DQ
        PD_ATTENTION_DK
        PD_ATTENTION_DV
        PD_ATTENTION_OPERANDS
        PD_MASK_NONE
        PD_MASK_BOOL
        PD_MASK_ADDED
    ctypedef struct pd_attention_geometry:
        int64_t heads, groups, queries, keys, width, value_width
        int64_t mask, causal
        int64_t last_dropped
        double scale, keep
        int64_t batch_axes
        int64_t batch_shape[PD_MAX_AXES]
        int64_t batch[PD_ATTENTION_OPERANDS][PD_MAX_AXES]
        int64_t head[PD_ATTENTION_OPERANDS]
        int64_t row[PD_ATTENTION_OPERANDS]
        int64_t mask_column

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_attention_forward
        PD_KERNEL_attention_backward


cdef double attention_geometry(pd_attention_geometry *g, cnp.ndarray q, cnp.ndarray k,
                               cnp.ndarray v, cnp.ndarray mask, cnp.ndarray y, bint causal,
                               double scale, int64_t last_dropped, double keep) except -1:
    """The sizes and strides; the estimated time in nanoseconds of one product of all pairs."""
    cdef int axes = cnp.PyArray_NDIM(q)
    cdef int i
    memset(g, 0, sizeof(pd_attention_geometry))
    g.heads = cnp.PyArray_DIM(q, axes - 3)
    g.groups = cnp.PyArray_DIM(k, axes - 3)
    g.queries = cnp.PyArray_DIM(q, axes - 2)
    g.keys = cnp.PyArray_DIM(k, axes - 2)
    g.width = cnp.PyArray_DIM(q, axes - 1)
    g.value_width = cnp.PyArray_DIM(v, axes - 1)
    g.mask = PD_MASK_NONE
    g.causal = causal
    g.scale = scale
    g.last_dropped = last_dropped
    g.keep = keep
    g.batch_axes = axes - 3
    cdef double pairs = <double>g.heads * g.queries * g.keys
    for i in range(axes - 3):
        g.batch_shape[i] = cnp.PyArray_DIM(q, i)
        pairs *= g.batch_shape[i]
    attention_operand(g, PD_ATTENTION_Q, q)
    attention_operand(g, PD_ATTENTION_K, k)
    attention_operand(g, PD_ATTENTION_V, v)
    attention_operand(g, PD_ATTENTION_Y, y)
    if mask is not None:
        g.mask = PD_MASK_BOOL if cnp.PyArray_TYPE(mask) == cnp.NPY_BOOL else PD_MASK_ADDED
        g.mask_column = attention_operand(g, PD_ATTENTION_MASK, mask)
    return (g.width + g.value_width) * pairs / 30


cdef int64_t attention_operand(pd_attention_geometry *g, int operand, cnp.ndarray a) noexcept:
    """Put in an operand's strides; returns that of the last axis."""
    cdef int64_t strides[PD_MAX_AXES]
    cdef int i, axes = cnp.PyArray_NDIM(a)
    element_strides(a, strides)
    for i in range(axes - 3):
        g.batch[operand][i] = strides[i]
    g.head[operand] = strides[axes - 3]
    g.row[operand] = strides[axes - 2]
    return strides[axes - 1]


def attention_forward(cnp.ndarray q, cnp.ndarray k, cnp.ndarray v, mask, key, cnp.ndarray y, rows,
                      bint causal, double scale, int64_t last_dropped, double keep):
    """All arrays but key and rows have one number of axes, at least 3; the last stride of all but
    mask is 1; mask, key, rows may be None. keep < 0: no dropout."""
    cdef pd_attention_geometry g
    cdef double ns = attention_geometry(&g, q, k, v, mask, y, causal, scale, last_dropped, keep)
    run(PD_KERNEL_attention_forward, type_of(q), (q, k, v, mask, key, y, rows), &g, sizeof(g), ns)


def attention_backward(cnp.ndarray q, cnp.ndarray k, cnp.ndarray v, mask, key, cnp.ndarray y,
                       cnp.ndarray rows, cnp.ndarray dy, cnp.ndarray dq, cnp.ndarray dk,
                       cnp.ndarray dv, bint causal, double scale, int64_t last_dropped,
                       double keep):
    """As forward."""
    cdef pd_attention_geometry g
    cdef double ns = attention_geometry(&g, q, k, v, mask, y, causal, scale, last_dropped, keep)
    attention_operand(&g, PD_ATTENTION_DY, dy)
    attention_operand(&g, PD_ATTENTION_DQ, dq)
    attention_operand(&g, PD_ATTENTION_DK, dk)
    attention_operand(&g, PD_ATTENTION_DV, dv)
    run(PD_KERNEL_attention_backward, type_of(q), (q, k, v, mask, key, y, rows, dy, dq, dk, dv),
        &g, sizeof(g), 2.5 * ns)
