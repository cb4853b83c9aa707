"""Losses as modules; each is one function of pydp, with its options kept."""

from __future__ import annotations

from typing import Any, ClassVar

from pydp import ops
from pydp._arguments import integer
from pydp._tensor import Tensor
from pydp.nn._arguments import REDUCTIONS, number_within, one_of
from pydp.nn._module import Module
from pydp.ops._loss import positive


class Loss(Module):
    """What losses share: `usual`, the options that repr leaves out, and `inputs`, the types of
    what they compare; "..." is the shape of the loss without reduction."""

    usual: ClassVar[dict[str, Any]] = {}
    inputs: ClassVar[str] = "real[...], real[...]"
    reduction: str = "mean"

    @property
    def type(self) -> str:
        return f"({self.inputs}) -> real[{'...' if self.reduction == 'none' else ''}]"

    def _reduce(self, reduction: Any) -> None:
        self.reduction = one_of(reduction, REDUCTIONS, type(self).__name__, "reduction")

    def extra_repr(self) -> str:
        usual = {**self.usual, "reduction": "mean"}
        given = [(name, getattr(self, name)) for name in usual]
        return ", ".join([f"{name}={x!r}" for name, x in given if x != usual[name]])


def type_of_classes(axis: int, reduction: str) -> str:
    """The type of a loss whose classes are an axis counted from the back."""
    if axis >= 0:
        return "any -> any"  # how many axes come after is not known
    after = "".join([f", d{i}" for i in range(1, -axis)])
    rows = f"...{after}"
    return f"(real[..., c{after}], token[{rows}]) -> real[{rows if reduction == 'none' else ''}]"


class CrossEntropyLoss(Loss):
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

    usual: ClassVar[dict[str, Any]] = {"ignore_index": -100, "label_smoothing": 0.0}
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
        self._reduce(reduction)
        self.axis = integer(axis, "CrossEntropyLoss", "axis")

    @property
    def type(self) -> str:
        return type_of_classes(self.axis, self.reduction)

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


class MSELoss(Loss):
    """The mean of (x - target)².

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    It differs from PyTorch's: the shapes must be equal, a loss does not broadcast.

    >>> import pydp
    >>> pydp.nn.MSELoss(reduction="sum")
    MSELoss(reduction='sum')
    """

    def __init__(self, reduction: str = "mean") -> None:
        self._reduce(reduction)

    def forward(self, x: Any, target: Any) -> Any:
        return ops.mse_loss(x, target, reduction=self.reduction)


class L1Loss(Loss):
    """The mean of |x - target|.

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    It differs from PyTorch's: the shapes must be equal, a loss does not broadcast.

    >>> import pydp
    >>> pydp.nn.L1Loss(reduction="sum")
    L1Loss(reduction='sum')
    """

    def __init__(self, reduction: str = "mean") -> None:
        self._reduce(reduction)

    def forward(self, x: Any, target: Any) -> Any:
        return ops.l1_loss(x, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """A parabola below a distance of beta, |x - target| - beta / 2 from there on.

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    It differs from PyTorch's: the shapes must be equal, a loss does not broadcast.

    >>> import pydp
    >>> pydp.nn.SmoothL1Loss(beta=0.5)
    SmoothL1Loss(beta=0.5)
    """

    usual: ClassVar[dict[str, Any]] = {"beta": 1.0}

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        self._reduce(reduction)
        self.beta = positive(beta, "SmoothL1Loss", "beta", zero=True)

    def forward(self, x: Any, target: Any) -> Any:
        return ops.smooth_l1_loss(x, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """A parabola up to a distance of delta, a line of slope delta beyond.

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    It differs from PyTorch's: the shapes must be equal, a loss does not broadcast.

    >>> import pydp
    >>> pydp.nn.HuberLoss(delta=0.5)
    HuberLoss(delta=0.5)
    """

    usual: ClassVar[dict[str, Any]] = {"delta": 1.0}

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        self._reduce(reduction)
        self.delta = positive(delta, "HuberLoss", "delta")

    def forward(self, x: Any, target: Any) -> Any:
        return ops.huber_loss(x, target, reduction=self.reduction, delta=self.delta)


class BCELoss(Loss):
    """-target log x - (1 - target) log(1 - x) of probabilities x, averaged.

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    Arguments
      weight     a factor for each element, broadcast to x (a buffer)
      reduction  "mean", "sum" or "none"

    Better than a Sigmoid before it: BCEWithLogitsLoss.

    >>> import pydp
    >>> pydp.nn.BCELoss()(pydp.tensor([0.5]), pydp.tensor([1.0]))
    tensor(0.6931472)
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        self.register_buffer("weight", weight)
        self._reduce(reduction)

    def forward(self, x: Any, target: Any) -> Any:
        return ops.binary_cross_entropy(x, target, self.weight, self.reduction)


class BCEWithLogitsLoss(Loss):
    """BCELoss of sigmoid(x), without overflow or loss of digits.

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    Arguments
      weight      a factor for each element, broadcast to x (a buffer)
      reduction   "mean", "sum" or "none"
      pos_weight  a factor for what the target has of 1, broadcast to x (a buffer): [c] where the
                  classes are the last axis

    >>> import pydp
    >>> pydp.nn.BCEWithLogitsLoss()(pydp.tensor([0.0]), pydp.tensor([1.0]))
    tensor(0.6931472)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)
        self._reduce(reduction)

    def forward(self, x: Any, target: Any) -> Any:
        return ops.binary_cross_entropy_with_logits(
            x, target, self.weight, self.reduction, self.pos_weight
        )
