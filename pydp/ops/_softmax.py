"""softmax and log_softmax along one axis: kernels for both, forward and backward.

The gradients look at the result only, so x need not be kept. Each backward kernel is an op of its
own; second derivatives go through its composed form.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import axis_index, real_tensor
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._math import exp
from pydp.ops._reduce import sum as sum_over


class Softmax(Op):
    name = "softmax"
    type = "real[...] -> real[...]"

    @staticmethod
    def forward(needs: Any, x: Array, axis: int) -> Any:
        y = _kernels.softmax_forward(x, axis)
        return y, (y,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axis: int) -> Any:
        return (apply(SoftmaxBackward, (saved[0], dy), axis),)

    @staticmethod
    def reference(x: Array, axis: int) -> Array:
        if x.ndim == 0:
            return np.ones(())
        e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
        return np.asarray(e / np.sum(e, axis=axis, keepdims=True))


class SoftmaxBackward(Op):
    """y (dy − Σ y dy)."""

    name = "softmax_backward"
    type = "(real[...], real[...]) -> real[...]"

    @staticmethod
    def forward(needs: Any, y: Array, dy: Array, axis: int) -> Any:
        return _kernels.softmax_backward(y, dy, axis), (y, dy)

    @staticmethod
    def composed(y: Any, dy: Any, axis: int) -> Any:
        return y * (dy - sum_over(y * dy, axis, keepdims=True))

    @staticmethod
    def reference(y: Array, dy: Array, axis: int) -> Array:
        if y.ndim == 0:
            return np.asarray(y * (dy - y * dy))
        return np.asarray(y * (dy - np.sum(y * dy, axis=axis, keepdims=True)))


class LogSoftmax(Op):
    name = "log_softmax"
    type = "real[...] -> real[...]"

    @staticmethod
    def forward(needs: Any, x: Array, axis: int) -> Any:
        y = _kernels.log_softmax_forward(x, axis)
        return y, (y,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axis: int) -> Any:
        return (apply(LogSoftmaxBackward, (saved[0], dy), axis),)

    @staticmethod
    def reference(x: Array, axis: int) -> Array:
        if x.ndim == 0:
            return np.zeros(())
        shifted = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        return np.asarray(shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)))


class LogSoftmaxBackward(Op):
    """dy − exp(y) Σ dy."""

    name = "log_softmax_backward"
    type = "(real[...], real[...]) -> real[...]"

    @staticmethod
    def forward(needs: Any, y: Array, dy: Array, axis: int) -> Any:
        return _kernels.log_softmax_backward(y, dy, axis), (y, dy)

    @staticmethod
    def composed(y: Any, dy: Any, axis: int) -> Any:
        return dy - exp(y) * sum_over(dy, axis, keepdims=True)

    @staticmethod
    def reference(y: Array, dy: Array, axis: int) -> Array:
        if y.ndim == 0:
            return np.asarray(dy - np.exp(y) * dy)
        return np.asarray(dy - np.exp(y) * np.sum(dy, axis=axis, keepdims=True))


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / Σ exp(x) along an axis: positive numbers that add up to 1.

    Type: ``real[...] -> real[...]``. The largest x is subtracted first, so no x is too large. A row
    with a NaN, with +∞, or of −∞ only gives NaN. An axis of length 0 gives an empty result.

    >>> import pydp
    >>> pydp.softmax(pydp.tensor([[0.0, 0.0], [1e4, -1e4]]))
    tensor([[0.5, 0.5],
            [1. , 0. ]])

    Reference: Bridle, Probabilistic interpretation of feedforward classification network outputs,
    1990.
    """
    x = real_tensor(x, "softmax", "x")
    return apply(Softmax, (x,), axis_index(axis, x.ndim, "softmax"))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """x − log Σ exp(x) along an axis: the logarithm of softmax, exact where that underflows.

    Type: ``real[...] -> real[...]``. Otherwise as `softmax`.

    >>> import pydp
    >>> pydp.log_softmax(pydp.tensor([0.0, -1e4]))
    tensor([     0., -10000.])
    """
    x = real_tensor(x, "log_softmax", "x")
    return apply(LogSoftmax, (x,), axis_index(axis, x.ndim, "log_softmax"))
