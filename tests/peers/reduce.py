"""Reductions, running sums, and what sorts along an axis."""

import math

import torch

import pydp
from peers.row import Draw, Drawn, Row, along, reduced


def every(x, axis):
    """PyTorch's functions want the axes that None stands for."""
    return tuple(range(x.ndim)) if axis is None else axis


def spread(d: Draw) -> Drawn:
    """Two elements or more in each variance, all different: at 0 std's slopes differ."""
    x = d.real(d.shape(least=2, low=1, high=3), ties=False)
    return [x], {"axis": d.axes(x.ndim), "correction": d.integer(0, 1), "keepdims": d.flag()}


def differences(d: Draw) -> Drawn:
    (x,), arguments = along(least=1)(d)
    return [x], {**arguments, "n": d.integer(0, x.shape[arguments["axis"]] - 1)}


def largest(d: Draw) -> Drawn:
    (x,), arguments = along(least=1, ties=False)(d)
    return [x], {**arguments, "k": d.integer(1, x.shape[arguments["axis"]]), "largest": d.flag()}


def multiplied(d: Draw) -> Drawn:
    """One axis or all: PyTorch knows no product over several."""
    (x,), arguments = along(zeros=True)(d)
    return [x], {"axis": d.choice(None, arguments["axis"]), "keepdims": d.flag()}


def their_product(x, axis, keepdims):
    if axis is not None:
        return torch.prod(x, axis, keepdim=keepdims)
    return torch.prod(x).reshape((1,) * x.ndim if keepdims else ())


def matrices(d: Draw) -> Drawn:
    return [d.real(d.shape(low=2))], {"offset": d.integer(-3, 3)}


def measured(d: Draw) -> Drawn:
    """Zeros, but not for 2: PyTorch's second derivative of a length of 0 is NaN, ours finite."""
    (x,), arguments = reduced(least=1)(d)
    order = d.choice(2, 1, math.inf, -math.inf, 0, 3, 1.5, -1)
    if order in (0, 1, math.inf, -math.inf) and d.flag():
        x = d.whole(x.shape, -1, 2)
    return [x], {**arguments, "ord": order}


# fmt: off
ROWS = [
    Row("sum", reduced(), pydp.sum,
        lambda x, axis, keepdims: torch.sum(x, every(x, axis), keepdim=keepdims)
        if axis != () and x.ndim else x.clone()),
    Row("mean", reduced(least=1), pydp.mean,
        lambda x, axis, keepdims: torch.mean(x, every(x, axis), keepdim=keepdims)),
    Row("max", reduced(least=1), pydp.max,
        lambda x, axis, keepdims: torch.amax(x, every(x, axis), keepdim=keepdims)),
    Row("min", reduced(least=1), pydp.min,
        lambda x, axis, keepdims: torch.amin(x, every(x, axis), keepdim=keepdims)),
    Row("prod", multiplied, pydp.prod, their_product),
    Row("logsumexp", reduced(-9, 9, least=1), pydp.logsumexp,
        lambda x, axis, keepdims: torch.logsumexp(x, every(x, axis), keepdim=keepdims)),
    Row("var", spread, pydp.var,
        lambda x, axis, correction, keepdims:
        torch.var(x, every(x, axis), correction=correction, keepdim=keepdims)),
    Row("std", spread, pydp.std,
        lambda x, axis, correction, keepdims:
        torch.std(x, every(x, axis), correction=correction, keepdim=keepdims)),
    Row("cumulative_sum", along(), pydp.cumulative_sum, torch.cumsum, "scan"),
    Row("cumulative_prod", along(zeros=True), pydp.cumulative_prod, torch.cumprod),
    Row("cumsum", along(), pydp.cumsum, torch.cumsum),
    Row("cumprod", along(zeros=True), pydp.cumprod, torch.cumprod),
    Row("diff", differences, pydp.diff, lambda x, axis, n: torch.diff(x, n, axis)),
    Row("trace", matrices, pydp.trace,
        lambda x, offset: torch.diagonal(x, offset, -2, -1).sum(-1)),
    Row("softmax", along(), pydp.softmax, torch.softmax, "softmax_backward"),
    Row("log_softmax", along(), pydp.log_softmax, torch.log_softmax, "log_softmax_backward"),
    Row("sort", along(ties=False), pydp.sort,
        lambda x, axis: torch.sort(x, dim=axis, stable=True).values),
    Row("topk", largest, lambda x, k, axis, largest: pydp.topk(x, k, axis, largest).values,
        lambda x, k, axis, largest: torch.topk(x, k, axis, largest).values),
    Row("vector_norm", measured, pydp.vector_norm,
        lambda x, axis, keepdims, ord: torch.linalg.vector_norm(x, ord, axis, keepdims)),
]
# fmt: on
