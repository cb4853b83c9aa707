"""Triangles of matrices: what lies above, or below, a diagonal becomes 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import whole
from pydp._arrays import Array, as_array, numpy_op
from pydp._graph import apply
from pydp._op import Op


class Tril(Op):
    """The elements at or below the k-th diagonal; with `upper` those at or above it. Its gradient
    is the same of dy."""

    name = "tril"
    type = "real[..., m, n] -> real[..., m, n]"

    @staticmethod
    def forward(needs: Any, x: Array, k: int, upper: bool) -> Any:
        return np.asanyarray(numpy_op(np.triu if upper else np.tril, x, k)), None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, k: int, upper: bool) -> Any:
        return (apply(Tril, (dy,), k, upper),)

    @staticmethod
    def reference(x: Array, k: int, upper: bool) -> Array:
        y = np.zeros_like(x)
        for *lead, i, j in np.ndindex(x.shape):
            if j - i >= k if upper else j - i <= k:
                y[(*lead, i, j)] = x[(*lead, i, j)]
        return y


def tril(x: Any, k: int = 0) -> Any:
    """x at and below the k-th diagonal, 0 above it.

    Type: ``real[..., m, n] -> real[..., m, n]``; integers and bool too. ValueError where x has
    fewer than 2 axes.

    >>> import pydp
    >>> pydp.tril(pydp.ones((3, 3)))
    tensor([[1., 0., 0.],
            [1., 1., 0.],
            [1., 1., 1.]])
    """
    return _triangle("tril", x, k, False)


def triu(x: Any, k: int = 0) -> Any:
    """x at and above the k-th diagonal, 0 below it. Otherwise as tril.

    Type: ``real[..., m, n] -> real[..., m, n]``.

    >>> import pydp
    >>> pydp.triu(pydp.ones((2, 3)), 1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])
    """
    return _triangle("triu", x, k, True)


def diagonal_argument(k: Any, op: str) -> int:
    """The int that names a diagonal: one beyond every matrix is as good as another."""
    found = whole(k)
    if found is None:
        raise TypeError(f"{op}: k must be an int, got {k!r}")
    return max(-(1 << 60), min(found, 1 << 60))


def _triangle(op: str, x: Any, k: Any, upper: bool) -> Any:
    k = diagonal_argument(k, op)
    if not isinstance(x, _graph.Value):
        x = _graph.wrap(as_array(x, op))
    if x.ndim < 2:
        raise ValueError(f"{op}: x must have at least 2 axes, got shape {x.shape}")
    return apply(Tril, (x,), k, upper)
