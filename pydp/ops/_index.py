"""Indexing: x[index], its gradient, and assignment.

    getitem   y = x[index]               slices, ints, None and ...: a view
    scatter   y = 0; y[index] = x        the gradient of getitem, and its inverse
    take      y = x[…, ids, …]           arrays of indices: see _index_parts.py and _take.py
    setitem   x[index] = v               in place; counts the version up

An index with arrays of ints or bools is lowered to a view, whose indexed axes are one axis, and a
`take` along it. getitem and scatter are each other's gradients, and so are the two takes: all of
them can be differentiated for ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arrays import Array, check_axes, numpy_op, operands
from pydp._graph import apply
from pydp._op import Op, language, lengths
from pydp.ops._index_parts import Lowered, expanded, is_array, lowered, plain, view_sizes
from pydp.ops._math import copy
from pydp.ops._reduce import sum_to
from pydp.ops._shape import permute_dims, reshape
from pydp.ops._take import Take, take

WHOLE = slice(None), slice(None, None, -1)


def _typed(x: Any, index: tuple[Any, ...]) -> str:
    """The type of x[index], and where it is so: "real[3, t - 2] where t >= 2". `any` where sizes do
    not say how many indices a slice takes."""
    left, sizes = iter(x.axes), []
    asked: list[Any] = []
    for p in expanded(index, len(x.axes)):
        n = 1 if p is None else next(left)
        if isinstance(p, slice):
            n = n if p in WHOLE else _taken_of(n, p, asked)
            if n is None:
                return "any"
        elif p is not None:
            i = lengths.size_of(p)
            asked += [i, n - i - 1] if p >= 0 else [n + i]
            continue
        sizes.append(n)
    conditions = [language.at_least(value, 0) for value in asked]
    if any(c.verdict is False for c in conditions):
        return "any"
    y, open_ = language.array(x.kind, *sizes), [str(c) for c in conditions if c.verdict is None]
    return f"{y} where {', '.join(open_)}" if open_ else str(y)


def _taken_of(n: Any, part: slice, asked: list[Any]) -> Any:
    """How many of n indices a slice takes. What must be >= 0 is asked: 0 <= start <= stop <= n."""

    def place(bound: Any, usual: Any) -> Any:
        if bound is None:
            return usual
        return lengths.size_of(bound) + (n if bound < 0 else 0)

    bounds = [lengths.size_of(b) for b in (part.start, part.stop, part.step) if b is not None]
    if all(size.value is not None for size in [n, *bounds]):
        return len(range(*part.indices(n.value)))
    step = 1 if part.step is None else bounds[-1].value
    if step is None or step < 1:
        return None
    start, stop = place(part.start, language.size(0)), place(part.stop, n)
    asked += [start, stop - start, n - stop]
    return (stop - start + (step - 1)) // step


class GetItem(Op):
    name = "getitem"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], index: tuple[Any, ...]) -> str:
        return f"{types[0]} -> {_typed(types[0], index)}"

    @staticmethod
    def forward(needs: Any, x: Array, index: tuple[Any, ...]) -> Any:
        # the ellipsis makes NumPy give a 0-d view where it would give a copied scalar
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
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], index: tuple[Any, ...], shape: tuple[int, ...]) -> str:
        return f"{types[0]} -> {language.array(types[0].kind, *shape)}"

    @staticmethod
    def forward(needs: Any, x: Array, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
        y = _kernels.empty(shape, x.dtype)
        _kernels.copy_to(np.broadcast_to(np.zeros((), x.dtype), shape), y)
        _kernels.copy_to(x, y[index if Ellipsis in index else (*index, Ellipsis)])
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, index: Any, shape: Any) -> Any:
        return (apply(GetItem, (dy,), index),)

    @staticmethod
    def reference(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
        y = np.zeros(shape)
        y[index] = x
        return y


def _taken(x: Any, index: tuple[Any, ...]) -> Any:
    plan = lowered(x.shape, index)
    y = apply(GetItem, (x,), plan.view)
    if plan.order != tuple(range(y.ndim)):
        y = permute_dims(y, plan.order)
    if plan.merged > 1:
        end = plan.axis + plan.merged
        size = math.prod(y.shape[plan.axis : end])
        y = reshape(y, (*y.shape[: plan.axis], size, *y.shape[end:]))
    check_axes(y.ndim - 1 + plan.ids.ndim, "indexing")
    return take(y, plan.ids, plan.axis)


def getitem(x: Any, index: Any) -> Any:
    """x[index] with slices, ..., None, integers, and integer or bool arrays.

    Type: ``any[...] -> any[...]``. Slices and integers give a view, arrays a copy, as in NumPy.
    Integer tensors are read again in backward, so changing one in between is an error; other
    arrays are copied. IndexError where an index is out of range, TypeError for what is no index.

    Beside an array a number counts as an array, as in NumPy: ``x[0, :, ids]`` has the axis of ids
    first. PyTorch leaves it in its place.

    >>> import pydp
    >>> pydp.arange(10)[2:8:3]
    tensor([2, 5])
    >>> pydp.arange(10)[pydp.tensor([1, -1])]
    tensor([1, 9])
    """
    try:
        if type(index) is _graph.Value and index.dtype.kind in "iu" and x.ndim:  # the common one
            check_axes(x.ndim - 1 + index.ndim, "indexing")
            return apply(Take, (x, index), 0, False)
        parts = plain(index)
        if any(is_array(p) for p in parts):
            given = index if isinstance(index, tuple) else (index,)
            return _taken(x, tuple([_live(p, q) for p, q in zip(given, parts, strict=True)]))
        y = apply(GetItem, (x,), parts)
    except IndexError as error:
        raise IndexError(f"indexing: {error} (shape {x.shape})") from None
    _graph.note_view(x, y)
    return y


def _live(given: Any, part: Any) -> Any:
    """An integer tensor instead of its copy, so that a replayed step reads it again."""
    is_tensor = isinstance(given, _graph.Value) and given._array.dtype.kind in "iu"
    return given if is_tensor and isinstance(part, np.ndarray) else part


# ---- assignment ----------------------------------------------------------------------------------


class SetItem(Op):
    """x with x[index] = v, written in place: the old elements there get no gradient."""

    name = "setitem"
    type = "(any[...], any[...]) -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], index: tuple[Any, ...]) -> str:
        x, v = types
        return f"({x}, {v}) -> {x}"

    @staticmethod
    def forward(needs: Any, x: Array, v: Array, index: tuple[Any, ...]) -> Any:
        if any(is_array(p) for p in index):
            numpy_op(x.__setitem__, index, v)
        else:
            place = x[index if Ellipsis in index else (*index, Ellipsis)]
            while v.ndim > place.ndim and v.shape[0] == 1:  # as NumPy assigns
                v = v[0]
            _kernels.copy_to(np.broadcast_to(v, place.shape), place)
        return x, (v.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, index: tuple[Any, ...]) -> Any:
        dx = dv = None
        if needs[0]:  # a written element's old value has no influence, not even 0 · NaN
            dx = dy + 0.0
            dx = apply(SetItem, (dx, _graph.wrap(np.zeros((), dy.dtype))), index)
        if needs[1]:
            dv = getitem(dy, index)
            if any(isinstance(p, np.ndarray) and p.dtype.kind != "b" for p in index):
                dv = dv * _last_written(dy.shape, index, dy.dtype)
            dv = reshape(sum_to(dv, tuple(saved[0])), saved[0])
        return dx, dv

    @staticmethod
    def reference(x: Array, v: Array, index: Any) -> Array:
        y = np.array(x)
        y[index] = v
        return y


def _last_written(shape: tuple[int, ...], index: tuple[Any, ...], dtype: Any) -> Any:
    """1 where an element of v is what remains in x, 0 where a repeated index overwrote it.

    In the shape of x[index]: the ids' axes are followed by the axes of `shape` behind them.
    """
    plan = lowered(shape, index)
    ids = plan.ids._array
    size = math.prod(_merged_sizes(shape, plan))
    flat = np.where(ids < 0, ids + size, ids).reshape(-1)[::-1]
    last = np.unique(flat, return_index=True)[1]
    kept = np.zeros(flat.size, dtype)
    kept[flat.size - 1 - last] = 1
    behind = len(plan.order) - plan.axis - plan.merged
    return _graph.wrap(kept.reshape(*ids.shape, *[1] * behind))


def _merged_sizes(shape: tuple[int, ...], plan: Lowered) -> list[int]:
    return view_sizes(shape, list(plan.view), list(plan.order[plan.axis :][: plan.merged]))


def check_writable(x: Any, op: str) -> None:
    """In-place writes are refused on leaves that want a gradient and on read-only memory."""
    if type(x._node) is _graph.Leaf and _graph.is_recording():
        raise RuntimeError(
            f"{op}: a leaf that requires grad cannot be changed in place while operations are "
            "recorded; do it inside pydp.no_grad()"
        )
    check_seen(x, x, op)
    if not x._array.flags.writeable:
        raise ValueError(f"{op}: the tensor's memory is read-only")


def check_seen(x: Any, y: Any, op: str) -> None:
    """A recorded write of y into a view is refused: whose memory it is would not learn of it."""
    if y._node is not None and isinstance(x._array.base, np.ndarray) and _graph.is_recording():
        raise RuntimeError(
            f"{op}: this tensor is a view of another one's memory, which the graph would not see "
            "change; write t[index] = v on that one, or on a copy"
        )


def setitem(x: Any, index: Any, v: Any) -> None:
    """x[index] = v, in place; v broadcasts to what the index selects.

    Type: ``(any[...], any[...]) -> any[...]``. The gradient of x is 0 where v was written; v gets
    the gradient of what it wrote. Where an index is repeated, the last value stays.

    ValueError where v does not fit or x is read-only; RuntimeError for a leaf that requires grad,
    and for a view where gradients are recorded (the tensor it is a view of would not see them).

    >>> import pydp
    >>> x = pydp.zeros(4)
    >>> x[1:3] = 5.0
    >>> x
    tensor([0., 5., 5., 0.])
    """
    check_writable(x, "index assignment")
    index = plain(index)
    x_now, v = operands("index assignment", x.detach() if x._node is None else x, v)
    if x_now.dtype != x.dtype:
        raise TypeError(f"index assignment: {v.dtype} does not go into a tensor of {x.dtype}")
    check_seen(x, v, "index assignment")
    if np.may_share_memory(x._array, v._array):
        v = copy(v)
    try:
        y = apply(SetItem, (x, v), index)
    except (IndexError, ValueError) as error:
        raise type(error)(f"index assignment: {error} (shape {x.shape})") from None
    _graph.changed((x,), "index assignment")
    if y._node is not None:
        _graph.move(x, y._node)


def write(x: Any, y: Any, op: str) -> None:
    """x's memory takes y's elements, and x y's place in the graph."""
    check_seen(x, y, "in-place operator")
    _kernels.copy_to(y._array, x._array)
    _graph.changed((x,), op)
    if y._node is not None and _graph.is_recording():
        _graph.move(x, y._node)
