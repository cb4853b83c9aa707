# The C types of _node.py, which stays what is read and what is tested without them.
cimport cython


cdef class Traced:
    cdef public object _array
    cdef public object _node
    cdef public list _version


cpdef object wrap(object array, object node=*)


cdef class Origin:
    cdef public long long age
    cdef public object parents
    cdef public object hooks
    cdef public bint retains
    cdef public object grad


@cython.final
cdef class Leaf(Origin):
    cdef public object array


@cython.final
cdef class Node(Origin):
    cdef public object op
    cdef public tuple arguments
    cdef public object saved
    cdef public Py_ssize_t outputs
    cdef public object made

    cpdef object backward(self, object dy, object needs=*)


cpdef Node node_of(object op, object parents, object arguments, object saved)


@cython.final
cdef class Pick(Origin):
    cdef public Py_ssize_t index

    cpdef object backward(self, object dy, object needs=*)


@cython.final
cdef class Place:
    cdef public Py_ssize_t index


cpdef list pack(object saved, object inputs, object results)

cdef list _kept(Traced x, object origin)

cdef object _found(object array, object inputs, object results)

cpdef tuple unpack(Node node, list saved)
