"""LSTM and its cell: recurrent layers that can keep what they have seen."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._recurrent import Cell, Recurrent, Weights
from pydp.ops._recurrent import pair_of_states


class LSTM(Recurrent):
    """Long short-term memory: layers of cells that can keep what they have seen.

    Shape: ``real[..., t, input_size] -> real[..., t, hidden_size]`` (twice as wide if
    bidirectional). The formula is that of `pydp.lstm`.

    Arguments
      num_layers     layers on top of each other, each fed with y of the one below
      bias           whether there are bias_ih and bias_hh
      dropout        the share of y that drops between two layers while training
      bidirectional  a second set of layers goes through the steps backwards; each layer's y is both
                     side by side

    A call takes `x`, and
      state          (h, c) before the first step, [layers · directions, ..., hidden_size] each;
                     zeros if not given
      lengths        integers [...]: how many steps each row has; see `pydp.lstm`
      return_state   True for (y, state), the state after each row's last step

    Parameters, for each layer l and, where bidirectional, again with `_reverse`
      weight_ih_l<l>  [4 hidden_size, input_size or y of the layer below], uniform within
                      ±1/√hidden_size, as all others; the gates' order is i, f, g, o
      weight_hh_l<l>  [4 hidden_size, hidden_size]
      bias_ih_l<l>, bias_hh_l<l>  [4 hidden_size]

    It differs from PyTorch's: the batch always comes first (its batch_first=True) and has any
    number of axes; the result is y alone unless `return_state`; padded batches are given by
    `lengths` instead of packed sequences; there is no `proj_size`.

    >>> import pydp
    >>> from pydp import nn
    >>> lstm = nn.LSTM(3, 8, num_layers=2)
    >>> y, (h, c) = lstm(pydp.zeros((5, 7, 3)), return_state=True)
    >>> y.shape, h.shape, c.shape
    ((5, 7, 8), (2, 5, 8), (2, 5, 8))
    """

    gates = 4
    has_cell = True

    def _run(self, x: Any, weights: Weights, state: Any, lengths: Any, reverse: bool) -> Any:
        return ops.lstm(x, *weights, None if state[0] is None else state, lengths, reverse)


class LSTMCell(Cell):
    """One step of an LSTM: (h, c) after it.

    Shape: ``real[..., input_size] -> (real[..., hidden_size], real[..., hidden_size])``; a second
    argument is the state (h, c) before, zeros if not given. The formula is that of `pydp.lstm`.

    Parameters
      weight_ih  [4 hidden_size, input_size], uniform within ±1/√hidden_size, as all others; the
                 gates' order is i, f, g, o
      weight_hh  [4 hidden_size, hidden_size]
      bias_ih, bias_hh  [4 hidden_size]; None with bias=False

    It differs from PyTorch's in nothing but the missing `device` and `dtype` (see `astype`).

    >>> import pydp
    >>> h, c = pydp.nn.LSTMCell(3, 8)(pydp.zeros((5, 3)))
    >>> h.shape, c.shape
    ((5, 8), (5, 8))
    """

    gates = 4
    has_cell = True

    @property
    def type(self) -> str:
        h = f"real[..., {self.hidden_size}]"
        return f"real[..., {self.input_size}] -> ({h}, {h})"

    def forward(self, x: Any, state: Any = None) -> Any:
        if state is not None:
            state = pair_of_states("LSTMCell", state)
        _, after = ops.lstm(*self._step_of(x), state)
        return after
