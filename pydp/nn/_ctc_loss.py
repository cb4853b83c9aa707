"""CTCLoss: a loss for sequences whose alignment is not known."""

from __future__ import annotations

from typing import Any, ClassVar

from pydp import ops
from pydp._arguments import integer
from pydp.nn._arguments import flag
from pydp.nn._loss import Loss


class CTCLoss(Loss):
    """-log of the probability that the classes of the steps spell the target, once repetitions are
    merged and blanks left out.

    Shape: ``(real[t, n, c], token[n, k], token[n], token[n]) -> real[]``: log probabilities,
    targets, and the lengths of both; with reduction="none" ``real[n]``.

    Arguments
      blank          the class that spells nothing
      reduction      "mean" (each loss divided by the length of its target), "sum" or "none"
      zero_infinity  what no path spells costs nothing, instead of infinitely much

    >>> import pydp
    >>> pydp.nn.CTCLoss(zero_infinity=True)
    CTCLoss(zero_infinity=True)
    """

    usual: ClassVar[dict[str, Any]] = {"blank": 0, "zero_infinity": False}

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        self.blank = integer(blank, "CTCLoss", "blank", least=0)
        self._reduce(reduction)
        self.zero_infinity = flag(zero_infinity, "CTCLoss", "zero_infinity")

    @property
    def type(self) -> str:
        loss = "real[n]" if self.reduction == "none" else "real[]"
        return f"(real[t, n, c], any, token[n], token[n]) -> {loss}"  # targets come in two forms

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
        options = self.blank, self.reduction, self.zero_infinity
        return ops.ctc_loss(log_probs, targets, input_lengths, target_lengths, *options)
