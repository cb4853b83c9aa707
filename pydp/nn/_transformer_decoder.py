"""TransformerDecoder: blocks that attend to themselves, then to a memory.

x ── SelfAttention, causal ── CrossAttention ── FeedForward ── y        each inside an AddNorm
                                   │
memory ────────────────────────────┘
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp._creation import zeros
from pydp.nn._arguments import checked_mask, number_within, vectors
from pydp.nn._attention import Attention
from pydp.nn._decoder import Decoder
from pydp.nn._feed_forward import FeedForward
from pydp.nn._foreign import ForeignKeys
from pydp.nn._layer_norm import LayerNorm
from pydp.nn._module import Module
from pydp.nn._positions import positions_of
from pydp.nn._residual import AddNorm
from pydp.nn._self_attention import Past, SelfAttention
from pydp.nn._sequence_model import State


class CrossAttention(Attention):
    """Attention as AddNorm wants it, y in front: CrossAttention(y, memory) = Attention(memory, y).

    Shape: ``(real[..., t, d], real[..., s, d]?, bool[..., s]?) -> real[..., t, d]``. Without a
    memory it is y itself. In place of the memory there may be what `keys(memory)` gives. Arguments
    and parameters as `Attention`.

    >>> import pydp
    >>> attend = pydp.nn.CrossAttention(8, num_heads=2)
    >>> attend(pydp.zeros((5, 8)), pydp.zeros((3, 8))).shape
    (5, 8)
    """

    @property
    def type(self) -> str:
        y = f"real[..., t, {self.d}]"
        return f"({y}, real[..., s, {self.d}]?, bool[..., s]?) -> {y}"

    def forward(  # type: ignore[override]  # y in front
        self, y: Any, memory: Any = None, mask: Any = None
    ) -> Any:
        y = vectors(y, "CrossAttention", "y", "t, d", self.d)
        if not isinstance(memory, tuple):
            memory = y if memory is None else memory
            memory = self.keys(vectors(memory, "CrossAttention", "memory", "s, d", self.d))
        k, v = memory
        if mask is not None:
            mask = checked_mask(mask, "CrossAttention", "mask", (*k.shape[:-3], k.shape[-2]))
            mask = ops.expand_dims(mask, (-3, -2))
        return self._attend(self._query(y), k, v, mask)


class TransformerDecoderBlock(Module):
    """AddNorm(FeedForward)(AddNorm(CrossAttention)(AddNorm(SelfAttention)(x), memory)): a
    TransformerBlock that looks at a memory in between.

    Shape: ``(real[..., t, d], real[..., s, d]?, bool[..., s]?) -> real[..., t, d]``.

    Arguments are those of `TransformerBlock`, but that it is always causal. A call takes `x`, and
      memory  ``real[..., s, d]``, or what ``cross.f.keys(memory)`` gives
      mask    which of the memory may be seen, ``bool[..., s]``
      past    a `Past` of earlier steps

    Vaswani et al., "Attention is all you need", 2017, section 3.1.

    >>> import pydp
    >>> block = pydp.nn.TransformerDecoderBlock(8, num_heads=2)
    >>> block(pydp.zeros((5, 8)), pydp.zeros((3, 8))).shape
    (5, 8)
    """

    foreign_keys = ForeignKeys({  # of PyTorch's TransformerDecoderLayer
        "attention.f.*": "self_attn.*",
        "attention.norm.*": "norm1.*",
        "cross.f.*": "multihead_attn.*",
        "cross.norm.*": "norm2.*",
        "feed_forward.f.linear1.*": "linear1.*",
        "feed_forward.f.linear2.*": "linear2.*",
        "feed_forward.norm.*": "norm3.*",
    })  # fmt: skip

    def __init__(
        self,
        d: int,
        num_heads: int,
        hidden: int | None = None,
        activation: str | None = "relu",
        dropout: float = 0.0,
        norm_first: bool = False,
        eps: float = 1e-5,
        rotary: bool = False,
    ) -> None:
        self.d = d = integer(d, "TransformerDecoderBlock", "d", least=1)
        hidden = 4 * d if hidden is None else hidden
        attend = SelfAttention(d, num_heads, True, dropout, rotary=rotary)
        self.attention = AddNorm(attend, d, dropout, eps, norm_first)
        self.cross = AddNorm(CrossAttention(d, num_heads, dropout), d, dropout, eps, norm_first)
        process = FeedForward(d, d, hidden, activation)
        self.feed_forward = AddNorm(process, d, dropout, eps, norm_first)

    @property
    def type(self) -> str:
        x = f"real[..., t, {self.d}]"
        return f"({x}, real[..., s, {self.d}]?, bool[..., s]?) -> {x}"

    def forward(
        self, x: Any, memory: Any = None, mask: Any = None, past: Past | None = None
    ) -> Any:
        x = self.attention(x, past=past)
        return self.feed_forward(self.cross(x, memory, mask))


class TransformerDecoder(Decoder):
    """TransformerDecoderBlock^n(x + positions, memory).

    Shape: ``(real[..., t, d], real[..., s, d], bool[..., s]?) -> real[..., t, d]``.

    Arguments as `Transformer`, but that it is always causal. With norm_first one more norm stands
    at the end. As a SequenceModel its state is the keys and values of the memory and of the steps
    before, so a step costs one token.

    PyTorch's TransformerDecoder has no positions, and in its masks True means "is left out".

    Vaswani et al., "Attention is all you need", 2017.

    >>> import pydp
    >>> decode = pydp.nn.TransformerDecoder(8, num_heads=2, num_layers=3)
    >>> decode(pydp.zeros((5, 8)), pydp.zeros((3, 8))).shape
    (5, 8)
    """

    # of PyTorch's TransformerDecoder
    foreign_keys = TransformerDecoderBlock.foreign_keys.within(
        "blocks.{i}", "layers.{i}"
    ) | ForeignKeys({"norm.*": "norm.*", "positions.*": None})

    def __init__(
        self,
        d: int,
        num_heads: int,
        num_layers: int,
        hidden: int | None = None,
        activation: str | None = "relu",
        dropout: float = 0.0,
        norm_first: bool = False,
        eps: float = 1e-5,
        positions: str | None = "sinusoidal",
        max_length: int = 512,
    ) -> None:
        self.d = self.e = self.hidden = integer(d, "TransformerDecoder", "d", least=1)
        layers = integer(num_layers, "TransformerDecoder", "num_layers", least=1)
        self.dropout = number_within(dropout, "TransformerDecoder", "dropout", 0.0, 1.0)
        self.positions = positions_of(positions, d, max_length, "TransformerDecoder")
        turns = positions == "rotary"
        block = TransformerDecoderBlock(
            d, num_heads, hidden, activation, dropout, norm_first, eps, turns
        )
        self.blocks = block**layers
        self.norm = LayerNorm(d, eps) if norm_first else None

    def start(self, memory: Any, mask: Any = None) -> State:
        """The mask, and for each block the memory's keys and values and those of no steps."""
        parts = []
        for block in self.blocks:
            k, v = block.cross.f.keys(memory)
            none = zeros((*k.shape[:-2], 0, k.shape[-1]), dtype=k.dtype)
            parts.append(((k, v), (none, none)))
        return mask, tuple(parts)

    def read(self, x: Any, state: State) -> tuple[Any, State]:
        """y of the next steps, and the state with their keys and values behind the others."""
        mask, parts = state
        pasts = [Past(*before) for _, before in parts]
        if self.positions is not None:
            x = ops.dropout(self.positions(x, len(pasts[0])), self.dropout, self.training)
        for block, (memory, _), past in zip(self.blocks, parts, pasts, strict=True):
            x = block(x, memory, mask, past)
        after = [(memory, (p.k, p.v)) for (memory, _), p in zip(parts, pasts, strict=True)]
        return (x if self.norm is None else self.norm(x)), (mask, tuple(after))
