# Arrays over our allocator: an ndarray whose base is a Block.

cdef extern from "numpy/arrayobject.h":
    object PyArray_New(PyTypeObject *, int, cnp.npy_intp *, int, cnp.npy_intp *, void *, int, int,
                       PyObject *)
    PyTypeObject PyArray_Type


@cython.final
@cython.freelist(256)
cdef class Block:
    """A piece of allocator memory, given back when the last array over it goes."""
    cdef void *memory
    cdef size_t bytes

    def __dealloc__(self):
        pd_free(self.memory, self.bytes)


cdef bint poisoned = False


def poison(bint on):
    """Fill new arrays with 0xFF (NaN, or -1) so that an unwritten element shows. For tests."""
    global poisoned
    poisoned = on


cdef cnp.ndarray new_array(int axes, const int64_t *shape, const int64_t *like, int typenum):
    """An uninitialised array; `like` gives the order of its axes in memory (NULL: C order)."""
    cdef int64_t strides[PD_MAX_AXES]
    cdef cnp.npy_intp bytes_strides[PD_MAX_AXES]
    cdef size_t itemsize = <size_t>cnp.PyArray_DescrFromType(typenum).itemsize
    cdef size_t total = itemsize
    cdef int i
    cdef Block block = Block.__new__(Block)
    for i in range(axes):
        if shape[i] and total > (<size_t>1 << 52) // <size_t>shape[i]:
            raise MemoryError(f"an array of shape {shape_tuple(axes, shape)} is too large")
        total *= <size_t>shape[i]
    block.memory = pd_alloc(total)
    if block.memory == NULL:
        raise MemoryError(f"no memory for {total} bytes, shape {shape_tuple(axes, shape)}")
    block.bytes = total
    if poisoned:
        memset(block.memory, 0xFF, total)
    if like != NULL:
        pd_dense_strides(axes, shape, like, strides)
        for i in range(axes):
            bytes_strides[i] = strides[i] * <cnp.npy_intp>itemsize
    cdef cnp.ndarray array = PyArray_New(
        &PyArray_Type, axes, <cnp.npy_intp *>shape, typenum,
        bytes_strides if like != NULL else NULL, block.memory, <int>itemsize,
        cnp.NPY_ARRAY_CARRAY, NULL)
    cnp.set_array_base(array, block)
    return array


cdef tuple shape_tuple(int axes, const int64_t *shape):
    return tuple([shape[i] for i in range(axes)])


cdef int element_strides(cnp.ndarray array, int64_t *strides) except -1:
    """The strides in elements. Aligned arrays have whole ones."""
    cdef int64_t itemsize = cnp.PyArray_ITEMSIZE(array)
    cdef int i
    for i in range(cnp.PyArray_NDIM(array)):
        strides[i] = cnp.PyArray_STRIDE(array, i) // itemsize
    return 0


cdef int parse_shape(tuple shape, int64_t *sizes) except -1:
    cdef int i
    if len(shape) > PD_MAX_AXES:
        raise ValueError(f"an array has at most {PD_MAX_AXES} axes, got {len(shape)}")
    for i in range(len(shape)):
        sizes[i] = shape[i]
        if sizes[i] < 0:
            raise ValueError(f"sizes must not be negative, got shape {shape}")
    return <int>len(shape)


def empty(tuple shape, dtype):
    """An array in C order whose elements are not written yet: for rules, which write all of it."""
    cdef int64_t sizes[PD_MAX_AXES]
    cdef int axes = parse_shape(shape, sizes)
    return new_array(axes, sizes, NULL, (<cnp.dtype>dtype).type_num)


def empty_channels_last(tuple shape, dtype):
    """As empty, for a shape (n, c, spatial …) whose channels lie innermost in memory."""
    cdef int64_t sizes[PD_MAX_AXES]
    cdef int64_t like[PD_MAX_AXES]
    cdef int axes = parse_shape(shape, sizes)
    cdef int i
    for i in range(axes):
        like[i] = axes - i
    if axes > 2:
        like[0] = axes + 1
        like[1] = 0
    return new_array(axes, sizes, like, (<cnp.dtype>dtype).type_num)
