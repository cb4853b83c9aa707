"""Random numbers: counter-based, so weights, masks and shuffles are the same on every instruction
set and for every number of threads.

    Generator ── state [seed, stream] ── draw ──> key [seed, stream], and stream + 1
    key, element ── Philox4x32-10 ──> number                       csrc/core/philox.h

Invariant: the draw is the only thing that changes a generator, and it is a kernel call; numbers are
functions of a key. So a step that is recorded begins with its draws, and has fresh numbers when it
is replayed.

Generator's methods give arrays; the functions of the same names give tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import integer, number, sizes_argument, whole
from pydp._arrays import FLOAT32, INT64, Array, checked_dtype
from pydp._context import is_recomputing

UINT64 = np.dtype(np.uint64)


class Generator:
    """A source of random numbers, known by its seed (0 … 2**64 - 1) and by how often it was drawn.

    >>> import pydp
    >>> a, b = pydp.Generator(7), pydp.Generator(7)
    >>> bool((a.normal((2, 3)) == b.normal((2, 3))).all())
    True
    """

    def __init__(self, seed: int) -> None:
        self._state = np.zeros(2, UINT64)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Begin anew from this seed."""
        value = whole(seed)
        if value is None:
            raise TypeError(f"Generator: seed must be an int, got {seed!r}")
        if not 0 <= value < 1 << 64:
            raise ValueError(f"Generator: seed must be at least 0 and below 2**64, got {value}")
        self._state[:] = value, 0

    def get_state(self) -> Array:
        """[seed, stream] as a uint64 array, to go on from later."""
        return self._state.copy()

    def set_state(self, state: Array) -> None:
        """Go on from what get_state gave."""
        if getattr(state, "dtype", None) != UINT64 or np.shape(state) != (2,):
            raise ValueError(
                f"Generator: state must be a uint64 array of 2 elements, got {state!r}"
            )
        self._state[:] = state

    def key(self) -> Array:
        """The key of the next draw; in a function that is run again, the key it drew before."""
        source = _source.get()
        return self._draw() if source is None else source(self._draw)

    def _draw(self) -> Array:
        key: Array = _kernels.empty((2,), UINT64)
        _kernels.random_draw(self._state, key)
        return key

    def give_back(self, key: Array) -> None:
        """Undo the draw of this key, for an op that failed; unless there was another one since, or
        it was dealt and not drawn."""
        if not is_recomputing() and (self._state == [key[0], key[1] + UINT64.type(1)]).all():
            self._state[1] = key[1]

    def uniform(self, shape: Any, dtype: Any = FLOAT32, op: str = "uniform") -> Array:
        """Numbers in [0, 1), each multiple of 2^-24 (float32) or 2^-53 (float64) alike; `op` is
        who asks for them, for errors."""
        y = _empty(shape, dtype, op)
        self.fill_uniform(y)
        return y

    def normal(self, shape: Any, dtype: Any = FLOAT32, op: str = "normal") -> Array:
        """Normal numbers of mean 0 and deviation 1; `op` as in `uniform`."""
        y = _empty(shape, dtype, op)
        self.fill_normal(y)
        return y

    def fill_uniform(self, y: Array) -> None:
        """Write what `uniform` gives into y, a writable float array in C order."""
        _kernels.random_uniform(self.key(), y)

    def fill_normal(self, y: Array) -> None:
        """Write what `normal` gives into y, a writable float array in C order."""
        _kernels.random_normal(self.key(), y)

    def exponential(self, shape: Any, dtype: Any = FLOAT32) -> Array:
        """Exponential numbers of mean 1."""
        y = _empty(shape, dtype, "exponential")
        _kernels.random_exponential(self.key(), y)
        return y

    def integers(self, low: int, high: int, shape: Any) -> Array:
        """int64 numbers in low … high - 1."""
        low, high = (_int64(n, name) for n, name in ((low, "low"), (high, "high")))
        if low >= high:
            raise ValueError(f"randint: low must be below high, got {low} and {high}")
        if high - low > 1 << 63:
            raise ValueError(f"randint: high - low must be at most 2**63, got {high - low}")
        y: Array = _kernels.empty(sizes_argument(shape, "randint"), INT64)
        _kernels.random_integers(self.key(), y, low, high - low)
        return y

    def permutation(self, n: int) -> Array:
        """0 … n - 1 in random order, int64."""
        y: Array = _kernels.empty((integer(n, "permutation", "n", 0),), INT64)
        _kernels.random_permutation(self.key(), y)
        return y


# Where keys come from instead of a draw, in this thread or task.
_source: ContextVar[Callable[[Callable[[], Array]], Array] | None] = ContextVar(
    "source", default=None
)


@contextmanager
def remembering(keys: list[Array]) -> Iterator[None]:
    """Put every key that is drawn in this block at the end of the list."""
    outer = _source.get()

    def source(draw: Callable[[], Array]) -> Array:
        keys.append(draw() if outer is None else outer(draw))
        return keys[-1]

    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


@contextmanager
def dealing(keys: list[Array]) -> Iterator[None]:
    """Give these keys again in place of draws: the same arrays, so that a recorded step which is
    replayed with other numbers deals the other numbers too. No generator changes."""
    left = iter(keys)

    def source(draw: Callable[[], Array]) -> Array:
        for key in left:
            return key
        raise RuntimeError("the function draws more random numbers than in its first run")

    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def _int64(value: Any, argument: str) -> int:
    found = whole(value)
    if found is None:
        raise TypeError(f"randint: {argument} must be an int, got {value!r}")
    if not -(1 << 63) <= found < 1 << 63:
        raise ValueError(f"randint: {argument} must fit into int64, got {found}")
    return found


def _empty(shape: Any, dtype: Any, op: str) -> Array:
    found = checked_dtype(FLOAT32 if dtype is None else dtype, op)
    if found.kind != "f":
        raise TypeError(f"{op}: dtype must be float32 or float64, got {found}")
    return _kernels.empty(sizes_argument(shape, op), found)


# ---- the default generator, and functions that give tensors --------------------------------------

default_generator = Generator(0)


def manual_seed(seed: int) -> Generator:
    """Begin the default generator anew from this seed; without a call it began from 0.

    >>> import pydp
    >>> _ = pydp.manual_seed(1)
    """
    default_generator.seed(seed)
    return default_generator


def chosen(generator: Generator | None, op: str) -> Generator:
    """The generator given, or the default one."""
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"{op}: generator must be a pydp.Generator, got {type(generator).__name__}")
    return generator


def _shape(shape: tuple[Any, ...]) -> Any:
    """rand(2, 3) and rand((2, 3)) mean the same."""
    return shape[0] if len(shape) == 1 else shape


def rand(*shape: Any, dtype: Any = None, generator: Generator | None = None) -> Any:
    """Numbers in [0, 1), float32 unless said otherwise.

    >>> import pydp
    >>> pydp.rand(2, 3, generator=pydp.Generator(1)).shape
    (2, 3)
    """
    return _graph.wrap(chosen(generator, "rand").uniform(_shape(shape), dtype, "rand"))


def randn(*shape: Any, dtype: Any = None, generator: Generator | None = None) -> Any:
    """Normal numbers of mean 0 and deviation 1, float32 unless said otherwise.

    >>> import pydp
    >>> pydp.randn(2, 3, dtype="float64").dtype
    dtype('float64')
    """
    return _graph.wrap(chosen(generator, "randn").normal(_shape(shape), dtype, "randn"))


def randint(low: int, high: int, shape: Any, generator: Generator | None = None) -> Any:
    """int64 numbers in low … high - 1.

    >>> import pydp
    >>> bool((pydp.randint(3, 5, (10,)).numpy() >= 3).all())
    True
    """
    return _graph.wrap(chosen(generator, "randint").integers(low, high, shape))


def probability(p: Any, op: str) -> float:
    """A number in 0 … 1, or the error that it is not one."""
    found = number(p, op, "p")
    if not 0 <= found <= 1:  # true for NaN too
        raise ValueError(f"{op}: p must be between 0 and 1, got {found}")
    return found
