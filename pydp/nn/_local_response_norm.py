"""LocalResponseNorm: a channel held down by its neighbours, as in AlexNet."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._module import Module
from pydp.ops._norm import finite


class LocalResponseNorm(Module):
    """x[c] / (k + alpha / size · Σ x[i]²)^beta, the sum over `size` channels around c.

    Shape: ``real[n, c, ...] -> real[n, c, ...]``; with axis=-3 the channels are those of images,
    ``real[..., c, h, w] -> real[..., c, h, w]``.

    The definition is PyTorch's, which divides alpha by size. The paper on AlexNet does not: its
    n = 5, α = 1e-4, β = 0.75, k = 2 is ``LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)``.

    >>> import pydp
    >>> pydp.nn.LocalResponseNorm(5, alpha=5e-4, k=2)
    LocalResponseNorm(5, alpha=0.0005, beta=0.75, k=2)
    """

    def __init__(
        self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, axis: int = 1
    ) -> None:
        self.size = integer(size, "LocalResponseNorm", "size", least=1)
        self.alpha = finite(alpha, "LocalResponseNorm", "alpha")
        self.beta = finite(beta, "LocalResponseNorm", "beta")
        self.k = finite(k, "LocalResponseNorm", "k")
        self.axis = integer(axis, "LocalResponseNorm", "axis")
        if self.axis not in (1, -3):
            raise ValueError(f"LocalResponseNorm: axis must be 1 or -3, got {self.axis}")

    @property
    def type(self) -> str:
        shape = "real[n, c, ...]" if self.axis == 1 else "real[..., c, h, w]"
        return f"{shape} -> {shape}"

    def forward(self, x: Any) -> Any:
        if self.axis == -3 and getattr(x, "_array", NO_ARRAY).ndim != 4:
            return lifted(self.forward, x, "chw")
        return ops.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        out = f"{self.size}, alpha={self.alpha:g}, beta={self.beta:g}, k={self.k:g}"
        return out if self.axis == 1 else f"{out}, axis={self.axis}"
