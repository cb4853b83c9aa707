"""GRU and its cell: recurrent layers with gates and one state."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._recurrent import Cell, Recurrent, Weights


class GRU(Recurrent):
    """Gated recurrent units: layers that choose what of their state to renew.

    Shape: ``real[..., t, input_size] -> real[..., t, hidden_size]`` (twice as wide if
    bidirectional). The formula is that of `pydp.gru`.

    Arguments
      num_layers     layers on top of each other, each fed with y of the one below
      bias           whether there are bias_ih and bias_hh
      dropout        the share of y that drops between two layers while training
      bidirectional  a second set of layers goes through the steps backwards; each layer's y is both
                     side by side

    A call takes `x`, and
      state          h before the first step, [layers · directions, ..., hidden_size]; zeros if
                     not given
      lengths        integers [...]: how many steps each row has; see `pydp.gru`
      return_state   True for (y, state), the state after each row's last step

    Parameters, for each layer l and, where bidirectional, again with `_reverse`
      weight_ih_l<l>  [3 hidden_size, input_size or y of the layer below], uniform within
                      ±1/√hidden_size, as all others; the gates' order is r, z, n
      weight_hh_l<l>  [3 hidden_size, hidden_size]
      bias_ih_l<l>, bias_hh_l<l>  [3 hidden_size]

    It differs from PyTorch's: the batch always comes first (its batch_first=True) and has any
    number of axes; the result is y alone unless `return_state`; padded batches are given by
    `lengths` instead of packed sequences.

    >>> import pydp
    >>> from pydp import nn
    >>> nn.GRU(3, 8, bidirectional=True).signature
    <signature real[..., t, 3] -> real[..., t, 16]>
    """

    gates = 3

    def _run(self, x: Any, weights: Weights, state: Any, lengths: Any, reverse: bool) -> Any:
        return ops.gru(x, *weights, state[0], lengths, reverse)


class GRUCell(Cell):
    """One step of a GRU: the state h after it.

    Shape: ``real[..., input_size] -> real[..., hidden_size]``; a second argument is the state h
    before, zeros if not given. The formula is that of `pydp.gru`.

    Parameters
      weight_ih  [3 hidden_size, input_size], uniform within ±1/√hidden_size, as all others; the
                 gates' order is r, z, n
      weight_hh  [3 hidden_size, hidden_size]
      bias_ih, bias_hh  [3 hidden_size]; None with bias=False

    It differs from PyTorch's in nothing but the missing `device` and `dtype` (see `astype`).

    >>> import pydp
    >>> pydp.nn.GRUCell(3, 8)(pydp.zeros((5, 3))).shape
    (5, 8)
    """

    gates = 3

    @property
    def type(self) -> str:
        return f"real[..., {self.input_size}] -> real[..., {self.hidden_size}]"

    def forward(self, x: Any, state: Any = None) -> Any:
        _, after = ops.gru(*self._step_of(x), state)
        return after
