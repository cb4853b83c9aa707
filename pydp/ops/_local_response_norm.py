"""Local response norm: kernels forward and backward; channels-last in memory.

Backward looks at x alone. It is an op of its own; second derivatives go through its composed form,
in which the sum over a window of channels is a matrix product with a band of ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import integer
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._batch_norm import new_like
from pydp.ops._math import square
from pydp.ops._matmul import matmul
from pydp.ops._norm import finite, images
from pydp.ops._shape import moveaxis


class Window(NamedTuple):
    """`size` neighbouring channels and what is made of them."""

    size: int
    alpha: float
    beta: float
    k: float

    def band(self, c: int) -> Array:
        """[c, c]: 1 where channel j is in the window of channel i, j − i from −size // 2."""
        apart = np.arange(c) - np.arange(c)[:, None]
        return np.asarray((apart >= -(self.size // 2)) & (apart <= (self.size - 1) // 2), float)


class LocalResponseNorm(Op):
    name = "local_response_norm"
    type = "real[n, c, ...] -> real[n, c, ...]"

    @staticmethod
    def forward(needs: Any, x: Array, window: Window) -> Any:
        y = new_like(x)
        _kernels.local_response_norm_forward(_kernels.channels_last(x), y, *window)
        return y, (x,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, window: Window) -> Any:
        return (apply(LocalResponseNormBackward, (saved[0], dy), window),)

    @staticmethod
    def reference(x: Array, window: Window) -> Array:
        y = np.zeros(x.shape)
        for i in range(x.shape[1]):
            first = max(0, i - window.size // 2)
            near = x[:, first : i + (window.size - 1) // 2 + 1]
            t = window.k + window.alpha / window.size * np.sum(near**2, axis=1)
            y[:, i] = x[:, i] / t**window.beta
        return y


class LocalResponseNormBackward(Op):
    """dx[i] = dy[i] t[i]^−β − 2 β α / size · x[i] Σ dy[o] x[o] t[o]^(−β − 1), over the o whose
    windows have i."""

    name = "local_response_norm_backward"
    type = "(real[n, c, ...], real[n, c, ...]) -> real[n, c, ...]"

    @staticmethod
    def forward(needs: Any, x: Array, dy: Array, window: Window) -> Any:
        dx = new_like(x)
        _kernels.local_response_norm_backward(
            _kernels.channels_last(x), _kernels.channels_last(dy), dx, *window
        )
        return dx, (x, dy)

    @staticmethod
    def composed(x: Any, dy: Any, window: Window) -> Any:
        band = _graph.wrap(window.band(x.shape[1]).astype(x.dtype))
        scale = window.alpha / window.size
        x, dy = moveaxis(x, 1, -1), moveaxis(dy, 1, -1)
        t = matmul(square(x), band.T) * scale + window.k
        p = t**-window.beta
        dx = dy * p - (2 * window.beta * scale) * x * matmul(dy * x * p / t, band)
        return moveaxis(dx, -1, 1)

    @staticmethod
    def reference(x: Array, dy: Array, window: Window) -> Array:
        band, scale = window.band(x.shape[1]), window.alpha / window.size
        t = np.einsum("oi,ni...->no...", band, x**2) * scale + window.k
        u = np.einsum("oi,no...->ni...", band, dy * x * t ** (-window.beta - 1))
        return np.asarray(dy * t**-window.beta - 2 * window.beta * scale * x * u)


def local_response_norm(
    x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """x[c] / (k + α / size · Σ x[i]²)^β, the sum over `size` channels around c.

    Type: ``real[n, c, ...] -> real[n, c, ...]``.

    - ``x``: (n, c, …), at least 2 axes, any strides. The result is channels-last in memory.
    - ``size``: i goes from c − size // 2 to c + (size − 1) // 2; channels that x does not have
      count as zeros.
    - ``alpha``, ``beta``, ``k``: finite numbers.

    This is PyTorch's definition, which divides α by size. The paper on AlexNet does not: its n = 5,
    α = 1e-4, β = 0.75, k = 2 is ``local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2)``.

    >>> import pydp
    >>> x = pydp.tensor([[1.0, 1.0, 2.0]])
    >>> pydp.local_response_norm(x, 3, alpha=3.0, beta=1.0, k=2.0)
    tensor([[0.25     , 0.125    , 0.2857143]])

    Reference: Krizhevsky, Sutskever, Hinton, ImageNet classification with deep convolutional neural
    networks, 2012, section 3.3.
    """
    op = "local_response_norm"
    x = images(x, op)
    size = integer(size, op, "size", 1)
    named = {"alpha": alpha, "beta": beta, "k": k}
    numbers = [finite(value, op, name) for name, value in named.items()]
    return apply(LocalResponseNorm, (x,), Window(size, *numbers))
