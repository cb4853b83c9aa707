"""Linear: y = x Wᵀ + b."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp.nn import init
from pydp.nn._arguments import flag, new_parameter
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter


class Linear(Module):
    """y = x Wᵀ + b: every output is a weighted sum of all inputs.

    Shape: ``real[..., in_features] -> real[..., out_features]``.

    Parameters
      weight  [out_features, in_features], uniform within ±1/√in_features
      bias    [out_features], the same; None with bias=False

    It differs from PyTorch's in nothing but the missing `device` and `dtype` (see `astype`).

    >>> import pydp
    >>> layer = pydp.nn.Linear(3, 2)
    >>> layer(pydp.tensor([[1.0, 2.0, 3.0]])).shape
    (1, 2)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features = integer(in_features, "Linear", "in_features", least=1)
        self.out_features = integer(out_features, "Linear", "out_features", least=1)
        self.weight = new_parameter(self.out_features, self.in_features)
        self.bias = new_parameter(self.out_features) if flag(bias, "Linear", "bias") else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = self.in_features**-0.5
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    @property
    def type(self) -> str:
        return f"real[..., {self.in_features}] -> real[..., {self.out_features}]"

    def forward(self, x: Any) -> Any:
        return ops.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        return f"{self.in_features}, {self.out_features}{bias}"
