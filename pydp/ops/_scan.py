"""Scans: recurrences along an axis, h[j] = a[j] h[j-1] + x[j], the cumulative functions, and diff.

    without a    the cumulative sum of x
    without x    the cumulative product of a (before the first h stands a 1, else a 0)

The gradient of a scan is a scan in the other direction, so all of them can be differentiated for
ever, and a cumulative product has the right gradient where factors are 0:

    g[j] = dh[j] + a[j+1] g[j+1]       dx = g       da[j] = g[j] h[j-1]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import axis_index, integer
from pydp._arrays import Array, numpy_op, operands
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._join import concat
from pydp.ops._reduce import accumulator
from pydp.ops._shape import value


class Scan(Op):
    """`reverse` runs from the end; `shifted` takes the coefficient of the neighbour before."""

    name = "scan"
    type = "(any[...]?, any[...]?) -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], *arguments: Any) -> str:
        a, x = types
        inputs = " ".join([f"{a or x}{'' if a else '?'},", f"{x or a}{'' if x else '?'}"])
        return f"({inputs}) -> {x or a}"

    @staticmethod
    def forward(
        needs: Any, a: Array | None, x: Array | None, axis: int, reverse: bool, shifted: bool
    ) -> Any:
        first = a if x is None else x
        if first.dtype.kind == "f":  # type: ignore[union-attr]
            # What is saved is a itself: through a copy no second derivative would find the way.
            dense_a, dense_x = [None if v is None else _kernels.contiguous(v) for v in (a, x)]
            h = _kernels.empty(first.shape, first.dtype)  # type: ignore[union-attr]
            _kernels.scan(dense_a, dense_x, h, axis, reverse, shifted)
        else:  # integers need no gradient: a plain sum or product
            h = numpy_op(np.cumprod if x is None else np.cumsum, first, axis=axis)
        return h, (a, h, x is None)

    @staticmethod
    def backward(saved: Any, dh: Any, needs: Any, axis: int, reverse: bool, shifted: bool) -> Any:
        a, h, is_product = saved
        g = apply(Scan, (a, dh), axis, not reverse, not shifted)
        da = None
        if needs[0]:
            if shifted:  # h[j] = a[j-1] h[j-1] + …
                da = _neighbour(g, axis, not reverse, 0.0) * h
            else:  # h[j] = a[j] h[j-1] + …
                da = g * _neighbour(h, axis, reverse, 1.0 if is_product else 0.0)
        return da, g if needs[1] else None

    @staticmethod
    def reference(a: Any, x: Any, axis: int, reverse: bool, shifted: bool) -> Array:
        first = a if x is None else x
        a, x = [None if v is None else np.moveaxis(v, axis, 0) for v in (a, x)]
        h = np.zeros(np.moveaxis(first, axis, 0).shape)
        n, step = len(h), -1 if reverse else 1
        state = np.full(h.shape[1:], 1.0 if x is None else 0.0)
        for j in range(n)[::step]:
            k = j - step if shifted else j
            state = state * (1.0 if a is None or not 0 <= k < n else a[k])
            state = state + (0.0 if x is None else x[j])
            h[j] = state
        return np.moveaxis(h, 0, axis)


def _neighbour(x: Any, axis: int, reverse: bool, start: float) -> Any:
    """x[j-1] at j, or reversed x[j+1], with `start` where there is none."""
    n = x.shape[axis]
    if n == 0:
        return x
    head = (slice(None),) * axis
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    edge = _graph.wrap(np.broadcast_to(np.array(start, x.dtype), shape))
    if reverse:
        return concat([x[(*head, slice(1, None))], edge], axis)
    return concat([edge, x[(*head, slice(0, n - 1))]], axis)


def cumulative_sum(
    x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """The sums of the first 1, 2, … elements along an axis, NumPy's cumsum.

    Type: ``any[...] -> any[...]``, y[j] = Σ_{i <= j} x[i].

    axis              may be left out where x has one axis
    dtype             of the result, and x is converted first; None: int64 for integers and bool,
                      uint64 for unsigned ones, which wrap around; floats keep theirs
    include_initial   begin with 0, the sum of nothing: the axis is one longer

    ValueError where an axis must be said. float32 is added in float64 and rounded once per
    element.

    >>> import pydp
    >>> pydp.cumulative_sum(pydp.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    >>> pydp.cumulative_sum(pydp.tensor([[1, 2], [3, 4]]), axis=0, include_initial=True)
    tensor([[0, 0],
            [1, 2],
            [4, 6]])
    """
    return _cumulative("cumulative_sum", x, axis, dtype, include_initial)


def cumulative_prod(
    x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """The products of the first 1, 2, … elements along an axis, NumPy's cumprod.

    Type: ``any[...] -> any[...]``, y[j] = Π_{i <= j} x[i]. With `include_initial` it begins with
    1. The gradient is right where x has zeros. Otherwise as `cumulative_sum`.

    >>> import pydp
    >>> pydp.cumulative_prod(pydp.tensor([1.0, 2.0, 3.0]))
    tensor([1., 2., 6.])
    """
    return _cumulative("cumulative_prod", x, axis, dtype, include_initial)


# The names that NumPy and PyTorch have for them.
cumsum = cumulative_sum
cumprod = cumulative_prod


def _cumulative(op: str, x: Any, axis: Any, dtype: Any, include_initial: bool) -> Any:
    (x,) = operands(op, x)
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"{op}: axis must be given for x of shape {x.shape}")
        axis = 0
    if not x.ndim:
        raise ValueError(f"{op}: x must have an axis, got shape ()")
    at, found = axis_index(axis, x.ndim, op), accumulator(op, x.dtype, dtype)
    x = x if x.dtype == found else x.astype(found)
    is_sum = op == "cumulative_sum"
    y = apply(Scan, (None, x) if is_sum else (x, None), at, False, False)
    y = y if y.dtype == found else y.astype(found)
    if include_initial:
        shape = (*x.shape[:at], 1, *x.shape[at + 1 :])
        y = concat([_graph.wrap(np.full(shape, 0 if is_sum else 1, found)), y], at)
    return y


def diff(x: Any, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along an axis, n times over.

    Type: ``any[...] -> any[...]``, y[i] = x[i+1] - x[i]; the axis is n shorter.

    prepend, append   what stands before and behind x along the axis, joined to it first

    TypeError for bool, ValueError where x has no axis or n is negative.

    >>> import pydp
    >>> pydp.diff(pydp.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    x = value(x, "diff")
    at, times = axis_index(axis, x.ndim, "diff"), integer(n, "diff", "n", 0)
    if not x.ndim:
        raise ValueError("diff: x must have an axis, got shape ()")
    if x.dtype.kind == "b":
        raise TypeError("diff: x must be a number, got bool; use not_equal of neighbours")
    parts = [p for p in (prepend, x, append) if p is not None]
    y = concat(parts, at) if len(parts) > 1 else x
    head = (slice(None),) * at
    for _ in range(min(times, y.shape[at])):
        y = y[(*head, slice(1, None))] - y[(*head, slice(None, -1))]
    return y
