"""Elementwise functions: y[i] = f(x[i]) and y[i] = f(a[i], b[i]), broadcast.

A rule is a row of a table: the NumPy function that defines it, what backward looks at, and the
derivative. The formulas of the kernels stand in csrc/kernels/elementwise.inc under the same names;
the public functions are in _math.py and _activation.py.

Invariant: a result follows the layout of its first operand of full rank, and the gradient of a
broadcast operand is summed back to the operand's shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arrays import Array, check_memory, numpy_op
from pydp._graph import INPUTS, OUTPUT, Place, apply
from pydp._kernels import binary as binary_kernel
from pydp._kernels import binary_functions, unary_functions
from pydp._kernels import unary as unary_kernel
from pydp._op import Op, gradient_of
from pydp.ops._reduce import sum_to

Derivative = Callable[..., Any]
PLACES = {"x": INPUTS[0], "a": INPUTS[0], "b": INPUTS[1], "y": OUTPUT}


def _places(letters: str) -> tuple[Place, ...]:
    """The places that some of the letters a, b and y name, each once."""
    return tuple([PLACES[letter] for letter in "aby" if letter in letters])


class Unary(Op):
    """A rule y = f(x). `saves` has the place of x, of y, or none: what the derivative looks at
    after dy."""

    type = "real[...] -> real[...]"
    code: int
    saves: tuple[Place, ...]
    derivative: Derivative

    @classmethod
    def forward(cls, needs: Any, x: Array) -> tuple[Array, Any]:
        y = unary_kernel(cls.code, x)
        if y is NotImplemented:  # integers: NumPy's
            check_memory(x.shape, x.itemsize, cls.name)
            y = np.asanyarray(numpy_op(cls.reference, x))
        return y, cls.saves

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Any) -> tuple[Any]:
        return (cls.derivative(dy, *saved),)


class Binary(Op):
    """A rule y = f(a, b). `saves[i][j]` has the places of those of a, b and y that the needed
    derivatives look at, where i says whether a's is needed, and j whether b's. After them come the
    operands' shapes, if they were broadcast. Derivatives are called with (dy, a, b, y), None in
    place of what was not saved."""

    type = "(real[...], real[...]) -> real[...]"
    broadcasts_before = 0
    code: int
    saves: list[list[tuple[Place, ...]]]
    derivatives: tuple[Derivative | None, Derivative | None]

    @classmethod
    def forward(cls, needs: Any, a: Array, b: Array) -> tuple[Array, Any]:
        y = binary_kernel(cls.code, a, b)
        if y is NotImplemented:  # integers, or shapes that do not fit
            check_broadcast(cls.name, a, b)
            try:
                y = np.asanyarray(numpy_op(cls.reference, a, b))
            except (TypeError, ValueError) as error:  # bool - bool, int ** -1
                raise type(error)(f"{cls.name}: {error}") from None
        if needs is None:
            return y, None
        saves = cls.saves[needs[0] is not None][needs[1] is not None]
        if a.shape == b.shape:  # (1,) and (1, 1) have one size, and are not one shape
            return y, saves
        return y, (*saves, (a.shape, b.shape))

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Any) -> tuple[Any, Any]:
        places = cls.saves[needs[0] is not None][needs[1] is not None]
        looked = dict(zip(places, saved, strict=False))
        a, b, y = looked.get(PLACES["a"]), looked.get(PLACES["b"]), looked.get(OUTPUT)
        shapes = saved[-1] if len(saved) > len(places) else None
        if cls.composed is not None:
            da, db = gradient_of(cls.composed, (a, b), dy, needs)
        else:
            da, db = [
                derivative(dy, a, b, y) if need and derivative else None
                for need, derivative in zip(needs, cls.derivatives, strict=True)
            ]
        if shapes:
            da = None if da is None else sum_to(da, shapes[0])
            db = None if db is None else sum_to(db, shapes[1])
        return da, db


def check_broadcast(op: str, a: Array, b: Array, itemsize: int | None = None) -> None:
    """Raise where two shapes do not broadcast (the message shows them aligned), or to more than the
    machine holds; `itemsize` is a's where none is given."""
    pairs = list(zip_longest(reversed(a.shape), reversed(b.shape), fillvalue=1))
    if any(m != n and 1 not in (m, n) for m, n in pairs):
        width = max(len(str(a.shape)), len(str(b.shape)))
        raise ValueError(
            f"{op}: shapes do not broadcast\n"
            f"  first   {a.shape!s:>{width}}\n"
            f"  second  {b.shape!s:>{width}}\n"
            "  aligned at the last axis, sizes must be equal or 1"
        )
    shape = [n if m == 1 else m for m, n in reversed(pairs)]
    check_memory(shape, itemsize or a.itemsize, op)


# ---- the table -----------------------------------------------------------------------------------


def _unary(name: str, reference: Callable[..., Any], saves: str, derivative: Derivative) -> Any:
    return type(name, (Unary,), {
        "__module__": __name__,
        "name": name,
        "code": unary_functions[name],
        "reference": staticmethod(reference),
        "saves": (PLACES[saves],) if saves else (),
        "derivative": staticmethod(derivative),
    })  # fmt: skip


def _binary(
    name: str,
    reference: Callable[..., Any],
    da: tuple[str, Derivative | None],
    db: tuple[str, Derivative | None],
    composed: Callable[..., Any] | None = None,
    kernel: str | None = None,
) -> Any:
    return type(name, (Binary,), {
        "__module__": __name__,
        "name": name,
        "code": binary_functions[kernel or name],
        "reference": staticmethod(reference),
        "saves": [[_places(da[0] * i + db[0] * j) for j in (0, 1)] for i in (0, 1)],
        "derivatives": (da[1], db[1]),
        "composed": composed and staticmethod(composed),
    })  # fmt: skip


def np_erf(x: Array) -> Array:
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x), dtype=np.float64)


def np_sigmoid(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def np_gelu_slope(x: Array) -> Array:
    normal = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return np.asarray(0.5 * (1 + np_erf(x / math.sqrt(2))) + x * normal)


K0, K1 = math.sqrt(2 / math.pi), 0.044715


def np_gelu_tanh_slope(x: Array) -> Array:
    t = np.tanh(K0 * (x + K1 * x**3))
    return np.asarray(0.5 * (1 + t) + 0.5 * x * (1 - t * t) * K0 * (1 + 3 * K1 * x * x))


def gelu_tanh_slope(x: Any, dy: Any) -> Any:
    t = apply(TANH, (K0 * (x + K1 * x * x * x),))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (K0 * (1 + 3 * K1 * x * x)))


def gelu_curve(x: Any) -> Any:
    """gelu's second derivative: φ(x) (2 − x²), φ the normal density."""
    return apply(EXP, (-0.5 * (x * x),)) * (2.0 - x * x) * (1 / math.sqrt(2 * math.pi))


def nothing(*_: Any) -> None:
    """The derivative of a step function: zero wherever it exists."""


# Rules that the derivatives of others name before they stand below.
SIGN: Any
COS: Any
COSH: Any
HYPOT: Any
ONE_FOR_ZERO: Any
LOGADDEXP_SHARE: Any
POWER: Any
POWER_SLOPE: Any
MAXIMUM_SHARE: Any
NOT_BELOW: Any
RELU_BACKWARD: Any
TANH_BACKWARD: Any
SIGMOID_BACKWARD: Any
GELU_BACKWARD: Any
GELU_TANH_BACKWARD: Any

# One letter each for what the derivative looks at after dy: x (or a, b) the inputs, y the result.
# fmt: off
COPY = _unary("copy", np.array, "", lambda dy: dy)
NEGATIVE = _unary("negative", np.negative, "", lambda dy: -dy)
ABS = _unary("abs", np.abs, "x", lambda dy, x: dy * apply(SIGN, (x,)))
SIGN = _unary("sign", np.sign, "", nothing)
SQUARE = _unary("square", np.square, "x", lambda dy, x: dy * (2.0 * x))
SQRT = _unary("sqrt", np.sqrt, "y", lambda dy, y: dy * 0.5 / y)
RECIPROCAL = _unary("reciprocal", np.reciprocal, "y", lambda dy, y: -dy * (y * y))
EXP = _unary("exp", np.exp, "y", lambda dy, y: dy * y)
EXPM1 = _unary("expm1", np.expm1, "y", lambda dy, y: dy * (y + 1.0))
LOG = _unary("log", np.log, "x", lambda dy, x: dy / x)
LOG1P = _unary("log1p", np.log1p, "x", lambda dy, x: dy / (1.0 + x))
LOG2 = _unary("log2", np.log2, "x", lambda dy, x: dy / (x * math.log(2)))
LOG10 = _unary("log10", np.log10, "x", lambda dy, x: dy / (x * math.log(10)))
FLOOR = _unary("floor", np.floor, "", nothing)
CEIL = _unary("ceil", np.ceil, "", nothing)
TRUNC = _unary("trunc", np.trunc, "", nothing)
ROUND = _unary("round", np.round, "", nothing)
# A divisor that is not 0, for quotients that are 0 where the divisor is.
ONE_FOR_ZERO = _unary("one_for_zero", lambda x: np.where(x == 0, 1, x), "", lambda dy: dy)
SIN = _unary("sin", np.sin, "x", lambda dy, x: dy * apply(COS, (x,)))
COS = _unary("cos", np.cos, "x", lambda dy, x: -dy * apply(SIN, (x,)))
TAN = _unary("tan", np.tan, "y", lambda dy, y: dy * (y * y + 1.0))
ASIN = _unary("asin", np.asin, "x", lambda dy, x: dy / circle(x))
ACOS = _unary("acos", np.acos, "x", lambda dy, x: -dy / circle(x))
ATAN = _unary("atan", np.atan, "x", lambda dy, x: dy / (x * x + 1.0))
SINH = _unary("sinh", np.sinh, "x", lambda dy, x: dy * apply(COSH, (x,)))
COSH = _unary("cosh", np.cosh, "x", lambda dy, x: dy * apply(SINH, (x,)))
ASINH = _unary("asinh", np.asinh, "x", lambda dy, x: dy / apply(HYPOT, same_dtype(x, 1.0)))
ACOSH = _unary("acosh", np.acosh, "x",
               lambda dy, x: dy / (apply(SQRT, (x - 1.0,)) * apply(SQRT, (x + 1.0,))))
ATANH = _unary("atanh", np.atanh, "x", lambda dy, x: dy / ((1.0 - x) * (1.0 + x)))
TANH = _unary("tanh", np.tanh, "y", lambda dy, y: apply(TANH_BACKWARD, (y, dy)))
ERF = _unary("erf", np_erf, "x",
             lambda dy, x: dy * (2 / math.sqrt(math.pi) * apply(EXP, (-(x * x),))))
SIGMOID = _unary("sigmoid", np_sigmoid, "y", lambda dy, y: apply(SIGMOID_BACKWARD, (y, dy)))
SOFTSIGN = _unary("softsign", lambda x: x / (1 + np.abs(x)), "x",
                  lambda dy, x: (dy / outside(x)) / outside(x))
RELU = _unary("relu", lambda x: np.maximum(x, 0), "y",
              lambda dy, y: apply(RELU_BACKWARD, (y, dy)))
GELU = _unary("gelu", lambda x: 0.5 * x * (1 + np_erf(x / math.sqrt(2))), "x",
              lambda dy, x: apply(GELU_BACKWARD, (x, dy)))
GELU_TANH = _unary("gelu_tanh", lambda x: 0.5 * x * (1 + np.tanh(K0 * (x + K1 * x**3))), "x",
                   lambda dy, x: apply(GELU_TANH_BACKWARD, (x, dy)))

ADD = _binary("add", np.add, ("", lambda dy, a, b, y: dy), ("", lambda dy, a, b, y: dy))
SUBTRACT = _binary("subtract", np.subtract,
                   ("", lambda dy, a, b, y: dy), ("", lambda dy, a, b, y: -dy))
MULTIPLY = _binary("multiply", np.multiply,
                   ("b", lambda dy, a, b, y: dy * b), ("a", lambda dy, a, b, y: dy * a))
DIVIDE = _binary("divide", np.divide,
                 ("b", lambda dy, a, b, y: dy / b), ("by", lambda dy, a, b, y: -(dy * y) / b))
MAXIMUM = _binary("maximum", np.maximum,
                  ("ab", lambda dy, a, b, y: dy * apply(MAXIMUM_SHARE, (a, b))),
                  ("ab", lambda dy, a, b, y: dy * apply(MAXIMUM_SHARE, (b, a))))
MINIMUM = _binary("minimum", np.minimum,
                  ("ab", lambda dy, a, b, y: dy * apply(MAXIMUM_SHARE, (b, a))),
                  ("ab", lambda dy, a, b, y: dy * apply(MAXIMUM_SHARE, (a, b))))
MAXIMUM_SHARE = _binary("maximum_share", lambda a, b: 1 - 1.0 * (a < b) - 0.5 * (a == b),
                        ("", None), ("", None))
# clip's: where x is the bound the gradient is x's, as if there were no bound (PyTorch's clamp).
AT_LEAST = _binary("at_least", np.maximum,
                   ("ab", lambda dy, a, b, y: dy * apply(NOT_BELOW, (a, b))),
                   ("ab", lambda dy, a, b, y: dy * below(a, b)), kernel="maximum")
AT_MOST = _binary("at_most", np.minimum,
                  ("ab", lambda dy, a, b, y: dy * apply(NOT_BELOW, (b, a))),
                  ("ab", lambda dy, a, b, y: dy * below(b, a)), kernel="minimum")
NOT_BELOW = _binary("not_below", lambda a, b: (a >= b) * 1.0, ("", None), ("", None))
HYPOT = _binary("hypot", np.hypot,
                ("ay", lambda dy, a, b, y: dy * (a / apply(ONE_FOR_ZERO, (y,)))),
                ("by", lambda dy, a, b, y: dy * (b / apply(ONE_FOR_ZERO, (y,)))))
ATAN2 = _binary("atan2", np.atan2,
                ("ab", lambda dy, a, b, y: dy * over_square(b, a)),
                ("ab", lambda dy, a, b, y: -dy * over_square(a, b)))
COPYSIGN = _binary("copysign", np.copysign,
                   ("ay", lambda dy, a, b, y: dy * (apply(SIGN, (a,)) * apply(SIGN, (y,)))),
                   ("", None))
LOGADDEXP = _binary("logaddexp", np.logaddexp,
                    ("ab", lambda dy, a, b, y: dy * apply(LOGADDEXP_SHARE, (a, b))),
                    ("ab", lambda dy, a, b, y: dy * apply(LOGADDEXP_SHARE, (b, a))))
LOGADDEXP_SHARE = _binary("logaddexp_share", lambda a, b: np.where(a == b, 0.5, np_sigmoid(a - b)),
                          ("ab", lambda dy, a, b, y: dy * share_slope(a, b)),
                          ("ab", lambda dy, a, b, y: -dy * share_slope(a, b)))

# The backward kernels of the activations: a is what forward saved, b is dy; the result is dx.
RELU_BACKWARD = _binary("relu_backward", lambda y, dy: np.where(y <= 0, 0, dy),
                        ("", None), ("a", lambda d, y, dy, _: apply(RELU_BACKWARD, (y, d))))
TANH_BACKWARD = _binary("tanh_backward", lambda y, dy: dy * (1 - y * y),
                        ("ab", lambda d, y, dy, _: d * dy * (-2.0 * y)),
                        ("a", lambda d, y, dy, _: apply(TANH_BACKWARD, (y, d))))
SIGMOID_BACKWARD = _binary("sigmoid_backward", lambda y, dy: dy * y * (1 - y),
                           ("ab", lambda d, y, dy, _: d * dy * (1.0 - 2.0 * y)),
                           ("a", lambda d, y, dy, _: apply(SIGMOID_BACKWARD, (y, d))))
GELU_BACKWARD = _binary("gelu_backward", lambda x, dy: dy * np_gelu_slope(x),
                        ("ab", lambda d, x, dy, _: d * dy * gelu_curve(x)),
                        ("a", lambda d, x, dy, _: apply(GELU_BACKWARD, (x, d))))
GELU_TANH_BACKWARD = _binary("gelu_tanh_backward", lambda x, dy: dy * np_gelu_tanh_slope(x),
                             ("ab", None), ("ab", None), composed=gelu_tanh_slope)
# fmt: on


def same_dtype(x: Any, value: float) -> tuple[Any, Any]:
    """x, and a number as a value of x's dtype: two operands."""
    return x, _graph.wrap(np.asarray(value, x.dtype))


def outside(x: Any) -> Any:
    """1 + |x|."""
    return apply(ABS, (x,)) + 1.0


def circle(x: Any) -> Any:
    """√(1 − x²), exact where x is next to 1."""
    return apply(SQRT, ((1.0 - x) * (1.0 + x),))


def over_square(a: Any, b: Any) -> Any:
    """a / (a² + b²), without overflow on the way; 0 at the origin."""
    length = apply(ONE_FOR_ZERO, (apply(HYPOT, (a, b)),))
    return (a / length) / length


def share_slope(a: Any, b: Any) -> Any:
    """The slope of a's share in a, and of b's in b."""
    return apply(LOGADDEXP_SHARE, (a, b)) * apply(LOGADDEXP_SHARE, (b, a))


def below(a: Any, b: Any) -> Any:
    """1 where a < b, else 0; 0 beside a NaN."""
    return apply(NOT_BELOW, (b, a)) * (1.0 - apply(NOT_BELOW, (a, b)))


def power_db(dy: Any, a: Any, b: Any, y: Any) -> Any:
    """dy · y · log a, and 0 where a = 0 and y is 0, or 1 and stays 1 for b next to 0."""
    flat = numpy_op(np.equal, a._array, 0) & numpy_op(np.isfinite, y._array)
    return dy * (y * apply(LOG, (a + _graph.wrap(np.asarray(flat, a.dtype)),)))


# fmt: off
POWER = _binary("power", np.power,
                ("ab", lambda dy, a, b, y: dy * apply(POWER_SLOPE, (a, b))), ("aby", power_db))
POWER_SLOPE = _binary("power_slope", lambda a, b: np.where(b == 0, 0, b * np.power(a, b - 1)),
                      ("ab", None), ("ab", None),
                      composed=lambda a, b: b * apply(POWER, (a, b - 1.0)))
# fmt: on
