"""Losses with a margin, cosines and distances, as modules."""

from __future__ import annotations

from typing import Any, ClassVar

from pydp import ops
from pydp._arguments import integer, number
from pydp.nn._arguments import flag
from pydp.nn._loss import Loss
from pydp.nn._module import Module
from pydp.ops._loss import positive as positive_number


class HingeEmbeddingLoss(Loss):
    """x where the target is 1, max(0, margin - x) where it is -1; x is a distance.

    Shape: ``(real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    >>> import pydp
    >>> pydp.nn.HingeEmbeddingLoss(margin=2.0)
    HingeEmbeddingLoss(margin=2.0)
    """

    inputs = "real[...], any[...]"
    usual: ClassVar[dict[str, Any]] = {"margin": 1.0}

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        self.margin = number(margin, "HingeEmbeddingLoss", "margin")
        self._reduce(reduction)

    def forward(self, x: Any, target: Any) -> Any:
        return ops.hinge_embedding_loss(x, target, self.margin, self.reduction)


class MarginRankingLoss(Loss):
    """max(0, margin - target (x1 - x2)): a target of 1 wants x1 to be the larger, -1 x2.

    Shape: ``(real[...], real[...], real[...]) -> real[]``; with reduction="none" ``real[...]``.

    >>> import pydp
    >>> pydp.nn.MarginRankingLoss(margin=0.5)
    MarginRankingLoss(margin=0.5)
    """

    inputs = "real[...], real[...], any[...]"
    usual: ClassVar[dict[str, Any]] = {"margin": 0.0}

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self.margin = number(margin, "MarginRankingLoss", "margin")
        self._reduce(reduction)

    def forward(self, x1: Any, x2: Any, target: Any) -> Any:
        return ops.margin_ranking_loss(x1, x2, target, self.margin, self.reduction)


class CosineEmbeddingLoss(Loss):
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    Shape: ``(real[..., d], real[..., d], real[...]) -> real[]``; with reduction="none"
    ``real[...]``.

    >>> import pydp
    >>> pydp.nn.CosineEmbeddingLoss(margin=0.5)
    CosineEmbeddingLoss(margin=0.5)
    """

    inputs = "real[..., d], real[..., d], any[...]"
    usual: ClassVar[dict[str, Any]] = {"margin": 0.0}

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self.margin = number(margin, "CosineEmbeddingLoss", "margin")
        self._reduce(reduction)

    def forward(self, x1: Any, x2: Any, target: Any) -> Any:
        return ops.cosine_embedding_loss(x1, x2, target, self.margin, self.reduction)


class TripletMarginLoss(Loss):
    """max(0, margin + |anchor - positive| - |anchor - negative|), averaged.

    Shape: ``(real[..., d], real[..., d], real[..., d]) -> real[]``; with reduction="none"
    ``real[...]``.

    Arguments
      margin     by how much the negative should be farther away
      p, eps     of the distance, see PairwiseDistance
      swap       take |positive - negative| where that is the smaller
      reduction  "mean", "sum" or "none"

    >>> import pydp
    >>> pydp.nn.TripletMarginLoss(swap=True)
    TripletMarginLoss(swap=True)
    """

    inputs = "real[..., d], real[..., d], real[..., d]"
    usual: ClassVar[dict[str, Any]] = {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False}

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        self.margin = number(margin, "TripletMarginLoss", "margin")
        self.p = number(p, "TripletMarginLoss", "p")
        self.eps = positive_number(eps, "TripletMarginLoss", "eps", zero=True)
        self.swap = flag(swap, "TripletMarginLoss", "swap")
        self._reduce(reduction)

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        options = self.margin, self.p, self.eps, self.swap, self.reduction
        return ops.triplet_margin_loss(anchor, positive, negative, *options)


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along an axis.

    Shape: ``(real[..., n], real[..., n]) -> real[...]``.

    It differs from PyTorch's: the argument is `axis` (there `dim`) and the last if not given.

    >>> import pydp
    >>> pydp.nn.CosineSimilarity()(pydp.tensor([1.0, 0.0]), pydp.tensor([2.0, 0.0]))
    tensor(1.)
    """

    def __init__(self, axis: int = -1, eps: float = 1e-8) -> None:
        self.axis = integer(axis, "CosineSimilarity", "axis")
        self.eps = positive_number(eps, "CosineSimilarity", "eps")

    @property
    def type(self) -> str:
        return "(real[..., n], real[..., n]) -> real[...]" if self.axis == -1 else "any -> any"

    def forward(self, x1: Any, x2: Any) -> Any:
        return ops.cosine_similarity(x1, x2, self.axis, self.eps)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


class PairwiseDistance(Module):
    """The length of x1 - x2 + eps along the last axis, (Σ |d|^p)^(1/p).

    Shape: ``(real[..., d], real[..., d]) -> real[...]``; with keepdims ``real[..., 1]``.

    >>> import pydp
    >>> pydp.nn.PairwiseDistance(p=1.0)
    PairwiseDistance(p=1)
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> None:
        self.p = number(p, "PairwiseDistance", "p")
        self.eps = positive_number(eps, "PairwiseDistance", "eps", zero=True)
        self.keepdims = flag(keepdims, "PairwiseDistance", "keepdims")

    @property
    def type(self) -> str:
        return f"(real[..., d], real[..., d]) -> real[...{', 1' if self.keepdims else ''}]"

    def forward(self, x1: Any, x2: Any) -> Any:
        return ops.pairwise_distance(x1, x2, self.p, self.eps, self.keepdims)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"
