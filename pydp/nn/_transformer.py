"""Transformer: TransformerBlock^n, with positions added in front.

    x ── + positions ── TransformerBlock ── … ── TransformerBlock ── y

As a SequenceModel its state is what attention needs of the past: keys and values of every block.

    step        x_i ── block ── block ── … ── y_i         one vector goes through the blocks, and
                         │        │                       each block's attention puts its key and
    state     (k, v)₁..i-1   (k, v)₁..i-1                 value behind the others
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp._creation import zeros
from pydp.nn._arguments import flag, number_within, vectors
from pydp.nn._foreign import ForeignKeys
from pydp.nn._layer_norm import LayerNorm
from pydp.nn._positions import positions_of
from pydp.nn._self_attention import Past
from pydp.nn._sequence_model import SequenceModel, State, batch_shape
from pydp.nn._transformer_block import TransformerBlock


class Transformer(SequenceModel):
    """TransformerBlock^n(x + positions): each vector is processed with respect to the others.

    Shape: ``real[..., t, d] -> real[..., t, d]``.

    Arguments
      d, num_heads   as `TransformerBlock`, and so are hidden, activation, dropout, norm_first, eps
      num_layers     the number of blocks
      causal         whether a vector sees itself and earlier ones only; then there are `step` and
                     `read`, and their state holds the keys and values of every block
      positions      "sinusoidal" (of the paper), "learned", "rotary" (in attention), or None
      max_length     the number of positions where they are learned

    With norm_first one more norm stands at the end.

    A call takes `x`, and `mask`: which of x may be seen, ``bool[..., t]`` (False: padding).

    PyTorch's TransformerEncoder has no positions. Its layers and TransformerBlock differ as there
    said.

    Vaswani et al., "Attention is all you need", 2017.

    >>> import pydp
    >>> from pydp import nn
    >>> model = nn.Transformer(8, num_heads=2, num_layers=3, causal=True)
    >>> y, state = model.step(pydp.zeros((5, 8)), model.initial_state(5))
    >>> y.shape, len(state), state[0][0].shape
    ((5, 8), 3, (5, 2, 1, 4))
    """

    # of PyTorch's TransformerEncoder
    foreign_keys = TransformerBlock.foreign_keys.within("blocks.{i}", "layers.{i}") | ForeignKeys(
        {"norm.*": "norm.*", "positions.*": None}
    )

    def __init__(
        self,
        d: int,
        num_heads: int,
        num_layers: int,
        hidden: int | None = None,
        activation: str | None = "relu",
        dropout: float = 0.0,
        causal: bool = False,
        norm_first: bool = False,
        eps: float = 1e-5,
        positions: str | None = "sinusoidal",
        max_length: int = 512,
    ) -> None:
        self.d = integer(d, "Transformer", "d", least=1)
        layers = integer(num_layers, "Transformer", "num_layers", least=1)
        self.causal = flag(causal, "Transformer", "causal")
        self.dropout = number_within(dropout, "Transformer", "dropout", 0.0, 1.0)
        self.positions = positions_of(positions, d, max_length, "Transformer")
        turns = positions == "rotary"
        block = TransformerBlock(
            d, num_heads, hidden, activation, dropout, causal, norm_first, eps, turns
        )
        self.blocks = block**layers
        self.norm = LayerNorm(d, eps) if norm_first else None

    @property
    def type(self) -> str:
        x = f"real[..., t, {self.d}]"
        return f"({x}, bool[..., t]?) -> {x}"

    def forward(self, x: Any, mask: Any = None) -> Any:
        return self._through(x, mask, [None] * len(self.blocks))

    def _through(self, x: Any, mask: Any, pasts: Sequence[Past | None]) -> Any:
        """y, where the blocks have read these pasts already."""
        x = vectors(x, "Transformer", "x", "t, d", self.d)
        if self.positions is not None:
            start = 0 if pasts[0] is None else len(pasts[0])
            x = ops.dropout(self.positions(x, start), self.dropout, self.training)
        for block, past in zip(self.blocks, pasts, strict=True):
            x = block(x, mask, past)
        return x if self.norm is None else self.norm(x)

    # ---- as a SequenceModel

    def initial_state(self, batch: int | tuple[int, ...]) -> State:
        """No keys and values: for each block a pair of ``[*batch, heads, 0, d / heads]``."""
        first = self.blocks[0].attention.f
        lead = batch_shape(batch, "Transformer.initial_state")
        shape = (*lead, first.num_heads, 0, self.d // first.num_heads)
        empty = zeros(shape, dtype=first.in_proj_weight.dtype)
        return ((empty, empty),) * len(self.blocks)

    def read(self, x: Any, state: State) -> tuple[Any, State]:
        """y of the next steps, and the state with their keys and values behind the others."""
        if not self.causal:
            raise ValueError(
                "Transformer: it has no step, because every vector sees the later ones; write "
                "Transformer(…, causal=True)"
            )
        pasts = [Past(k, v) for k, v in state]
        y = self._through(x, None, pasts)
        return y, tuple([(past.k, past.v) for past in pasts])
