"""To whole numbers: rounding, and division with remainder.

Integers are whole already: rounding them copies. The slope of a step is 0 wherever it exists, so
nothing is learnt through floor, ceil, trunc, round and floor_divide.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph
from pydp._arrays import Array, numpy_op
from pydp._graph import apply
from pydp._op import Op
from pydp.ops import _elementwise as rules
from pydp.ops._elementwise import check_broadcast
from pydp.ops._math import _number, _two
from pydp.ops._reduce import sum_to


def floor(x: Any) -> Any:
    """The largest whole number that is not above x. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.floor(pydp.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """
    return apply(rules.FLOOR, (_number("floor", x),))


def ceil(x: Any) -> Any:
    """The least whole number that is not below x. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.ceil(pydp.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """
    return apply(rules.CEIL, (_number("ceil", x),))


def trunc(x: Any) -> Any:
    """x without its fraction. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.trunc(pydp.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """
    return apply(rules.TRUNC, (_number("trunc", x),))


def round(x: Any) -> Any:
    """The nearest whole number, the even one of two. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.round(pydp.tensor([0.5, 1.5, 2.2]))
    tensor([0., 2., 2.])
    """
    return apply(rules.ROUND, (_number("round", x),))


def _divided(op: str, function: Any, a: Array, b: Array) -> Array:
    """NumPy's division; an integer divided by 0 is an error, as Python's."""
    if a.dtype.kind != "f" and not numpy_op(np.all, b):
        raise ZeroDivisionError(f"{op}: an integer is divided by 0")
    with np.errstate(all="ignore"):
        return np.asanyarray(numpy_op(function, a, b))


def _floors(a: Array, b: Array) -> Array:
    """⌊a / b⌋, which NumPy has right where both are finite."""
    y = np.floor_divide(a, b)
    if a.dtype.kind != "f":
        return y
    endless = np.isinf(a) | np.isinf(b)
    return np.where(endless, np.floor(np.divide(a, b)), y) if endless.any() else y


def floor_divide(a: Any, b: Any) -> Any:
    """⌊a / b⌋, broadcast, in the dtype of the operands. Not differentiable.

    Type: ``(real[...], real[...]) -> real[...]``. ZeroDivisionError where an integer is divided by
    0; floats give inf or NaN. With infinities it is the floor of the quotient, as the standard has
    it: 1 // −inf is −0 (Python's is −1), inf // 2 is inf (NaN).

    >>> import pydp
    >>> pydp.floor_divide(pydp.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    a, b = _divisible("floor_divide", a, b)
    return _graph.wrap(_divided("floor_divide", _floors, a._array, b._array))


class Remainder(Op):
    """y = a − b ⌊a / b⌋: its slope in a is 1, in b −⌊a / b⌋."""

    name = "remainder"
    type = "(real[...], real[...]) -> real[...]"
    broadcasts_before = 0

    @staticmethod
    def forward(needs: Any, a: Array, b: Array) -> Any:
        return _divided("remainder", np.remainder, a, b), (a, b)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any) -> Any:
        a, b = saved
        return (
            sum_to(dy, a.shape) if needs[0] else None,
            sum_to(-dy * floor_divide(a, b), b.shape) if needs[1] else None,
        )

    @staticmethod
    def reference(a: Array, b: Array) -> Array:
        return np.asarray(a - b * np.floor(a / b))


def remainder(a: Any, b: Any) -> Any:
    """a − b ⌊a / b⌋, which has b's sign; broadcast. Python's %.

    Type: ``(real[...], real[...]) -> real[...]``. ZeroDivisionError where an integer is divided by
    0; floats give NaN. The gradient for b is −⌊a / b⌋.

    >>> import pydp
    >>> pydp.remainder(pydp.tensor([7, -7]), 4)
    tensor([3, 1])
    """
    return apply(Remainder, _divisible("remainder", a, b))


def _divisible(op: str, a: Any, b: Any) -> Any:
    a, b = _two(op, a, b)
    if a._array.dtype.kind == "b":
        raise TypeError(f"{op}: operands must be numbers, got bool")
    check_broadcast(op, a._array, b._array)
    return a, b
