"""The activations: elementwise functions between two layers. Those made of straight pieces are in
_piecewise.py; rules without constants in _elementwise.py.

An activation with constants, or with a backward kernel of its own, is a pair of rules:

    forward    x ──> y                             the kernel of its name, with its constants
    backward   x, dy ──> dx                        the kernel <name>_backward, with the same
    again      x, dy, d ──> d dy f''(x), d f'(x)   f'' in ops; None where it is 0
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pydp._arguments import axis_index, number, real_tensor
from pydp._arrays import Array
from pydp._graph import apply
from pydp._kernels import binary as binary_kernel
from pydp._kernels import binary_functions, unary_functions
from pydp._kernels import unary as unary_kernel
from pydp._op import Op
from pydp.ops import _elementwise as rules
from pydp.ops._math import clip, exp
from pydp.ops._softmax import softmax
from pydp.ops._where import where

Function = Callable[..., Any]


class Activation(Op):
    """A rule y = f(x, *constants)."""

    type = "real[...] -> real[...]"
    code: int
    slope: Any  # the ActivationBackward

    @classmethod
    def forward(cls, needs: Any, x: Array, *constants: float) -> Any:
        return unary_kernel(cls.code, x, *constants), (x,)

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Any, *constants: float) -> Any:
        return (apply(cls.slope, (saved[0], dy), *constants),)


class ActivationBackward(Op):
    """A rule dx = dy f'(x, *constants)."""

    type = "(real[...], real[...]) -> real[...]"
    code: int
    curve: Function | None  # f'' in ops

    @classmethod
    def forward(cls, needs: Any, x: Array, dy: Array, *constants: float) -> Any:
        return binary_kernel(cls.code, x, dy, *constants), (x, dy)

    @classmethod
    def backward(cls, saved: Any, d: Any, needs: Any, *constants: float) -> Any:
        x, dy = saved
        curved = needs[0] and cls.curve is not None
        return (
            d * dy * cls.curve(x, *constants) if curved and cls.curve else None,
            apply(cls, (x, d), *constants) if needs[1] else None,
        )


def activation(
    module: str,
    name: str,
    reference: Function,
    slope: Function,
    curve: Function | None = None,
    kernel: str | None = None,
) -> Any:
    """The two rules of an activation: f and f' in NumPy, f'' in ops. `kernel` is the name of the
    backward kernel where it is not <name>_backward."""
    back = type(f"{name}_backward", (ActivationBackward,), {
        "__module__": module, "name": f"{name}_backward",
        "code": binary_functions[kernel or f"{name}_backward"],
        "reference": staticmethod(lambda x, dy, *c: dy * slope(x, *c)),
        "curve": curve and staticmethod(curve),
    })  # fmt: skip
    return type(name, (Activation,), {
        "__module__": module, "name": name, "code": unary_functions[name], "slope": back,
        "reference": staticmethod(reference),
    })  # fmt: skip


# ---- the table -----------------------------------------------------------------------------------


def softplus_curve(x: Any, beta: float, threshold: float) -> Any:
    s = sigmoid(beta * x)
    return where(beta * x > threshold, 0.0, beta * s * (1.0 - s))


def silu_curve(x: Any) -> Any:
    s = sigmoid(x)
    return s * (1.0 - s) * (x * (1.0 - 2.0 * s) + 2.0)


def np_mish_slope(x: Array) -> Array:
    t = np.tanh(np.logaddexp(0, x))
    return np.asarray(t + x * (1 - t * t) * rules.np_sigmoid(x))


def mish_curve(x: Any) -> Any:
    s, t = sigmoid(x), tanh(softplus_exact(x))
    return (1.0 - t * t) * s * (x * (1.0 - s - 2.0 * t * s) + 2.0)


def np_elu(x: Array, p: float, q: float, r: float) -> Array:
    return np.where(x <= 0, q * np.expm1(r * np.minimum(x, 0)), p * x)


def np_elu_slope(x: Array, p: float, q: float, r: float) -> Array:
    return np.where(x <= 0, q * r * np.exp(r * np.minimum(x, 0)), p)


# fmt: off
SOFTPLUS = activation(__name__, "softplus",
                      lambda x, b, top: np.where(b * x > top, x, np.logaddexp(b * x, 0) / b),
                      lambda x, b, top: np.where(b * x > top, 1, rules.np_sigmoid(b * x)),
                      softplus_curve)
LOGSIGMOID = activation(__name__, "logsigmoid", lambda x: -np.logaddexp(0, -x),
                        lambda x: rules.np_sigmoid(-x), lambda x: -sigmoid(x) * sigmoid(-x))
SILU = activation(__name__, "silu", lambda x: x * rules.np_sigmoid(x),
                  lambda x: rules.np_sigmoid(x) * (1 + x * rules.np_sigmoid(-x)), silu_curve)
MISH = activation(__name__, "mish", lambda x: x * np.tanh(np.logaddexp(0, x)), np_mish_slope,
                  mish_curve)
# p x for a positive x, q (exp(r x) - 1) for the others.
ELU = activation(__name__, "elu", np_elu, np_elu_slope,
                 lambda x, p, q, r: where(x <= 0, q * r * r * exp(r * clip(x, None, 0.0)), 0.0))
# fmt: on

# Of "Self-normalizing neural networks": mean 0 and variance 1 are a fixed point.
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


# ---- what people call ----------------------------------------------------------------------------


def reference_of(activation: str | None, z: Array) -> Array:
    """A fused activation's definition in NumPy, for the references of rules that fuse one."""
    fused = {"relu": rules.RELU, "tanh": rules.TANH, "sigmoid": rules.SIGMOID, "gelu": rules.GELU}
    return np.asarray(fused[activation].reference(z)) if activation else z


def relu(x: Any) -> Any:
    """max(x, 0).

    Type: ``real[...] -> real[...]``. The gradient at 0 is 0; NaN stays NaN, with the gradient 1.

    >>> import pydp
    >>> pydp.relu(pydp.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    return apply(rules.RELU, (real_tensor(x, "relu", "x"),))


def gelu(x: Any, approximate: str = "none") -> Any:
    """x · Φ(x), Φ the normal distribution function.

    Type: ``real[...] -> real[...]``. `approximate="tanh"` computes
    x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))) instead, up to 4.7e-4 apart.
    Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    >>> import pydp
    >>> pydp.gelu(pydp.tensor([0.0, 10.0]))
    tensor([ 0., 10.])
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f'gelu: approximate must be "none" or "tanh", got {approximate!r}')
    rule = rules.GELU if approximate == "none" else rules.GELU_TANH
    return apply(rule, (real_tensor(x, "gelu", "x"),))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.tanh(pydp.tensor([0.0, 100.0]))
    tensor([0., 1.])
    """
    return apply(rules.TANH, (real_tensor(x, "tanh", "x"),))


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(−x)), without overflow. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.sigmoid(pydp.tensor([0.0, 100.0]))
    tensor([0.5, 1. ])
    """
    return apply(rules.SIGMOID, (real_tensor(x, "sigmoid", "x"),))


def softplus_exact(x: Any) -> Any:
    """log(1 + exp(x)) however large x is: `softplus` without a threshold."""
    return apply(SOFTPLUS, (x,), 1.0, math.inf)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(β x)) / β, without overflow; x itself where β x is above the threshold.

    Type: ``real[...] -> real[...]``. With the usual threshold the difference is below 2.1e-9;
    ``threshold=float("inf")`` is exact. ``beta`` is not 0.

    >>> import pydp
    >>> pydp.softplus(pydp.tensor([-200.0, 100.0]))
    tensor([  0., 100.])
    """
    b = number(beta, "softplus", "beta")
    if not abs(b) > 0:
        raise ValueError(f"softplus: beta must not be 0, got {beta}")
    top = number(threshold, "softplus", "threshold")
    return apply(SOFTPLUS, (real_tensor(x, "softplus", "x"),), b, top)


def logsigmoid(x: Any) -> Any:
    """log(1 / (1 + exp(−x))), without overflow or loss of digits.

    Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.logsigmoid(pydp.tensor([-200.0, 200.0]))
    tensor([-200.,    0.])
    """
    return apply(LOGSIGMOID, (real_tensor(x, "logsigmoid", "x"),))


def silu(x: Any) -> Any:
    """x · sigmoid(x), also called swish. Type: ``real[...] -> real[...]``.

    At −∞ it is its limit 0 (PyTorch: NaN). Source: Elfwing, Uchibe and Doya, 2017.

    >>> import pydp
    >>> pydp.silu(pydp.tensor([0.0, 100.0]))
    tensor([  0., 100.])
    """
    return apply(SILU, (real_tensor(x, "silu", "x"),))


def mish(x: Any) -> Any:
    """x · tanh(log(1 + exp(x))). Type: ``real[...] -> real[...]``.

    At −∞ it is its limit 0 (PyTorch: NaN). Source: Misra, "Mish", 2019.

    >>> import pydp
    >>> pydp.mish(pydp.tensor([0.0, 100.0]))
    tensor([  0., 100.])
    """
    return apply(MISH, (real_tensor(x, "mish", "x"),))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, α (exp(x) − 1) elsewhere. Type: ``real[...] -> real[...]``.

    Source: Clevert, Unterthiner and Hochreiter, 2015.

    >>> import pydp
    >>> pydp.elu(pydp.tensor([-100.0, 2.0]))
    tensor([-1.,  2.])
    """
    return apply(ELU, (real_tensor(x, "elu", "x"),), 1.0, number(alpha, "elu", "alpha"), 1.0)


def selu(x: Any) -> Any:
    """λ · elu(x, α) with the constants that keep mean 0 and variance 1 from layer to layer:
    λ = 1.0507…, α = 1.6733….

    Type: ``real[...] -> real[...]``. Source: Klambauer et al., "Self-normalizing neural networks",
    2017.

    >>> import pydp
    >>> pydp.selu(pydp.tensor([-100.0, 1.0]))
    tensor([-1.7580993,  1.050701 ])
    """
    return apply(ELU, (real_tensor(x, "selu", "x"),), SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1.0)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, α (exp(x / α) − 1) elsewhere, whose slope is continuous for each α.

    Type: ``real[...] -> real[...]``. ``alpha`` is not 0. Source: Barron, 2017.

    >>> import pydp
    >>> pydp.celu(pydp.tensor([-100.0, 2.0]), alpha=2.0)
    tensor([-2.,  2.])
    """
    a = number(alpha, "celu", "alpha")
    if not abs(a) > 0:
        raise ValueError(f"celu: alpha must not be 0, got {alpha}")
    return apply(ELU, (real_tensor(x, "celu", "x"),), 1.0, a, 1 / a)


def softsign(x: Any) -> Any:
    """x / (1 + |x|). Type: ``real[...] -> real[...]``. At ±∞ it is ±1 (PyTorch: NaN).

    >>> import pydp
    >>> pydp.softsign(pydp.tensor([-1.0, 3.0]))
    tensor([-0.5 ,  0.75])
    """
    return apply(rules.SOFTSIGN, (real_tensor(x, "softsign", "x"),))


def tanhshrink(x: Any) -> Any:
    """x − tanh(x). Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.tanhshrink(pydp.tensor([0.0, 100.0]))
    tensor([ 0., 99.])
    """
    x = real_tensor(x, "tanhshrink", "x")
    return x - tanh(x)


def glu(x: Any, axis: int = -1) -> Any:
    """a · sigmoid(b), a the first half of x along an axis and b the second.

    Type: ``real[..., 2*n] -> real[..., n]``. ValueError where the size is odd.
    Source: Dauphin et al., "Language modeling with gated convolutional networks", 2016.

    >>> import pydp
    >>> pydp.glu(pydp.tensor([1.0, 2.0, 0.0, 100.0]))
    tensor([0.5, 2. ])
    """
    x = real_tensor(x, "glu", "x")
    at = axis_index(axis, x.ndim, "glu")
    if x.ndim == 0 or x.shape[at] % 2:
        raise ValueError(f"glu: the size along axis {axis} must be even, got shape {x.shape}")
    before, half = (slice(None),) * at, x.shape[at] // 2
    return x[(*before, slice(half))] * sigmoid(x[(*before, slice(half, None))])


def softmin(x: Any, axis: int = -1) -> Any:
    """softmax(−x) along an axis: the smallest gets most. Type: ``real[..., n] -> real[..., n]``.

    >>> import pydp
    >>> pydp.softmin(pydp.tensor([1.0, 1.0, 1000.0]))
    tensor([0.5, 0.5, 0. ])
    """
    return softmax(-real_tensor(x, "softmin", "x"), axis)
