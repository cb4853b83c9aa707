"""flatten: images, channels-last in memory, become rows in C order, in one tiled copy.

Two ops that are each other's gradients; backward gives dx in the layout that x had, so what is
before flatten stays channels-last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import axis_index, shape_argument
from pydp._arrays import Array, as_array
from pydp._graph import apply
from pydp._op import Op, language
from pydp.ops._shape import reshape, value

Shape = tuple[int, ...]


class Flatten(Op):
    name = "flatten"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], shape: Shape) -> str:
        return f"{types[0]} -> {language.array(types[0].kind, *shape)}"

    @staticmethod
    def forward(needs: Any, x: Array, shape: Shape) -> Any:
        return _kernels.contiguous(x).reshape(shape), (x.shape, x.strides)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, shape: Shape) -> Any:
        return (apply(FlattenBackward, (dy,), *saved),)

    @staticmethod
    def reference(x: Array, shape: Shape) -> Array:
        return np.reshape(x, shape)


class FlattenBackward(Op):
    name = "flatten_backward"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], shape: Shape, strides: Shape) -> str:
        return f"{types[0]} -> {language.array(types[0].kind, *shape)}"

    @staticmethod
    def forward(needs: Any, dy: Array, shape: Shape, strides: Shape) -> Any:
        dx = _kernels.contiguous(dy).reshape(shape)
        return _kernels.in_order_of(dx, strides), (dy.shape,)

    @staticmethod
    def backward(saved: Any, ddx: Any, needs: Any, shape: Shape, strides: Shape) -> Any:
        return (apply(Flatten, (ddx,), *saved),)

    @staticmethod
    def reference(dy: Array, shape: Shape, strides: Shape) -> Array:
        return np.reshape(dy, shape)


def flatten(x: Any, start_axis: int = 0, end_axis: int = -1) -> Any:
    """The axes from `start_axis` to `end_axis` as one.

    Type: ``any[...] -> any[m]`` for the default axes; ``m`` is the product of their sizes.

    Elements are in C order, whatever x's layout: a channels-last image is transposed in one pass,
    and an x in C order is not copied at all. IndexError for an axis that x has not, ValueError
    where `start_axis` comes after `end_axis`. A 0-d tensor gives one of shape (1,). The module,
    `pydp.nn.Flatten`, begins at axis 1: it keeps the batch. Both are PyTorch's defaults.

    >>> import pydp
    >>> pydp.flatten(pydp.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 1)
    tensor([[1., 2., 3., 4.]])
    """
    if not isinstance(x, _graph.Value):
        x = _graph.wrap(as_array(x, "flatten"))
    shape = x.shape
    if not shape:
        return apply(Flatten, (x,), (1,))
    start = axis_index(start_axis, len(shape), "flatten")
    end = axis_index(end_axis, len(shape), "flatten")
    if start > end:
        raise ValueError(
            f"flatten: start_axis {start_axis} comes after end_axis {end_axis} in shape {shape}"
        )
    joined = math.prod(shape[start : end + 1])
    return apply(Flatten, (x,), (*shape[:start], joined, *shape[end + 1 :]))


def unflatten(x: Any, axis: int, sizes: Sequence[int]) -> Any:
    """One axis as several of these sizes, in C order; one size may be -1. Undoes `flatten`.

    Type: ``any[...] -> any[...]``. A view where memory allows. ValueError where the sizes do not
    make up the axis.

    >>> import pydp
    >>> pydp.unflatten(pydp.zeros((2, 12)), 1, (3, -1)).shape
    (2, 3, 4)
    """
    x = value(x, "unflatten")
    at, parts = axis_index(axis, x.ndim, "unflatten"), shape_argument(sizes, "unflatten")
    n = x.shape[at] if x.ndim else 1
    known = math.prod([m for m in parts if m != -1])
    if any(m < -1 for m in parts) or parts.count(-1) > 1:
        raise ValueError(f"unflatten: sizes must not be negative, but for one -1; got {parts}")
    if n % known if -1 in parts and known else n != known:
        raise ValueError(f"unflatten: sizes {parts} do not make up axis {at} of length {n}")
    if -1 in parts and not known:
        raise ValueError(f"unflatten: -1 beside a size 0 is not known, got {parts}")
    parts = tuple([n // known if m == -1 else m for m in parts])
    return reshape(x, (*x.shape[:at], *parts, *x.shape[at + 1 :]))
