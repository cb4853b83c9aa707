"""What JAX leaves to its users: layers, as functions of x and their parameters.

Images have their channels last, filters are [h, w, in, out], linear maps [in, out]: `turned` makes
them of PyTorch's. For convolutions that was the faster layout here, 10 to 60 % of a step.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any


def turned(parameters: Iterable[Any]) -> list[Any]:
    """Weights and biases with all axes in JAX's order."""
    return [a.transpose(2, 3, 1, 0) if a.ndim == 4 else a.T for a in parameters]


def pairs(parameters: list[Any]) -> list[tuple[Any, Any]]:
    """Each weight with its bias."""
    return list(zip(parameters[::2], parameters[1::2], strict=True))


def conv(x: Any, weight: Any, stride: int = 1, padding: int = 0) -> Any:
    from jax import lax

    strides, pads = (stride, stride), ((padding, padding), (padding, padding))
    axes = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, weight, strides, pads, dimension_numbers=axes)


def max_pool(x: Any, size: int, stride: int) -> Any:
    """A running maximum of shifted views. `lax.reduce_window` says the same; its gradient was 8 to
    40 times slower here."""
    from jax.numpy import maximum

    h, w = [(n - size) // stride * stride + 1 for n in x.shape[1:3]]
    views = [x[:, i : i + h : stride, j : j + w : stride] for i in range(size) for j in range(size)]
    return reduce(maximum, views)


def flat(x: Any) -> Any:
    """Each image as a row, in PyTorch's order: channel by channel."""
    return x.transpose(0, 3, 1, 2).reshape(len(x), -1)


def batch_norm(x: Any, weight: Any, bias: Any) -> Any:
    """Over the batch at hand; running averages, which the others keep, are left out."""
    from jax import lax, numpy

    axes = tuple(range(x.ndim - 1))
    mean, var = numpy.mean(x, axes), numpy.var(x, axes)
    return (x - mean) * (lax.rsqrt(var + 1e-5) * weight) + bias


def layer_norm(x: Any, weight: Any, bias: Any) -> Any:
    from jax import lax, numpy

    mean, var = numpy.mean(x, -1, keepdims=True), numpy.var(x, -1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + 1e-5) * weight + bias


def dropout(x: Any, p: float, key: Any) -> Any:
    from jax import numpy, random

    return numpy.where(random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0.0)


def lstm(x: Any, w_in: Any, w_state: Any, b_in: Any, b_state: Any) -> Any:
    """x [b, t, d] -> y [b, t, n]: one product for all inputs, then a scan over the steps."""
    from jax import lax, nn, numpy

    def cell(state: Any, gates: Any) -> Any:
        h, c = state
        i, f, g, o = numpy.split(gates + h @ w_state, 4, axis=-1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * numpy.tanh(g)
        h = nn.sigmoid(o) * numpy.tanh(c)
        return (h, c), h

    zeros = numpy.zeros((len(x), w_state.shape[0]))
    gates = (x @ w_in + (b_in + b_state)).swapaxes(0, 1)
    return lax.scan(cell, (zeros, zeros), gates)[1].swapaxes(0, 1)
