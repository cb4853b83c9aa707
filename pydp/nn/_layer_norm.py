"""LayerNorm and RMSNorm: every vector brought to one scale."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn import init
from pydp.nn._arguments import flag, new_parameter
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.ops._layer_norm import sizes_of
from pydp.ops._norm import positive


class _OverLastAxes(Module):
    """What the two share: the sizes of the last axes, and that they stay."""

    normalized_shape: tuple[int, ...]

    @property
    def type(self) -> str:
        shape = f"real[..., {', '.join(map(str, self.normalized_shape))}]"
        return f"{shape} -> {shape}"


class LayerNorm(_OverLastAxes):
    """(x - mean) / sqrt(var + eps) weight + bias, mean and biased variance over the last axes: a
    technical device that makes deep networks easier to train.

    Shape: ``real[..., d] -> real[..., d]`` with normalized_shape d, an int or several.

    Arguments
      normalized_shape    the sizes of the axes that are normalised together
      eps                 above 0; BERT has 1e-12
      elementwise_affine  whether there are parameters; with bias=False the weight alone

    Parameters
      weight  [normalized_shape], ones
      bias    [normalized_shape], zeros

    It differs from PyTorch's in nothing but the missing `device` and `dtype` (see `astype`).

    >>> import pydp
    >>> pydp.nn.LayerNorm(768).signature
    <signature real[..., 768] -> real[..., 768]>
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape = sizes_of(normalized_shape, "LayerNorm", least=1)
        self.eps = positive(eps, "LayerNorm", "eps")
        self.elementwise_affine = flag(elementwise_affine, "LayerNorm", "elementwise_affine")
        has_bias = flag(bias, "LayerNorm", "bias") and self.elementwise_affine
        shape = self.normalized_shape
        self.weight = new_parameter(*shape) if self.elementwise_affine else None
        self.bias = new_parameter(*shape) if has_bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Ones and zeros again."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, x: Any) -> Any:
        return ops.layer_norm(x, self.weight, self.bias, self.eps, self.normalized_shape)

    def extra_repr(self) -> str:
        out = f"{self.normalized_shape}, eps={self.eps:g}"
        if not self.elementwise_affine:
            return f"{out}, elementwise_affine=False"
        return out if self.bias is not None else f"{out}, bias=False"


class RMSNorm(_OverLastAxes):
    """x / sqrt(mean(x²) + eps) weight, the mean over the last axes.

    Shape: ``real[..., d] -> real[..., d]`` with normalized_shape d, an int or several.

    Arguments
      normalized_shape    the sizes of the axes that are normalised together
      eps                 above 0; None is the machine epsilon of x's dtype
      elementwise_affine  whether there is a weight

    Parameters
      weight  [normalized_shape], ones

    It differs from PyTorch's in nothing but the missing `device` and `dtype` (see `astype`).

    >>> import pydp
    >>> pydp.nn.RMSNorm(4)
    RMSNorm((4,))  4 parameters
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        self.normalized_shape = sizes_of(normalized_shape, "RMSNorm", least=1)
        self.eps = None if eps is None else positive(eps, "RMSNorm", "eps")
        self.elementwise_affine = flag(elementwise_affine, "RMSNorm", "elementwise_affine")
        self.weight = new_parameter(*self.normalized_shape) if self.elementwise_affine else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Ones again."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Any) -> Any:
        return ops.rms_norm(x, self.weight, self.eps, self.normalized_shape)

    def extra_repr(self) -> str:
        out = f"{self.normalized_shape}"
        if self.eps is not None:
            out += f", eps={self.eps:g}"
        return out if self.elementwise_affine else f"{out}, elementwise_affine=False"
