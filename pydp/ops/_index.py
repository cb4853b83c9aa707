"""Indexing: x[index], its gradient, and assignment.

    getitem   y = x[index]             basic indices give views, arrays of indices copies
    scatter   y = 0; y[index] += x     the gradient of getitem, and its inverse
    setitem   x[index] = v             in place; counts the version up

getitem and scatter are each other's gradients, so both can be differentiated for ever. What an
index means is NumPy's business; pydp adds the errors' names and the graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._graph import apply
from pydp._op import Array, Op, check_axes, numpy_op, operands, whole


def _is_basic(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        p is None or p is Ellipsis or (isinstance(p, (slice, int, np.integer))
        and not isinstance(p, (bool, np.bool_)))
        for p in parts
    )  # fmt: skip


def _plain(index: Any) -> tuple[Any, ...]:
    """The index in NumPy's terms: None, ..., slices, ints, bools and arrays of ints or bools.

    Arrays are copies: what was checked is what is used, now and in backward, whatever their owner
    or another thread writes into them in between.
    """
    return tuple([_part(p) for p in (index if isinstance(index, tuple) else (index,))])


def _part(p: Any) -> Any:
    if p is None or p is Ellipsis or isinstance(p, (bool, np.bool_)):
        return p
    if isinstance(p, slice):
        try:
            p.indices(0)
        except (TypeError, ValueError) as error:
            raise type(error)(f"indexing: {error}, got {p}") from None
        return p
    if isinstance(p, (list, tuple)):
        try:
            p = np.asarray(p, dtype=None if len(p) else np.intp)
        except ValueError as error:
            raise ValueError(f"indexing: a list must hold indices of one shape: {error}") from None
    if isinstance(p, (_graph.Value, np.ndarray)):
        return _index_array(p._array if isinstance(p, _graph.Value) else p)
    i = whole(p)
    if i is None:
        raise TypeError(f"indexing: {p!r} is not an index")
    if not -(1 << 63) <= i < 1 << 63:
        raise IndexError(f"indexing: index {i} is out of range")
    return i


def _index_array(p: Array) -> Array:
    if p.dtype.kind == "b":
        return np.array(p)
    if p.dtype.kind not in "iu":
        raise TypeError(f"indexing: index arrays must be integer or bool, got {p.dtype}")
    if p.dtype == np.uint64 and p.size and p.max() >= 1 << 63:  # would wrap around, to below 0
        raise IndexError(f"indexing: index {p.max()} is out of range")
    return np.array(p, np.intp)


class GetItem(Op):
    name = "getitem"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, index: Any) -> Any:
        if not _is_basic(index):
            y = np.asarray(numpy_op(x.__getitem__, index))
        else:  # the ellipsis makes NumPy give a 0-d view where it would give a copied scalar
            y = x[index if Ellipsis in index else (*index, Ellipsis)]
        check_axes(y.ndim, "indexing")
        return y, (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, index: Any) -> Any:
        return (apply(Scatter, (dy,), index, saved[0]),)

    @staticmethod
    def reference(x: Array, index: Any) -> Array:
        return np.array(x[index])


class Scatter(Op):
    name = "scatter"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, index: Any, shape: tuple[int, ...]) -> Any:
        y = np.zeros(shape, x.dtype)
        if _is_basic(index):
            numpy_op(y.__setitem__, index, x)
        else:
            numpy_op(np.add.at, y, index, x)
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, index: Any, shape: Any) -> Any:
        return (apply(GetItem, (dy,), index),)

    @staticmethod
    def reference(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
        y = np.zeros(shape)
        np.add.at(y, index, x)
        return y


class SetItem(Op):
    """x with x[index] = v, written in place: the old elements there get no gradient."""

    name = "setitem"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, v: Array, index: Any) -> Any:
        numpy_op(x.__setitem__, index, v)
        return x, (v.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, index: Any) -> Any:
        from pydp.ops._reduce import sum_to

        kept = np.ones(dy.shape, dy.dtype)
        kept[index] = 0
        return (
            dy * _graph.wrap(kept) if needs[0] else None,
            sum_to(apply(GetItem, (dy,), index), saved[0]) if needs[1] else None,
        )

    @staticmethod
    def reference(x: Array, v: Array, index: Any) -> Array:
        y = np.array(x)
        y[index] = v
        return y


def getitem(x: Any, index: Any) -> Any:
    """x[index] with slices, ..., None, integers, and integer or bool arrays. Type: ``any -> any``.

    Slices and integers give a view. IndexError where an index is out of range.

    >>> import pydp
    >>> pydp.arange(10)[2:8:3]
    tensor([2, 5])
    """
    index = _plain(index)
    try:
        y = apply(GetItem, (x,), index)
    except IndexError as error:
        raise IndexError(f"indexing: {error} (shape {x.shape})") from None
    if _is_basic(index):
        _graph.note_view(x, y)
    return y


def check_writable(x: Any, op: str) -> None:
    """In-place writes are refused on leaves that want a gradient and on read-only memory."""
    if type(x._node) is _graph.Leaf and _graph.is_recording():
        raise RuntimeError(
            f"{op}: a leaf that requires grad cannot be changed in place while operations are "
            "recorded; do it inside pydp.no_grad()"
        )
    if x._node is not None and isinstance(x._array.base, np.ndarray) and _graph.is_recording():
        raise RuntimeError(
            f"{op}: this tensor is a view of another one in the graph; write "
            "t[index] = t[index] + v on that one, so that the graph sees the change"
        )
    if not x._array.flags.writeable:
        raise ValueError(f"{op}: the tensor's memory is read-only")


def setitem(x: Any, index: Any, v: Any) -> None:
    """x[index] = v, in place; v broadcasts to what the index selects. Type: ``any -> any``.

    ValueError where v does not fit or x is read-only, RuntimeError for a leaf that requires grad.

    >>> import pydp
    >>> x = pydp.zeros(4)
    >>> x[1:3] = 5.0
    >>> x
    tensor([0., 5., 5., 0.])
    """
    check_writable(x, "index assignment")
    index = _plain(index)
    x_now, v = operands("index assignment", x.detach() if x._node is None else x, v)
    if x_now.dtype != x.dtype:
        raise TypeError(f"index assignment: {v.dtype} does not go into a tensor of {x.dtype}")
    if np.may_share_memory(x._array, v._array):
        v = apply(GetItem, (v,), (Ellipsis,)) + 0
    try:
        y = apply(SetItem, (x, v), index)
    except (IndexError, ValueError) as error:
        raise type(error)(f"index assignment: {error} (shape {x.shape})") from None
    _graph.changed((x,), "index assignment")
    if y._node is not None:
        _graph.move(x, y._node)


def write(x: Any, y: Any, op: str) -> None:
    """x's memory takes y's elements, and x y's place in the graph."""
    _kernels.copy_to(y._array, x._array)
    _graph.changed((x,), op)
    if y._node is not None and _graph.is_recording():
        _graph.move(x, y._node)
