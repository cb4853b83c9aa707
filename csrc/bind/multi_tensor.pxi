# The geometry that the optimizers share: csrc/kernels/multi_tensor.h

cdef int multi_tensor(int kernel, tuple arrays, int group) except -1:
    """One call for all parameters. `arrays` holds `group` arrays per parameter, in the kernel's
    order: setting, step, parameter, gradient, state …"""
    cdef Py_ssize_t i, count = len(arrays) // group
    cdef bytes geometry = PyBytes_FromStringAndSize(NULL, (count + 1) * sizeof(int64_t))
    cdef int64_t *sizes = <int64_t *>PyBytes_AS_STRING(geometry)
    cdef double elements = 0
    sizes[0] = count
    for i in range(count):
        sizes[i + 1] = cnp.PyArray_SIZE(<cnp.ndarray>arrays[group * i + 2])
        elements += sizes[i + 1]
    run(kernel, type_of(arrays[2]), arrays, sizes, (count + 1) * sizeof(int64_t), 0.5 * elements)
    return 0
