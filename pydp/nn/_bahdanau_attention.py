"""BahdanauAttention: the first attention, whose comparison is a small network of its own.

y ─────── W ──┐
              + ── tanh ── v ── softmax over i ── weights ── Σ_i w_i x_i
x_i ───── U ──┘
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp.nn._arguments import checked_mask, vectors
from pydp.nn._linear import Linear
from pydp.nn._module import Module

LOWEST = -1e30  # of a score: its exponential is 0, and softmax of nothing else is no NaN


class BahdanauAttention(Module):
    """Σ_i w_i x_i with w = softmax_i(vᵀ tanh(W y + U x_i)): y takes from xs what fits it.

    Shape: ``(real[..., s, e], real[..., t, d]) -> real[..., t, e]``; one y is ``(real[..., s, e],
    real[..., d]) -> real[..., e]``.

    Arguments
      e       the size of each of xs
      d       the size of y
      hidden  the size in which they are compared; d if not given

    A call takes `xs`, `y`, and
      mask  which of xs may be seen, ``bool[..., s]`` (False: padding)
      keys  what `keys(xs)` gives, where it is known already

    Parameters: query, a Linear(d, hidden) with bias (W); key, a Linear(e, hidden) (U); score, a
    Linear(hidden, 1) (v).

    Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and
    translate", 2015, section A.1.2.

    >>> import pydp
    >>> attend = pydp.nn.BahdanauAttention(6, 4)
    >>> attend(pydp.zeros((3, 5, 6)), pydp.zeros((3, 4))).shape
    (3, 6)
    """

    def __init__(self, e: int, d: int, hidden: int | None = None) -> None:
        self.e = integer(e, "BahdanauAttention", "e", least=1)
        self.d = integer(d, "BahdanauAttention", "d", least=1)
        hidden = d if hidden is None else integer(hidden, "BahdanauAttention", "hidden", least=1)
        self.query = Linear(d, hidden)
        self.key = Linear(e, hidden, bias=False)
        self.score = Linear(hidden, 1, bias=False)

    @property
    def type(self) -> str:
        xs, y = f"real[..., s, {self.e}]", f"real[..., t, {self.d}]"
        return f"({xs}, {y}, bool[..., s]?) -> real[..., t, {self.e}]"

    def keys(self, xs: Any) -> Any:
        """What y is compared with, which depends on xs alone: U xs."""
        return self.key(xs)

    def forward(self, xs: Any, y: Any, mask: Any = None, keys: Any = None) -> Any:
        xs = vectors(xs, "BahdanauAttention", "xs", "s, d", self.e)
        y = vectors(y, "BahdanauAttention", "y", "d", self.d)
        if y.ndim == xs.ndim - 1:  # one y
            return ops.squeeze(self(xs, ops.expand_dims(y, -2), mask, keys), -2)
        xs, here = without_padding(xs, mask, "BahdanauAttention")
        keys = self.keys(xs) if keys is None else keys
        both = ops.expand_dims(self.query(y), -2) + ops.expand_dims(keys, -3)  # [..., t, s, hidden]
        return combined(ops.squeeze(self.score(ops.tanh(both)), -1), xs, here)


def without_padding(xs: Any, mask: Any, name: str) -> tuple[Any, Any]:
    """xs with 0 for padding, whatever stands there, and the mask as scores have their axes."""
    if mask is None:
        return xs, None
    mask = checked_mask(mask, name, "mask", xs.shape[:-1])
    return ops.where(ops.expand_dims(mask, -1), xs, 0.0), ops.expand_dims(mask, -2)


def combined(scores: Any, xs: Any, here: Any) -> Any:
    """Σ_i softmax(scores)_i x_i over those that may be seen: ``[..., t, s]`` to ``[..., t, e]``.
    Where nothing may be seen it is 0."""
    if here is None:
        return ops.matmul(ops.softmax(scores), xs)
    weights = ops.softmax(ops.where(here, scores, LOWEST))
    return ops.matmul(ops.where(here, weights, 0.0), xs)
