"""Cross entropy of logits against class indices (fused) or class probabilities (composed).

    forward    logits ──> loss, and per row the two parts of logsumexp
    backward   logits, those parts, dloss ──> dlogits, in one pass

The softmax of the logits is never stored. Definitions of weight, ignore_index, label_smoothing and
the mean are PyTorch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import axis_index, integer, number, real_tensor, same_float
from pydp._arrays import INT64, Array, as_array, numpy_op
from pydp._graph import INPUTS, apply
from pydp._op import Op
from pydp.ops._reduce import mean as mean_over
from pydp.ops._reduce import sum as sum_over
from pydp.ops._shape import expand_dims, reshape
from pydp.ops._softmax import log_softmax, softmax


def _types(axis: int, reduction: str) -> tuple[str, str, str]:
    """The types of logits, target and loss; the axis of the classes is counted from the back."""
    after = [f"d{i}" for i in range(-axis - 1)]
    logits, rows = ", ".join(["...", "c", *after]), ", ".join(["...", *after])
    return f"real[{logits}]", f"token[{rows}]", f"real[{rows if reduction == 'none' else ''}]"


def share_of_classes(
    x: Array, target: Array, weight: Array | None, axis: int, ignore: int, smoothing: float
) -> Array:
    """q[c] w[c] in x's shape, with q = (1 − smoothing) onehot(target) + smoothing / n; 0 in rows
    that are ignored."""
    n = x.shape[axis]
    classes = np.arange(n).reshape(n, *[1] * (-axis - 1))
    at = np.expand_dims(target, axis)
    q = (1 - smoothing) * (at == classes) + smoothing / n
    w = np.ones(n) if weight is None else weight
    return np.asarray((at != ignore) * q * w.reshape(classes.shape), x.dtype)


def check_targets(bad: int, op: str, target: Array, n: int, ignore: int) -> None:
    """Raise for the row that a kernel found (1 + its number; 0 is none)."""
    if bad:
        index = tuple([int(i) for i in np.unravel_index(bad - 1, target.shape)])
        where = f"target[{', '.join(map(str, index))}]" if index else "target"
        raise IndexError(
            f"{op}: {where} is {int(target[index])}, allowed are 0 … {n - 1} and "
            f"ignore_index {ignore}"
        )


class CrossEntropy(Op):
    name = "cross_entropy"
    type = "(real[..., c], token[...], real[c]?) -> real[]"

    @classmethod
    def typing(cls, axis: int, ignore: int, smoothing: float, reduction: str) -> str:
        logits, target, loss = _types(axis, reduction)
        return f"({logits}, {target}, real[c]?) -> {loss}"

    @staticmethod
    def forward(needs: Any, x: Array, target: Array, weight: Any, axis: int, ignore: int,
                smoothing: float, reduction: str) -> Any:  # fmt: skip
        code = _kernels.loss_reductions[reduction]
        bad, loss, lse, total = _kernels.cross_entropy_forward(
            x, target, weight, axis, ignore, smoothing, code
        )
        if bad:
            check_targets(bad, "cross_entropy", target, x.shape[axis], ignore)
        return loss, (INPUTS[0], INPUTS[1], weight, lse, total)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, *arguments: Any) -> Any:
        return apply(CrossEntropyBackward, (*saved, dy), *arguments), None, None

    @staticmethod
    def reference(x: Array, target: Array, weight: Any, axis: int, ignore: int,
                  smoothing: float, reduction: str) -> Array:  # fmt: skip
        rows = np.moveaxis(x, axis, -1)
        n = rows.shape[-1]
        w = np.ones(n) if weight is None else weight
        loss = np.zeros(target.shape)
        total: Any = 0.0
        for index in np.ndindex(target.shape):
            t, row = target[index], rows[index]
            if t == ignore:
                continue
            nll = np.log(np.sum(np.exp(row - np.max(row)))) - (row - np.max(row))
            loss[index] = (1 - smoothing) * w[t] * nll[t] + smoothing / n * np.sum(w * nll)
            total += w[t]
        if reduction == "none":
            return loss
        return np.asarray(np.sum(loss) / (total if reduction == "mean" else 1.0))


class CrossEntropyBackward(Op):
    """dlogits = dloss / total · (S softmax(logits) − q w), with S = Σ q w over the classes."""

    name = "cross_entropy_backward"
    type = "(real[..., c], token[...], real[c]?, real[r, p], real[], real[]) -> real[..., c]"

    @classmethod
    def typing(cls, axis: int, ignore: int, smoothing: float, reduction: str) -> str:
        logits, target, loss = _types(axis, reduction)
        return f"({logits}, {target}, real[c]?, real[r, p], real[], {loss}) -> {logits}"

    @staticmethod
    def forward(needs: Any, x: Array, target: Array, weight: Any, lse: Array, total: Array,
                dloss: Array, axis: int, ignore: int, smoothing: float,
                reduction: str) -> Any:  # fmt: skip
        code = _kernels.loss_reductions[reduction]
        bad, dx = _kernels.cross_entropy_backward(
            x, target, weight, lse, total, _kernels.contiguous(dloss), axis, ignore, smoothing, code
        )
        if bad:
            check_targets(bad, "cross_entropy_backward", target, x.shape[axis], ignore)
        return dx, (x, target, weight, lse, total, dloss)

    @staticmethod
    def composed(x: Any, target: Any, weight: Any, lse: Any, total: Any, dloss: Any, axis: int,
                 ignore: int, smoothing: float, reduction: str) -> Any:  # fmt: skip
        w = None if weight is None else weight._array
        qw = _graph.wrap(
            numpy_op(share_of_classes, x._array, target._array, w, axis, ignore, smoothing)
        )
        grad = expand_dims(dloss, axis) if reduction == "none" else dloss / total
        return grad * (sum_over(qw, axis, keepdims=True) * softmax(x, axis) - qw)

    @staticmethod
    def reference(x: Array, target: Array, weight: Any, lse: Array, total: Array, dloss: Array,
                  axis: int, ignore: int, smoothing: float, reduction: str) -> Array:  # fmt: skip
        qw = share_of_classes(x, target, weight, axis, ignore, smoothing)
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        p = e / np.sum(e, axis=axis, keepdims=True)
        grad = np.expand_dims(dloss, axis) if reduction == "none" else dloss / total
        return np.asarray(grad * (np.sum(qw, axis=axis, keepdims=True) * p - qw))


def cross_entropy(
    logits: Any,
    target: Any,
    axis: int = -1,
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """−log softmax(logits)[target], the loss of classification.

    Type: ``(real[..., c], token[...]) -> real[]`` for the last axis.

        loss = Σ_c q[c] · weight[c] · (logsumexp(x) − x[c]),   q = (1 − ε) onehot(target) + ε / c

    - ``logits``: real, the classes along ``axis`` (PyTorch's form ``[n, c, d1, …]`` is axis=1).
    - ``target``: integers of the logits' shape without that axis; or reals of the logits' shape,
      the probabilities of the classes.
    - ``weight``: real ``[c]``, a factor for each class. It gets no gradient.
    - ``ignore_index``: targets with this value count nothing, in the loss and in the mean.
    - ``label_smoothing``: ε above, from 0 to 1.
    - ``reduction``: "mean", "sum", or "none". The mean divides by the sum of weight[target] over
      the rows not ignored, and is NaN where there is none; for probabilities it divides by the
      number of rows.

    IndexError names the first target that is neither a class nor ignored.

    >>> import pydp
    >>> logits = pydp.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
    >>> pydp.cross_entropy(logits, [0, 2], reduction="none")
    tensor([0.23954484, 0.00024673])
    """
    op = "cross_entropy"
    x = real_tensor(logits, op, "logits")
    shape = x._array.shape
    if not shape:
        raise ValueError(f"{op}: logits must have an axis of classes, got a 0-d tensor")
    at = axis_index(axis, len(shape), op)
    n = shape[at]
    if n == 0:
        raise ValueError(f"{op}: logits must have at least one class, got shape {shape}")
    ignore = integer(ignore_index, op, "ignore_index")
    smoothing = number(label_smoothing, op, "label_smoothing")
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{op}: label_smoothing must be from 0 to 1, got {smoothing}")
    check_reduction(op, reduction)
    if weight is not None:
        weight = real_tensor(weight, op, "weight")
        if weight.shape != (n,):
            raise ValueError(f"{op}: weight must have shape ({n},), got {weight.shape}")
        if weight.requires_grad:
            raise NotImplementedError(f"{op}: weight gets no gradient; pass weight.detach()")
    if not isinstance(target, _graph.Value):
        target = _graph.wrap(as_array(target, op))
    t = target._array
    kind = t.dtype.kind
    if kind == "f":
        return _of_probabilities(x, target, at, weight, smoothing, reduction)
    if kind == "b":
        raise TypeError(f"{op}: target must be integers or probabilities, got bool")
    rows = shape[:at] + shape[at + 1 :]
    if t.shape != rows:
        raise ValueError(
            f"{op}: target must have shape {rows}, that of the logits {shape} without axis {at}, "
            f"got {t.shape}"
        )
    if t.dtype != INT64 or not t.flags.c_contiguous:
        if t.dtype == np.uint64 and t.size and t.max() >= 1 << 63:  # below 0 as int64
            check_targets(1 + int(np.argmax(t >= 1 << 63)), op, t, n, ignore)
        target = _graph.wrap(_kernels.contiguous(numpy_op(t.astype, INT64)))
    if weight is not None:
        same_float(op, logits=x, weight=weight)
        if not weight._array.flags.c_contiguous:
            weight = _graph.wrap(_kernels.contiguous(weight._array))
    return apply(CrossEntropy, (x, target, weight), at - len(shape), ignore, smoothing, reduction)


def _of_probabilities(
    x: Any, target: Any, axis: int, weight: Any, smoothing: float, reduction: str
) -> Any:
    same_float("cross_entropy", logits=x, target=target, weight=weight)
    if target.shape != x.shape:
        raise ValueError(
            f"cross_entropy: target of probabilities must have the logits' shape {x.shape}, got "
            f"{target.shape}"
        )
    n = x.shape[axis]
    q = target if smoothing == 0 else target * (1 - smoothing) + smoothing / n
    if weight is not None:
        q = q * reshape(weight, tuple([n if i == axis else 1 for i in range(x.ndim)]))
    return reduced(-sum_over(q * log_softmax(x, axis), axis), reduction)


def check_reduction(op: str, reduction: Any) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'{op}: reduction must be "mean", "sum" or "none", got {reduction!r}')


def reduced(loss: Any, reduction: str) -> Any:
    """The losses of rows as they are, added up, or their mean."""
    if reduction == "none":
        return loss
    return sum_over(loss) if reduction == "sum" else mean_over(loss)
