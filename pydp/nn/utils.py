"""What a training loop does with gradients between backward and the optimizer's step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import reduce
from typing import Any

from pydp import _graph, ops
from pydp._arrays import as_array
from pydp._tensor import Tensor
from pydp.nn._arguments import flag, number_within
from pydp.ops._index import write

Parameters = Tensor | Iterable[Tensor]


def _gradients(parameters: Parameters, op: str) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for i, p in enumerate(given):
        if not isinstance(p, Tensor):
            raise TypeError(f"{op}: parameter {i} must be a tensor, got {type(p).__name__}")
    return [p.grad for p in {id(p): p for p in given}.values() if p.grad is not None]


def clip_grad_norm_(
    parameters: Parameters,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale the gradients, in place, so that their norm, taken over all of them as one vector, is
    at most `max_norm`. Returns the norm that it was.

    - `parameters`: tensors or one; those without a gradient are left out, a shared one counts once.
    - `norm_type`: p of the p-norm, above 0; `inf` for the largest element.
    - `error_if_nonfinite`: RuntimeError, and no gradient is changed, if the norm is not finite.
      Otherwise an infinite norm makes the gradients 0 (NaN where they were infinite), and a NaN
      makes all of them NaN, as in PyTorch.

    The scale is ``min(1, max_norm / (norm + 1e-6))``.

    >>> import pydp
    >>> w = pydp.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> pydp.nn.utils.clip_grad_norm_([w], 1.0)
    tensor(10.)
    >>> w.grad
    tensor([0.59999996, 0.79999995])
    """
    op = "clip_grad_norm_"
    max_norm = number_within(max_norm, op, "max_norm", 0.0, math.inf)
    p = number_within(norm_type, op, "norm_type", 0.0, math.inf)
    if p == 0:
        raise ValueError(f"{op}: norm_type must be above 0, got {norm_type}")
    flag(error_if_nonfinite, op, "error_if_nonfinite")
    gradients = _gradients(parameters, op)
    with _graph.no_grad():
        if not gradients:
            return _graph.wrap(as_array(0.0, op))  # type: ignore[no-any-return]
        norm = _norm(gradients, p)
        if error_if_nonfinite and not math.isfinite(norm.item()):
            raise RuntimeError(
                f"{op}: the norm of the gradients is {norm.item()}, so they cannot be clipped; "
                "error_if_nonfinite=False scales them all the same"
            )
        scale = ops.minimum(max_norm / (norm + 1e-6), 1.0)
        for gradient in gradients:
            gradient *= scale.astype(gradient.dtype, copy=False)
    return norm  # type: ignore[no-any-return]


def _norm(gradients: list[Tensor], p: float) -> Any:
    """The p-norm of all elements together."""
    if p == math.inf:
        parts = [ops.max(ops.abs(g)) if g.size else ops.sum(g) for g in gradients]
        return reduce(ops.maximum, parts)
    if p == 2:
        return ops.sqrt(reduce(ops.add, [ops.sum(ops.square(g)) for g in gradients]))
    powers = [ops.sum(ops.pow(ops.abs(g), p)) for g in gradients]
    return ops.pow(reduce(ops.add, powers), 1 / p)


def clip_grad_value_(parameters: Parameters, clip_value: float) -> None:
    """Clip every element of the gradients, in place, to ``-clip_value … clip_value``. NaN stays.

    >>> import pydp
    >>> w = pydp.tensor([3.0, 0.1], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> pydp.nn.utils.clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([1. , 0.2])
    """
    op = "clip_grad_value_"
    bound = number_within(clip_value, op, "clip_value", 0.0, math.inf)
    with _graph.no_grad():
        for gradient in _gradients(parameters, op):
            write(gradient, ops.clip(gradient, -bound, bound), op)
