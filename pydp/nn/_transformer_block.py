"""TransformerBlock: attention among the vectors, then a step of processing on each of them.

    x ──┬── SelfAttention ── + ── LayerNorm ──┬── FeedForward ── + ── LayerNorm ── y
        └────────────────────┘                └──────────────────┘

with norm_first the norms stand in front of the two boxes, inside the paths.
"""

from __future__ import annotations

from typing import Any

from pydp._arguments import integer
from pydp.nn._feed_forward import FeedForward
from pydp.nn._foreign import ForeignKeys
from pydp.nn._module import Module
from pydp.nn._residual import AddNorm
from pydp.nn._self_attention import Past, SelfAttention


class TransformerBlock(Module):
    """AddNorm(FeedForward)(AddNorm(SelfAttention)(x)), FeedForward on each vector.

    Shape: ``real[..., t, d] -> real[..., t, d]``.

    Arguments
      d           the size of a vector, a multiple of num_heads
      num_heads   heads of attention
      hidden      size between FeedForward's two linear maps; 4 d if not given
      activation  between them: "relu", "gelu" (BERT), "gelu_tanh" (GPT-2) …
      dropout     the share of the attention's weights, and of both boxes' results, that drops
                  while training
      causal      whether a vector sees itself and earlier ones only
      norm_first  norms in front of the boxes (GPT-2) instead of behind the sums (BERT)
      eps         of the norms
      rotary      whether attention turns queries and keys by their position

    A call takes `x`, and
      mask  which of x may be seen, ``bool[..., t]`` (False: padding)
      past  a `Past` of earlier steps

    It differs from PyTorch's TransformerEncoderLayer: nothing drops between the linear maps; True
    in a mask means "may be seen" (there: "is left out").

    Vaswani et al., "Attention is all you need", 2017, section 3.1.

    >>> import pydp
    >>> block = pydp.nn.TransformerBlock(8, num_heads=2)
    >>> block(pydp.zeros((3, 5, 8))).shape
    (3, 5, 8)
    """

    foreign_keys = ForeignKeys({  # of PyTorch's TransformerEncoderLayer
        "attention.f.*": "self_attn.*",
        "attention.norm.*": "norm1.*",
        "feed_forward.f.linear1.*": "linear1.*",
        "feed_forward.f.linear2.*": "linear2.*",
        "feed_forward.norm.*": "norm2.*",
    })  # fmt: skip

    def __init__(
        self,
        d: int,
        num_heads: int,
        hidden: int | None = None,
        activation: str | None = "relu",
        dropout: float = 0.0,
        causal: bool = False,
        norm_first: bool = False,
        eps: float = 1e-5,
        rotary: bool = False,
    ) -> None:
        self.d = d = integer(d, "TransformerBlock", "d", least=1)
        hidden = 4 * d if hidden is None else integer(hidden, "TransformerBlock", "hidden", 1)
        attend = SelfAttention(d, num_heads, causal, dropout, rotary=rotary)
        self.attention = AddNorm(attend, d, dropout, eps, norm_first)
        process = FeedForward(d, d, hidden, activation)
        self.feed_forward = AddNorm(process, d, dropout, eps, norm_first)

    @property
    def type(self) -> str:
        x = f"real[..., t, {self.d}]"
        return f"({x}, bool[..., t]?) -> {x}"

    def forward(self, x: Any, mask: Any = None, past: Past | None = None) -> Any:
        return self.feed_forward(self.attention(x, mask, past=past))
