# The one place where a kernel is called, and therefore where a call can be recorded.

cdef list recording = None


@cython.final
cdef class Call:
    """A recorded kernel call: it can be made again through its function pointer."""
    cdef pd_kernel *function
    cdef int kernel
    cdef readonly tuple arrays
    cdef readonly bytes geometry

    @property
    def name(self):
        """The kernel's name in the table."""
        return pd_kernel_name(self.kernel).decode()

    def __repr__(self):
        return f"<call of {self.name} on {len(self.arrays)} arrays>"


def record():
    """Begin to record: the list that every later kernel call is appended to."""
    global recording
    recording = []
    return recording


def stop_recording():
    global recording
    recording = None


def is_recording():
    return recording is not None


def replay(list calls):
    """Make the calls again, in order, on the same arrays."""
    cdef Call call
    for call in calls:
        call_function(call.function, call.arrays, PyBytes_AS_STRING(call.geometry), 1e9)


cdef int type_of(cnp.ndarray array) except -1:
    """The table's number of this array's type."""
    cdef int typenum = cnp.PyArray_TYPE(array)
    if typenum == cnp.NPY_FLOAT:
        return 0
    if typenum == cnp.NPY_DOUBLE:
        return 1
    raise TypeError(f"kernels compute in float32 or float64, not {array.dtype}")


# The GIL is kept for shorter work: giving it up and taking it back costs more than it frees.
cdef double RELEASE_NS = 50000.0

cdef enum:
    FEW_ARRAYS = 16


cdef int64_t run(int kernel, int type, tuple arrays, const void *geometry, size_t bytes,
                 double ns) except -1:
    """Call a kernel of the table. 0, or 1 + the position of the first bad datum.

    kernel    its number, PD_KERNEL_…
    type      the number of the type it computes in, of type_of
    arrays    the ndarrays in the kernel's order, None where an optional one is absent
    bytes     the size of the geometry
    ns        the estimated serial time in nanoseconds; above 50 µs the GIL is released
    """
    cdef pd_kernel *function = pd_kernel_at(type, kernel)
    cdef Call call
    if recording is not None:
        call = Call.__new__(Call)
        call.function = function
        call.kernel = kernel
        call.arrays = arrays
        call.geometry = PyBytes_FromStringAndSize(<const char *>geometry, bytes)
        recording.append(call)
    return call_function(function, arrays, geometry, ns)


cdef int64_t call_function(pd_kernel *function, tuple arrays, const void *geometry,
                           double ns) except -1:
    """Addresses of the arrays, the call, and what it reports: memory errors are raised."""
    cdef void *few[FEW_ARRAYS]
    cdef void **addresses = few
    cdef Py_ssize_t i, n = PyTuple_GET_SIZE(arrays)
    cdef PyObject *item
    cdef int64_t result
    cdef bytes many = None
    if n > FEW_ARRAYS:
        many = PyBytes_FromStringAndSize(NULL, n * sizeof(void *))
        addresses = <void **>PyBytes_AS_STRING(many)
    for i in range(n):
        item = <PyObject *>PyTuple_GET_ITEM(arrays, i)
        addresses[i] = NULL if item == <PyObject *>None else cnp.PyArray_DATA(<cnp.ndarray>item)
    if ns > RELEASE_NS:
        with nogil:
            result = function(addresses, geometry)
    else:
        result = function(addresses, geometry)
    if pd_take_interrupt():
        raise_signal()
    if result == PD_NO_MEMORY:
        raise MemoryError("no memory for a kernel's scratch space")
    return result


cdef int raise_signal() except -1:
    """Raise what the signal handler raised while the kernel ran (KeyboardInterrupt)."""
    global signal_raised
    raised, signal_raised = signal_raised, None
    raise raised if raised is not None else KeyboardInterrupt()
