# The C types of _walk.py, which stays what is read and what is tested without them.
from pydp._node cimport Leaf, Node, Origin, Traced, wrap


cdef object _give(dict gradients, list heap, object node, object gradient)

cdef object _own_array(Leaf leaf, Traced gradient, object handed)
