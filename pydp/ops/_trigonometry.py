"""Angles, in radians, and hyperbolic functions.

The kernels' formulas and errors are in csrc/core/vmath.h; tanh is in _activation.py.
"""

from __future__ import annotations

from typing import Any

from pydp._arguments import real_tensor
from pydp._graph import apply
from pydp.ops import _elementwise as rules
from pydp.ops._math import _two_real


def sin(x: Any) -> Any:
    """The sine of x in radians. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.sin(pydp.tensor([0.0]))
    tensor([0.])
    """
    return apply(rules.SIN, (real_tensor(x, "sin", "x"),))


def cos(x: Any) -> Any:
    """The cosine of x in radians. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.cos(pydp.tensor([0.0]))
    tensor([1.])
    """
    return apply(rules.COS, (real_tensor(x, "cos", "x"),))


def tan(x: Any) -> Any:
    """The tangent of x. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.tan(pydp.tensor([0.0]))
    tensor([0.])
    """
    return apply(rules.TAN, (real_tensor(x, "tan", "x"),))


def asin(x: Any) -> Any:
    """The angle in [−π/2, π/2] whose sine is x; NaN beyond 1. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.asin(pydp.tensor([0.0, 1.0]))
    tensor([0.       , 1.5707964])
    """
    return apply(rules.ASIN, (real_tensor(x, "asin", "x"),))


def acos(x: Any) -> Any:
    """The angle in [0, π] whose cosine is x; NaN beyond 1. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.acos(pydp.tensor([1.0, 0.0]))
    tensor([0.       , 1.5707964])
    """
    return apply(rules.ACOS, (real_tensor(x, "acos", "x"),))


def atan(x: Any) -> Any:
    """The angle in [−π/2, π/2] whose tangent is x. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.atan(pydp.tensor([0.0, 1.0]))
    tensor([0.       , 0.7853982])
    """
    return apply(rules.ATAN, (real_tensor(x, "atan", "x"),))


def atan2(a: Any, b: Any) -> Any:
    """The angle in [−π, π] of the point (b, a): a is its y coordinate; broadcast.

    Type: ``(real[...], real[...]) -> real[...]``. The signs of zeros choose the side, as in C. At
    the origin the gradient is 0.

    >>> import pydp
    >>> pydp.atan2(pydp.tensor([1.0, 0.0]), pydp.tensor([1.0, -1.0]))
    tensor([0.7853982, 3.1415927])
    """
    return apply(rules.ATAN2, _two_real("atan2", a, b))


def hypot(a: Any, b: Any) -> Any:
    """√(a² + b²) without overflow; broadcast. At the origin the gradient is 0, PyTorch's NaN.

    Type: ``(real[...], real[...]) -> real[...]``.

    >>> import pydp
    >>> pydp.hypot(pydp.tensor([3.0, 3e38]), pydp.tensor([4.0, 0.0]))
    tensor([5.e+00, 3.e+38])
    """
    return apply(rules.HYPOT, _two_real("hypot", a, b))


def sinh(x: Any) -> Any:
    """The hyperbolic sine. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.sinh(pydp.tensor([0.0, -100.0]))
    tensor([  0., -inf])
    """
    return apply(rules.SINH, (real_tensor(x, "sinh", "x"),))


def cosh(x: Any) -> Any:
    """The hyperbolic cosine. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.cosh(pydp.tensor([0.0, -100.0]))
    tensor([ 1., inf])
    """
    return apply(rules.COSH, (real_tensor(x, "cosh", "x"),))


def asinh(x: Any) -> Any:
    """The inverse of sinh. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.asinh(pydp.tensor([0.0, 1e-10]))
    tensor([0.e+00, 1.e-10])
    """
    return apply(rules.ASINH, (real_tensor(x, "asinh", "x"),))


def acosh(x: Any) -> Any:
    """The inverse of cosh on [1, ∞); NaN below. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.acosh(pydp.tensor([1.0, 0.5]))
    tensor([ 0., nan])
    """
    return apply(rules.ACOSH, (real_tensor(x, "acosh", "x"),))


def atanh(x: Any) -> Any:
    """The inverse of tanh on [−1, 1]; NaN beyond. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.atanh(pydp.tensor([0.0, 1.0]))
    tensor([ 0., inf])
    """
    return apply(rules.ATANH, (real_tensor(x, "atanh", "x"),))
