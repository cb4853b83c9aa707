"""Losses of a prediction and a target of one shape, element by element, and their sum or mean.

    forward    x, target ──> loss          in one pass over both
    backward   x, target, dloss ──> dx     in another

A row of the table below has a loss: its definition and its slope in NumPy, the slope once more in
ops (for second derivatives), and the slope in the target. The kernels' formulas stand in
csrc/kernels/loss.inc under the same names. Losses do not broadcast: a shape that differs is a
mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import number, real_tensor, same_float
from pydp._arrays import Array, operands
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._activation import sigmoid, softplus_exact
from pydp.ops._cross_entropy import check_reduction, reduced
from pydp.ops._math import clip, log, log1p, sign
from pydp.ops._shape import broadcast_to
from pydp.ops._where import where

Slope = Callable[..., Any]


class Loss(Op):
    """A rule loss = Σ f(x, target), with a constant p that most do not look at."""

    type = "(real[...], real[...]) -> real[]"
    code: int
    slope: Any  # the LossBackward
    element: Slope  # f in NumPy
    target_slope: Slope | None  # in ops; None: that of x with the other sign

    @classmethod
    def typing(cls, p: float, reduction: str) -> str:
        return f"(real[...], real[...]) -> real[{'...' if reduction == 'none' else ''}]"

    @classmethod
    def forward(cls, needs: Any, x: Array, target: Array, p: float, reduction: str) -> Any:
        code = _kernels.loss_reductions[reduction]
        dense = _kernels.contiguous(x), _kernels.contiguous(target)
        bad, loss = _kernels.loss_forward(cls.code, *dense, p, code)
        if bad:
            at = tuple([int(i) for i in np.unravel_index(bad - 1, x.shape)])
            where = f"x[{', '.join(map(str, at))}]" if at else "x"
            raise ValueError(f"{cls.name}: {where} is {x[at]}, allowed are 0 … 1")
        return loss, (x, target)

    @classmethod
    def backward(cls, saved: Any, dy: Any, needs: Any, p: float, reduction: str) -> Any:
        x, target = saved
        dx: Any = None
        dtarget: Any = None
        if needs[0] or cls.target_slope is None:
            dx = apply(cls.slope, (x, target, dy), p, reduction)
        if needs[1]:
            of_target = cls.target_slope
            dtarget = -dx if of_target is None else shared(of_target(x, target, p), dy, reduction)
        return dx if needs[0] else None, dtarget

    @classmethod
    def reference(cls, x: Array, target: Array, p: float, reduction: str) -> Array:
        loss = np.asarray(cls.element(x, target, p))
        if reduction == "none":
            return loss
        return np.asarray(np.sum(loss) / (x.size if reduction == "mean" else 1))


class LossBackward(Op):
    """dx, each element's slope times dloss (divided by their number for the mean)."""

    type = "(real[...], real[...], real[]) -> real[...]"
    code: int
    element: Slope  # the slope in NumPy
    in_ops: Slope

    @classmethod
    def typing(cls, p: float, reduction: str) -> str:
        dloss = f"real[{'...' if reduction == 'none' else ''}]"
        return f"(real[...], real[...], {dloss}) -> real[...]"

    @classmethod
    def forward(
        cls, needs: Any, x: Array, target: Array, dloss: Array, p: float, reduction: str
    ) -> Any:
        code = _kernels.loss_reductions[reduction]
        dense = _kernels.contiguous(x), _kernels.contiguous(target), _kernels.contiguous(dloss)
        return _kernels.loss_backward(cls.code, *dense, p, code), (x, target, dloss)

    @classmethod
    def composed(cls, x: Any, target: Any, dloss: Any, p: float, reduction: str) -> Any:
        return shared(cls.in_ops(x, target, p), dloss, reduction)

    @classmethod
    def reference(cls, x: Array, target: Array, dloss: Array, p: float, reduction: str) -> Array:
        return np.asarray(
            cls.element(x, target, p) * dloss / (x.size if reduction == "mean" else 1)
        )


def shared(slope: Any, dloss: Any, reduction: str) -> Any:
    """What each element gets of the gradient of the loss."""
    return slope * (dloss / max(slope.size, 1) if reduction == "mean" else dloss)


def _loss(name: str, element: Slope, slope: Slope, in_ops: Slope, of_target: Any = None) -> Any:
    code = _kernels.loss_functions[name]
    back = type(f"{name}_backward", (LossBackward,), {
        "__module__": __name__, "name": f"{name}_backward", "code": code,
        "element": staticmethod(slope), "in_ops": staticmethod(in_ops),
    })  # fmt: skip
    return type(name, (Loss,), {
        "__module__": __name__, "name": name, "code": code, "slope": back,
        "element": staticmethod(element),
        "target_slope": of_target and staticmethod(of_target),
    })  # fmt: skip


def np_huber(x: Array, t: Array, p: float) -> Array:
    d = np.abs(x - t)
    return np.asarray(np.where(d <= p, d * d / 2, p * (d - p / 2)))


def np_entropy(x: Array, t: Array, p: float) -> Array:
    with np.errstate(divide="ignore"):
        hit, miss = np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)
    return np.asarray(-t * hit - (1 - t) * miss)


def logit(x: Any, t: Any, p: float) -> Any:
    """log(x / (1 − x)), each logarithm at least −100; where it is that, its slope is 0."""
    none, all_ = x == 0, x == 1
    hit = where(none, -100.0, clip(log(where(none, 1.0, x)), -100.0))
    return hit - where(all_, -100.0, clip(log1p(-where(all_, 0.0, x)), -100.0))


# fmt: off
MSE = _loss("mse_loss", lambda x, t, p: (x - t) ** 2, lambda x, t, p: 2 * (x - t),
            lambda x, t, p: 2.0 * (x - t))
L1 = _loss("l1_loss", lambda x, t, p: np.abs(x - t), lambda x, t, p: np.sign(x - t),
           lambda x, t, p: sign(x - t))
SMOOTH_L1 = _loss("smooth_l1_loss", lambda x, t, p: np_huber(x, t, p) / p,
                  lambda x, t, p: np.clip((x - t) / p, -1, 1),
                  lambda x, t, p: clip((x - t) / p, -1.0, 1.0))
HUBER = _loss("huber_loss", np_huber, lambda x, t, p: np.clip(x - t, -p, p),
              lambda x, t, p: clip(x - t, -p, p))
ENTROPY = _loss("binary_cross_entropy", np_entropy,
                lambda x, t, p: (x - t) / np.maximum(x * (1 - x), 1e-12),
                lambda x, t, p: (x - t) / clip(x * (1.0 - x), 1e-12),
                lambda x, t, p: -logit(x, t, p))
OF_LOGITS = _loss("binary_cross_entropy_with_logits",
                  lambda x, t, p: np.logaddexp(0, x) - x * t,
                  lambda x, t, p: 1 / (1 + np.exp(-x)) - t,
                  lambda x, t, p: sigmoid(x) - t,
                  lambda x, t, p: -x)
# fmt: on


# ---- what people call ----------------------------------------------------------------------------


def alike(op: str, **tensors: Any) -> list[Any]:
    """The named arguments as tensors of one float dtype and one shape."""
    found = {name: real_tensor(x, op, name) for name, x in tensors.items()}
    same_float(op, **found)
    if len({x.shape for x in found.values()}) > 1:
        *names, last = found
        *shapes, other = [str(x.shape) for x in found.values()]
        raise ValueError(
            f"{op}: {', '.join(names)} and {last} must have one shape, got {', '.join(shapes)} "
            f"and {other}"
        )
    return list(found.values())


def positive(value: Any, op: str, argument: str, zero: bool = False) -> float:
    """A finite number above 0; 0 too with `zero`."""
    found = number(value, op, argument)
    if not (0 < found < np.inf or (zero and found == 0)):
        least = "at least" if zero else "above"
        raise ValueError(f"{op}: {argument} must be finite and {least} 0, got {value}")
    return found


def fitting(weight: Any, x: Any, op: str, argument: str) -> Any:
    """A weight that broadcasts to x's shape, in x's dtype."""
    weight = operands(op, x, weight)[1]
    same_float(op, x=x, **{argument: weight})
    try:
        fits = np.broadcast_shapes(weight.shape, x.shape) == x.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{op}: {argument} must broadcast to the shape of x, {x.shape}, got {weight.shape}"
        )
    return weight


def _pair(rule: Any, x: Any, target: Any, reduction: str, p: float = 0.0) -> Any:
    x, target = alike(rule.name, x=x, target=target)
    check_reduction(rule.name, reduction)
    return apply(rule, (x, target), p, reduction)


def mse_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """(x − target)², averaged over all elements ("mean"), added up ("sum"), or as they are
    ("none").

    Type: ``(real[...], real[...]) -> real[]``. ValueError where the shapes differ: ``(n, 1)``
    against ``(n,)`` would silently compare all with all.

    >>> import pydp
    >>> pydp.mse_loss(pydp.tensor([1.0, 2.0]), pydp.tensor([1.0, 4.0]))
    tensor(2.)
    """
    return _pair(MSE, x, target, reduction)


def l1_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """|x − target|; its slope where they are equal is 0. Arguments and errors of `mse_loss`.

    Type: ``(real[...], real[...]) -> real[]``.

    >>> import pydp
    >>> pydp.l1_loss(pydp.tensor([1.0, 2.0]), pydp.tensor([1.0, 4.0]))
    tensor(1.)
    """
    return _pair(L1, x, target, reduction)


def smooth_l1_loss(x: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """With d = |x − target|: d² / (2 β) below β, d − β / 2 from there on.

    Type: ``(real[...], real[...]) -> real[]``. ``beta`` is at least 0; with 0 it is `l1_loss`.
    Other arguments and errors as of `mse_loss`.
    Source: Girshick, "Fast R-CNN", 2015.

    >>> import pydp
    >>> pydp.smooth_l1_loss(pydp.tensor([1.0, 2.0]), pydp.tensor([0.5, 4.0]), "none")
    tensor([0.125, 1.5  ])
    """
    p = positive(beta, "smooth_l1_loss", "beta", zero=True)
    if p == 0:
        x, target = alike("smooth_l1_loss", x=x, target=target)
        return l1_loss(x, target, reduction)
    return _pair(SMOOTH_L1, x, target, reduction, p)


def huber_loss(x: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """With d = |x − target|: d² / 2 up to δ, δ (d − δ / 2) beyond.

    Type: ``(real[...], real[...]) -> real[]``. ``delta`` is above 0. Other arguments and errors as
    of `mse_loss`. Source: Huber, "Robust estimation of a location parameter", 1964.

    >>> import pydp
    >>> pydp.huber_loss(pydp.tensor([1.0, 2.0]), pydp.tensor([0.5, 5.0]), "none", delta=2.0)
    tensor([0.125, 4.   ])
    """
    return _pair(HUBER, x, target, reduction, positive(delta, "huber_loss", "delta"))


def binary_cross_entropy(
    x: Any, target: Any, weight: Any = None, reduction: str = "mean"
) -> Any:  # fmt: skip
    """−target log x − (1 − target) log(1 − x), for probabilities x.

    Type: ``(real[...], real[...]) -> real[]``. The logarithms are at least −100, and the slope
    (x − target) / (x (1 − x)) has a divisor of at least 1e-12, so both stay finite. Better than a
    sigmoid before it: `binary_cross_entropy_with_logits`.

    - ``x``, ``target``: real, of one shape; x from 0 to 1, else ValueError.
    - ``weight``: a factor for each element, broadcast to x. The mean divides by their number.

    >>> import pydp
    >>> x, target = pydp.tensor([0.5, 1.0]), pydp.tensor([1.0, 0.0])
    >>> pydp.binary_cross_entropy(x, target, reduction="none")
    tensor([  0.6931472, 100.       ])
    """
    if weight is None:
        return _pair(ENTROPY, x, target, reduction)
    loss = _pair(ENTROPY, x, target, "none")
    check_reduction("binary_cross_entropy", reduction)
    return reduced(loss * fitting(weight, loss, "binary_cross_entropy", "weight"), reduction)


def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """`binary_cross_entropy` of sigmoid(x), without overflow or loss of digits:

        log(1 + exp(x)) − target · x

    Type: ``(real[...], real[...]) -> real[]``.

    - ``x``, ``target``: real, of one shape; the target from 0 to 1.
    - ``weight``: a factor for each element, broadcast to x. The mean divides by their number.
    - ``pos_weight``: a factor for what the target has of 1, broadcast to x: ``[c]`` where the
      classes are the last axis.

    >>> import pydp
    >>> x = pydp.tensor([0.0, 500.0, -500.0])
    >>> pydp.binary_cross_entropy_with_logits(x, pydp.tensor([1.0, 1.0, 1.0]), reduction="none")
    tensor([  0.6931472,   0.       , 500.       ])
    """
    op = "binary_cross_entropy_with_logits"
    if weight is None and pos_weight is None:
        return _pair(OF_LOGITS, x, target, reduction)
    check_reduction(op, reduction)
    if pos_weight is None:
        loss = _pair(OF_LOGITS, x, target, "none")
    else:
        x, target = alike(op, x=x, target=target)
        pos_weight = broadcast_to(fitting(pos_weight, x, op, "pos_weight"), x.shape)
        hit, miss = softplus_exact(-x), softplus_exact(x)
        loss = target * pos_weight * hit + (1.0 - target) * miss
    if weight is not None:
        loss = loss * fitting(weight, loss, op, "weight")
    return reduced(loss, reduction)
