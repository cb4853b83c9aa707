# The geometry that the pools over images share: csrc/kernels/pool2d.h

cdef extern from "pool2d.h" nogil:
    ctypedef struct pd_pool2d_geometry:
        int64_t stride[4]

cdef enum:
    POOL_SIZES = 16  # the members of the geometry before the strides


cdef int pool_geometry(pd_pool2d_geometry *g, pool, cnp.ndarray x) except -1:
    """The struct from the rule's Pool2d, a tuple of its members in order, and x's strides."""
    cdef int64_t strides[PD_MAX_AXES]
    cdef int i
    for i in range(POOL_SIZES):
        (<int64_t *>g)[i] = pool[i]
    element_strides(x, strides)
    g.stride[0], g.stride[1] = strides[0], strides[2]
    g.stride[2], g.stride[3] = strides[3], strides[1]
    return 0


cdef double pool_ns(cnp.ndarray x, cnp.ndarray y):
    return 0.3 * <double>(cnp.PyArray_SIZE(x) + cnp.PyArray_SIZE(y))
