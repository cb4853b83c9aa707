"""The activations made of straight pieces. At a kink the slope is that of the piece that PyTorch
takes; it is said with each."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import number, real_tensor, same_float
from pydp._arrays import Array
from pydp._graph import apply
from pydp._kernels import binary as binary_kernel
from pydp._kernels import binary_functions
from pydp._op import Op
from pydp.ops._activation import activation
from pydp.ops._reduce import sum_to
from pydp.ops._shape import reshape
from pydp.ops._where import where

# fmt: off
LEAKY_RELU = activation(__name__, "leaky_relu", lambda x, p: np.where(x > 0, x, p * x),
                        lambda x, p: np.where(x > 0, 1, p))
HARDTANH = activation(__name__, "hardtanh", lambda x, p, q: np.minimum(np.maximum(x, p), q),
                      lambda x, p, q: 1.0 * ((x > p) & (x < q)))
HARDSIGMOID = activation(__name__, "hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6,
                         lambda x: (np.abs(x) < 3) / 6)
HARDSWISH = activation(__name__, "hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6,
                       lambda x: np.where(x <= -3, 0, np.where(x < 3, x / 3 + 0.5, 1)),
                       lambda x: where(abs(x) < 3.0, 1 / 3, 0.0 * x))
SOFTSHRINK = activation(__name__, "softshrink",
                        lambda x, p: np.where(np.abs(x) <= p, 0, x - np.copysign(p, x)),
                        lambda x, p: 1.0 * (np.abs(x) > p), kernel="shrink_backward")
HARDSHRINK = activation(__name__, "hardshrink", lambda x, p: np.where(np.abs(x) <= p, 0, x),
                        lambda x, p: 1.0 * (np.abs(x) > p), kernel="shrink_backward")
THRESHOLD = activation(__name__, "threshold", lambda x, p, q: np.where(x <= p, q, x),
                       lambda x, p, q: 1.0 - (x <= p))
# fmt: on


class PReLU(Op):
    """x where it is above 0, slope · x elsewhere, broadcast."""

    name = "prelu"
    type = "(real[...], real[...]) -> real[...]"
    broadcasts_before = 0

    @staticmethod
    def forward(needs: Any, x: Array, slope: Array) -> Any:
        return binary_kernel(binary_functions["prelu"], x, slope), (x, slope)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any) -> Any:
        x, slope = saved
        dslope = apply(PReLUBackwardSlope, (x, dy)) if needs[1] else None
        return (
            dy * apply(PReLUSlope, (x, slope)) if needs[0] else None,
            None if dslope is None else sum_to(dslope, slope.shape),
        )

    @staticmethod
    def reference(x: Array, slope: Array) -> Array:
        return np.where(x > 0, x, slope * x)


class PReLUSlope(Op):
    """The slope of prelu in x."""

    name = "prelu_slope"
    type = "(real[...], real[...]) -> real[...]"
    broadcasts_before = 0

    @staticmethod
    def forward(needs: Any, x: Array, slope: Array) -> Any:
        return binary_kernel(binary_functions["prelu_slope"], x, slope), (x, slope.shape)

    @staticmethod
    def backward(saved: Any, d: Any, needs: Any) -> Any:
        x, shape = saved
        below = 1.0 - apply(PReLUSlope, (x, _graph.wrap(np.zeros((), x.dtype))))
        return None, sum_to(d * below, shape) if needs[1] else None

    @staticmethod
    def reference(x: Array, slope: Array) -> Array:
        return np.where(x > 0, 1, slope)


class PReLUBackwardSlope(Op):
    """The gradient of prelu's slope, an element for each of x."""

    name = "prelu_backward_slope"
    type = "(real[...], real[...]) -> real[...]"

    @staticmethod
    def forward(needs: Any, x: Array, dy: Array) -> Any:
        return binary_kernel(binary_functions["prelu_backward_slope"], x, dy), (x, dy)

    @staticmethod
    def backward(saved: Any, d: Any, needs: Any) -> Any:
        x, dy = saved
        below = 1.0 - apply(PReLUSlope, (x, _graph.wrap(np.zeros((), x.dtype))))
        return (
            d * dy * below if needs[0] else None,
            apply(PReLUBackwardSlope, (x, d)) if needs[1] else None,
        )

    @staticmethod
    def reference(x: Array, dy: Array) -> Array:
        return np.where(x > 0, 0, dy * x)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x above 0, negative_slope · x elsewhere, which is also the side of 0.

    Type: ``real[...] -> real[...]``. Source: Maas, Hannun and Ng, 2013.

    >>> import pydp
    >>> pydp.leaky_relu(pydp.tensor([-2.0, 3.0]), 0.25)
    tensor([-0.5,  3. ])
    """
    slope = number(negative_slope, "leaky_relu", "negative_slope")
    return apply(LEAKY_RELU, (real_tensor(x, "leaky_relu", "x"),), slope)


def prelu(x: Any, weight: Any) -> Any:
    """x above 0, weight · x elsewhere: `leaky_relu` with a slope that is learnt.

    Type: ``(real[...], real[c]) -> real[...]``. ``weight`` has one slope for all, or one for each
    channel, which are x's axis 1. Source: He et al., "Delving deep into rectifiers", 2015.

    >>> import pydp
    >>> pydp.prelu(pydp.tensor([[-2.0, -2.0]]), pydp.tensor([0.5, 0.25]))
    tensor([[-1. , -0.5]])
    """
    x, weight = real_tensor(x, "prelu", "x"), real_tensor(weight, "prelu", "weight")
    same_float("prelu", x=x, weight=weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.ndim > 1 or (weight.size != 1 and weight.size != channels):
        raise ValueError(
            f"prelu: weight must have shape (1,) or ({channels},), one for each channel of x "
            f"{x.shape}, got {weight.shape}"
        )
    shape = (weight.size, *[1] * (x.ndim - 2)) if weight.size > 1 else ()
    return apply(PReLU, (x, reshape(weight, shape)))


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """x, cut to [min_val, max_val]. The slope is 0 from the bounds on (`clip` has 1 there).

    Type: ``real[...] -> real[...]``. ``min_val`` is below ``max_val``.

    >>> import pydp
    >>> pydp.hardtanh(pydp.tensor([-2.0, 0.5, 3.0]))
    tensor([-1. ,  0.5,  1. ])
    """
    low, high = number(min_val, "hardtanh", "min_val"), number(max_val, "hardtanh", "max_val")
    if not low < high:
        raise ValueError(f"hardtanh: min_val must be below max_val, got {min_val} and {max_val}")
    return apply(HARDTANH, (real_tensor(x, "hardtanh", "x"),), low, high)


def relu6(x: Any) -> Any:
    """min(max(x, 0), 6); the slope is 0 at 0 and at 6. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.relu6(pydp.tensor([-2.0, 3.0, 9.0]))
    tensor([0., 3., 6.])
    """
    return apply(HARDTANH, (real_tensor(x, "relu6", "x"),), 0.0, 6.0)


def hardsigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6; the slope is 0 at ±3. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.hardsigmoid(pydp.tensor([-4.0, 0.0, 4.0]))
    tensor([0. , 0.5, 1. ])
    """
    return apply(HARDSIGMOID, (real_tensor(x, "hardsigmoid", "x"),))


def hardswish(x: Any) -> Any:
    """x · relu6(x + 3) / 6; the slope is 0 at −3 and 1 at 3. Type: ``real[...] -> real[...]``.

    At −∞ it is its limit 0 (PyTorch: NaN). Source: Howard et al., "Searching for MobileNetV3",
    2019.

    >>> import pydp
    >>> pydp.hardswish(pydp.tensor([-4.0, 1.5, 4.0]))
    tensor([0.   , 1.125, 4.   ])
    """
    return apply(HARDSWISH, (real_tensor(x, "hardswish", "x"),))


def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """x, brought nearer to 0 by λ: 0 in [−λ, λ], with slope 0. Type: ``real[...] -> real[...]``.

    ``lambd`` is at least 0.

    >>> import pydp
    >>> pydp.softshrink(pydp.tensor([-2.0, 0.25, 1.0]))
    tensor([-1.5,  0. ,  0.5])
    """
    return apply(SOFTSHRINK, (real_tensor(x, "softshrink", "x"),), _width("softshrink", lambd))


def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """x outside [−λ, λ], 0 within, with slope 0. Type: ``real[...] -> real[...]``.

    ``lambd`` is at least 0.

    >>> import pydp
    >>> pydp.hardshrink(pydp.tensor([-2.0, 0.25, 1.0]))
    tensor([-2.,  0.,  1.])
    """
    return apply(HARDSHRINK, (real_tensor(x, "hardshrink", "x"),), _width("hardshrink", lambd))


def _width(op: str, lambd: Any) -> float:
    found = number(lambd, op, "lambd")
    if not found >= 0:
        raise ValueError(f"{op}: lambd must be at least 0, got {lambd}")
    return found


def threshold(x: Any, threshold: float, value: float) -> Any:
    """x above the threshold, `value` elsewhere, with slope 0. Type: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.threshold(pydp.tensor([0.5, 1.0, 2.0]), 1.0, 20.0)
    tensor([20., 20.,  2.])
    """
    least = number(threshold, "threshold", "threshold")
    constants = least, number(value, "threshold", "value")
    return apply(THRESHOLD, (real_tensor(x, "threshold", "x"),), *constants)
