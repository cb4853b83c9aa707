"""FeedForward: one step of processing, max(0, x Wᵀ + b)."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._arguments import ACTIVATIONS, one_of
from pydp.nn._linear import Linear
from pydp.nn._module import Module


class FeedForward(Module):
    """One step of processing: max(0, x Wᵀ + b), a linear map and an activation in one kernel.

    With `hidden` there are two linear maps and the activation is between them, so that results may
    be negative: max(0, x W₁ᵀ + b₁) W₂ᵀ + b₂. That is the box inside a TransformerBlock.

    Shape: ``real[..., in_features] -> real[..., out_features]``.

    Arguments
      activation  "relu" (the lecture's), "gelu", "gelu_tanh" (its approximation, which the first
                  BERT and GPT-2 have), "tanh", "sigmoid", or None

    Parameters
      linear1.weight  [hidden or out_features, in_features], linear1.bias  as `Linear`
      linear2.weight  [out_features, hidden], linear2.bias                  only with hidden

    PyTorch has no such module; its TransformerEncoderLayer uses the same names.

    >>> import pydp
    >>> from pydp import nn
    >>> three = nn.Sequential(nn.FeedForward(4, 8), nn.FeedForward(8, 8), nn.Linear(8, 2))
    >>> three(pydp.tensor([[1.0, 2.0, 3.0, 4.0]])).shape
    (1, 2)
    """

    linear2: Linear | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: int | None = None,
        activation: str | None = "relu",
    ) -> None:
        allowed = (*ACTIVATIONS, "gelu_tanh")
        self.activation = one_of(activation, allowed, "FeedForward", "activation")
        if hidden is None:
            self.linear1, self.linear2 = Linear(in_features, out_features), None
        else:
            self.linear1, self.linear2 = Linear(in_features, hidden), Linear(hidden, out_features)

    @property
    def type(self) -> str:
        last = self.linear2 or self.linear1
        return f"real[..., {self.linear1.in_features}] -> real[..., {last.out_features}]"

    def forward(self, x: Any) -> Any:
        first = self.linear1
        if self.activation == "gelu_tanh":
            y = ops.gelu(first(x), "tanh")
        else:
            y = ops.linear(x, first.weight, first.bias, self.activation)
        return y if self.linear2 is None else self.linear2(y)

    def extra_repr(self) -> str:
        return f"activation={self.activation!r}"
