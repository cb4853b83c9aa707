# Doors of csrc/kernels/random.h. `state` and `key` are uint64 arrays [seed, stream].

cdef extern from "random.h" nogil:
    ctypedef struct pd_random_geometry:
        int64_t elements, low
        uint64_t range

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_random_draw
        PD_KERNEL_random_uniform
        PD_KERNEL_random_normal
        PD_KERNEL_random_exponential
        PD_KERNEL_random_integers
        PD_KERNEL_random_permutation


def random_draw(cnp.ndarray state, cnp.ndarray key):
    """The key of the next draw; the state counts on."""
    run(PD_KERNEL_random_draw, 0, (state, key), NULL, 0, 0)


cdef int random_fill(int kernel, int type, cnp.ndarray key, cnp.ndarray y, int64_t low,
                     uint64_t range) except -1:
    cdef pd_random_geometry g
    g.elements = cnp.PyArray_SIZE(y)
    g.low = low
    g.range = range
    run(kernel, type, (key, y), &g, sizeof(g), 2.0 * g.elements)
    return 0


def random_uniform(cnp.ndarray key, cnp.ndarray y):
    random_fill(PD_KERNEL_random_uniform, type_of(y), key, y, 0, 0)


def random_normal(cnp.ndarray key, cnp.ndarray y):
    random_fill(PD_KERNEL_random_normal, type_of(y), key, y, 0, 0)


def random_exponential(cnp.ndarray key, cnp.ndarray y):
    random_fill(PD_KERNEL_random_exponential, type_of(y), key, y, 0, 0)


def random_integers(cnp.ndarray key, cnp.ndarray y, int64_t low, uint64_t range):
    random_fill(PD_KERNEL_random_integers, 0, key, y, low, range)


def random_permutation(cnp.ndarray key, cnp.ndarray y):
    random_fill(PD_KERNEL_random_permutation, 0, key, y, 0, 0)
