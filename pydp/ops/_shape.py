"""The same elements in another shape: views where memory allows, one copy where it does not.

Each rule's gradient is its own inverse: reshape back, permute back, sum what was broadcast, cut
what was joined. A view shares its source's version counter, so a write through one is seen by the
other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._graph import apply
from pydp._op import (
    Array,
    Op,
    as_array,
    axes_tuple,
    axis_index,
    check_axes,
    check_memory,
    integer,
    numpy_op,
    operands,
    sequence,
    shape_argument,
    sizes_argument,
)


def _value(x: Any, op: str) -> Any:
    return x if isinstance(x, _graph.Value) else _graph.wrap(as_array(x, op))


def _view(rule: type[Op], x: Any, *arguments: Any) -> Any:
    """Apply a rule whose result may lie in x's memory."""
    y = apply(rule, (x,), *arguments)
    base = y._array.base
    if base is not None and (base is x._array or base is x._array.base):
        _graph.note_view(x, y)
    return y


class Reshape(Op):
    name = "reshape"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, shape: tuple[int, ...]) -> Any:
        try:
            y = np.reshape(x, shape, copy=False)
        except ValueError:  # no strides describe it: the elements move
            y = _kernels.contiguous(x).reshape(shape)
        return y, (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, shape: Any) -> Any:
        return (reshape(dy, saved[0]),)

    @staticmethod
    def reference(x: Array, shape: tuple[int, ...]) -> Array:
        return np.array(list(x.flat), dtype=x.dtype).reshape(shape)


def reshape(x: Any, shape: int | Sequence[int]) -> Any:
    """x's elements, in C order, in another shape; one size may be −1.

    Type: ``any -> any``. A view where the memory allows it, else a copy. ValueError where the
    number of elements differs.

    >>> import pydp
    >>> pydp.reshape(pydp.arange(6), (2, -1)).shape
    (2, 3)
    """
    x = _value(x, "reshape")
    sizes = shape_argument(shape, "reshape")
    if any(n < -1 for n in sizes) or sizes.count(-1) > 1:
        raise ValueError(f"reshape: sizes must not be negative, but for one -1; got {sizes}")
    known = math.prod(n for n in sizes if n != -1)
    if -1 in sizes:
        if known == 0 or x.size % known:
            raise ValueError(f"reshape: {x.shape} has {x.size} elements; they do not fill {sizes}")
        sizes = tuple([x.size // known if n == -1 else n for n in sizes])
    elif known != x.size:
        raise ValueError(
            f"reshape: {x.shape} has {x.size} elements, the new shape {sizes} has {known}"
        )
    return _view(Reshape, x, sizes)


class BroadcastTo(Op):
    name = "broadcast_to"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, shape: tuple[int, ...]) -> Any:
        return np.broadcast_to(x, shape), (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, shape: Any) -> Any:
        from pydp.ops._reduce import sum_to

        return (sum_to(dy, saved[0]),)

    @staticmethod
    def reference(x: Array, shape: tuple[int, ...]) -> Array:
        return np.zeros(shape, x.dtype) + x


def broadcast_to(x: Any, shape: int | Sequence[int]) -> Any:
    """x with axes of length 1 repeated and axes added in front, without a copy.

    Type: ``any -> any``. ValueError where the shapes do not fit.

    >>> import pydp
    >>> pydp.broadcast_to(pydp.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    x = _value(x, "broadcast_to")
    sizes = sizes_argument(shape, "broadcast_to")
    tail = sizes[len(sizes) - x.ndim :] if len(sizes) >= x.ndim else None
    if tail is None or any(m not in (1, n) for m, n in zip(x.shape, tail, strict=True)):
        raise ValueError(f"broadcast_to: shape {x.shape} does not broadcast to {sizes}")
    return _view(BroadcastTo, x, sizes)


class PermuteDims(Op):
    name = "permute_dims"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, axes: tuple[int, ...]) -> Any:
        return x.transpose(axes), None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axes: tuple[int, ...]) -> Any:
        return (permute_dims(dy, tuple([axes.index(i) for i in range(len(axes))])),)

    @staticmethod
    def reference(x: Array, axes: tuple[int, ...]) -> Array:
        return np.transpose(x, axes)


def permute_dims(x: Any, axes: Sequence[int]) -> Any:
    """x with its axes in another order: axis i of the result is axis axes[i] of x. A view.

    Type: ``any -> any``.

    >>> import pydp
    >>> pydp.permute_dims(pydp.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = _value(x, "permute_dims")
    named = sequence(axes, "permute_dims", "axes")
    order = tuple([axis_index(a, x.ndim, "permute_dims") for a in named])
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"permute_dims: axes {tuple(axes)} must name each of {x.ndim} axes once")
    return _view(PermuteDims, x, order)


def matrix_transpose(x: Any) -> Any:
    """x with its last two axes exchanged. A view. Type: ``real[..., m, n] -> real[..., n, m]``.

    >>> import pydp
    >>> pydp.matrix_transpose(pydp.zeros((5, 2, 3))).shape
    (5, 3, 2)
    """
    x = _value(x, "matrix_transpose")
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose: x must have at least 2 axes, got shape {x.shape}")
    return permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """x with some axes moved to other places, the rest in order. A view. Type: ``any -> any``.

    >>> import pydp
    >>> pydp.moveaxis(pydp.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = _value(x, "moveaxis")
    given = [a if isinstance(a, (tuple, list)) else (a,) for a in (source, destination)]
    sources, targets = [[axis_index(a, x.ndim, "moveaxis") for a in axes] for axes in given]
    if not len(sources) == len(targets) == len({*sources}) == len({*targets}) <= x.ndim:
        raise ValueError(f"moveaxis: source {source} and destination {destination} do not match")
    order = [i for i in range(x.ndim) if i not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return permute_dims(x, order)


def expand_dims(x: Any, axis: int = 0) -> Any:
    """x with a new axis of length 1 at position `axis`. A view. Type: ``any -> any``.

    >>> import pydp
    >>> pydp.expand_dims(pydp.zeros((2, 3)), -1).shape
    (2, 3, 1)
    """
    x = _value(x, "expand_dims")
    check_axes(x.ndim + 1, "expand_dims")
    at = axis_index(axis, x.ndim + 1, "expand_dims")
    return _view(Reshape, x, (*x.shape[:at], 1, *x.shape[at:]))


def squeeze(x: Any, axis: int | Sequence[int]) -> Any:
    """x without the named axes, which must have length 1. A view. Type: ``any -> any``.

    >>> import pydp
    >>> pydp.squeeze(pydp.zeros((2, 1, 3)), 1).shape
    (2, 3)
    """
    x = _value(x, "squeeze")
    axes = axes_tuple(axis, x.ndim, "squeeze")
    for a in axes:
        if x.ndim and x.shape[a] != 1:
            raise ValueError(f"squeeze: axis {a} of shape {x.shape} has length {x.shape[a]}, not 1")
    return _view(Reshape, x, tuple([n for i, n in enumerate(x.shape) if i not in axes]))


class Flip(Op):
    name = "flip"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, axes: tuple[int, ...]) -> Any:
        return np.flip(x, axes), None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axes: tuple[int, ...]) -> Any:
        return (flip(dy, axis=axes),)

    @staticmethod
    def reference(x: Array, axes: tuple[int, ...]) -> Array:
        return np.flip(x, axes)


def flip(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """x with the order of its elements reversed along the axes (None: all). A view.

    Type: ``any -> any``.

    >>> import pydp
    >>> pydp.flip(pydp.tensor([1.0, 2.0, 3.0]))
    tensor([3., 2., 1.])
    """
    x = _value(x, "flip")
    return _view(Flip, x, axes_tuple(axis, x.ndim, "flip"))


class Concat(Op):
    name = "concat"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, *arrays_and_axis: Any) -> Any:
        *arrays, axis = arrays_and_axis
        items = sum([a.size for a in arrays])
        check_memory((items,), arrays[0].itemsize, "concat")
        y = np.asarray(numpy_op(np.concatenate, arrays, axis=axis))
        return y, (tuple([a.shape[axis] for a in arrays]),)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axis: int) -> Any:
        parts, start = [], 0
        for need, n in zip(needs, saved[0], strict=True):
            cut = (slice(None),) * axis + (slice(start, start + n),)
            parts.append(dy[cut] if need else None)
            start += n
        return parts

    @staticmethod
    def reference(*arrays_and_axis: Any) -> Array:
        *arrays, axis = arrays_and_axis
        return np.concatenate(arrays, axis=axis)


def _parts(arrays: Any, op: str) -> list[Any]:
    """Several tensors as tensors of one dtype."""
    if not sequence(arrays, op, "arrays"):
        raise ValueError(f"{op}: arrays must hold at least one tensor")
    return operands(op, *arrays)


def concat(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """The arrays joined along an axis; None joins them flattened.

    Type: ``any -> any``. ValueError where other sizes differ.

    >>> import pydp
    >>> pydp.concat([pydp.tensor([1.0]), pydp.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    parts = _parts(arrays, "concat")
    if axis is None:
        parts, axis = [reshape(x, (-1,)) for x in parts], 0
    first = parts[0]
    at = axis_index(axis, first.ndim, "concat")
    for x in parts:
        others = zip(x.shape, first.shape, strict=False)
        if (
            x.ndim != first.ndim
            or not x.ndim
            or any(m != n for i, (m, n) in enumerate(others) if i != at)
        ):
            raise ValueError(f"concat: {x.shape} does not fit {first.shape} along axis {at}")
    return apply(Concat, parts, at)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """The arrays, all of one shape, joined along a new axis. Type: ``any -> any``.

    >>> import pydp
    >>> pydp.stack([pydp.zeros((2, 3)), pydp.ones((2, 3))], axis=-1).shape
    (2, 3, 2)
    """
    parts = _parts(arrays, "stack")
    at = axis_index(axis, parts[0].ndim + 1, "stack")
    for x in parts:
        if x.shape != parts[0].shape:
            raise ValueError(f"stack: shapes must be equal, got {parts[0].shape} and {x.shape}")
    return concat([expand_dims(x, at) for x in parts], at)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices of x along an axis, which they lack. Views. Type: ``any -> any``.

    >>> import pydp
    >>> [part.shape for part in pydp.unstack(pydp.zeros((2, 3)))]
    [(3,), (3,)]
    """
    x = _value(x, "unstack")
    if not x.ndim:
        raise IndexError("unstack: x must have an axis, got a 0-d tensor")
    at = axis_index(axis, x.ndim, "unstack")
    return tuple([x[(slice(None),) * at + (i,)] for i in range(x.shape[at])])


def tile(x: Any, repetitions: Sequence[int]) -> Any:
    """x repeated side by side along each axis. Type: ``any -> any``.

    >>> import pydp
    >>> pydp.tile(pydp.tensor([1.0, 2.0]), (2,))
    tensor([1., 2., 1., 2.])
    """
    x = _value(x, "tile")
    named = sequence(repetitions, "tile", "repetitions")
    times = [integer(n, "tile", "repetitions", 0) for n in named]
    times = [1] * (x.ndim - len(times)) + times
    sizes = (1,) * (len(times) - x.ndim) + x.shape
    pairs = list(zip(times, sizes, strict=True))
    shape = sizes_argument([t * n for t, n in pairs], "tile")
    check_axes(len(sizes) + sum(t != 1 for t in times), "tile")  # one more for each repetition
    apart = reshape(x, [k for t, n in pairs for k in ((n,) if t == 1 else (1, n))])
    spread = broadcast_to(apart, [k for t, n in pairs for k in ((n,) if t == 1 else (t, n))])
    return reshape(spread, shape)
