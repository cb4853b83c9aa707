"""Losses as modules; each is one function of pydp, with its options kept."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._op import integer
from pydp._tensor import Tensor
from pydp.nn._arguments import REDUCTIONS, number_within, one_of
from pydp.nn._module import Module


class CrossEntropyLoss(Module):
    """-log softmax(logits)[target], averaged: what the right class was given.

    Shape: ``(real[..., c], token[...]) -> real[]``; with reduction="none" ``real[...]``.

    Arguments
      weight           [c], how much each class counts (a buffer)
      ignore_index     a target that is left out
      label_smoothing  that share of the target goes to all classes alike
      reduction        "mean", "sum" or "none"

    It differs from PyTorch's: the classes are the last axis (there axis 1); `axis` sets another.

    >>> import pydp
    >>> pydp.nn.CrossEntropyLoss(label_smoothing=0.1)
    CrossEntropyLoss(label_smoothing=0.1)
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
        axis: int = -1,
    ) -> None:
        self.register_buffer("weight", weight)
        self.ignore_index = integer(ignore_index, "CrossEntropyLoss", "ignore_index")
        self.label_smoothing = number_within(
            label_smoothing, "CrossEntropyLoss", "label_smoothing", 0.0, 1.0
        )
        self.reduction = one_of(reduction, REDUCTIONS, "CrossEntropyLoss", "reduction")
        self.axis = integer(axis, "CrossEntropyLoss", "axis")

    @property
    def type(self) -> str:
        if self.axis != -1:
            return "any -> any"
        return f"(real[..., c], token[...]) -> real[{'...' if self.reduction == 'none' else ''}]"

    def forward(self, logits: Any, target: Any) -> Any:
        return ops.cross_entropy(
            logits,
            target,
            axis=self.axis,
            weight=self.weight,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        usual = (("ignore_index", -100), ("label_smoothing", 0.0), ("reduction", "mean"))
        given = [
            (name, getattr(self, name)) for name, value in usual if getattr(self, name) != value
        ]
        return ", ".join(f"{name}={value!r}" for name, value in given)


class MSELoss(Module):
    """The mean of (x - target)².

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    It differs from PyTorch's: the shapes must be equal, a loss does not broadcast.

    >>> import pydp
    >>> pydp.nn.MSELoss(reduction="sum")
    MSELoss(reduction='sum')
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = one_of(reduction, REDUCTIONS, "MSELoss", "reduction")

    @property
    def type(self) -> str:
        return f"(real[...], real[...]) -> real[{'...' if self.reduction == 'none' else ''}]"

    def forward(self, x: Any, target: Any) -> Any:
        return ops.mse_loss(x, target, reduction=self.reduction)

    def extra_repr(self) -> str:
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"
