"""Elementwise functions: y[i] = f(x[i]) and y[i] = f(a[i], b[i]), broadcast.

A rule is a row of a table: the NumPy function that defines it, what backward wants, and the
derivative. The formulas themselves stand in csrc/kernels/elementwise.inc under the same names.

Invariant: a result follows the layout of its first operand of full rank, and the gradient of a
broadcast operand is summed back to the operand's shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._graph import apply
from pydp._op import Array, Op, numpy_op, operands, real_tensor, registry
from pydp.ops._reduce import sum_to

Derivative = Callable[..., Any]


class Unary(Op):
    """A rule y = f(x). `saves` is "x", "y" or "": what the derivative looks at."""

    type = "real[...] -> real[...]"
    code: int
    saves: str
    derivative: Derivative

    @classmethod
    def forward(cls, needs: Any, x: Array) -> tuple[Array, Any]:
        y = _kernels.unary(cls.code, x)
        if y is NotImplemented:
            y = numpy_op(cls.reference, x)
        if needs is None or not cls.saves:
            return y, None
        return y, (x if cls.saves == "x" else y,)

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Any) -> tuple[Any]:
        return (cls.derivative(dy, *saved),)


class Binary(Op):
    """A rule y = f(a, b). `saves` names those of a, b and y that the derivatives look at."""

    type = "(real[...], real[...]) -> real[...]"
    code: int
    saves: str
    derivative: tuple[Derivative | None, Derivative | None]

    @classmethod
    def forward(cls, needs: Any, a: Array, b: Array) -> tuple[Array, Any]:
        y = _kernels.binary(cls.code, a, b)
        if y is NotImplemented:
            check_broadcast(cls.name, a, b)
            y = np.asarray(numpy_op(cls.reference, a, b))
        if needs is None:
            return y, None
        broadcast = not a.size == b.size == y.size
        shapes = (a.shape, b.shape) if broadcast else None
        if not cls.saves and not broadcast:
            return y, None
        named = {"a": a, "b": b, "y": y}
        return y, (shapes, *[named[letter] for letter in cls.saves])

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Any) -> tuple[Any, Any]:
        shapes, *values = saved or (None,)
        da = cls.derivative[0](dy, *values) if needs[0] and cls.derivative[0] else None
        db = cls.derivative[1](dy, *values) if needs[1] and cls.derivative[1] else None
        if shapes:
            da = None if da is None else sum_to(da, shapes[0])
            db = None if db is None else sum_to(db, shapes[1])
        return da, db


def check_broadcast(op: str, a: Array, b: Array) -> None:
    """Raise where two shapes do not broadcast; the message shows them aligned."""
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        width = max(len(str(a.shape)), len(str(b.shape)))
        raise ValueError(
            f"{op}: shapes do not broadcast\n"
            f"  first   {a.shape!s:>{width}}\n"
            f"  second  {b.shape!s:>{width}}\n"
            "  aligned at the last axis, sizes must be equal or 1"
        ) from None


def _unary(name: str, reference: Callable[..., Any], saves: str, derivative: Derivative) -> Any:
    members = {
        "__module__": __name__,
        "name": name,
        "code": _kernels.unary_functions[name],
        "reference": staticmethod(reference),
        "saves": saves,
        "derivative": staticmethod(derivative),
    }
    return type(name, (Unary,), members)


def _binary(
    name: str,
    reference: Callable[..., Any],
    saves: str,
    da: Derivative | None,
    db: Derivative | None,
    composed: Callable[..., Any] | None = None,
) -> Any:
    members = {
        "__module__": __name__,
        "name": name,
        "code": _kernels.binary_functions[name],
        "reference": staticmethod(reference),
        "saves": saves,
        "derivative": (da, db),
    }
    return type(name, (Binary,), members)


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def _gelu(x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + _erf(x / math.sqrt(2))))


def _gelu_tanh(x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


_erf = np.frompyfunc(math.erf, 1, 1)

# ---- the table -----------------------------------------------------------------------------------
# One letter each for what the derivative looks at: x (or a, b) the inputs, y the result.

# fmt: off
NEGATIVE = _unary("negative", np.negative, "", lambda dy: -dy)
RELU = _unary("relu", lambda x: np.maximum(x, 0), "y", lambda dy, y: relu_backward(y, dy))

ADD = _binary("add", np.add, "", lambda dy: dy, lambda dy: dy)
SUBTRACT = _binary("subtract", np.subtract, "", lambda dy: dy, lambda dy: -dy)
MULTIPLY = _binary("multiply", np.multiply, "ab", lambda dy, a, b: dy * b, lambda dy, a, b: dy * a)
DIVIDE = _binary("divide", np.divide, "by", lambda dy, b, y: dy / b, lambda dy, b, y: -(dy * y) / b)
RELU_BACKWARD = _binary("relu_backward", lambda y, dy: np.where(y > 0, dy, 0), "a",
                        None, lambda d, y: relu_backward(y, d))
# fmt: on


def relu(x: Any) -> Any:
    """max(x, 0).

    Type: ``real[...] -> real[...]``. The gradient at 0 is 0; NaN stays NaN.

    >>> import pydp
    >>> pydp.relu(pydp.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    return apply(RELU, (real_tensor(x, "relu", "x"),))


def relu_backward(y: Any, dy: Any) -> Any:
    """dy where y > 0, else 0: the gradient of relu from its result."""
    return apply(RELU_BACKWARD, (y, dy))


def add(a: Any, b: Any) -> Any:
    """a + b, broadcast."""
    return apply(ADD, operands("add", a, b))


def multiply(a: Any, b: Any) -> Any:
    """a · b, broadcast."""
    return apply(MULTIPLY, operands("multiply", a, b))
