"""flatten: images, channels-last in memory, become rows in C order, in one tiled copy.

Two ops that are each other's gradients; backward gives dx in the layout that x had, so what is
before flatten stays channels-last.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._graph import apply
from pydp._op import Array, Op, as_array, axis_index

Shape = tuple[int, ...]


class Flatten(Op):
    name = "flatten"
    type = "any -> any"

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
    type = "any -> any"

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


def flatten(x: Any, start_axis: int = 1, end_axis: int = -1) -> Any:
    """The axes from `start_axis` to `end_axis` as one.

    Type: ``any[n, ...] -> any[n, m]`` for the default axes; ``m`` is the product of their sizes.

    Elements are in C order, whatever x's layout: a channels-last image is transposed in one pass,
    and an x in C order is not copied at all. IndexError for an axis that x has not, ValueError
    where `start_axis` comes after `end_axis`. A 0-d tensor gives one of shape (1,).

    >>> import pydp
    >>> pydp.flatten(pydp.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
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
