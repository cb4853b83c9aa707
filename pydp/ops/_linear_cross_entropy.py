"""A linear layer and the cross entropy of its logits in one, for large vocabularies.

    forward    x, weight, target ──> loss, and where a gradient is wanted those for dloss = 1
    backward   the gradients times dloss

The logits [rows, classes] are never stored whole: the kernel goes through the rows in chunks. With
reduction "none" every row has a dloss of its own, so backward goes through them again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import integer, number, real_tensor, same_float
from pydp._arrays import INT64, Array, as_array, numpy_op
from pydp._graph import apply
from pydp._op import Op, gradient_of
from pydp.ops._cross_entropy import (
    CrossEntropy,
    check_reduction,
    check_targets,
    cross_entropy,
    share_of_classes,
)
from pydp.ops._matmul import linear
from pydp.ops._norm import dense, wanted

MULTIPLY = _kernels.binary_functions["multiply"]
Wants = tuple[bool, ...]


def _gradients(op: str, x: Array, weight: Array, bias: Any, target: Array, dloss: Any,
               wants: Wants, ignore: int, smoothing: float, reduction: str) -> Any:  # fmt: skip
    """(loss, (dx, dweight, dbias)), the gradients for this dloss (None: 1)."""
    loss = _kernels.empty(target.shape if reduction == "none" else (), x.dtype)
    shapes = x.shape, weight.shape, weight.shape[:1]
    dx, dweight, dbias = [wanted(shape, x.dtype, w) for shape, w in zip(shapes, wants, strict=True)]
    rows = x if x.ndim == 2 else _kernels.contiguous(x).reshape(target.size, x.shape[-1])
    bad = _kernels.linear_cross_entropy(
        rows, weight, dense(bias), target, dloss, loss, dx, dweight, dbias, ignore, smoothing,
        _kernels.loss_reductions[reduction],
    )  # fmt: skip
    check_targets(bad, op, target, weight.shape[0], ignore)
    return loss, (dx, dweight, dbias)


class LinearCrossEntropy(Op):
    name = "linear_cross_entropy"
    type = "(real[..., i], real[c, i], real[c]?, token[...]) -> real[]"

    @classmethod
    def typing(cls, ignore: int, smoothing: float, reduction: str) -> str:
        return cls.type if reduction != "none" else cls.type.replace("real[]", "real[...]")

    @staticmethod
    def forward(needs: Any, x: Array, weight: Array, bias: Any, target: Array, ignore: int,
                smoothing: float, reduction: str) -> Any:  # fmt: skip
        wants: Wants = (False, False, False)
        if needs is not None and reduction != "none":
            wants = tuple([need is not None for need in needs[:3]])
        loss, grads = _gradients(
            "linear_cross_entropy", x, weight, bias, target, None, wants, ignore, smoothing,
            reduction,
        )  # fmt: skip
        return loss, (x, weight, bias, target, *grads)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, *arguments: Any) -> Any:
        wants = tuple([bool(need) for need in needs[:3]])
        return (*apply(LinearCrossEntropyBackward, (*saved, dy), *arguments, wants), None)

    @staticmethod
    def composed(x: Any, weight: Any, bias: Any, target: Any, ignore: int, smoothing: float,
                 reduction: str) -> Any:  # fmt: skip
        return cross_entropy(
            linear(x, weight, bias),
            target,
            ignore_index=ignore,
            label_smoothing=smoothing,
            reduction=reduction,
        )

    @staticmethod
    def reference(x: Array, weight: Array, bias: Any, target: Array, ignore: int,
                  smoothing: float, reduction: str) -> Array:  # fmt: skip
        logits = x @ weight.T + (0 if bias is None else bias)
        return CrossEntropy.reference(logits, target, None, -1, ignore, smoothing, reduction)


class LinearCrossEntropyBackward(Op):
    """dloss times the gradients of forward, or with reduction "none" these gradients.
    dlogits = g · (softmax(logits) − q) in rows not ignored; dx = dlogits weight and so on. `wants`
    says which of the three."""

    name = "linear_cross_entropy_backward"
    type = (
        "(real[..., i], real[c, i], real[c]?, token[...], real[..., i]?, real[c, i]?, real[c]?, "
        "real[]) -> (real[..., i], real[c, i], real[c])"
    )

    @classmethod
    def typing(cls, ignore: int, smoothing: float, reduction: str, wants: Wants) -> str:
        return cls.type if reduction != "none" else cls.type.replace("real[])", "real[...])")

    @staticmethod
    def forward(needs: Any, x: Array, weight: Array, bias: Any, target: Array, dx: Any,
                dweight: Any, dbias: Any, dloss: Array, ignore: int, smoothing: float,
                reduction: str, wants: Wants) -> Any:  # fmt: skip
        saved = x, weight, bias, target, dx, dweight, dbias, dloss
        if reduction == "none":
            _, grads = _gradients(
                "linear_cross_entropy_backward", x, weight, bias, target,
                _kernels.contiguous(dloss), wants, ignore, smoothing, reduction,
            )  # fmt: skip
            return grads, saved
        units = zip((dx, dweight, dbias), wants, strict=True)
        return tuple([_kernels.binary(MULTIPLY, d, dloss) if w else None for d, w in units]), saved

    @staticmethod
    def composed(x: Any, weight: Any, bias: Any, target: Any, dx: Any, dweight: Any, dbias: Any,
                 dloss: Any, ignore: int, smoothing: float, reduction: str,
                 wants: Wants) -> Any:  # fmt: skip
        inputs, arguments = (x, weight, bias, target), (ignore, smoothing, reduction)
        return gradient_of(LinearCrossEntropy.composed, inputs, dloss, (*wants, False), arguments)[
            :3
        ]

    @staticmethod
    def reference(x: Array, weight: Array, bias: Any, target: Array, dx: Any, dweight: Any,
                  dbias: Any, dloss: Array, ignore: int, smoothing: float, reduction: str,
                  wants: Wants) -> Any:  # fmt: skip
        logits = x @ weight.T + (0 if bias is None else bias)
        q = share_of_classes(logits, target, None, -1, ignore, smoothing)
        e = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
        p = e / np.sum(e, axis=-1, keepdims=True)
        total = np.sum(target != ignore) if reduction == "mean" else 1
        d = (dloss / total)[..., None] * (np.sum(q, axis=-1, keepdims=True) * p - q)
        rows = d.reshape(target.size, -1)
        return d @ weight, rows.T @ x.reshape(target.size, -1), np.sum(rows, axis=0)


def linear_cross_entropy(
    x: Any,
    weight: Any,
    target: Any,
    bias: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """cross_entropy(linear(x, weight, bias), target), without ever storing the logits.

    Type: ``(real[..., i], real[c, i], token[...], real[c]?) -> real[]``.

    For models of language, whose logits are by far their largest array: a chunk of rows after the
    other makes its logits, their loss, and (where recorded) their gradient in the same place.

    - ``x``: real [..., i]; ``weight``: real [c, i], as of `Linear`; ``bias``: real [c] or None.
    - ``target``: integers of x's shape without its last axis.
    - ``ignore_index``, ``label_smoothing``, ``reduction``: as of `cross_entropy`.

    IndexError names the first target that is neither a class nor ignored; ValueError where sizes
    do not fit, TypeError where dtypes differ.

    >>> import pydp
    >>> x, weight = pydp.ones((2, 3)), pydp.zeros((4, 3))
    >>> pydp.linear_cross_entropy(x, weight, [0, 3])
    tensor(1.3862944)
    """
    op = "linear_cross_entropy"
    x, weight = real_tensor(x, op, "x"), real_tensor(weight, op, "weight")
    bias = None if bias is None else real_tensor(bias, op, "bias")
    same_float(op, x=x, weight=weight, bias=bias)
    if weight.ndim != 2 or x.ndim < 1 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"{op}: x must be [..., i] and weight [c, i], got {x.shape} and {weight.shape}"
        )
    n = weight.shape[0]
    if n == 0:
        raise ValueError(f"{op}: weight must have at least one class, got shape {weight.shape}")
    if bias is not None and bias.shape != (n,):
        raise ValueError(f"{op}: bias must be [{n}], got {bias.shape}")
    ignore = integer(ignore_index, op, "ignore_index")
    smoothing = number(label_smoothing, op, "label_smoothing")
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{op}: label_smoothing must be from 0 to 1, got {smoothing}")
    check_reduction(op, reduction)
    if not isinstance(target, _graph.Value):
        target = _graph.wrap(as_array(target, op))
    t = target._array
    if t.dtype.kind not in "iu":
        raise TypeError(f"{op}: target must be integers, got {t.dtype}")
    if t.shape != x.shape[:-1]:
        raise ValueError(f"{op}: target must have shape {x.shape[:-1]}, got {t.shape}")
    if t.dtype == np.uint64 and t.size and t.max() >= 1 << 63:  # below 0 as int64
        check_targets(1 + int(np.argmax(t >= 1 << 63)), op, t, n, ignore)
    if t.dtype != INT64 or not t.flags.c_contiguous:
        target = _graph.wrap(_kernels.contiguous(numpy_op(t.astype, INT64)))
    return apply(LinearCrossEntropy, (x, weight, bias, target), ignore, smoothing, reduction)
