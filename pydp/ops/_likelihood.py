"""Losses that are logarithms of likelihoods, composed of other ops: nll_loss, kl_div, and those of
Poisson and normal variables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import axis_index, integer, real_tensor, same_float
from pydp._arrays import Array, as_array, numpy_op
from pydp._graph import apply
from pydp.ops._cross_entropy import check_reduction, check_targets, reduced
from pydp.ops._elementwise import ONE_FOR_ZERO
from pydp.ops._loss import alike, positive
from pydp.ops._math import clip, exp, log, square
from pydp.ops._reduce import sum as sum_over
from pydp.ops._shape import expand_dims, squeeze
from pydp.ops._take import take_along_axis
from pydp.ops._where import where


def nll_loss(
    log_probs: Any,
    target: Any,
    axis: int = -1,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """−log_probs[target] · weight[target]: what `cross_entropy` is behind a `log_softmax`, in two
    steps.

    Type: ``(real[..., c], token[...]) -> real[]`` for the last axis.

    - ``log_probs``: real, the classes along ``axis`` (PyTorch's form ``[n, c, d1, …]`` is axis=1).
    - ``target``: integers of log_probs' shape without that axis.
    - ``weight``: real ``[c]``, a factor for each class. It gets no gradient.
    - ``ignore_index``: targets with this value count nothing, in the loss and in the mean.
    - ``reduction``: "mean" divides by the sum of weight[target] over the rows not ignored.

    IndexError names the first target that is neither a class nor ignored.

    >>> import pydp
    >>> pydp.nll_loss(pydp.tensor([[-1.0, -2.0], [-3.0, -4.0]]), [1, 0], reduction="none")
    tensor([2., 3.])
    """
    op = "nll_loss"
    x = real_tensor(log_probs, op, "log_probs")
    if x.ndim == 0:
        raise ValueError(f"{op}: log_probs must have an axis of classes, got a 0-d tensor")
    at = axis_index(axis, x.ndim, op)
    n, rows = x.shape[at], x.shape[:at] + x.shape[at + 1 :]
    ignore = integer(ignore_index, op, "ignore_index")
    check_reduction(op, reduction)
    t: Array = target._array if isinstance(target, _graph.Value) else as_array(target, op)
    if t.dtype.kind not in "iu":
        raise TypeError(f"{op}: target must be integers, got {t.dtype}")
    if t.shape != rows:
        raise ValueError(
            f"{op}: target must have shape {rows}, that of log_probs {x.shape} without axis {at}, "
            f"got {t.shape}"
        )
    if weight is not None:
        weight = real_tensor(weight, op, "weight")
        same_float(op, log_probs=x, weight=weight)
        if weight.shape != (n,):
            raise ValueError(f"{op}: weight must have shape ({n},), got {weight.shape}")
    counted, classes, bad = numpy_op(_looked_up, t, n, ignore)
    check_targets(bad, op, t, n, ignore)
    picked = squeeze(take_along_axis(x, expand_dims(_graph.wrap(classes), at), at), at)
    shares = numpy_op(_shares, counted, classes, None if weight is None else weight._array, x.dtype)
    loss = where(counted, -picked, 0.0) * _graph.wrap(shares)
    if reduction == "mean":
        return sum_over(loss) / sum_over(_graph.wrap(shares))
    return reduced(loss, reduction)


def _looked_up(t: Array, n: int, ignore: int) -> tuple[Array, Array, int]:
    """Which targets count, their classes (0 for the others), and 1 + the first bad one or 0."""
    counted = np.asarray(t != ignore)
    wrong = counted & ((t < 0) | (t >= n))
    bad = 1 + int(np.argmax(wrong)) if wrong.any() else 0
    return counted, np.where(counted & ~wrong, t, 0).astype(np.int64), bad


def _shares(counted: Array, classes: Array, weight: Array | None, dtype: Any) -> Array:
    """weight[target], 0 where the target is ignored."""
    return np.asarray(counted * (1 if weight is None else weight[classes]), dtype)


def kl_div(x: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """The divergence of Kullback and Leibler, element by element, of log probabilities x from
    probabilities: target · (log target − x); 0 where the target is.

    Type: ``(real[...], real[...]) -> real[]``.

    - ``x``: logarithms of probabilities.
    - ``target``: probabilities, or their logarithms with ``log_target``; of x's shape.
    - ``reduction``: "batchmean" divides the sum by the size of the first axis: the divergence as it
      is defined. "mean" divides by the number of elements.

    >>> import pydp
    >>> x = pydp.log(pydp.tensor([[0.5, 0.5]]))
    >>> pydp.kl_div(x, pydp.tensor([[1.0, 0.0]]), reduction="batchmean")
    tensor(0.6931472)
    """
    x, target = alike("kl_div", x=x, target=target)
    if reduction != "batchmean":
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(
                f'kl_div: reduction must be "batchmean", "mean", "sum" or "none", got {reduction!r}'
            )
    elif x.ndim == 0:
        raise ValueError('kl_div: reduction "batchmean" needs an axis, got a 0-d tensor')
    if log_target:
        loss = exp(target) * (target - x)
    else:
        loss = target * (log(apply(ONE_FOR_ZERO, (target,))) - x)
    return sum_over(loss) / x.shape[0] if reduction == "batchmean" else reduced(loss, reduction)


def poisson_nll_loss(
    x: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """−log P(target) for a Poisson variable of expectation exp(x), without what depends on the
    target alone: exp(x) − target · x.

    Type: ``(real[...], real[...]) -> real[]``.

    - ``log_input``: without it x is the expectation itself: x − target · log(x + eps).
    - ``full``: adds Stirling's log(target!), t log t − t + log(2 π t) / 2, where the target is
      above 1.
    - ``eps``: above 0.

    >>> import pydp
    >>> pydp.poisson_nll_loss(pydp.tensor([0.0, 1.0]), pydp.tensor([2.0, 1.0]), reduction="none")
    tensor([1.       , 1.7182817])
    """
    x, target = alike("poisson_nll_loss", x=x, target=target)
    check_reduction("poisson_nll_loss", reduction)
    small = positive(eps, "poisson_nll_loss", "eps")
    loss = exp(x) - target * x if log_input else x - target * log(x + small)
    if full:
        t = where(target > 1, target, 1.0)
        stirling = t * log(t) - t + 0.5 * log(2 * math.pi * t)
        loss = loss + where(target > 1, stirling, 0.0)
    return reduced(loss, reduction)


def gaussian_nll_loss(
    x: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:
    """−log of the density at the target of a normal variable with mean x and variance var:
    (log var + (x − target)² / var) / 2.

    Type: ``(real[...], real[...], real[...]) -> real[]``.

    - ``var``: at least 0, of x's shape, or with one element along the last axis. What is below eps
      counts as eps, and has no gradient there.
    - ``full``: adds log(2 π) / 2.
    - ``eps``: above 0.

    >>> import pydp
    >>> x, target, var = pydp.tensor([1.0]), pydp.tensor([3.0]), pydp.tensor([1.0])
    >>> pydp.gaussian_nll_loss(x, target, var)
    tensor(2.)
    """
    op = "gaussian_nll_loss"
    x, target = alike(op, x=x, target=target)
    var = real_tensor(var, op, "var")
    same_float(op, x=x, var=var)
    check_reduction(op, reduction)
    if var.shape not in (x.shape, (*x.shape[:-1], 1)):
        raise ValueError(
            f"{op}: var must have the shape of x, {x.shape}, or 1 as its last size, got {var.shape}"
        )
    least = positive(eps, op, "eps")
    if var.size and numpy_op(np.min, var._array) < 0:
        raise ValueError(f"{op}: var must be at least 0, got {numpy_op(np.min, var._array)}")
    var = clip(var, least)
    loss = 0.5 * (log(var) + square(x - target) / var)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)
