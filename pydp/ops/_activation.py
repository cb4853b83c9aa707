"""The activations: elementwise functions between two layers. Rules in _elementwise.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp._graph import apply
from pydp._op import Array, real_tensor
from pydp.ops import _elementwise as rules


def reference_of(activation: str | None, z: Array) -> Array:
    """A fused activation's definition in NumPy, for the references of rules that fuse one."""
    fused = {"relu": rules.RELU, "tanh": rules.TANH, "sigmoid": rules.SIGMOID, "gelu": rules.GELU}
    return np.asarray(fused[activation].reference(z)) if activation else z


def relu(x: Any) -> Any:
    """max(x, 0).

    Type: ``real[...] -> real[...]``. The gradient at 0 is 0; NaN stays NaN.

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


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.softplus(pydp.tensor([-200.0, 100.0]))
    tensor([  0., 100.])
    """
    return apply(rules.SOFTPLUS, (real_tensor(x, "softplus", "x"),))


def silu(x: Any) -> Any:
    """x · sigmoid(x), also called swish. Type: ``real[...] -> real[...]``.

    Source: Elfwing, Uchibe and Doya, 2017.

    >>> import pydp
    >>> pydp.silu(pydp.tensor([0.0, 100.0]))
    tensor([  0., 100.])
    """
    x = real_tensor(x, "silu", "x")
    return x * sigmoid(x)
