"""Losses of similarities and distances, which ask for a margin and no more; composed of other ops.

Where a loss reaches 0 its slope is the one before 0, as PyTorch has it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp._arguments import axis_index, number, real_tensor
from pydp._arrays import numpy_op, operands
from pydp.ops._cross_entropy import check_reduction, reduced
from pydp.ops._elementwise import check_broadcast
from pydp.ops._loss import alike, positive
from pydp.ops._math import abs as absolute
from pydp.ops._math import clip, minimum, pow, sqrt, square
from pydp.ops._reduce import max as max_over
from pydp.ops._reduce import sum as sum_over
from pydp.ops._where import where


def _signs(op: str, target: Any, x: Any, shape: tuple[int, ...]) -> Any:
    """A target of 1 and −1, in x's dtype and of this shape."""
    target = operands(op, x, target)[1]
    if target.shape != shape:
        raise ValueError(f"{op}: target must have shape {shape}, got {target.shape}")
    if not numpy_op(np.all, numpy_op(np.abs, target._array) == 1):
        raise ValueError(f"{op}: target must be 1 or -1 in each place")
    return target


def hinge_embedding_loss(
    x: Any, target: Any, margin: float = 1.0, reduction: str = "mean"
) -> Any:  # fmt: skip
    """x where the target is 1, max(0, margin − x) where it is −1; x is a distance.

    Type: ``(real[...], real[...]) -> real[]``. The target has x's shape.

    >>> import pydp
    >>> pydp.hinge_embedding_loss(pydp.tensor([0.25, 0.25, 3.0]), [1, -1, -1], reduction="none")
    tensor([0.25, 0.75, 0.  ])
    """
    op = "hinge_embedding_loss"
    x = real_tensor(x, op, "x")
    check_reduction(op, reduction)
    target = _signs(op, target, x, x.shape)
    return reduced(where(target > 0, x, clip(number(margin, op, "margin") - x, 0.0)), reduction)


def margin_ranking_loss(
    x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """max(0, margin − target · (x1 − x2)): the target says by 1 that x1 should be the larger, by −1
    that x2 should.

    Type: ``(real[...], real[...], real[...]) -> real[]``; all of one shape.

    >>> import pydp
    >>> x1, x2 = pydp.tensor([1.0, 1.0]), pydp.tensor([3.0, 3.0])
    >>> pydp.margin_ranking_loss(x1, x2, [1, -1], reduction="none")
    tensor([2., 0.])
    """
    op = "margin_ranking_loss"
    x1, x2 = alike(op, x1=x1, x2=x2)
    check_reduction(op, reduction)
    target = _signs(op, target, x1, x1.shape)
    return reduced(clip(number(margin, op, "margin") - target * (x1 - x2), 0.0), reduction)


def cosine_similarity(x1: Any, x2: Any, axis: int = -1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along an axis, x1 · x2 / (|x1| |x2|), each length at
    least eps; the other axes broadcast.

    Type: ``(real[..., n], real[..., n]) -> real[...]``. It differs from PyTorch's, whose axis is 1
    if not given.

    >>> import pydp
    >>> pydp.cosine_similarity(pydp.tensor([[1.0, 0.0], [1.0, 1.0]]), pydp.tensor([2.0, 0.0]))
    tensor([1.        , 0.70710677])
    """
    op = "cosine_similarity"
    x1, x2 = operands(op, real_tensor(x1, op, "x1"), real_tensor(x2, op, "x2"))
    check_broadcast(op, x1._array, x2._array)
    at = axis_index(axis, max(x1.ndim, x2.ndim), op) - max(x1.ndim, x2.ndim)
    if any(x.ndim < -at for x in (x1, x2)):
        raise IndexError(f"{op}: axis {axis} must be an axis of both, got {x1.shape}, {x2.shape}")
    least = positive(eps, op, "eps")
    return sum_over(_directed(x1, at, least) * _directed(x2, at, least), axis=at)


def _directed(x: Any, axis: int, least: float) -> Any:
    """Vectors divided by their lengths. The length of 0 is `least`, without a slope."""
    return x / sqrt(clip(sum_over(square(x), axis=axis, keepdims=True), least * least))


def cosine_embedding_loss(
    x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """1 − cos where the target is 1, max(0, cos − margin) where it is −1; cos is the cosine of the
    angle between the vectors of x1 and x2.

    Type: ``(real[..., d], real[..., d], real[...]) -> real[]``.

    >>> import pydp
    >>> x1, x2 = pydp.tensor([[1.0, 0.0]]), pydp.tensor([[0.0, 1.0]])
    >>> pydp.cosine_embedding_loss(x1, x2, [1])
    tensor(1.)
    """
    op = "cosine_embedding_loss"
    x1, x2 = alike(op, x1=x1, x2=x2)
    if x1.ndim == 0:
        raise ValueError(f"{op}: x1 must have an axis of coordinates, got a 0-d tensor")
    check_reduction(op, reduction)
    target = _signs(op, target, x1, x1.shape[:-1])
    dot, one, two = [sum_over(p, axis=-1) for p in (x1 * x2, square(x1), square(x2))]
    cos = dot / sqrt((one + 1e-12) * (two + 1e-12))
    loss = where(target > 0, 1.0 - cos, clip(cos - number(margin, op, "margin"), 0.0))
    return reduced(loss, reduction)


def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False
) -> Any:
    """The length of x1 − x2 + eps along the last axis: (Σ |d|^p)^(1/p), or max |d| for p = inf.

    Type: ``(real[..., d], real[..., d]) -> real[...]``. The eps keeps the slope finite where the
    two are equal.

    >>> import pydp
    >>> pydp.pairwise_distance(pydp.tensor([[3.0, 0.0]]), pydp.tensor([[0.0, 4.0]]), eps=0)
    tensor([5.])
    """
    op = "pairwise_distance"
    x1, x2 = alike(op, x1=x1, x2=x2)
    if x1.ndim == 0:
        raise ValueError(f"{op}: x1 must have an axis of coordinates, got a 0-d tensor")
    power, shift = number(p, op, "p"), positive(eps, op, "eps", zero=True)
    if not power > 0:
        raise ValueError(f"{op}: p must be above 0, got {p}")
    d = x1 - x2 + shift
    if power == 2:
        return sqrt(sum_over(square(d), axis=-1, keepdims=keepdims))
    if power == math.inf:
        return max_over(absolute(d), axis=-1, keepdims=keepdims)
    if power == 1:
        return sum_over(absolute(d), axis=-1, keepdims=keepdims)
    return pow(sum_over(pow(absolute(d), power), axis=-1, keepdims=keepdims), 1 / power)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """max(0, margin + |anchor − positive| − |anchor − negative|), the lengths of
    `pairwise_distance`.

    Type: ``(real[..., d], real[..., d], real[..., d]) -> real[]``. With ``swap`` the second length
    is |positive − negative| where that is smaller.
    Source: Balntas et al., "Learning local feature descriptors with triplets", 2016.

    >>> import pydp
    >>> a, b, c = pydp.tensor([[0.0]]), pydp.tensor([[1.0]]), pydp.tensor([[1.5]])
    >>> pydp.triplet_margin_loss(a, b, c)
    tensor(0.5)
    """
    op = "triplet_margin_loss"
    a, b, c = alike(op, anchor=anchor, positive=positive, negative=negative)
    check_reduction(op, reduction)
    near, far = pairwise_distance(a, b, p, eps), pairwise_distance(a, c, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(b, c, p, eps))
    return reduced(clip(number(margin, op, "margin") + near - far, 0.0), reduction)
