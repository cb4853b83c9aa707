"""Truths and bits: comparisons, tests of floats, logic, integers bit by bit.

All are NumPy's, since nothing is learnt through them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import real_tensor
from pydp._arrays import numpy_op, operands
from pydp.ops._elementwise import check_broadcast
from pydp.ops._math import _number


def _compare(op: str, function: Any, a: Any, b: Any) -> Any:
    a, b = operands(op, a, b)
    return _computed(op, function, a, b)


def _computed(op: str, function: Any, *values: Any) -> Any:
    """NumPy's function of one or two tensors."""
    a, b = values[0]._array, values[-1]._array
    check_broadcast(op, a, b)
    return _graph.wrap(np.asanyarray(numpy_op(function, *[x._array for x in values])))


def equal(a: Any, b: Any) -> Any:
    """a = b, as bool. Type: ``(any[...], any[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.equal(pydp.tensor([1.0, 2.0]), 2.0)
    tensor([False,  True])
    """
    return _compare("equal", np.equal, a, b)


def not_equal(a: Any, b: Any) -> Any:
    """a ≠ b, as bool. Type: ``(any[...], any[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.not_equal(pydp.tensor([1.0, 2.0]), 2.0)
    tensor([ True, False])
    """
    return _compare("not_equal", np.not_equal, a, b)


def less(a: Any, b: Any) -> Any:
    """a < b, as bool. Type: ``(real[...], real[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.less(pydp.tensor([1.0, 2.0]), 2.0)
    tensor([ True, False])
    """
    return _compare("less", np.less, a, b)


def less_equal(a: Any, b: Any) -> Any:
    """a ≤ b, as bool. Type: ``(real[...], real[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.less_equal(pydp.tensor([1.0, 3.0]), 2.0)
    tensor([ True, False])
    """
    return _compare("less_equal", np.less_equal, a, b)


def greater(a: Any, b: Any) -> Any:
    """a > b, as bool. Type: ``(real[...], real[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.greater(pydp.tensor([1.0, 3.0]), 2.0)
    tensor([False,  True])
    """
    return _compare("greater", np.greater, a, b)


def greater_equal(a: Any, b: Any) -> Any:
    """a ≥ b, as bool. Type: ``(real[...], real[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.greater_equal(pydp.tensor([1.0, 2.0]), 2.0)
    tensor([False,  True])
    """
    return _compare("greater_equal", np.greater_equal, a, b)


def isnan(x: Any) -> Any:
    """Where x is NaN, as bool. Type: ``real[...] -> bool[...]``.

    >>> import pydp
    >>> pydp.isnan(pydp.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return _computed("isnan", np.isnan, _number("isnan", x))


def isfinite(x: Any) -> Any:
    """Where x is neither infinite nor NaN, as bool. Type: ``real[...] -> bool[...]``.

    >>> import pydp
    >>> pydp.isfinite(pydp.tensor([1.0, float("inf")]))
    tensor([ True, False])
    """
    return _computed("isfinite", np.isfinite, _number("isfinite", x))


def isinf(x: Any) -> Any:
    """Where x is +inf or −inf, as bool. Type: ``real[...] -> bool[...]``.

    >>> import pydp
    >>> pydp.isinf(pydp.tensor([1.0, float("-inf")]))
    tensor([False,  True])
    """
    return _computed("isinf", np.isinf, _number("isinf", x))


def signbit(x: Any) -> Any:
    """Where the sign of x is −, also of −0 and NaN, as bool. Type: ``real[...] -> bool[...]``.

    >>> import pydp
    >>> pydp.signbit(pydp.tensor([1.0, -0.0]))
    tensor([False,  True])
    """
    return _computed("signbit", np.signbit, real_tensor(x, "signbit", "x"))


# ---- truths --------------------------------------------------------------------------------------


def _truths(op: str, function: Any, *values: Any) -> Any:
    tensors = operands(op, *values)
    if tensors[0]._array.dtype.kind != "b":
        raise TypeError(f"{op}: expected bool, got {tensors[0]._array.dtype}; compare with 0")
    return _computed(op, function, *tensors)


def logical_and(a: Any, b: Any) -> Any:
    """Where both are true, broadcast. Type: ``(bool[...], bool[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.logical_and(pydp.tensor([True, True]), pydp.tensor([True, False]))
    tensor([ True, False])
    """
    return _truths("logical_and", np.logical_and, a, b)


def logical_or(a: Any, b: Any) -> Any:
    """Where one or both are true, broadcast. Type: ``(bool[...], bool[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.logical_or(pydp.tensor([True, False]), False)
    tensor([ True, False])
    """
    return _truths("logical_or", np.logical_or, a, b)


def logical_xor(a: Any, b: Any) -> Any:
    """Where exactly one is true, broadcast. Type: ``(bool[...], bool[...]) -> bool[...]``.

    >>> import pydp
    >>> pydp.logical_xor(pydp.tensor([True, False]), True)
    tensor([False,  True])
    """
    return _truths("logical_xor", np.logical_xor, a, b)


def logical_not(x: Any) -> Any:
    """Where x is false. Type: ``bool[...] -> bool[...]``.

    >>> import pydp
    >>> pydp.logical_not(pydp.tensor([True, False]))
    tensor([False,  True])
    """
    return _truths("logical_not", np.logical_not, x)


# ---- bits ----------------------------------------------------------------------------------------


def _bits(op: str, function: Any, kinds: str, *values: Any) -> Any:
    tensors = operands(op, *values)
    if tensors[0]._array.dtype.kind not in kinds:
        allowed = "integers or bool" if "b" in kinds else "integers"
        raise TypeError(f"{op}: expected {allowed}, got {tensors[0]._array.dtype}")
    return _computed(op, function, *tensors)


def bitwise_and(a: Any, b: Any) -> Any:
    """a & b, bit by bit, broadcast; of bool the logical and.

    Type: ``(token[...], token[...]) -> token[...]``.

    >>> import pydp
    >>> pydp.bitwise_and(pydp.tensor([6, 5]), 3)
    tensor([2, 1])
    """
    return _bits("bitwise_and", np.bitwise_and, "iub", a, b)


def bitwise_or(a: Any, b: Any) -> Any:
    """a | b, bit by bit, broadcast; of bool the logical or.

    Type: ``(token[...], token[...]) -> token[...]``.

    >>> import pydp
    >>> pydp.bitwise_or(pydp.tensor([6, 5]), 3)
    tensor([7, 7])
    """
    return _bits("bitwise_or", np.bitwise_or, "iub", a, b)


def bitwise_xor(a: Any, b: Any) -> Any:
    """a ^ b, bit by bit, broadcast; of bool where exactly one is true.

    Type: ``(token[...], token[...]) -> token[...]``.

    >>> import pydp
    >>> pydp.bitwise_xor(pydp.tensor([6, 5]), 3)
    tensor([5, 6])
    """
    return _bits("bitwise_xor", np.bitwise_xor, "iub", a, b)


def bitwise_invert(x: Any) -> Any:
    """~x, every bit turned over; of bool the logical not. Type: ``token[...] -> token[...]``.

    >>> import pydp
    >>> pydp.bitwise_invert(pydp.tensor([0, 5]))
    tensor([-1, -6])
    """
    return _bits("bitwise_invert", np.bitwise_invert, "iub", x)


def bitwise_left_shift(a: Any, b: Any) -> Any:
    """a · 2ᵇ, what passes the dtype's width dropped; broadcast.

    Type: ``(token[...], token[...]) -> token[...]``. For b below 0 or from the width on: 0.

    >>> import pydp
    >>> pydp.bitwise_left_shift(pydp.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """
    return _bits("bitwise_left_shift", np.bitwise_left_shift, "iu", a, b)


def bitwise_right_shift(a: Any, b: Any) -> Any:
    """⌊a / 2ᵇ⌋; broadcast. For b below 0 or from the width on: 0, or −1 for a negative a.

    Type: ``(token[...], token[...]) -> token[...]``.

    >>> import pydp
    >>> pydp.bitwise_right_shift(pydp.tensor([9, -9]), 2)
    tensor([ 2, -3])
    """
    return _bits("bitwise_right_shift", np.bitwise_right_shift, "iu", a, b)
