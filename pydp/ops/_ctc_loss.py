"""Connectionist temporal classification: a loss for sequences whose alignment is not known.

    forward    log_probs, targets, lengths ──> loss        and alpha, for backward
    backward   those, alpha, dloss ──> dlog_probs

The composed form is the same recursion in ops, a step of all rows at a time; it has the second
derivatives.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import integer, real_tensor
from pydp._arrays import INT64, Array, as_array, numpy_op
from pydp._graph import apply
from pydp._op import Op, gradient_of
from pydp.ops._cross_entropy import check_reduction, reduced
from pydp.ops._join import concat
from pydp.ops._logic import isfinite
from pydp.ops._math import logaddexp
from pydp.ops._reduce_derived import logsumexp
from pydp.ops._shape import expand_dims, reshape
from pydp.ops._take import take_along_axis
from pydp.ops._where import where

INPUTS = "real[t, n, c], token[n, k], token[n], token[n]"


class CTCLoss(Op):
    name = "ctc_loss"
    type = f"({INPUTS}) -> real[n]"

    @staticmethod
    def forward(needs: Any, x: Array, targets: Array, steps: Array, labels: Array, blank: int,
                zero_infinity: bool) -> Any:  # fmt: skip
        t, n, _ = x.shape
        loss, alpha = _kernels.empty((n,), x.dtype), None
        if needs is not None:
            alpha = _kernels.empty((n, t, 2 * targets.shape[1] + 1), x.dtype)
        bad = _kernels.ctc_loss_forward(classes_adjacent(x), targets, steps, labels, loss, alpha,
                                        blank, zero_infinity)  # fmt: skip
        check_labels(bad, "ctc_loss", targets, x, blank)
        return loss, (x, targets, steps, labels, alpha)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, *arguments: Any) -> Any:
        return apply(CTCLossBackward, (*saved, dy), *arguments), None, None, None

    @staticmethod
    def composed(
        x: Any, targets: Any, steps: Any, labels: Any, blank: int, zero_infinity: bool
    ) -> Any:
        classes, skips, ends = numpy_op(states, targets._array, labels._array, blank)
        n, width = classes.shape
        ids = np.broadcast_to(classes, (x.shape[0], n, width))
        emits = take_along_axis(x, _graph.wrap(ids), axis=2)
        none = _graph.wrap(np.full((n, 2), -np.inf, x.dtype))
        start = np.full((n, width), -np.inf, x.dtype)
        start[:, 0] = 0
        alpha = _graph.wrap(start)
        for i in range(x.shape[0]):
            one = concat([none, alpha], axis=1)[:, 1 : 1 + width]
            two = where(skips, concat([none, alpha], axis=1)[:, :width], -np.inf)
            after = logaddexp(logaddexp(alpha, one), two) + emits[i]
            alpha = where(expand_dims(i < steps, 1), after, alpha)
        loss = -logsumexp(where(ends, alpha, -np.inf), axis=1)
        return where(isfinite(loss), loss, 0.0) if zero_infinity else loss

    @staticmethod
    def reference(x: Array, targets: Array, steps: Array, labels: Array, blank: int,
                  zero_infinity: bool) -> Array:  # fmt: skip
        p, _ = by_all_paths(x, targets, steps, labels, blank)
        with np.errstate(divide="ignore"):
            loss = -np.log(p)
        return np.where(np.isinf(loss), 0, loss) if zero_infinity else loss


class CTCLossBackward(Op):
    """dlog_probs[t, n, c] = −dloss[n] · P(the path of row n is in c at step t | its target)."""

    name = "ctc_loss_backward"
    type = f"({INPUTS}, real[n, t, s], real[n]) -> real[t, n, c]"

    @staticmethod
    def forward(needs: Any, x: Array, targets: Array, steps: Array, labels: Array, alpha: Array,
                dloss: Array, blank: int, zero_infinity: bool) -> Any:  # fmt: skip
        dx = _kernels.empty(x.shape, x.dtype)
        bad = _kernels.ctc_loss_backward(
            classes_adjacent(x), targets, steps, labels, alpha, _kernels.contiguous(dloss), dx,
            blank, zero_infinity)  # fmt: skip
        check_labels(bad, "ctc_loss_backward", targets, x, blank)
        return dx, (x, targets, steps, labels, alpha, dloss)

    @staticmethod
    def composed(x: Any, targets: Any, steps: Any, labels: Any, alpha: Any, dloss: Any, blank: int,
                 zero_infinity: bool) -> Any:  # fmt: skip
        inputs, wanted = (x, targets, steps, labels), (True, False, False, False)
        return gradient_of(CTCLoss.composed, inputs, dloss, wanted, (blank, zero_infinity))[0]

    @staticmethod
    def reference(x: Array, targets: Array, steps: Array, labels: Array, alpha: Array,
                  dloss: Array, blank: int, zero_infinity: bool) -> Array:  # fmt: skip
        p, share = by_all_paths(x, targets, steps, labels, blank)
        none = np.logical_and(zero_infinity, p == 0)[:, None]
        return np.where(none, 0, -dloss[:, None] * share / np.where(none, 1, p[:, None]))


def classes_adjacent(x: Array) -> Array:
    """x, or a copy whose last axis is contiguous."""
    return x if x.shape[2] < 2 or x.strides[2] == x.itemsize else _kernels.contiguous(x)


def check_labels(bad: int, op: str, targets: Array, x: Array, blank: int) -> None:
    """Raise for the target that a kernel found (1 + its position; 0 is none)."""
    if bad:
        row, label = divmod(bad - 1, targets.shape[1])
        raise IndexError(
            f"{op}: label {label} of row {row} is {int(targets[row, label])}, allowed are "
            f"0 … {x.shape[2] - 1} without the blank {blank}"
        )


def states(targets: Array, labels: Array, blank: int) -> tuple[Array, Array, Array]:
    """Of each row's states: their classes, whether they may be reached from two before, and which
    of them end a path."""
    n, k = targets.shape
    s, last = np.arange(2 * k + 1), 2 * labels[:, None]
    classes, skips = np.full((n, 2 * k + 1), blank), np.zeros((n, 2 * k + 1), bool)
    classes[:, 1::2] = np.where(s[1::2] < last, targets, blank)
    skips[:, 3::2] = targets[:, 1:] != targets[:, :-1]
    return classes, skips, (s == last) | (s == last - 1)


def by_all_paths(
    x: Array, targets: Array, steps: Array, labels: Array, blank: int
) -> tuple[Array, Array]:
    """For the references: the probability of each row's target, added up over every path, and the
    part of it that is in class c at step t."""
    p, share = np.zeros(x.shape[1]), np.zeros(x.shape)
    for n, (length, count) in enumerate(zip(steps, labels, strict=True)):
        wanted = targets[n, :count].tolist()
        for path in product(range(x.shape[2]), repeat=int(length)):
            merged = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
            if [c for c in merged if c != blank] == wanted:
                q = np.exp(sum(x[t, n, c] for t, c in enumerate(path)))
                p[n] += q
                for t, c in enumerate(path):
                    share[t, n, c] += q
    return p, share


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """−log P(target), where a target is spelt by every path that, with repetitions merged and then
    blanks left out, reads as it.

    Type: ``(real[t, n, c], token[n, k], token[n], token[n]) -> real[]``; for a single row
    ``(real[t, c], token[k], token[], token[]) -> real[]``.

    - ``log_probs``: of each step and row the logarithms of the classes' probabilities
      (`log_softmax` of the logits).
    - ``targets``: integers, 0 … c − 1 without the blank; behind a row's length they are not looked
      at. Or the rows' targets one behind the other, ``[sum of target_lengths]``.
    - ``input_lengths``: how many steps of each row count, 0 … t.
    - ``target_lengths``: the lengths of the targets, 0 … k.
    - ``blank``: the class that spells nothing.
    - ``reduction``: "none", "sum", or "mean", for which each row's loss is first divided by the
      length of its target (at least 1).
    - ``zero_infinity``: the loss of a target that no path spells is 0, with no gradient, instead of
      infinite, with the gradient NaN.

    IndexError names the first target that is none, ValueError lengths and shapes that do not fit.
    The gradient is that of log_probs; PyTorch's holds only in front of a log_softmax, behind which
    the two are equal.

    Source: Graves, Fernández, Gomez and Schmidhuber, "Connectionist temporal classification", 2006.

    >>> import pydp
    >>> log_probs = pydp.log_softmax(pydp.zeros((2, 1, 3)))
    >>> pydp.ctc_loss(log_probs, [[1]], [2], [1])          # the paths 1 1, 0 1, 1 0 of 9
    tensor(1.0986123)
    """
    op = "ctc_loss"
    x = real_tensor(log_probs, op, "log_probs")
    check_reduction(op, reduction)
    if not isinstance(zero_infinity, (bool, np.bool_)):
        raise TypeError(f"{op}: zero_infinity must be True or False, got {zero_infinity!r}")
    if x.ndim not in (2, 3):
        raise ValueError(f"{op}: log_probs must be (t, n, c) or (t, c), got shape {x.shape}")
    single = x.ndim == 2
    if single:
        x = expand_dims(x, 1)
    t, n, c = x.shape
    at = integer(blank, op, "blank")
    if not 0 <= at < c:
        raise ValueError(f"{op}: blank must be one of the {c} classes 0 … {c - 1}, got {blank}")
    labels = whole_numbers(target_lengths, op, "target_lengths")
    steps = whole_numbers(input_lengths, op, "input_lengths")
    given = whole_numbers(targets, op, "targets")
    if single and given.ndim == 1:
        given = given[None]
    steps, labels = [a.reshape(1) if single and a.ndim == 0 else a for a in (steps, labels)]
    check_lengths(steps, op, "input_lengths", n, t)
    if given.ndim == 1 and not single:
        check_lengths(labels, op, "target_lengths", n, given.size)
        given = numpy_op(padded, given, labels)
    if given.ndim != 2 or given.shape[0] != n:
        raise ValueError(f"{op}: targets must be (n, k) with n = {n}, got shape {given.shape}")
    check_lengths(labels, op, "target_lengths", n, given.shape[1])
    inputs = [_graph.wrap(_kernels.contiguous(a)) for a in (given, steps, labels)]
    loss = apply(CTCLoss, (x, *inputs), at, bool(zero_infinity))
    if reduction == "mean":
        loss = loss / _graph.wrap(numpy_op(np.maximum, labels, 1).astype(x.dtype))
    return reshape(loss, ()) if single and reduction == "none" else reduced(loss, reduction)


def whole_numbers(data: Any, op: str, argument: str) -> Array:
    """Integers as an int64 array."""
    array = data._array if isinstance(data, _graph.Value) else as_array(data, op)
    if array.size == 0 and array.dtype.kind == "f":  # an empty list
        array = array.astype(INT64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{op}: {argument} must be integers, got {array.dtype}")
    return array if array.dtype == INT64 else np.asanyarray(numpy_op(array.astype, INT64))


def check_lengths(lengths: Array, op: str, argument: str, n: int, most: int) -> None:
    if lengths.shape != (n,):
        raise ValueError(f"{op}: {argument} must have shape ({n},), got {lengths.shape}")
    for i, length in enumerate(lengths.tolist()):
        if not 0 <= length <= most:
            raise ValueError(f"{op}: {argument}[{i}] must be 0 … {most}, got {length}")


def padded(joined: Array, labels: Array) -> Array:
    """Targets one behind the other, as rows of one length."""
    if joined.size != labels.sum():
        raise ValueError(
            f"ctc_loss: targets one behind the other must be as many as target_lengths add up to, "
            f"{labels.sum()}, got {joined.size}"
        )
    rows = np.zeros((labels.size, labels.max(initial=0)), INT64)
    rows[np.arange(rows.shape[1]) < labels[:, None]] = joined
    return rows
