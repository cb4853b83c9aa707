"""The elementwise functions that people call: arithmetic, powers, exponentials, choices.

Angles are in _trigonometry.py, whole numbers in _rounding.py, truths and bits in _logic.py. Names,
arguments and promotion are the Python array API standard's (2024.12). Each function
makes its operands tensors of one dtype and applies its rule of _elementwise.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import check_device, real_tensor
from pydp._arrays import FLOAT32, FLOAT64, Array, check_memory, checked_dtype, numpy_op, operands
from pydp._graph import alike, apply
from pydp._op import Op
from pydp.ops import _elementwise as rules
from pydp.ops._elementwise import check_broadcast


def _two(op: str, a: Any, b: Any) -> Any:
    """Two operands as tensors of one dtype; the common cases cost little."""
    if alike(a, b):
        return a, b
    tensor = _graph.Value
    if isinstance(a, tensor):  # a Parameter too
        if not isinstance(b, tensor) and (value := _beside(a, b)) is not None:
            return a, value
    elif isinstance(b, tensor) and (value := _beside(b, a)) is not None:
        return value, b
    return operands(op, a, b)


def _beside(x: Any, number: Any) -> Any:
    """An ordinary Python number as a value of x's float dtype: the short way of `operands`."""
    if (type(number) is float or type(number) is int) and -3e38 < number < 3e38:
        dtype = x._array.dtype
        if dtype is FLOAT32 or dtype is FLOAT64:
            return _graph.wrap(np.array(number, dtype))
    return None


def _two_real(op: str, a: Any, b: Any) -> Any:
    """Two operands of one float dtype."""
    a, b = _two(op, a, b)
    if a._array.dtype.kind != "f":
        raise TypeError(
            f"{op}: operands must be float32 or float64, got {a._array.dtype}; use astype"
        )
    return a, b


def _number(op: str, x: Any) -> Any:
    """One operand that is not bool."""
    if not isinstance(x, _graph.Value):
        (x,) = operands(op, x)
    if x._array.dtype.kind == "b":
        raise TypeError(f"{op}: x must be a number, got bool")
    return x


def add(a: Any, b: Any) -> Any:
    """a + b, broadcast.

    Type: ``(real[...], real[...]) -> real[...]``; integers and bool too.

    >>> import pydp
    >>> pydp.add(pydp.tensor([[1.0], [2.0]]), pydp.tensor([10.0, 20.0]))
    tensor([[11., 21.],
            [12., 22.]])
    """
    return apply(rules.ADD, _two("add", a, b))


def subtract(a: Any, b: Any) -> Any:
    """a − b, broadcast. Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.subtract(pydp.tensor([3.0, 4.0]), 1.0)
    tensor([2., 3.])
    """
    return apply(rules.SUBTRACT, _two("subtract", a, b))


def multiply(a: Any, b: Any) -> Any:
    """a · b, broadcast. Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.multiply(pydp.tensor([3.0, 4.0]), 2)
    tensor([6., 8.])
    """
    return apply(rules.MULTIPLY, _two("multiply", a, b))


def divide(a: Any, b: Any) -> Any:
    """a / b, broadcast; integers are made float32. Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.divide(pydp.tensor([1.0, -1.0, 0.0]), pydp.tensor([2.0, 0.0, 0.0]))
    tensor([ 0.5, -inf,  nan])
    """
    a, b = _two("divide", a, b)
    if a._array.dtype.kind != "f":
        a, b = a.astype(np.float32), b.astype(np.float32)
    return apply(rules.DIVIDE, (a, b))


def pow(a: Any, b: Any) -> Any:
    """a to the power b, broadcast, as C's pow. Type: ``(real[...], real[...]) -> real[...]``.

    The gradient for a is 0 where b = 0; for b it is dy · y · log a, and 0 where a = 0 and b >= 0.
    The second derivative by a and b at b = 0 is 1 / a, where PyTorch's is 0. The exponents 2, 1,
    0.5 and -1 given as Python numbers use square, the identity, sqrt and reciprocal.

    >>> import pydp
    >>> pydp.pow(pydp.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    if isinstance(b, (int, float)) and isinstance(a, _graph.Value) and a._array.dtype.kind == "f":
        short = {2: rules.SQUARE, 0.5: rules.SQRT, -1: rules.RECIPROCAL, 1: rules.COPY}.get(b)
        if short is not None:
            return apply(short, (a,))
    a, b = _two("pow", a, b)
    if a._array.dtype.kind == "b":
        raise TypeError("pow: a must be a number, got bool")
    if a._array.dtype.kind == "i" and numpy_op(np.any, numpy_op(np.less, b._array, 0)):
        raise ValueError(
            f"pow: an integer's exponent must not be negative, got {b._array.min()}; use astype"
        )
    return apply(rules.POWER, (a, b))


def maximum(a: Any, b: Any) -> Any:
    """The larger of a and b, broadcast; NaN where either is NaN. The gradient is split in half
    where they are equal. Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.maximum(pydp.tensor([1.0, 5.0]), 3.0)
    tensor([3., 5.])
    """
    return apply(rules.MAXIMUM, _two("maximum", a, b))


def minimum(a: Any, b: Any) -> Any:
    """The smaller of a and b, broadcast; see maximum.

    Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.minimum(pydp.tensor([1.0, 5.0]), 3.0)
    tensor([1., 3.])
    """
    return apply(rules.MINIMUM, _two("minimum", a, b))


def positive(x: Any) -> Any:
    """+x: a copy of x. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.positive(pydp.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    return apply(rules.COPY, (_number("positive", x),))


def negative(x: Any) -> Any:
    """−x. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.negative(pydp.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return apply(rules.NEGATIVE, (_number("negative", x),))


def abs(x: Any) -> Any:
    """|x|; the gradient at 0 is 0. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.abs(pydp.tensor([1.0, -2.0]))
    tensor([1., 2.])
    """
    return apply(rules.ABS, (_number("abs", x),))


def sign(x: Any) -> Any:
    """−1, 0 or 1; NaN of NaN. Its gradient is zero. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.sign(pydp.tensor([3.0, 0.0, -2.0]))
    tensor([ 1.,  0., -1.])
    """
    return apply(rules.SIGN, (_number("sign", x),))


def copysign(a: Any, b: Any) -> Any:
    """|a| with the sign of b, also of a zero; broadcast. At a = 0 the gradient is 0, as PyTorch's.

    Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.copysign(pydp.tensor([1.0, 2.0]), pydp.tensor([-0.0, 3.0]))
    tensor([-1.,  2.])
    """
    return apply(rules.COPYSIGN, _two_real("copysign", a, b))


def nextafter(a: Any, b: Any) -> Any:
    """The number of the dtype that follows a on the way to b; broadcast. Not differentiable.

    Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.nextafter(pydp.tensor([0.0]), 1.0)
    tensor([1.e-45])
    """
    a, b = _two_real("nextafter", a, b)
    check_broadcast("nextafter", a._array, b._array)
    with np.errstate(all="ignore"):
        return _graph.wrap(np.asanyarray(numpy_op(np.nextafter, a._array, b._array)))


def square(x: Any) -> Any:
    """x². Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.square(pydp.tensor([3.0, -2.0]))
    tensor([9., 4.])
    """
    return apply(rules.SQUARE, (_number("square", x),))


def sqrt(x: Any) -> Any:
    """√x; NaN below 0, the gradient at 0 is inf. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.sqrt(pydp.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return apply(rules.SQRT, (real_tensor(x, "sqrt", "x"),))


def reciprocal(x: Any) -> Any:
    """1 / x. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.reciprocal(pydp.tensor([4.0, -2.0]))
    tensor([ 0.25, -0.5 ])
    """
    return apply(rules.RECIPROCAL, (real_tensor(x, "reciprocal", "x"),))


def exp(x: Any) -> Any:
    """e to the power x. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.exp(pydp.tensor([0.0, 1.0]))
    tensor([1.       , 2.7182817])
    """
    return apply(rules.EXP, (real_tensor(x, "exp", "x"),))


def expm1(x: Any) -> Any:
    """exp(x) − 1, exact near 0. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.expm1(pydp.tensor([1e-10]))
    tensor([1.e-10])
    """
    return apply(rules.EXPM1, (real_tensor(x, "expm1", "x"),))


def log(x: Any) -> Any:
    """The natural logarithm; −inf at 0, NaN below. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.log(pydp.tensor([1.0, 0.0]))
    tensor([  0., -inf])
    """
    return apply(rules.LOG, (real_tensor(x, "log", "x"),))


def log1p(x: Any) -> Any:
    """log(1 + x), exact near 0. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.log1p(pydp.tensor([1e-10]))
    tensor([1.e-10])
    """
    return apply(rules.LOG1P, (real_tensor(x, "log1p", "x"),))


def log2(x: Any) -> Any:
    """The logarithm to base 2, whole for powers of 2. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.log2(pydp.tensor([8.0, 0.0]))
    tensor([  3., -inf])
    """
    return apply(rules.LOG2, (real_tensor(x, "log2", "x"),))


def log10(x: Any) -> Any:
    """The logarithm to base 10, whole for powers of 10. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.log10(pydp.tensor([1000.0, 1.0]))
    tensor([3., 0.])
    """
    return apply(rules.LOG10, (real_tensor(x, "log10", "x"),))


def logaddexp(a: Any, b: Any) -> Any:
    """log(exp(a) + exp(b)) without overflow; broadcast. Of two infinities each has half of the
    gradient.

    Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.logaddexp(pydp.tensor([1000.0]), 900.0)
    tensor([1000.])
    """
    return apply(rules.LOGADDEXP, _two_real("logaddexp", a, b))


def erf(x: Any) -> Any:
    """2/√π ∫₀ˣ exp(−t²) dt. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.erf(pydp.tensor([0.0, 10.0]))
    tensor([0., 1.])
    """
    return apply(rules.ERF, (real_tensor(x, "erf", "x"),))


def copy(x: Any) -> Any:
    """x's elements in memory of their own, in x's layout. Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> x = pydp.zeros(2)
    >>> y = pydp.copy(x)
    >>> y[0] = 1.0
    >>> x
    tensor([0., 0.])
    """
    (x,) = operands("copy", x)
    return apply(rules.COPY, (x,))


# ---- choices and conversions ---------------------------------------------------------------------


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """x with everything below `min` raised to it and everything above `max` lowered to it.

    Type: ``real[...] -> real[...]``. None leaves a side open. NaN stays NaN. An x equal to a bound
    keeps its gradient; where `min` is above `max` the result is `max`.

    >>> import pydp
    >>> pydp.clip(pydp.tensor([-2.0, 0.5, 3.0]), 0.0, 1.0)
    tensor([0. , 0.5, 1. ])
    """
    x = _number("clip", x)
    for rule, bound in ((rules.AT_LEAST, min), (rules.AT_MOST, max)):
        if bound is not None:
            x, bound = _two("clip", x, bound)
            if bound.ndim:
                check_broadcast("clip", x._array, bound._array)
            x = apply(rule, (x, bound))
    return x


class AsType(Op):
    """The same numbers in another dtype; between floats the gradient is converted back."""

    name = "astype"
    type = "any[...] -> any[...]"

    @staticmethod
    def forward(needs: Any, x: Array, dtype: np.dtype[Any]) -> Any:
        check_memory(x.shape, dtype.itemsize, "astype")
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asanyarray(numpy_op(x.astype, dtype, order="K", copy=True)), (x.dtype,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, dtype: Any) -> Any:
        return (astype(dy, saved[0]),)

    @staticmethod
    def reference(x: Array, dtype: Any) -> Array:
        return x.astype(dtype).astype(np.float64)


def astype(x: Any, dtype: Any, copy: bool = True, *, device: str | None = None) -> Any:
    """x in another dtype; the gradient passes between float32 and float64.

    Type: ``any[...] -> any[...]``. Converting NaN or what is out of range to an integer gives an
    unspecified integer, as in C.

    >>> import pydp
    >>> pydp.astype(pydp.tensor([1.0, 2.0]), "int64").dtype
    dtype('int64')
    """
    check_device(device, "astype")
    dtype = checked_dtype(dtype, "astype")
    (x,) = operands("astype", x)
    if x._array.dtype == dtype and not copy:
        return x
    if dtype.kind != "f" or x._array.dtype.kind != "f":
        with _graph.no_grad():
            return apply(AsType, (x,), dtype)
    return apply(AsType, (x,), dtype)
