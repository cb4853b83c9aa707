# What the doors see of csrc/core, and the runtime's own doors: threads, ISA, memory.

cdef extern from "kernel.h" nogil:
    ctypedef int64_t pd_kernel(void *const *arrays, const void *geometry)
    enum:
        PD_MAX_AXES
        PD_NO_MEMORY

cdef extern from "space.h" nogil:
    ctypedef struct pd_space:
        int64_t axes
        int64_t size[PD_MAX_AXES]
        int64_t stride[4][PD_MAX_AXES]
    int pd_broadcast(int, const int64_t *, int, const int64_t *, int64_t *)
    void pd_axes_by_stride(int, const int64_t *, int *)
    void pd_dense_strides(int, const int64_t *, const int64_t *, int64_t *)
    void pd_space_begin(pd_space *, int, const int64_t *)
    void pd_space_operand(pd_space *, int, int, const int64_t *, const int64_t *)
    void pd_space_merge(pd_space *, int)

cdef extern from "par.h" nogil:
    enum:
        PD_MAX_THREADS
    int pd_set_threads(int)
    int pd_get_threads()
    const char *pd_openmp_runtime()
    int pd_take_interrupt()
    int (*pd_poll)()

cdef extern from "pythread.h" nogil:
    unsigned long PyThread_get_thread_ident()

cdef extern from "alloc.h" nogil:
    void *pd_alloc(size_t)
    void pd_free(void *, size_t)
    void pd_empty_cache()
    void pd_memory(int64_t *, int64_t *)

cdef extern from "table.h" nogil:
    int pd_select_isa(const char *)
    const char *pd_selected_isa()
    const char *pd_isa_name(int)
    const char *pd_kernel_name(int)
    const char *pd_kernel_roles(int)
    pd_kernel *pd_kernel_at(int, int)

cdef extern from "cpu.h" nogil:
    int pd_cpu_supports(const char *)

max_threads = PD_MAX_THREADS
max_axes = PD_MAX_AXES


cdef object signal_raised = None  # what the handler raised while a kernel ran


# Handlers run on one thread of Python. Any other has nothing to ask, and must not: it would wait
# for the GIL in the midst of a region, and an interpreter that ends ends whoever waits for it, and
# with it the stack on which the region lies.
cdef unsigned long signals_come_to = threading.main_thread().ident


def _signals_come_here():
    global signals_come_to
    signals_come_to = PyThread_get_thread_ident()


os.register_at_fork(after_in_child=_signals_come_here)


cdef int handled() noexcept with gil:
    """Has a signal handler raised?"""
    try:
        PyErr_CheckSignals()
    except BaseException as raised:
        global signal_raised
        signal_raised = raised
        return 1
    return 0


cdef int poll() noexcept nogil:
    """Asked by a long region, five times a second. A function that takes the GIL somewhere takes it
    at its begin, too, so that is another one's work."""
    return PyThread_get_thread_ident() == signals_come_to and handled()


pd_poll = poll


def set_threads(int n):
    """Ask for n threads (1 <= n <= max_threads); the number granted."""
    return pd_set_threads(n)


def get_threads():
    return pd_get_threads()


def openmp_runtime():
    return pd_openmp_runtime().decode()


def select_isa(str name):
    """True where the build has this ISA and the processor runs it."""
    return pd_select_isa(name.encode()) == 0


def selected_isa():
    return pd_selected_isa().decode()


def built_isas():
    """Every ISA of this build, best first."""
    names = []
    while pd_isa_name(len(names)) != NULL:
        names.append(pd_isa_name(len(names)).decode())
    return names


def usable_isas():
    """The ISAs of this build that this processor runs, best first."""
    return [name for name in built_isas() if pd_cpu_supports(name.encode())]


def kernels():
    """Every kernel of the table as (name, roles); roles as in csrc/core/kernels.inc."""
    found = []
    while pd_kernel_name(len(found)) != NULL:
        i = len(found)
        found.append((pd_kernel_name(i).decode(), pd_kernel_roles(i).decode()))
    return found


def memory():
    """(bytes in use, bytes cached) of the allocator."""
    cdef int64_t in_use, cached
    pd_memory(&in_use, &cached)
    return in_use, cached


def empty_cache():
    pd_empty_cache()


select_isa(usable_isas()[0])
