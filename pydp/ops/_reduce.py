"""Reductions over any axes: sum, mean, max, min.

Floats go through csrc/kernels/reduce.c. Integers and bool are NumPy's, in the dtypes of the array
API standard: sums in int64 or uint64, and a mean is float32.

The gradient of a sum is a broadcast and the gradient of a broadcast is a sum (`sum_to`), so neither
copies anything but the numbers themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import axes_tuple
from pydp._arrays import FLOAT32, INT64, Array, checked_dtype, numpy_op, operands
from pydp._graph import apply
from pydp._op import Op, language
from pydp.ops._shape import broadcast_to, reshape

Axes = tuple[int, ...]
UINT64: np.dtype[Any] = np.dtype(np.uint64)


class Reduction(Op):
    """A rule y = f of x over axes, which are ascending and counted from the front."""

    type = "any[...] -> any[...]"
    code: ClassVar[int]

    @classmethod
    def type_at(cls, types: Sequence[Any], axes: Axes, keepdims: bool) -> str:
        """Which axes stay; sums of truths are integers, and means of everything real."""
        return reduced_type(types[0], axes, keepdims, "real" if cls is Mean else None)

    @classmethod
    def forward(cls, needs: Any, x: Array, axes: Axes, keepdims: bool) -> Any:
        y = _kernels.reduce(cls.code, x, axes, keepdims)
        if y is NotImplemented:
            y = np.asanyarray(numpy_op(cls.of_integers, x, axes, keepdims))
        return y, (x.shape,)

    @staticmethod
    def of_integers(x: Array, axes: Axes, keepdims: bool) -> Any:
        raise NotImplementedError


def reduced_type(x: Any, axes: Axes, keepdims: bool, kind: Any = None) -> str:
    """The signature of a reduction of an x of this type; without kind a number of x's kind."""
    kept = [1 if i in axes else n for i, n in enumerate(x.axes) if keepdims or i not in axes]
    return f"{x} -> {language.array(kind or ('token' if x.kind == 'bool' else x.kind), *kept)}"


def accumulator(op: str, dtype: np.dtype[Any], wanted: Any) -> np.dtype[Any]:
    """The dtype of sums and products: the one asked for, else the array standard's."""
    if wanted is None:
        if dtype.kind == "f":
            return dtype
        return UINT64 if dtype.kind == "u" else INT64
    found = checked_dtype(wanted, op)
    if found.kind == "b":
        raise TypeError(f"{op}: dtype must be a number's, got bool")
    return found


def kept_shape(shape: tuple[int, ...], axes: Axes) -> tuple[int, ...]:
    """The shape with length 1 in place of the reduced axes."""
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def _spread(dy: Any, shape: tuple[int, ...], axes: Axes) -> Any:
    """The gradient of a sum: dy, repeated along the reduced axes."""
    return broadcast_to(reshape(dy, kept_shape(shape, axes)), shape)


class Sum(Reduction):
    name = "sum"
    code = _kernels.reduce_functions["sum"]

    @staticmethod
    def of_integers(x: Array, axes: Axes, keepdims: bool) -> Any:
        dtype = np.uint64 if x.dtype.kind == "u" else np.int64
        return np.sum(x, axis=axes, keepdims=keepdims, dtype=dtype)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axes: Axes, keepdims: bool) -> Any:
        return (_spread(dy, saved[0], axes),)

    @staticmethod
    def reference(x: Array, axes: Axes, keepdims: bool) -> Array:
        total = np.zeros(kept_shape(x.shape, axes))
        for index in np.ndindex(x.shape):
            total[tuple([0 if i in axes else k for i, k in enumerate(index)])] += x[index]
        return total if keepdims else np.squeeze(total, axes)


class Mean(Reduction):
    name = "mean"
    code = _kernels.reduce_functions["mean"]

    @staticmethod
    def of_integers(x: Array, axes: Axes, keepdims: bool) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            total = np.sum(x, axis=axes, keepdims=keepdims, dtype=np.float64)
            return (total / math.prod([x.shape[i] for i in axes])).astype(FLOAT32)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axes: Axes, keepdims: bool) -> Any:
        (shape,) = saved
        return (_spread(dy / math.prod([shape[i] for i in axes]), shape, axes),)

    @staticmethod
    def reference(x: Array, axes: Axes, keepdims: bool) -> Array:
        count = math.prod([x.shape[i] for i in axes])
        return np.asarray(Sum.reference(x, axes, keepdims) / np.float64(count))


class Extremum(Reduction):
    """max or min. The gradient is shared evenly by all x that are equal to y."""

    @classmethod
    def forward(cls, needs: Any, x: Array, axes: Axes, keepdims: bool) -> Any:
        y, _ = super().forward(needs, x, axes, keepdims)
        return y, (x, y)

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Any, axes: Axes, keepdims: bool) -> Any:
        from pydp.ops._elementwise import NOT_BELOW

        x, y = [value.detach() for value in saved]
        kept = kept_shape(x.shape, axes)
        pair = (x, reshape(y, kept)) if cls is Max else (reshape(y, kept), x)
        tie = apply(NOT_BELOW, pair)  # 1 where x = y, else 0: nowhere if y is NaN
        return (reshape(dy, kept) / sum(tie, axes, keepdims=True) * tie,)


class Max(Extremum):
    name = "max"
    code = _kernels.reduce_functions["max"]

    @staticmethod
    def of_integers(x: Array, axes: Axes, keepdims: bool) -> Any:
        return np.max(x, axis=axes, keepdims=keepdims)

    @staticmethod
    def reference(x: Array, axes: Axes, keepdims: bool) -> Array:
        return np.asarray(np.max(x, axis=axes, keepdims=keepdims))


class Min(Extremum):
    name = "min"
    code = _kernels.reduce_functions["min"]

    @staticmethod
    def of_integers(x: Array, axes: Axes, keepdims: bool) -> Any:
        return np.min(x, axis=axes, keepdims=keepdims)

    @staticmethod
    def reference(x: Array, axes: Axes, keepdims: bool) -> Array:
        return np.asarray(np.min(x, axis=axes, keepdims=keepdims))


# ---- what people call ----------------------------------------------------------------------------


def sum(x: Any, axis: int | Axes | None = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The sum over one axis, several, or all (None).

    Type: ``any[...] -> any[...]``. With `keepdims` the reduced axes stay, with length 1. The sum
    of nothing is 0. Integers and bool give int64, unsigned ones uint64, which wrap around; with
    `dtype` x is converted first, and so is the result.

    Floats are added in a cascade, with an error that grows as the logarithm of the length.

    >>> import pydp
    >>> pydp.sum(pydp.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    return accumulated(Sum, x, axis, keepdims, dtype)


def accumulated(rule: type[Op], x: Any, axis: Any, keepdims: bool, dtype: Any) -> Any:
    """Sum or Prod in the dtype asked for."""
    if not isinstance(x, _graph.Value):
        (x,) = operands(rule.name, x)
    axes = axes_tuple(axis, x.ndim, rule.name)
    if dtype is None:
        return apply(rule, (x,), axes, bool(keepdims))
    found = accumulator(rule.name, x.dtype, dtype)
    y = apply(rule, (x if x.dtype == found else x.astype(found),), axes, bool(keepdims))
    return y if y.dtype == found else y.astype(found)


def mean(x: Any, axis: int | Axes | None = None, keepdims: bool = False) -> Any:
    """The mean over one axis, several, or all (None).

    Type: ``any[...] -> real[...]``. The mean of nothing is NaN. Integers and bool give float32.

    >>> import pydp
    >>> pydp.mean(pydp.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1, keepdims=True)
    tensor([[1.5],
            [3.5]])
    """
    (x,) = operands("mean", x)
    return apply(Mean, (x,), axes_tuple(axis, x.ndim, "mean"), bool(keepdims))


def max(x: Any, axis: int | Axes | None = None, keepdims: bool = False) -> Any:
    """The largest element over one axis, several, or all (None); NaN where there is one.

    Type: ``real[...] -> real[...]``. ValueError where a reduced axis has length 0. The gradient is
    shared evenly among equal largest elements (PyTorch's `amax`).

    >>> import pydp
    >>> pydp.max(pydp.tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    tensor([2., 4.])
    """
    return _extremum(Max, x, axis, keepdims)


def min(x: Any, axis: int | Axes | None = None, keepdims: bool = False) -> Any:
    """The smallest element over one axis, several, or all (None); NaN where there is one.

    Type: ``real[...] -> real[...]``. Otherwise as `max`.

    >>> import pydp
    >>> pydp.min(pydp.tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1)
    tensor([1., 3.])
    """
    return _extremum(Min, x, axis, keepdims)


def _extremum(rule: type[Extremum], x: Any, axis: Any, keepdims: bool) -> Any:
    (x,) = operands(rule.name, x)
    if x.dtype.kind == "b":
        raise TypeError(f"{rule.name}: x must be a number, got bool; use any or all")
    axes = axes_tuple(axis, x.ndim, rule.name)
    check_not_empty(rule.name, x.shape, axes)
    return apply(rule, (x,), axes, bool(keepdims))


def check_not_empty(op: str, shape: tuple[int, ...], axes: Axes) -> None:
    """Refuse axes of length 0: nothing has no largest element."""
    for i in axes:
        if shape[i] == 0:
            raise ValueError(f"{op}: x of shape {shape} has no elements along axis {i}")


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of a broadcast: x summed down to `shape`."""
    if x.shape == shape:
        return x
    missing = x.ndim - len(shape)
    axes = [*range(missing)]
    axes += [i + missing for i, n in enumerate(shape) if n == 1 and x.shape[i + missing] != 1]
    return reshape(apply(Sum, (x,), tuple(axes), True), shape)
