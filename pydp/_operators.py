"""The operators of a tensor: each is one line, the function of pydp/ops that it stands for.

A number, a NumPy array or a nested list on the other side becomes a tensor. In-place forms write
over the tensor's memory, which its views and the graph see.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pydp import _graph, ops
from pydp._arrays import Array
from pydp.ops._index import check_writable, write

if TYPE_CHECKING:
    from pydp._tensor import Tensor


def operator(function: Any) -> Callable[[Any, Any], Tensor]:
    """The function as a method of two operands, with its type."""
    return function


class Operators:
    """The part of Tensor that Python's operators call."""

    __slots__ = ()
    _array: Array

    # ---- arithmetic and bits: the functions themselves where the order is theirs, a call less

    __add__ = operator(ops.add)
    __sub__ = operator(ops.subtract)
    __mul__ = operator(ops.multiply)
    __truediv__ = operator(ops.divide)
    __pow__ = operator(ops.pow)
    __matmul__ = operator(ops.matmul)

    def __radd__(self, other: Any) -> Tensor:
        return ops.add(other, self)

    def __rsub__(self, other: Any) -> Tensor:
        return ops.subtract(other, self)

    def __rmul__(self, other: Any) -> Tensor:
        return ops.multiply(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.divide(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return ops.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.remainder(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return ops.pow(other, self)

    def __rmatmul__(self, other: Any) -> Tensor:
        return ops.matmul(other, self)

    def __and__(self, other: Any) -> Tensor:
        return ops.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return ops.bitwise_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        return ops.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        return ops.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Tensor:
        return ops.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return ops.bitwise_xor(other, self)

    def __lshift__(self, other: Any) -> Tensor:
        return ops.bitwise_left_shift(self, other)

    def __rlshift__(self, other: Any) -> Tensor:
        return ops.bitwise_left_shift(other, self)

    def __rshift__(self, other: Any) -> Tensor:
        if callable(other):  # a module, which says that it composes with modules only
            return NotImplemented
        return ops.bitwise_right_shift(self, other)

    def __rrshift__(self, other: Any) -> Tensor:
        return ops.bitwise_right_shift(other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return ops.floor_divide(self, other), ops.remainder(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return ops.floor_divide(other, self), ops.remainder(other, self)

    def __neg__(self) -> Tensor:
        return ops.negative(self)

    def __pos__(self) -> Tensor:
        return ops.positive(self)

    def __abs__(self) -> Tensor:
        return ops.abs(self)

    def __invert__(self) -> Tensor:
        return ops.bitwise_invert(self)

    # ---- comparisons; a value of another kind equals none

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.equal(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.not_equal(self, other) if _comparable(other) else NotImplemented

    def __lt__(self, other: Any) -> Tensor:
        return ops.less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ops.greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ops.greater_equal(self, other)

    # ---- elements

    def __getitem__(self, index: Any) -> Tensor:
        return ops.getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        ops.setitem(self, index, value)

    # ---- in place

    def __iadd__(self, other: Any) -> Tensor:
        return self._become(ops.add(self, other), "+=")

    def __isub__(self, other: Any) -> Tensor:
        return self._become(ops.subtract(self, other), "-=")

    def __imul__(self, other: Any) -> Tensor:
        return self._become(ops.multiply(self, other), "*=")

    def __itruediv__(self, other: Any) -> Tensor:
        return self._become(ops.divide(self, other), "/=")

    def __ifloordiv__(self, other: Any) -> Tensor:
        return self._become(ops.floor_divide(self, other), "//=")

    def __imod__(self, other: Any) -> Tensor:
        return self._become(ops.remainder(self, other), "%=")

    def __ipow__(self, other: Any) -> Tensor:
        return self._become(ops.pow(self, other), "**=")

    def __imatmul__(self, other: Any) -> Tensor:
        return self._become(ops.matmul(self, other), "@=")

    def __iand__(self, other: Any) -> Tensor:
        return self._become(ops.bitwise_and(self, other), "&=")

    def __ior__(self, other: Any) -> Tensor:
        return self._become(ops.bitwise_or(self, other), "|=")

    def __ixor__(self, other: Any) -> Tensor:
        return self._become(ops.bitwise_xor(self, other), "^=")

    def __ilshift__(self, other: Any) -> Tensor:
        return self._become(ops.bitwise_left_shift(self, other), "<<=")

    def __irshift__(self, other: Any) -> Tensor:
        return self._become(ops.bitwise_right_shift(self, other), ">>=")

    def _become(self, y: Any, op: str) -> Tensor:
        """Write y over this tensor's memory, in place: views and the graph see it."""
        check_writable(self, op)
        if y._array.shape != self._array.shape or y._array.dtype != self._array.dtype:
            raise ValueError(
                f"{op}: the result has shape {y.shape} and {y.dtype}, which does not go into "
                f"{self._array.shape} and {self._array.dtype}"
            )
        write(self, y, op)
        return self  # type: ignore[return-value]


def _comparable(other: Any) -> bool:
    known = (_graph.Value, bool, int, float, complex, np.generic, np.ndarray, list, tuple)
    return isinstance(other, known)
