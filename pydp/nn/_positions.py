"""Positions: what tells a model where in the sequence a vector stands.

    LearnedPositions      x_i + P_i                           a table that is learned (BERT, GPT)
    SinusoidalPositions   x_i + (sin, cos)(i / 10000^(2j/d))  waves, for any length (Vaswani et al.)
    RotaryPositions       x_i turned by the angle i θ_j       in the plane of numbers 2j and 2j + 1

Turned queries and keys have products that depend on their distance alone.
"""

from __future__ import annotations

from typing import Any

from pydp import _graph, ops
from pydp._arguments import integer
from pydp._arrays import FLOAT64
from pydp._creation import arange
from pydp.nn import init
from pydp.nn._arguments import new_parameter, one_of, vectors
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter

BASE = 10000.0  # of the slowest wave, in both papers


class LearnedPositions(Module):
    """x + P[start : start + t]: a vector for each position, which is learned.

    Shape: ``real[..., t, d] -> real[..., t, d]``. ValueError where the sequence is longer than the
    table.

    Arguments
      max_length  the number of positions
      d           the size of a vector

    A call takes `x`, and `start`, the position of its first vector.

    Parameters
      weight  [max_length, d], normal with mean 0 and deviation 0.02

    Devlin et al., "BERT", 2019.

    >>> import pydp
    >>> pydp.nn.LearnedPositions(512, 8)(pydp.zeros((2, 5, 8))).shape
    (2, 5, 8)
    """

    weight: Parameter

    def __init__(self, max_length: int, d: int) -> None:
        self.max_length = integer(max_length, "LearnedPositions", "max_length", least=1)
        self.d = integer(d, "LearnedPositions", "d", least=1)
        self.weight = new_parameter(self.max_length, self.d)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.normal_(self.weight, std=0.02)

    @property
    def type(self) -> str:
        return f"real[..., t, {self.d}] -> real[..., t, {self.d}]"

    def forward(self, x: Any, start: int = 0) -> Any:
        x = vectors(x, "LearnedPositions", "x", "t, d", self.d)
        end = start + x.shape[-2]
        if end > self.max_length:
            raise ValueError(
                f"LearnedPositions: there are {self.max_length} positions, and the sequence has "
                f"{end}"
            )
        return x + ops.embedding(arange(start, end), self.weight)

    def extra_repr(self) -> str:
        return f"{self.max_length}, {self.d}"


def waves(start: int, t: int, d: int, dtype: Any) -> tuple[Any, Any]:
    """sin and cos of i / 10000^(2j/d) for the positions i from start and the pairs j:
    ``real[t, d / 2]`` each. In float64, because an angle is a large number far from the start."""
    with _graph.no_grad():
        where = ops.expand_dims(arange(start, start + t, dtype=FLOAT64), -1)
        angle = where * BASE ** (arange(0, d, 2, dtype=FLOAT64) / -d)
        return ops.astype(ops.sin(angle), dtype), ops.astype(ops.cos(angle), dtype)


class SinusoidalPositions(Module):
    """x + P with P[i, 2j] = sin(i / 10000^(2j/d)), P[i, 2j + 1] = cos of the same: waves that are
    the slower, the later the numbers.

    Shape: ``real[..., t, d] -> real[..., t, d]``. A call takes `x`, and `start`, the position of
    its first vector. There are no parameters, and no longest sequence.

    Vaswani et al., "Attention is all you need", 2017, section 3.5.

    >>> import pydp
    >>> pydp.nn.SinusoidalPositions(4)(pydp.ones((1, 4)))
    tensor([[1., 2., 1., 2.]])
    """

    def __init__(self, d: int) -> None:
        self.d = even(d, "SinusoidalPositions")

    @property
    def type(self) -> str:
        return f"real[..., t, {self.d}] -> real[..., t, {self.d}]"

    def forward(self, x: Any, start: int = 0) -> Any:
        x = vectors(x, "SinusoidalPositions", "x", "t, d", self.d)
        both = ops.stack(waves(start, x.shape[-2], self.d, x.dtype), axis=-1)
        return x + ops.reshape(both, (x.shape[-2], self.d))

    def extra_repr(self) -> str:
        return f"{self.d}"


class RotaryPositions(Module):
    """Turns each pair of numbers (x[2j], x[2j + 1]) of the vector at position i by the angle
    i / 10000^(2j/d).

    Shape: ``real[..., t, d] -> real[..., t, d]``. A call takes `x` (queries or keys of a head), and
    `start`, the position of its first vector. The product of a turned query and a turned key
    depends on the distance of their positions, not on where they stand.

    Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021, equation 34.

    >>> import pydp
    >>> x = pydp.nn.RotaryPositions(2)(pydp.tensor([[1.0, 0.0], [1.0, 0.0]]))
    >>> pydp.round(100 * x)
    tensor([[100.,   0.],
            [ 54.,  84.]])
    """

    def __init__(self, d: int) -> None:
        self.d = even(d, "RotaryPositions")

    @property
    def type(self) -> str:
        return f"real[..., t, {self.d}] -> real[..., t, {self.d}]"

    def forward(self, x: Any, start: int = 0) -> Any:
        x = vectors(x, "RotaryPositions", "x", "t, d", self.d)
        sin, cos = waves(start, x.shape[-2], self.d, x.dtype)
        a, b = x[..., 0::2], x[..., 1::2]
        return ops.reshape(ops.stack([a * cos - b * sin, a * sin + b * cos], axis=-1), x.shape)

    def extra_repr(self) -> str:
        return f"{self.d}"


def even(d: int, name: str) -> int:
    """A size that is made of pairs."""
    d = integer(d, name, "d", least=2)
    if d % 2:
        raise ValueError(f"{name}: d must be even, got {d}")
    return d


def positions_of(kind: str | None, d: int, max_length: int, owner: str) -> Module | None:
    """The box that a transformer adds positions with; None where there is none, or where attention
    turns its queries and keys."""
    kind = one_of(kind, ("sinusoidal", "learned", "rotary", None), owner, "positions")
    if kind == "learned":
        return LearnedPositions(max_length, d)
    return SinusoidalPositions(d) if kind == "sinusoidal" else None
