# The geometry that the optimizers share: csrc/kernels/multi_tensor.h

cdef extern from "multi_tensor.h" nogil:
    enum:
        PD_GROUP


cdef int multi_tensor(int kernel, tuple arrays, int settings, int states) except -1:
    """One call for all parameters. `arrays` holds for each of them: setting (of so many settings),
    step, parameter, gradient, and so many states.

    ValueError, before anything is written, where they do not fit together.
    """
    cdef Py_ssize_t i, j, group = PD_GROUP + states, count = len(arrays) // group
    cdef bytes geometry = PyBytes_FromStringAndSize(NULL, (count + 1) * sizeof(int64_t))
    cdef int64_t *sizes = <int64_t *>PyBytes_AS_STRING(geometry)
    cdef cnp.ndarray p
    cdef double elements = 0
    cdef int type = type_of(arrays[2])
    sizes[0] = count
    for i in range(count):
        p = arrays[group * i + 2]
        has_numbers(arrays[group * i], settings)
        has_numbers(arrays[group * i + 1], 1)
        if type_of(p) != type or not cnp.PyArray_ISBEHAVED(p) or not is_dense(p):
            raise ValueError(
                f"parameters must be writable, dense and of one dtype, got shape "
                f"{(<object>p).shape}, strides {(<object>p).strides}, {p.dtype}")
        for j in range(group * i + 3, group * (i + 1)):
            if arrays[j] is not None:
                is_like(arrays[j], p, j > group * i + 3)
        sizes[i + 1] = cnp.PyArray_SIZE(p)
        elements += sizes[i + 1]
    run(kernel, type, arrays, sizes, (count + 1) * sizeof(int64_t), 0.5 * elements)
    return 0


cdef int has_numbers(cnp.ndarray array, int64_t n) except -1:
    """The settings and the step count are doubles, one behind the other."""
    if (cnp.PyArray_TYPE(array) != cnp.NPY_DOUBLE or cnp.PyArray_SIZE(array) != n
            or not cnp.PyArray_ISCARRAY(array)):
        raise ValueError(f"the settings and the step count of a parameter must be {n} float64, "
                         f"got shape {(<object>array).shape}, {array.dtype}")
    return 0


cdef int is_like(cnp.ndarray array, cnp.ndarray p, bint is_state) except -1:
    """A gradient or a state lies in memory as its parameter does; a state can be written."""
    cdef int axis, axes = cnp.PyArray_NDIM(p)
    cdef bint fits = (cnp.PyArray_TYPE(array) == cnp.PyArray_TYPE(p)
                      and cnp.PyArray_NDIM(array) == axes and cnp.PyArray_ISBEHAVED_RO(array)
                      and (cnp.PyArray_ISWRITEABLE(array) or not is_state))
    for axis in range(axes if fits else 0):
        if cnp.PyArray_DIM(array, axis) != cnp.PyArray_DIM(p, axis) or (
                cnp.PyArray_STRIDE(array, axis) != cnp.PyArray_STRIDE(p, axis)
                and cnp.PyArray_DIM(p, axis) != 1 and cnp.PyArray_SIZE(p) != 0):
            fits = False
    if not fits:
        raise ValueError(
            f"{'a state' if is_state else 'the gradient'} of a parameter must have its shape, "
            f"dtype and layout{' and be writable' if is_state else ''}: got shape "
            f"{(<object>array).shape}, {array.dtype}, strides {(<object>array).strides} for shape "
            f"{(<object>p).shape}, {p.dtype}, strides {(<object>p).strides}")
    return 0


cdef bint is_dense(cnp.ndarray array) noexcept:
    """The elements fill the memory from the first one on."""
    cdef int64_t bytes = cnp.PyArray_ITEMSIZE(array)
    cdef int axis
    for axis in range(cnp.PyArray_NDIM(array)):
        if cnp.PyArray_DIM(array, axis) > 1:
            if cnp.PyArray_STRIDE(array, axis) <= 0:
                return cnp.PyArray_SIZE(array) == 0
            bytes += (cnp.PyArray_DIM(array, axis) - 1) * cnp.PyArray_STRIDE(array, axis)
    return cnp.PyArray_SIZE(array) == 0 or bytes == cnp.PyArray_NBYTES(array)
