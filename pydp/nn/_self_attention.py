"""SelfAttention: every vector of a sequence takes from all of them, out_i = Attention(xs, y=x_i).

    xs [t, d] ── W_in ── q, k, v of all heads side by side ── attention ── W_o ── [t, d]

One product makes q, k and v; attention reads the heads where that product wrote them. With a `past`
there are the keys and values of earlier steps in front: then t new steps cost t, not the square of
all.
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._arguments import flag, vectors
from pydp.nn._attention import Attention
from pydp.nn._positions import RotaryPositions
from pydp.ops._heads import split_heads
from pydp.ops._packed_attention import packed_attention


class Past:
    """Keys and values of the steps so far. A call of SelfAttention puts those of its steps behind.

    Shape: ``real[..., heads, s, n]`` both, with n = d / heads.

    >>> import pydp
    >>> from pydp import nn
    >>> past = nn.Past(pydp.zeros((2, 0, 4)), pydp.zeros((2, 0, 4)))
    >>> attend = nn.SelfAttention(8, num_heads=2, causal=True)
    >>> _ = attend(pydp.ones((3, 8)), past=past)
    >>> len(past)
    3
    """

    def __init__(self, k: Any, v: Any) -> None:
        self.k, self.v = k, v

    def __len__(self) -> int:
        return int(self.k.shape[-2])

    def extend(self, k: Any, v: Any) -> tuple[Any, Any]:
        """All keys and values, with these at the end."""
        self.k, self.v = ops.concat([self.k, k], axis=-2), ops.concat([self.v, v], axis=-2)
        return self.k, self.v


class SelfAttention(Attention):
    """Attention of a sequence to itself: each vector is the y once, out_i = Attention(xs, x_i).

    Shape: ``real[..., t, d] -> real[..., t, d]``.

    Arguments
      d, num_heads, dropout, bias  as `Attention`
      causal  whether a vector sees itself and earlier ones only
      rotary  whether queries and keys are turned by their position (`RotaryPositions`)

    A call takes `x`, and
      mask   which of x may be seen, ``bool[..., t]`` (False: padding)
      pairs  which may see which, ``bool[..., t, t]``, or what is added to their score, real
      past   a `Past` of earlier steps, in front of which there is nothing

    Parameters: those of Attention, and of PyTorch's MultiheadAttention.

    >>> import pydp
    >>> attend = pydp.nn.SelfAttention(8, num_heads=2)
    >>> attend.signature
    <signature (real[..., t, 8], bool[..., t]?, any[..., t, t]?) -> real[..., t, 8]>
    """

    def __init__(
        self,
        d: int,
        num_heads: int = 1,
        causal: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        rotary: bool = False,
    ) -> None:
        super().__init__(d, num_heads, dropout, bias)
        self.causal = flag(causal, "SelfAttention", "causal")
        turns = flag(rotary, "SelfAttention", "rotary")
        self.rotary = RotaryPositions(self.d // self.num_heads) if turns else None

    @property
    def type(self) -> str:
        x = f"real[..., t, {self.d}]"
        return f"({x}, bool[..., t]?, any[..., t, t]?) -> {x}"

    def forward(  # type: ignore[override]  # xs and y are one
        self, x: Any, mask: Any = None, pairs: Any = None, past: Past | None = None
    ) -> Any:
        x = vectors(x, "SelfAttention", "x", "t, d", self.d)
        seen = self._seen(mask, pairs, x, x)
        packed = ops.linear(x, self.in_proj_weight, self.in_proj_bias)
        if past is None and self.rotary is None:
            p = self.dropout if self.training else 0.0
            return self.out_proj(packed_attention(packed, self.num_heads, seen, self.causal, p))
        q, k, v = split_heads(packed, 3, self.num_heads)
        if self.rotary is not None:
            start = 0 if past is None else len(past)
            q, k = self.rotary(q, start), self.rotary(k, start)
        if past is not None:
            k, v = past.extend(k, v)
        return self._attend(q, k, v, seen, self.causal)

    def extra_repr(self) -> str:
        out = super().extra_repr() + (", causal=True" if self.causal else "")
        return out if self.rotary is None else f"{out}, rotary=True"
