"""Indexing: x[index], its gradient, and assignment.

    getitem   y = x[index]               slices, ints, None and ...: a view
    scatter   y = 0; y[index] = x        the gradient of getitem, and its inverse
    take      y = x[…, ids, …]           arrays of indices: see `lowered` and _take.py
    setitem   x[index] = v               in place; counts the version up

An index with arrays of ints or bools is lowered to a view, whose indexed axes are one axis, and a
`take` along it. getitem and scatter are each other's gradients, and so are the two takes: all of
them can be differentiated for ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pydp import _graph, _kernels
from pydp._graph import apply
from pydp._op import Array, Op, check_axes, numpy_op, operands, whole
from pydp._signature import SignatureError, array
from pydp.ops._math import copy
from pydp.ops._reduce import sum_to
from pydp.ops._shape import permute_dims, reshape
from pydp.ops._take import take


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


def _is_array(p: Any) -> bool:
    return isinstance(p, (np.ndarray, bool, np.bool_))


def _expanded(index: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """The index with whole slices in the place of its ellipsis, or at its end, up to the rank."""
    taken = sum(_axes_of(p) for p in index)
    if taken > rank:
        raise IndexError(f"too many indices: {taken} for {rank} axes")
    at = next((k for k, p in enumerate(index) if p is Ellipsis), len(index))
    if any(p is Ellipsis for p in index[at + 1 :]):
        raise IndexError("an index can only have a single ellipsis ('...')")
    return (*index[:at], *(slice(None),) * (rank - taken), *index[at + 1 :])


def _axes_of(p: Any) -> int:
    """How many axes of x a part of an index stands for."""
    if p is None or p is Ellipsis or isinstance(p, (bool, np.bool_)):
        return 0
    return p.ndim if isinstance(p, np.ndarray) and p.dtype.kind == "b" else 1


def _sliced(axes: Sequence[Any], index: tuple[Any, ...]) -> list[Any] | None:
    """The sizes of x[index] from those of x; None where a symbol's slice is beyond words."""
    left, sizes = iter(axes), []
    for p in _expanded(index, len(axes)):
        if p is None:
            sizes.append(1)
            continue
        n = next(left)
        if isinstance(p, slice) and p != slice(None):
            try:
                n = len(range(*p.indices(int(n))))
            except SignatureError:  # a symbol: to cut k off an end is all that can be said
                if p.step in (None, 1) and p.stop is None and p.start >= 0:
                    n = n - p.start
                elif p.step in (None, 1) and p.start is None and p.stop < 0:
                    n = n + p.stop
                else:
                    return None
        if isinstance(p, slice):
            sizes.append(n)
    return sizes


class GetItem(Op):
    name = "getitem"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], index: tuple[Any, ...]) -> str:
        (x,) = types
        sizes = _sliced(x.axes, index)
        return f"{x} -> any" if sizes is None else f"{x} -> {array(x.kind, *sizes)}"

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
        return f"{types[0]} -> {array(types[0].kind, *shape)}"

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


# ---- arrays of indices ---------------------------------------------------------------------------


class Lowered(NamedTuple):
    """x[index] = take(merged(permute_dims(x[view], order)), ids, axis).

    view    the index with whole slices in place of the arrays
    order   of the view's axes: the indexed ones side by side, `axis` the first of them
    merged  how many those are; they become one
    ids     the places on the merged axis
    """

    view: tuple[Any, ...]
    order: tuple[int, ...]
    axis: int
    merged: int
    ids: Any


def lowered(shape: tuple[int, ...], index: tuple[Any, ...]) -> Lowered:
    """An index with at least one array (tensors of integers among them stay as they are).

    As in NumPy: arrays (and ints, when there are arrays) broadcast to one shape, which stands where
    they stood, or in front where something else stands between them.
    """
    parts = _expanded(index, len(shape))
    view: list[Any] = []
    places: list[int] = []  # axes of the view that arrays index, and with what
    arrays: list[Any] = []
    advanced: list[int] = []  # which parts count as arrays
    axis = kept = 0  # of x, of the view
    for k, p in enumerate(parts):
        if p is None or isinstance(p, slice):
            view.append(p)
            axis += p is not None
            kept += 1
            continue
        advanced.append(k)
        if isinstance(p, int) and not isinstance(p, bool):
            if not -shape[axis] <= p < shape[axis]:
                raise IndexError(
                    f"index {p} is out of bounds for axis {axis} with size {shape[axis]}"
                )
            view.append(p)
            axis += 1
            continue
        found: Sequence[Any] = [p]
        if isinstance(p, (bool, np.bool_)):  # a new axis of length 1, taken once or not at all
            found = [np.zeros(int(p), np.intp)]
            view.append(None)
        elif isinstance(p, np.ndarray) and p.dtype.kind == "b":
            have = shape[axis : axis + p.ndim]
            if have != p.shape:
                raise IndexError(
                    f"boolean index did not match: it has shape {p.shape}, the axes from {axis} on "
                    f"have {have}"
                )
            found = p.nonzero()
        if not isinstance(p, (bool, np.bool_)):
            view += [slice(None)] * len(found)
            axis += len(found)
        arrays += found
        places += range(kept, kept + len(found))
        kept += len(found)
    together = advanced[-1] - advanced[0] == len(advanced) - 1
    start = places[0] if together else 0
    others = [i for i in range(kept) if i not in places]
    order = (*others[:start], *places, *others[start:])
    sizes = _view_sizes(shape, view, places)
    return Lowered(tuple(view), order, start, len(places), _places_of(arrays, sizes))


def _view_sizes(shape: tuple[int, ...], view: list[Any], places: list[int]) -> list[int]:
    """The sizes of those axes of the view."""
    left, sizes = iter(shape), []
    for p in view:
        n = 1 if p is None else next(left)
        if not isinstance(p, int):
            sizes.append(n)
    return [sizes[i] for i in places]


def _places_of(arrays: list[Any], sizes: list[int]) -> Any:
    """Positions on the merged axis; one array alone is used as it is, and checked by `take`."""
    if len(arrays) == 1:
        ids = arrays[0]
        return ids if isinstance(ids, _graph.Value) else _graph.wrap(ids)
    plain = [a._array if isinstance(a, _graph.Value) else a for a in arrays]
    try:
        plain = list(np.broadcast_arrays(*plain))
    except ValueError:
        shapes = ", ".join(str(a.shape) for a in plain)
        raise IndexError(f"index arrays of shapes {shapes} do not broadcast") from None
    for a, n in zip(plain, sizes, strict=True):
        bad = (a < -n) | (a >= n)
        if bad.any():
            raise IndexError(f"index {a[bad].flat[0]} is out of bounds for an axis of size {n}")
    counted = [np.where(a < 0, a + n, a) for a, n in zip(plain, sizes, strict=True)]
    return _graph.wrap(np.asarray(numpy_op(np.ravel_multi_index, counted, sizes), np.int64))


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

    >>> import pydp
    >>> pydp.arange(10)[2:8:3]
    tensor([2, 5])
    >>> pydp.arange(10)[pydp.tensor([1, -1])]
    tensor([1, 9])
    """
    plain = _plain(index)
    try:
        if any(_is_array(p) for p in plain):
            given = index if isinstance(index, tuple) else (index,)
            return _taken(x, tuple([_live(p, q) for p, q in zip(given, plain, strict=True)]))
        y = apply(GetItem, (x,), plain)
    except IndexError as error:
        raise IndexError(f"indexing: {error} (shape {x.shape})") from None
    y._version = x._version
    return y


def _live(given: Any, plain: Any) -> Any:
    """An integer tensor instead of its copy, so that a replayed step reads it again."""
    is_tensor = isinstance(given, _graph.Value) and given._array.dtype.kind in "iu"
    return given if is_tensor and isinstance(plain, np.ndarray) else plain


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
        if any(_is_array(p) for p in index):
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
    return _view_sizes(shape, list(plan.view), list(plan.order[plan.axis :][: plan.merged]))


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
    index = _plain(index)
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
    x._version[0] += 1
    if y._node is not None:
        x._node = y._node


def write(x: Any, y: Any) -> None:
    """x's memory takes y's elements, and x y's place in the graph."""
    check_seen(x, y, "in-place operator")
    _kernels.copy_to(y._array, x._array)
    x._version[0] += 1
    if y._node is not None and _graph.is_recording():
        x._node = y._node
