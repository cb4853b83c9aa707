# Doors of csrc/kernels/embedding.h. They return 0, or 1 + the position of the first bad id.

cdef extern from "embedding.h" nogil:
    ctypedef struct pd_embedding_geometry:
        int64_t count, rows, width, id_bytes, id_signed, row_stride

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_embedding_forward
        PD_KERNEL_embedding_backward


cdef void embedding_geometry(pd_embedding_geometry *g, cnp.ndarray ids, cnp.ndarray weight):
    g.count = cnp.PyArray_SIZE(ids)
    g.rows = cnp.PyArray_DIM(weight, 0)
    g.width = cnp.PyArray_DIM(weight, 1)
    g.id_bytes = cnp.PyArray_ITEMSIZE(ids)
    g.id_signed = cnp.PyTypeNum_ISSIGNED(cnp.PyArray_TYPE(ids))
    g.row_stride = cnp.PyArray_STRIDE(weight, 0) // cnp.PyArray_ITEMSIZE(weight)


def embedding_forward(cnp.ndarray ids, cnp.ndarray weight, cnp.ndarray y):
    cdef pd_embedding_geometry g
    embedding_geometry(&g, ids, weight)
    return run(PD_KERNEL_embedding_forward, type_of(weight), (ids, weight, y), &g, sizeof(g),
               0.5 * cnp.PyArray_SIZE(y))


def embedding_backward(cnp.ndarray ids, cnp.ndarray dy, cnp.ndarray dweight):
    cdef pd_embedding_geometry g
    embedding_geometry(&g, ids, dweight)
    return run(PD_KERNEL_embedding_backward, type_of(dy), (ids, dy, dweight), &g, sizeof(g),
               0.3 * (cnp.PyArray_SIZE(dy) + cnp.PyArray_SIZE(dweight)))
