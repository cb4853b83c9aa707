"""The diagonal of matrices, as a view, and the matrix with a given diagonal, which is its gradient.

diagonal            y[..., i] = x[..., i, i + offset]
diagonal_backward   y[..., i, i + offset] = x[..., i], else 0
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import integer
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op, language
from pydp.ops._reduce import sum as total
from pydp.ops._shape import value, view


def _diagonal_of(x: Array, offset: int) -> Array:
    """A view, writable where x is (NumPy's is not)."""
    y: Array = np.diagonal(x, offset, -2, -1)
    if x.flags.writeable:
        y.flags.writeable = True
    return y


def _length(m: Any, n: Any, offset: int) -> int:
    return max(0, min(int(m) - max(0, -offset), int(n) - max(0, offset)))


class Diagonal(Op):
    name = "diagonal"
    type = "any[..., m, n] -> any[..., k]"

    @staticmethod
    def type_at(types: Sequence[Any], offset: int) -> str:
        """A square's main diagonal is known; a minimum is beyond the language."""
        (x,) = types
        *lead, m, n = x.axes
        if offset == 0 and m.same(n):
            return f"{x} -> {language.array(x.kind, *lead, m)}"
        if m.names or n.names:
            return f"{x} -> any"
        return f"{x} -> {language.array(x.kind, *lead, _length(m, n, offset))}"

    @staticmethod
    def forward(needs: Any, x: Array, offset: int) -> Any:
        return _diagonal_of(x, offset), (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, offset: int) -> Any:
        return (apply(DiagonalBackward, (dy,), offset, saved[0]),)

    @staticmethod
    def reference(x: Array, offset: int) -> Array:
        return np.diagonal(x, offset, -2, -1)


class DiagonalBackward(Op):
    name = "diagonal_backward"
    type = "any[..., k] -> any[..., m, n]"

    @staticmethod
    def type_at(types: Sequence[Any], offset: int, shape: tuple[int, ...]) -> str:
        return f"{types[0]} -> {language.array(types[0].kind, *shape)}"

    @staticmethod
    def forward(needs: Any, dy: Array, offset: int, shape: tuple[int, ...]) -> Any:
        dx = _kernels.empty(shape, dy.dtype)
        _kernels.copy_to(np.broadcast_to(np.zeros((), dy.dtype), shape), dx)
        _kernels.copy_to(dy, _diagonal_of(dx, offset))
        return dx, None

    @staticmethod
    def backward(saved: Any, ddx: Any, needs: Any, offset: int, shape: Any) -> Any:
        return (apply(Diagonal, (ddx,), offset),)

    @staticmethod
    def reference(dy: Array, offset: int, shape: tuple[int, ...]) -> Array:
        dx = np.zeros(shape)
        i = np.arange(dy.shape[-1])
        dx[..., i + max(0, -offset), i + max(0, offset)] = dy
        return dx


def diagonal(x: Any, offset: int = 0) -> Any:
    """The diagonal of the last two axes, `offset` places above it. A view.

    Type: ``any[..., m, n] -> any[..., k]``, y[..., i] = x[..., i, i + offset]. ValueError where x
    has fewer than two axes. (The standard's linalg.diagonal; NumPy's and PyTorch's takes the first
    two axes.)

    >>> import pydp
    >>> pydp.diagonal(pydp.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    return _diagonal("diagonal", x, offset)


def _diagonal(op: str, x: Any, offset: int) -> Any:
    x = value(x, op)
    if x.ndim < 2:
        raise ValueError(f"{op}: x must have at least 2 axes, got shape {x.shape}")
    return view(Diagonal, x, integer(offset, op, "offset"))


def trace(x: Any, offset: int = 0, dtype: Any = None) -> Any:
    """The sum of the diagonal of the last two axes.

    Type: ``any[..., m, n] -> any[...]``. Otherwise as `diagonal` and `sum`.

    >>> import pydp
    >>> pydp.trace(pydp.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    return total(_diagonal("trace", x, offset), axis=-1, dtype=dtype)
