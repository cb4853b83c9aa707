"""RNN and its cell: the simple recurrent layers."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._arguments import one_of
from pydp.nn._recurrent import Cell, Recurrent, Weights

NONLINEARITIES = ("tanh", "relu")


class RNN(Recurrent):
    """Simple recurrent layers: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Shape: ``real[..., t, input_size] -> real[..., t, hidden_size]`` (twice as wide if
    bidirectional). The formula is that of `pydp.rnn`.

    Arguments
      num_layers     layers on top of each other, each fed with y of the one below
      nonlinearity   "tanh" or "relu"
      bias           whether there are bias_ih and bias_hh
      dropout        the share of y that drops between two layers while training
      bidirectional  a second set of layers goes through the steps backwards; each layer's y is both
                     side by side

    A call takes `x`, and
      state          h before the first step, [layers · directions, ..., hidden_size]; zeros if
                     not given
      lengths        integers [...]: how many steps each row has; see `pydp.rnn`
      return_state   True for (y, state), the state after each row's last step

    Parameters, for each layer l and, where bidirectional, again with `_reverse`
      weight_ih_l<l>  [hidden_size, input_size or y of the layer below], uniform within
                      ±1/√hidden_size, as all others
      weight_hh_l<l>  [hidden_size, hidden_size]
      bias_ih_l<l>, bias_hh_l<l>  [hidden_size]

    It differs from PyTorch's: the batch always comes first (its batch_first=True) and has any
    number of axes; the result is y alone unless `return_state`; padded batches are given by
    `lengths` instead of packed sequences.

    `SimpleRNN` is the lecture's name for it.

    >>> import pydp
    >>> from pydp import nn
    >>> nn.RNN(3, 8, nonlinearity="relu").signature
    <signature real[..., t, 3] -> real[..., t, 8]>
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        self.nonlinearity = one_of(nonlinearity, NONLINEARITIES, "RNN", "nonlinearity")
        super().__init__(input_size, hidden_size, num_layers, bias, dropout, bidirectional)

    def _run(self, x: Any, weights: Weights, state: Any, lengths: Any, reverse: bool) -> Any:
        return ops.rnn(x, *weights, state[0], lengths, reverse, self.nonlinearity)

    def extra_repr(self) -> str:
        chosen = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity!r}"
        return super().extra_repr() + chosen


SimpleRNN = RNN  # the lecture's name


class RNNCell(Cell):
    """One step of a simple recurrent network: the state h after it.

    Shape: ``real[..., input_size] -> real[..., hidden_size]``; a second argument is the state h
    before, zeros if not given. The formula is that of `pydp.rnn`.

    Parameters
      weight_ih  [hidden_size, input_size], uniform within ±1/√hidden_size, as all others
      weight_hh  [hidden_size, hidden_size]
      bias_ih, bias_hh  [hidden_size]; None with bias=False

    It differs from PyTorch's in nothing but the missing `device` and `dtype` (see `astype`).

    >>> import pydp
    >>> pydp.nn.RNNCell(3, 8)(pydp.zeros((5, 3))).shape
    (5, 8)
    """

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh"
    ) -> None:
        self.nonlinearity = one_of(nonlinearity, NONLINEARITIES, "RNNCell", "nonlinearity")
        super().__init__(input_size, hidden_size, bias)

    @property
    def type(self) -> str:
        return f"real[..., {self.input_size}] -> real[..., {self.hidden_size}]"

    def forward(self, x: Any, state: Any = None) -> Any:
        _, after = ops.rnn(*self._step_of(x), state, nonlinearity=self.nonlinearity)
        return after

    def extra_repr(self) -> str:
        chosen = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity!r}"
        return super().extra_repr() + chosen
