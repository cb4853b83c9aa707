"""check_gradients: a function's gradients, by its rules and by differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pydp import _graph, _tree
from pydp._arguments import integer
from pydp._arrays import FLOAT64, Array
from pydp._autodiff import _like, grad
from pydp._tensor import Tensor

STEP = 2e-5  # small, so that few kinks (relu, max) lie within reach
MOST = 512  # so many elements of one tensor are looked at, chosen at random from more


def check_gradients(
    f: Callable[..., Any], *args: Any, order: int = 2, tolerance: float = 1e-6
) -> None:
    """Compare the gradients of f at these arguments with central differences of its values.

    - `f`: a function, module or `Function.apply`; returns a tensor or a tree of tensors.
    - `args`: its arguments. Every float tensor in them, or in trees of them, is examined; they must
      be float64, since differences of float32 say little.
    - `order`: up to which derivative; 2 examines the gradient of the gradient too.
    - `tolerance`: how far rule and difference may be apart, relative to 1 + their size.

    AssertionError with both numbers and the element where they disagree, or if f gives two values.

    >>> import pydp
    >>> pydp.check_gradients(pydp.tanh, pydp.tensor([0.5, -1.0], dtype="float64"))
    """
    order = integer(order, "check_gradients", "order", least=1)
    positions = [i for i, x in enumerate(args) if _has_tensors(x)]
    if not positions:
        raise TypeError("check_gradients: no argument is a tensor")
    for i in positions:
        for path, x in _tree.leaves(args[i], f"argument {i}"):
            if not isinstance(x, Tensor) or x.dtype != FLOAT64:
                kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
                raise TypeError(f"check_gradients: {path} must be float64, got {kind}; use astype")
    _check(f, args, positions, order, tolerance, "f")


def _has_tensors(tree: Any) -> bool:
    return any(isinstance(x, Tensor) and x.dtype.kind == "f" for _, x in _tree.leaves(tree))


def _check(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    positions: list[int],
    order: int,
    tolerance: float,
    name: str,
) -> None:
    """One order: a weighted sum of f's results, by its gradient and by differences."""
    with _graph.no_grad():
        y, again = f(*args), f(*args)
    ys = [part for _, part in _tree.leaves(y)]
    if not all(isinstance(part, Tensor) for part in ys):
        raise TypeError("check_gradients: the function must return tensors")
    for a, b in zip(ys, _like(again, y, "check_gradients", "f"), strict=True):
        if not np.array_equal(a._array, b._array, equal_nan=True):
            raise AssertionError(f"check_gradients: {name} gives two values for one argument")
    rng = np.random.default_rng(0)
    weights = [_graph.wrap(rng.uniform(0.5, 1.5, part.shape)) for part in ys]

    def loss(*given: Any) -> Any:
        parts = [part for _, part in _tree.leaves(f(*given))]
        sums = [(w * part).sum() for w, part in zip(weights, parts, strict=True)]
        return sum(sums[1:], sums[0])

    slope = grad(loss, positions)
    for i, gradient in zip(positions, slope(*args), strict=True):
        pairs = zip(_tree.leaves(args[i], f"argument {i}"), _tree.leaves(gradient), strict=True)
        for (path, x), (_, dx) in pairs:
            _compare(lambda: loss(*args), x, dx._array, f"{name} for {path}", tolerance, rng)
    if order > 1:
        _check(slope, args, positions, order - 1, tolerance, f"the gradient of {name}")


def _compare(
    loss: Callable[[], Any], x: Tensor, dx: Array, what: str, tolerance: float, rng: Any
) -> None:
    """The gradient dx of one tensor, element by element."""
    chosen = range(x.size) if x.size <= MOST else sorted(rng.choice(x.size, MOST, replace=False))
    own = x._array
    for k in chosen:
        at = np.unravel_index(k, x.shape)
        want = 0.0
        for steps, factor in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
            moved = own.copy()
            moved[at] += steps * STEP
            x._array = moved
            try:
                with _graph.no_grad():
                    want += factor * float(loss())
            finally:
                x._array = own
        want /= 12 * STEP
        have = float(dx[at])
        if not abs(have - want) <= tolerance * (1 + abs(want)):
            place = [int(n) for n in at]
            raise AssertionError(
                f"check_gradients: the gradient of {what} at {place} is {have:.10g} by its rule, "
                f"{want:.10g} by differences"
            )
