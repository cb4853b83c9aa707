"""A row of the table, and how its arguments are drawn.

    Row(name, draw, ours, theirs)      ours(*tensors, **arguments) is theirs(*tensors, **arguments)

`draw` takes a Draw and returns (arrays, arguments): float64 arrays, which get gradients, and arrays
of integers or bools, which do not. Hypothesis chooses shapes, layouts, arguments and a seed, so
that a failing example shrinks to a small shape; the elements come from the seed.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

Drawn = tuple[Sequence[Any], dict[str, Any]]


class Row(NamedTuple):
    """What an op is called in PyTorch.

    name      a public function of pydp
    draw      Draw -> (arrays, arguments)
    ours      in pydp
    theirs    in PyTorch
    behind    the registered ops behind it that have no name of their own: its gradients and parts;
              the test sees to it that they are reached
    once      there is no second derivative to compare with
    """

    name: str
    draw: Callable[["Draw"], Drawn]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    behind: str = ""
    once: bool = False

    def __str__(self) -> str:
        return self.name


LAYOUTS = ["plain", "transposed", "sliced", "reversed", "broadcast"]


class Draw:
    """Arguments of one case, from Hypothesis' choices."""

    def __init__(self, data: st.DataObject) -> None:
        self._draw = data.draw
        self.rng = np.random.default_rng(self.integer(0, 2**32 - 1))

    # ---- arguments -----------------------------------------------------------------------------

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def flag(self) -> bool:
        return self._draw(st.booleans())

    def choice(self, *values: Any) -> Any:
        return self._draw(st.sampled_from(values))

    def axis(self, ndim: int) -> int:
        """One axis, counted from either end."""
        return self.integer(-ndim, ndim - 1)

    def order(self, ndim: int) -> tuple[int, ...]:
        """All axes in any order."""
        return tuple(self._draw(st.permutations(range(ndim))))

    def axes(self, ndim: int) -> Any:
        """None, an axis, or several."""
        if ndim == 0 or self.flag():
            return None
        return self.choice(self.axis(ndim), self.order(ndim)[: self.integer(1, ndim)])

    # ---- shapes --------------------------------------------------------------------------------

    def shape(self, low: int = 0, high: int = 4, least: int = 0, most: int = 5) -> tuple[int, ...]:
        """low … high axes of least … most elements; 0 and 1 are frequent."""
        size = st.integers(least, most) | st.integers(max(1, least), 2)
        return tuple(self._draw(st.lists(size, min_size=low, max_size=high)))

    def broadcast(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to this one: axes gone in front, or of size 1."""
        kept = shape[self.integer(0, len(shape)) :]
        return tuple([1 if self.flag() else n for n in kept])

    # ---- arrays --------------------------------------------------------------------------------

    def real(
        self, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0, ties: bool = True
    ) -> np.ndarray:
        """float64 in any layout. `ties`: equal elements may occur, in views of a single one."""
        return self.laid(np.asarray(self.rng.uniform(low, high, shape)), ties)

    def whole(self, shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
        """Small whole numbers as float64: with zeros, ties and kinks."""
        return self.laid(self.rng.integers(low, high + 1, shape).astype(np.float64))

    def indices(self, shape: tuple[int, ...], below: int, low: int = 0) -> np.ndarray:
        return np.asarray(self.rng.integers(low, below, shape))

    def mask(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(self.rng.random(shape) < 0.6)

    def laid(self, a: np.ndarray, ties: bool = True) -> np.ndarray:
        """The array in other memory; "broadcast" makes it constant along an axis too."""
        layout = self._draw(st.sampled_from(LAYOUTS if ties else LAYOUTS[:-1]))
        if a.ndim == 0 or layout == "plain":
            return a
        axis = self.integer(0, a.ndim - 1)
        if layout == "transposed":
            order = self.order(a.ndim)
            return a.transpose(order).copy().transpose(np.argsort(order))
        if layout == "reversed":
            return np.flip(np.flip(a, axis).copy(), axis)
        if layout == "sliced":
            wide = np.full([2 * n + 1 for n in a.shape], np.nan)
            window = tuple([slice(1, None, 2)] * a.ndim)
            wide[window] = a
            return wide[window]
        return np.broadcast_to(np.take(a, range(min(1, a.shape[axis])), axis), a.shape)


# ---- what many rows draw -------------------------------------------------------------------------


def one(low: float = -2.0, high: float = 2.0) -> Callable[[Draw], Drawn]:
    """An array of any shape."""
    return lambda d: ([d.real(d.shape(), low, high)], {})


def kinked(d: Draw) -> Drawn:
    """An array of any shape, in half of the cases with whole numbers, zeros among them."""
    shape = d.shape()
    return [d.whole(shape, -2, 2) if d.flag() else d.real(shape)], {}


def two(low: float = -2.0, high: float = 2.0) -> Callable[[Draw], Drawn]:
    """Two arrays that broadcast."""

    def draw(d: Draw) -> Drawn:
        shape = d.shape()
        pair = [d.real(shape, low, high), d.real(d.broadcast(shape), low, high)]
        return pair if d.flag() else pair[::-1], {}

    return draw


def tied(d: Draw) -> Drawn:
    """Two arrays that broadcast, in half of the cases of whole numbers, with zeros and ties."""
    if d.flag():
        return two()(d)
    shape = d.shape()
    return [d.whole(shape, -2, 2), d.whole(d.broadcast(shape), -2, 2)], {}


def reduced(low: float = -2.0, high: float = 2.0, least: int = 0) -> Callable[[Draw], Drawn]:
    """An array, the axes to reduce, and whether they stay."""

    def draw(d: Draw) -> Drawn:
        x = d.real(d.shape(least=least), low, high)
        return [x], {"axis": d.axes(x.ndim), "keepdims": d.flag()}

    return draw


def along(least: int = 0, ties: bool = True, zeros: bool = False) -> Callable[[Draw], Drawn]:
    """An array, in half of the cases of whole numbers where `zeros` are asked, and one axis."""

    def draw(d: Draw) -> Drawn:
        shape = d.shape(low=1, least=least)
        x = d.whole(shape, -1, 2) if zeros and d.flag() else d.real(shape, ties=ties)
        return [x], {"axis": d.axis(x.ndim)}

    return draw
