"""Losses that are logarithms of likelihoods, as modules."""

from __future__ import annotations

from typing import Any, ClassVar

from pydp import ops
from pydp._arguments import integer
from pydp._tensor import Tensor
from pydp.nn._arguments import REDUCTIONS, flag, one_of
from pydp.nn._loss import Loss, type_of_classes
from pydp.ops._loss import positive


class NLLLoss(Loss):
    """-log_probs[target], averaged: what CrossEntropyLoss is behind a LogSoftmax.

    Shape: ``(real[..., c], token[...]) -> real[]``; with reduction="none" ``real[...]``.

    Arguments
      weight        [c], how much each class counts (a buffer)
      ignore_index  a target that is left out
      reduction     "mean", "sum" or "none"

    It differs from PyTorch's: the classes are the last axis (there axis 1); `axis` sets another.

    >>> import pydp
    >>> pydp.nn.NLLLoss(ignore_index=0)
    NLLLoss(ignore_index=0)
    """

    usual: ClassVar[dict[str, Any]] = {"ignore_index": -100}
    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        axis: int = -1,
    ) -> None:
        self.register_buffer("weight", weight)
        self.ignore_index = integer(ignore_index, "NLLLoss", "ignore_index")
        self._reduce(reduction)
        self.axis = integer(axis, "NLLLoss", "axis")

    @property
    def type(self) -> str:
        return type_of_classes(self.axis, self.reduction)

    def forward(self, log_probs: Any, target: Any) -> Any:
        return ops.nll_loss(
            log_probs, target, self.axis, self.weight, self.ignore_index, self.reduction
        )


class KLDivLoss(Loss):
    """target (log target - x), the divergence of log probabilities x from the target.

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    Arguments
      reduction   "batchmean", the divergence itself; "mean", "sum" or "none"
      log_target  whether the target holds logarithms

    >>> import pydp
    >>> pydp.nn.KLDivLoss(reduction="batchmean")
    KLDivLoss(reduction='batchmean')
    """

    usual: ClassVar[dict[str, Any]] = {"log_target": False}

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        self.reduction = one_of(reduction, ("batchmean", *REDUCTIONS), "KLDivLoss", "reduction")
        self.log_target = flag(log_target, "KLDivLoss", "log_target")

    def forward(self, x: Any, target: Any) -> Any:
        return ops.kl_div(x, target, self.reduction, self.log_target)


class PoissonNLLLoss(Loss):
    """exp(x) - target x, for targets that count events whose expectation is exp(x).

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    Arguments
      log_input  without it x is the expectation itself
      full       adds Stirling's log(target!)
      eps        above 0, added to an expectation before its logarithm
      reduction  "mean", "sum" or "none"

    >>> import pydp
    >>> pydp.nn.PoissonNLLLoss(full=True)
    PoissonNLLLoss(full=True)
    """

    usual: ClassVar[dict[str, Any]] = {"log_input": True, "full": False, "eps": 1e-8}

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        self.log_input = flag(log_input, "PoissonNLLLoss", "log_input")
        self.full = flag(full, "PoissonNLLLoss", "full")
        self.eps = positive(eps, "PoissonNLLLoss", "eps")
        self._reduce(reduction)

    def forward(self, x: Any, target: Any) -> Any:
        return ops.poisson_nll_loss(x, target, self.log_input, self.full, self.eps, self.reduction)


class GaussianNLLLoss(Loss):
    """(log var + (x - target)² / var) / 2, for a mean x and a variance that are both learnt.

    Shape: ``(real[..., d], real[..., d], real[..., d]) -> real[]``; the variance may have one
    element along its last axis.

    Arguments
      full       adds log(2 π) / 2
      eps        above 0, the least variance
      reduction  "mean", "sum" or "none"

    >>> import pydp
    >>> pydp.nn.GaussianNLLLoss(full=True)
    GaussianNLLLoss(full=True)
    """

    inputs = "real[...], real[...], real[...']"
    usual: ClassVar[dict[str, Any]] = {"full": False, "eps": 1e-6}

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        self.full = flag(full, "GaussianNLLLoss", "full")
        self.eps = positive(eps, "GaussianNLLLoss", "eps")
        self._reduce(reduction)

    def forward(self, x: Any, target: Any, var: Any) -> Any:
        return ops.gaussian_nll_loss(x, target, var, self.full, self.eps, self.reduction)
