"""vector_norm: lengths of vectors, made of other ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydp._arguments import axes_tuple, number, real_tensor
from pydp.ops import _reduce
from pydp.ops._math import abs as magnitude
from pydp.ops._math import pow as power
from pydp.ops._math import sign, sqrt, square


def vector_norm(
    x: Any,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    ord: float = 2,
) -> Any:
    """The length of vectors along one axis, several, or all (None): (Σ |x|^ord)^(1/ord).

    Type: ``real[...] -> real[...]``.

    - `ord`: 2 is Euclid's length, 1 the sum of |x|, inf the largest |x| and -inf the smallest, 0
      the number of elements that are not 0 (whose gradient is 0); any other number the formula.

    The gradient where all elements are 0 is 0; so is that of |x|^ord at 0.

    The standard's linalg.vector_norm. (PyTorch's is called so too, with `ord` second.)

    >>> import pydp
    >>> pydp.vector_norm(pydp.tensor([[3.0, 4.0], [0.0, 0.0]]), axis=1)
    tensor([5., 0.])
    """
    x, p = real_tensor(x, "vector_norm", "x"), number(ord, "vector_norm", "ord")
    if math.isnan(p):
        raise ValueError("vector_norm: ord must be a number, got nan")
    axes = axes_tuple(axis, x.ndim, "vector_norm")
    if p == 2:
        total = _reduce.sum(square(x), axes, keepdims)
        zero = _is_zero(total)
        return sqrt(total + zero) - zero
    sizes = magnitude(x)
    if p == 1:
        return _reduce.sum(sizes, axes, keepdims)
    if math.isinf(p):
        return (_reduce.max if p > 0 else _reduce.min)(sizes, axes, keepdims)
    if p == 0:
        return _reduce.sum(sign(sizes), axes, keepdims)
    if p < 0:
        return power(_reduce.sum(power(sizes, p), axes, keepdims), 1 / p)
    zeros = _is_zero(sizes)  # 0^p and its derivatives without 0 · inf
    total = _reduce.sum(power(sizes + zeros, p) - zeros, axes, keepdims)
    zero = _is_zero(total)
    return power(total + zero, 1 / p) - zero


def _is_zero(x: Any) -> Any:
    """1 where x >= 0 is 0, else 0: added before a root, and taken off after it, it keeps the
    gradient finite."""
    return 1.0 - sign(x.detach())
