"""Reductions over any axes: sum (mean, max … follow with their kernel)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp._graph import apply
from pydp._op import Array, Op, axes_tuple, numpy_op, operands
from pydp.ops._shape import broadcast_to, reshape


class Sum(Op):
    name = "sum"
    type = "real[...] -> real[]"

    @staticmethod
    def forward(needs: Any, x: Array, axes: tuple[int, ...], keepdims: bool) -> Any:
        y = np.asarray(numpy_op(np.sum, x, axis=axes, keepdims=keepdims))
        return y, (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axes: Any, keepdims: bool) -> Any:
        (shape,) = saved
        kept = tuple([1 if i in axes else n for i, n in enumerate(shape)])
        return (broadcast_to(reshape(dy, kept), shape),)

    @staticmethod
    def reference(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
        return np.asarray(np.sum(x, axis=axes, keepdims=keepdims))


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum over the axes."""
    (x,) = operands("sum", x)
    return apply(Sum, (x,), axes_tuple(axis, x.ndim, "sum"), bool(keepdims))


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of a broadcast: x summed down to `shape`."""
    if x.shape == shape:
        return x
    missing = x.ndim - len(shape)
    axes = [*range(missing)]
    axes += [i + missing for i, n in enumerate(shape) if n == 1 and x.shape[i + missing] != 1]
    y = sum(x, axis=tuple(axes), keepdims=True)
    return reshape(y, shape)
