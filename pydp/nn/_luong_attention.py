"""LuongAttention: a comparison by a product.

dot       y · x_i                  y and x_i have one size
general   y · W x_i
concat    v · tanh(W [y; x_i])
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp.nn._arguments import one_of, vectors
from pydp.nn._bahdanau_attention import BahdanauAttention, combined, without_padding
from pydp.nn._linear import Linear
from pydp.nn._module import Module

SCORES = ("dot", "general", "concat")


class LuongAttention(Module):
    """Σ_i w_i x_i with w = softmax_i(score(y, x_i)): y takes from xs what fits it.

    Shape: ``(real[..., s, e], real[..., t, d]) -> real[..., t, e]``; one y is ``(real[..., s, e],
    real[..., d]) -> real[..., e]``.

    Arguments
      e      the size of each of xs
      d      the size of y
      score  "dot" (then e = d), "general", or "concat", which is BahdanauAttention without a bias

    A call takes `xs`, `y`, and
      mask  which of xs may be seen, ``bool[..., s]`` (False: padding)
      keys  what `keys(xs)` gives, where it is known already

    Parameters: key, a Linear(e, d) without bias ("general"), or a BahdanauAttention ("concat").

    Luong, Pham and Manning, "Effective approaches to attention-based neural machine translation",
    2015, equation 8.

    >>> import pydp
    >>> attend = pydp.nn.LuongAttention(6, 4, "general")
    >>> attend(pydp.zeros((3, 5, 6)), pydp.zeros((3, 4))).shape
    (3, 6)
    """

    def __init__(self, e: int, d: int, score: str = "general") -> None:
        self.e = integer(e, "LuongAttention", "e", least=1)
        self.d = integer(d, "LuongAttention", "d", least=1)
        self.score = one_of(score, SCORES, "LuongAttention", "score")
        if self.score == "dot" and e != d:
            raise ValueError(
                f"LuongAttention: with score 'dot' e and d must be equal, got {e} and {d}; write "
                "score='general'"
            )
        self.key: Linear | BahdanauAttention | None = None
        if self.score == "general":
            self.key = Linear(e, d, bias=False)
        elif self.score == "concat":
            self.key = BahdanauAttention(e, d)
            self.key.query = Linear(d, d, bias=False)

    @property
    def type(self) -> str:
        xs, y = f"real[..., s, {self.e}]", f"real[..., t, {self.d}]"
        return f"({xs}, {y}, bool[..., s]?) -> real[..., t, {self.e}]"

    def keys(self, xs: Any) -> Any:
        """What y is compared with, which depends on xs alone."""
        if isinstance(self.key, BahdanauAttention):
            return self.key.keys(xs)
        return xs if self.key is None else self.key(xs)

    def forward(self, xs: Any, y: Any, mask: Any = None, keys: Any = None) -> Any:
        if isinstance(self.key, BahdanauAttention):
            return self.key(xs, y, mask, keys)
        xs = vectors(xs, "LuongAttention", "xs", "s, d", self.e)
        y = vectors(y, "LuongAttention", "y", "d", self.d)
        if y.ndim == xs.ndim - 1:  # one y
            return ops.squeeze(self(xs, ops.expand_dims(y, -2), mask, keys), -2)
        xs, here = without_padding(xs, mask, "LuongAttention")
        keys = self.keys(xs) if keys is None else keys
        return combined(ops.matmul(y, ops.matrix_transpose(keys)), xs, here)

    def extra_repr(self) -> str:
        return f"{self.e}, {self.d}, {self.score!r}"
