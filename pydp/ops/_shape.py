"""The same elements in another shape: views where memory allows, one copy where it does not.

Each rule's gradient is its own inverse: reshape back, permute back, sum what was broadcast. A view
shares its source's version counter, so a write through one is seen by the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import axes_tuple, axis_index, sequence, shape_argument, sizes_argument
from pydp._arrays import Array, as_array, check_axes
from pydp._graph import apply
from pydp._op import Op, language


def value(x: Any, op: str) -> Any:
    """x as a tensor."""
    return x if isinstance(x, _graph.Value) else _graph.wrap(as_array(x, op))


def view(rule: type[Op], x: Any, *arguments: Any) -> Any:
    """Apply a rule whose result may lie in x's memory."""
    y = apply(rule, (x,), *arguments)
    base = y._array.base
    if base is not None and (base is x._array or base is x._array.base):
        _graph.note_view(x, y)
    return y


class Reshape(Op):
    name = "reshape"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], shape: tuple[int, ...], copy: bool | None = None) -> str:
        (x,) = types
        y, elements = language.array(x.kind, *shape), language.product(x.axes)
        return f"{x} -> {y} where {elements} == {math.prod(shape)}"

    @staticmethod
    def forward(needs: Any, x: Array, shape: tuple[int, ...], copy: bool | None = None) -> Any:
        if copy:
            y = _kernels.empty(x.shape, x.dtype)
            _kernels.copy_to(x, y)
            return y.reshape(shape), (x.shape,)
        try:
            y = np.reshape(x, shape, copy=False)
        except ValueError:  # no strides describe it: the elements move
            if copy is False:
                raise ValueError(
                    f"reshape: copy=False, but {shape} needs a copy of strides {x.strides}"
                ) from None
            y = _kernels.contiguous(x).reshape(shape)
        return y, (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, shape: Any, copy: Any = None) -> Any:
        return (reshape(dy, saved[0]),)

    @staticmethod
    def reference(x: Array, shape: tuple[int, ...], copy: bool | None = None) -> Array:
        return np.array(list(x.flat), dtype=x.dtype).reshape(shape)


def reshape(x: Any, shape: int | Sequence[int], copy: bool | None = None) -> Any:
    """x's elements, in C order, in another shape; one size may be −1.

    Type: ``any[...] -> any[...]``. A view where the memory allows it, else a copy (copy=None); a
    copy always (True) or never (False). ValueError where the number of elements differs, or where
    copy=False needs a copy.

    >>> import pydp
    >>> pydp.reshape(pydp.arange(6), (2, -1)).shape
    (2, 3)
    """
    x = value(x, "reshape")
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
    if copy is not None and not isinstance(copy, bool):
        raise TypeError(f"reshape: copy must be a bool or None, got {copy!r}")
    return view(Reshape, x, sizes) if copy is None else view(Reshape, x, sizes, copy)


class BroadcastTo(Op):
    name = "broadcast_to"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], shape: tuple[int, ...]) -> str:
        """An axis of x is 1 or what the shape has there."""
        (x,) = types
        tail = zip(x.axes, shape[len(shape) - len(x.axes) :], strict=True)
        clashes = [f"{m} == {n}" for m, n in tail if not m.same(language.size(1))]
        where = f" where {', '.join(clashes)}" if clashes else ""
        return f"{x} -> {language.array(x.kind, *shape)}{where}"

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

    Type: ``any[...] -> any[...]``. ValueError where the shapes do not fit.

    >>> import pydp
    >>> pydp.broadcast_to(pydp.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    x = value(x, "broadcast_to")
    sizes = sizes_argument(shape, "broadcast_to")
    tail = sizes[len(sizes) - x.ndim :] if len(sizes) >= x.ndim else None
    if tail is None or any(m not in (1, n) for m, n in zip(x.shape, tail, strict=True)):
        raise ValueError(f"broadcast_to: shape {x.shape} does not broadcast to {sizes}")
    return view(BroadcastTo, x, sizes)


class PermuteDims(Op):
    name = "permute_dims"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], axes: tuple[int, ...]) -> str:
        (x,) = types
        return f"{x} -> {language.array(x.kind, *[x.axes[a] for a in axes])}"

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

    Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> pydp.permute_dims(pydp.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = value(x, "permute_dims")
    named = sequence(axes, "permute_dims", "axes")
    order = tuple([axis_index(a, x.ndim, "permute_dims") for a in named])
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"permute_dims: axes {tuple(axes)} must name each of {x.ndim} axes once")
    return view(PermuteDims, x, order)


def matrix_transpose(x: Any) -> Any:
    """x with its last two axes exchanged. A view. Type: ``any[..., m, n] -> any[..., n, m]``.

    >>> import pydp
    >>> pydp.matrix_transpose(pydp.zeros((5, 2, 3))).shape
    (5, 3, 2)
    """
    x = value(x, "matrix_transpose")
    axes = x.ndim
    if axes < 2:
        raise ValueError(f"matrix_transpose: x must have at least 2 axes, got shape {x.shape}")
    return view(PermuteDims, x, (*range(axes - 2), axes - 1, axes - 2))


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """x with some axes moved to other places, the rest in order. A view.

    Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> pydp.moveaxis(pydp.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = value(x, "moveaxis")
    given = [a if isinstance(a, (tuple, list)) else (a,) for a in (source, destination)]
    sources, targets = [[axis_index(a, x.ndim, "moveaxis") for a in axes] for axes in given]
    if not len(sources) == len(targets) == len({*sources}) == len({*targets}) <= x.ndim:
        raise ValueError(f"moveaxis: source {source} and destination {destination} do not match")
    order = [i for i in range(x.ndim) if i not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return permute_dims(x, order)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """x with two axes exchanged. A view. Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> pydp.swapaxes(pydp.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    x = value(x, "swapaxes")
    i, j = axis_index(axis1, x.ndim, "swapaxes"), axis_index(axis2, x.ndim, "swapaxes")
    order = list(range(x.ndim))
    if order:
        order[i], order[j] = j, i
    return permute_dims(x, order)


def expand_dims(x: Any, axis: int | Sequence[int] = 0) -> Any:
    """x with a new axis of length 1 at position `axis` of the result, or several. A view.

    Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> pydp.expand_dims(pydp.zeros((2, 3)), -1).shape
    (2, 3, 1)
    >>> pydp.expand_dims(pydp.zeros((2, 3)), (0, 2)).shape
    (1, 2, 1, 3)
    """
    x = value(x, "expand_dims")
    rank = x.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    check_axes(rank, "expand_dims")
    new = axes_tuple(axis, rank, "expand_dims")
    old = iter(x.shape)
    return view(Reshape, x, tuple([1 if i in new else next(old) for i in range(rank)]))


def squeeze(x: Any, axis: int | Sequence[int]) -> Any:
    """x without the named axes, which must have length 1. A view. Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> pydp.squeeze(pydp.zeros((2, 1, 3)), 1).shape
    (2, 3)
    """
    x = value(x, "squeeze")
    axes = axes_tuple(axis, x.ndim, "squeeze")
    for a in axes:
        if x.ndim and x.shape[a] != 1:
            raise ValueError(f"squeeze: axis {a} of shape {x.shape} has length {x.shape[a]}, not 1")
    return view(Reshape, x, tuple([n for i, n in enumerate(x.shape) if i not in axes]))


class Flip(Op):
    name = "flip"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], axes: tuple[int, ...]) -> str:
        return f"{types[0]} -> {types[0]}"

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

    Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> pydp.flip(pydp.tensor([1.0, 2.0, 3.0]))
    tensor([3., 2., 1.])
    """
    x = value(x, "flip")
    return view(Flip, x, axes_tuple(axis, x.ndim, "flip"))
