# The C types of _record.py, which stays what is read and what is tested without them.
from pydp._node cimport Node, Pick, Traced, node_of, pack, wrap


cdef object _several(
    object op, object inputs, object parents, object ys, object saved, object arguments)
