"""Decoders: SequenceModels that look at another sequence, the memory, at each step.

memory [s, e] ──────────┬──────────────┬─────────── … what an encoder has made of the source
                        │              │
            x₁ ── step ── y₁   x₂ ── step ── y₂      start(memory) is the state before the first

BahdanauDecoder   h_i = GRU([x_i; attention(memory, h_{i-1})], h_{i-1})            y_i = h_i
LuongDecoder      h_i = LSTM([x_i; y_{i-1}], h_{i-1})
                  y_i = tanh(W [attention(memory, h_i); h_i])
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp._creation import zeros
from pydp.nn._arguments import vectors
from pydp.nn._bahdanau_attention import BahdanauAttention
from pydp.nn._collapse import Collapse
from pydp.nn._combinators import Sequential
from pydp.nn._feed_forward import FeedForward
from pydp.nn._gru import GRUCell
from pydp.nn._lstm import LSTMCell
from pydp.nn._luong_attention import LuongAttention
from pydp.nn._sequence_model import SequenceModel, State


class Decoder(SequenceModel):
    """The base of decoders: a causal SequenceModel beside a memory.

    Shape: ``(real[..., t, d], real[..., s, e], bool[..., s]?) -> real[..., t, h]``.

    A decoder of your own defines `start(memory, mask)`, the state before the first step, and
    `step(x, state)`, or `read`, as a SequenceModel. The batch is the first axis of every part of
    the state, or it defines `reorder`.

    >>> import pydp
    >>> from pydp import nn
    >>> class Mean(nn.Decoder):
    ...     d, e, hidden = 3, 4, 4
    ...     def start(self, memory, mask=None):
    ...         return pydp.mean(memory, axis=-2)
    ...     def step(self, x, mean):
    ...         return mean, mean
    >>> Mean()(pydp.ones((2, 5, 3)), pydp.ones((2, 6, 4))).shape
    (2, 5, 4)
    """

    d: int  # the sizes of x, of the memory's vectors, and of y
    e: int
    hidden: int

    @property
    def type(self) -> str:
        x, memory = f"real[..., t, {self.d}]", f"real[..., s, {self.e}]"
        return f"({x}, {memory}, bool[..., s]?) -> real[..., t, {self.hidden}]"

    def start(self, memory: Any, mask: Any = None) -> State:
        """The state before the first step; mask tells which of the memory may be seen."""
        raise NotImplementedError(f"{type(self).__name__} has no start")

    def forward(self, x: Any, memory: Any, mask: Any = None) -> Any:  # type: ignore[override]
        name = type(self).__name__
        x = vectors(x, name, "x", "t, d", self.d)
        memory = vectors(memory, name, "memory", "s, d", self.e)
        return self.read(x, self.start(memory, mask))[0]


class BahdanauDecoder(Decoder):
    """A GRU that looks at the memory before each step: h_i = GRU([x_i; c_i], h_{i-1}) with
    c_i = BahdanauAttention(memory, h_{i-1}); y_i = h_i.

    Shape: ``(real[..., t, d], real[..., s, e], bool[..., s]?) -> real[..., t, hidden]``.

    Arguments: d, the size of x; hidden, that of h; e, that of each vector of the memory. The first
    h is tanh(W memory_1 + b), where a bidirectional encoder has read all from the right.

    Parameters: those of begin (FeedForward), attention (BahdanauAttention) and cell (GRUCell).

    It differs from the paper's: what it makes of y, the last context and token (a maxout layer) is
    left to the boxes behind.

    Bahdanau, Cho and Bengio, 2015, section A.2.2.

    >>> import pydp
    >>> decode = pydp.nn.BahdanauDecoder(4, 8, 6)
    >>> decode(pydp.zeros((3, 7, 4)), pydp.zeros((3, 5, 6))).shape
    (3, 7, 8)
    """

    def __init__(self, d: int, hidden: int, e: int) -> None:
        self.d = integer(d, "BahdanauDecoder", "d", least=1)
        self.hidden = integer(hidden, "BahdanauDecoder", "hidden", least=1)
        self.e = integer(e, "BahdanauDecoder", "e", least=1)
        self.begin = Sequential(Collapse("first", e), FeedForward(e, hidden, activation="tanh"))
        self.attention = BahdanauAttention(e, hidden)
        self.cell = GRUCell(d + e, hidden)

    def start(self, memory: Any, mask: Any = None) -> State:
        """The memory, its keys, the mask, and h."""
        return memory, self.attention.keys(memory), mask, self.begin(memory)

    def step(self, x: Any, state: State) -> tuple[Any, State]:
        """h after one more x."""
        memory, keys, mask, h = state
        context = self.attention(memory, h, mask, keys)
        h = self.cell(ops.concat([x, context], axis=-1), h)
        return h, (memory, keys, mask, h)


class LuongDecoder(Decoder):
    """An LSTM that looks at the memory after each step: y_i = tanh(W [c_i; h_i]) with
    c_i = LuongAttention(memory, h_i) and h_i = LSTM([x_i; y_{i-1}], h_{i-1}) (input feeding).

    Shape: ``(real[..., t, d], real[..., s, e], bool[..., s]?) -> real[..., t, hidden]``.

    Arguments
      d       the size of x
      hidden  the size of h and y
      e       the size of each vector of the memory
      score   of LuongAttention: "general", "dot" or "concat"

    The first h is tanh(W memory_s + b) of the last that may be seen, where an encoder from left to
    right has read all; the first c and y are 0.

    Parameters: those of begin (FeedForward), attention (LuongAttention), cell (LSTMCell) and join
    (FeedForward).

    Luong, Pham and Manning, 2015, equation 5 and section 3.3.

    >>> import pydp
    >>> decode = pydp.nn.LuongDecoder(4, 8, 6)
    >>> decode(pydp.zeros((3, 7, 4)), pydp.zeros((3, 5, 6))).shape
    (3, 7, 8)
    """

    def __init__(self, d: int, hidden: int, e: int, score: str = "general") -> None:
        self.d = integer(d, "LuongDecoder", "d", least=1)
        self.hidden = integer(hidden, "LuongDecoder", "hidden", least=1)
        self.e = integer(e, "LuongDecoder", "e", least=1)
        self.last = Collapse("last", e)
        self.begin = FeedForward(e, hidden, activation="tanh")
        self.attention = LuongAttention(e, hidden, score)
        self.cell = LSTMCell(d + hidden, hidden)
        self.join = FeedForward(e + hidden, hidden, activation="tanh")

    def start(self, memory: Any, mask: Any = None) -> State:
        """The memory, its keys, the mask, (h, c) and y."""
        h = self.begin(self.last(memory, mask))
        nothing = zeros(h.shape, dtype=h.dtype)
        return memory, self.attention.keys(memory), mask, (h, nothing), nothing

    def step(self, x: Any, state: State) -> tuple[Any, State]:
        """y after one more x."""
        memory, keys, mask, before, y = state
        h, c = self.cell(ops.concat([x, y], axis=-1), before)
        context = self.attention(memory, h, mask, keys)
        y = self.join(ops.concat([context, h], axis=-1))
        return y, (memory, keys, mask, (h, c), y)
