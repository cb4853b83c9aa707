"""Reductions without a kernel of their own: composed of other ops, or NumPy's.

prod, var, std and logsumexp have gradients of every order; argmax, argmin, all and any have none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import axes_tuple, axis_index, number, real_tensor
from pydp._arrays import Array, check_memory, numpy_op, operands
from pydp._op import Op
from pydp.ops import _reduce
from pydp.ops._math import exp, log, maximum, minimum, sign, sqrt, square
from pydp.ops._reduce import Axes, accumulated, check_not_empty, kept_shape, reduced_type
from pydp.ops._scan import cumulative_prod
from pydp.ops._shape import flip, permute_dims, reshape, squeeze


class Prod(Op):
    name = "prod"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], axes: Axes, keepdims: bool) -> str:
        return reduced_type(types[0], axes, keepdims)

    @staticmethod
    def forward(needs: Any, x: Array, axes: Axes, keepdims: bool) -> Any:
        dtype = {"f": x.dtype, "u": np.uint64}.get(x.dtype.kind, np.int64)
        y = numpy_op(np.prod, x, axis=axes, keepdims=keepdims, dtype=dtype)
        return np.asarray(y), (x,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axes: Axes, keepdims: bool) -> Any:
        """dy times the product of all others, which is (those before) · (those after): right where
        x has zeros too, and differentiable again."""
        (x,) = saved
        kept = tuple([i for i in range(x.ndim) if i not in axes])
        order = (*kept, *axes)
        moved = permute_dims(x, order)
        rows = reshape(moved, (*moved.shape[: len(kept)], math.prod(moved.shape[len(kept) :])))
        before = cumulative_prod(rows, -1, include_initial=True)[..., :-1]
        after = flip(cumulative_prod(flip(rows, axis=-1), -1, include_initial=True), axis=-1)
        back = tuple([order.index(i) for i in range(x.ndim)])
        others = permute_dims(reshape(before * after[..., 1:], moved.shape), back)
        return (reshape(dy, kept_shape(x.shape, axes)) * others,)

    @staticmethod
    def reference(x: Array, axes: Axes, keepdims: bool) -> Array:
        return np.asarray(np.prod(x, axis=axes, keepdims=keepdims))


def prod(x: Any, axis: int | Axes | None = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over one axis, several, or all (None).

    Type: ``any[...] -> any[...]``. The product of nothing is 1. Integers and bool give int64,
    unsigned ones uint64, which wrap around; with `dtype` x is converted first, and so is the
    result. The gradient is right where x has zeros.

    >>> import pydp
    >>> pydp.prod(pydp.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    tensor([ 2., 12.])
    """
    return accumulated(Prod, x, axis, keepdims, dtype)


def var(
    x: Any, axis: int | Axes | None = None, correction: float = 0.0, keepdims: bool = False
) -> Any:
    """The variance: Σ (x − mean)² / (n − correction) over one axis, several, or all (None).

    Type: ``real[...] -> real[...]``. `correction` 0 (the default, as in the array API standard)
    gives the variance of the population, 1 the unbiased estimate from a sample (PyTorch's default);
    NaN where n <= correction and x is constant. The mean is taken first, and what its rounding left
    is taken again, so a large one costs nothing.

    >>> import pydp
    >>> pydp.var(pydp.tensor([1.0, 2.0, 3.0, 4.0]))
    tensor(1.25)
    """
    return _variance("var", x, axis, correction, keepdims)


def std(
    x: Any, axis: int | Axes | None = None, correction: float = 0.0, keepdims: bool = False
) -> Any:
    """The standard deviation √var(x). The gradient where it is 0 is 0.

    Type: ``real[...] -> real[...]``. Otherwise as `var`.

    >>> import pydp
    >>> pydp.std(pydp.tensor([1.0, 3.0]))
    tensor(1.)
    """
    v = _variance("std", x, axis, correction, keepdims)
    zero = 1.0 - sign(v.detach())  # 1 where v is 0: the slope of √ at 0 is not wanted
    return sqrt(v + zero) - zero


def _variance(op: str, x: Any, axis: Any, correction: Any, keepdims: bool) -> Any:
    x = real_tensor(x, op, "x")
    correction = number(correction, op, "correction")
    if not math.isfinite(correction):
        raise ValueError(f"{op}: correction must be finite, got {correction}")
    axes = axes_tuple(axis, x.ndim, op)
    count = math.prod([x.shape[i] for i in axes]) - correction
    # A large mean is rounded by more than small deviations: what is left of it is taken off again.
    near = x - _reduce.mean(x.detach(), axes, keepdims=True)
    squares = _reduce.sum(square(near - _reduce.mean(near, axes, keepdims=True)), axes, keepdims)
    return squares / (count if count > 0 else 0.0)


def logsumexp(x: Any, axis: int | Axes | None = None, keepdims: bool = False) -> Any:
    """log Σ exp(x) over one axis, several, or all (None), without overflow.

    Type: ``real[...] -> real[...]``. Where all x are −inf (or there are none) it is −inf, with
    gradient 0. The gradient is softmax.

    >>> import pydp
    >>> pydp.logsumexp(pydp.tensor([1000.0, 1000.0]))
    tensor(1000.6932)
    """
    x = real_tensor(x, "logsumexp", "x")
    axes = axes_tuple(axis, x.ndim, "logsumexp")
    if 0 in [x.shape[i] for i in axes]:
        return log(_reduce.sum(x, axes, keepdims))
    largest = float(np.finfo(x.dtype).max)
    top = _reduce.max(x.detach(), axes, keepdims=True)
    shift = minimum(maximum(top, -largest), largest)  # −inf − (−inf) would be NaN
    total = _reduce.sum(exp(x - shift), axes, keepdims=True)
    zero = 1.0 - sign(total.detach())  # 1 where all are −inf: keeps dy / total finite
    y = log(total + zero) + top
    return y if keepdims else squeeze(y, axes)


# ---- without a gradient --------------------------------------------------------------------------


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first largest element along an axis; of the flattened x for None.

    Type: ``real[...] -> token[...]`` (int64). A NaN counts as largest. ValueError where the axis
    has length 0.

    >>> import pydp
    >>> pydp.argmax(pydp.tensor([[1.0, 5.0], [7.0, 5.0]]), axis=1)
    tensor([1, 0])
    """
    return _position("argmax", np.argmax, x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the first smallest element along an axis; of the flattened x for None.

    Type: ``real[...] -> token[...]`` (int64). Otherwise as `argmax`.

    >>> import pydp
    >>> pydp.argmin(pydp.tensor([[1.0, 5.0], [7.0, 5.0]]), axis=1)
    tensor([0, 1])
    """
    return _position("argmin", np.argmin, x, axis, keepdims)


def _position(op: str, function: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    (x,) = operands(op, x)
    if axis is not None:
        axis = axis_index(axis, x.ndim, op)
    check_not_empty(op, x.shape, tuple(range(x.ndim)) if axis is None else (axis,)[: x.ndim])
    check_memory(x.shape, x.dtype.itemsize, op)  # NumPy copies what has strides
    y = numpy_op(function, x._array, axis=axis if x.ndim else None, keepdims=bool(keepdims))
    return _graph.wrap(np.asanyarray(y, np.int64))


def all(x: Any, axis: int | Axes | None = None, keepdims: bool = False) -> Any:
    """Whether all elements are true (not 0) over one axis, several, or all (None).

    Type: ``any -> bool[...]``. True of nothing.

    >>> import pydp
    >>> pydp.all(pydp.tensor([1.0, 0.0]) > 0)
    tensor(False)
    """
    return _truth("all", np.all, x, axis, keepdims)


def any(x: Any, axis: int | Axes | None = None, keepdims: bool = False) -> Any:
    """Whether any element is true (not 0) over one axis, several, or all (None).

    Type: ``any -> bool[...]``. False of nothing.

    >>> import pydp
    >>> pydp.any(pydp.tensor([1.0, 0.0]) > 0)
    tensor(True)
    """
    return _truth("any", np.any, x, axis, keepdims)


def _truth(op: str, function: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    (x,) = operands(op, x)
    axes = axes_tuple(axis, x.ndim, op)
    y = numpy_op(function, x._array, axis=axes, keepdims=bool(keepdims))
    return _graph.wrap(np.asanyarray(y, np.bool_))
