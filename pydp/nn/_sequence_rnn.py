"""SequenceRNN: a cell along a sequence, h_i = cell(h_{i-1}, x_i).

       x₁         x₂               x_t
        │          │                │
0 ── cell ──── cell ──── … ──── cell ── state           the same cell at every step
        │          │                │
       h₁         h₂               h_t
"""

from __future__ import annotations

from typing import Any

from pydp._op import language
from pydp.nn._module import Module
from pydp.nn._sequence_model import SequenceModel, State, check_causal, rows_of


class SequenceRNN(SequenceModel):
    """Any module that has `step` and `initial_state`, from left to right along a sequence.

    Shape: ``real[..., t, d] -> real[..., t, h]`` for a cell ``real[..., d] -> real[..., h]``.

    Arguments
      cell  LSTMCell, GRUCell, RNNCell; a causal SequenceModel; or a module of your own with
            ``initial_state(batch)`` and ``step(x, state) -> (y, state)``

    Every step is a call, so LSTM is faster than SequenceRNN(LSTMCell): its kernel has the loop.

    >>> import pydp
    >>> from pydp import nn
    >>> run = nn.SequenceRNN(nn.LSTMCell(3, 8))
    >>> run.signature
    <signature real[..., t, 3] -> real[..., t, 8]>
    >>> run(pydp.zeros((2, 5, 3))).shape
    (2, 5, 8)
    """

    def __init__(self, cell: Module) -> None:
        if isinstance(cell, SequenceModel):
            check_causal(cell, "SequenceRNN", "it goes from left to right")
        missing = [name for name in ("initial_state", "step") if not hasattr(cell, name)]
        if missing or not isinstance(cell, Module):
            raise TypeError(
                "SequenceRNN: the cell must be a module with initial_state and step, got "
                f"{cell.__name__ if isinstance(cell, type) else type(cell).__name__}"
                + (f" without {' and '.join(missing)}" if missing else "")
            )
        self.cell: Any = cell

    @property
    def type(self) -> str:
        if isinstance(self.cell, SequenceModel):
            return self.cell.type
        function = self.cell.signature.function
        x, y = function.arguments[0], function.result
        y = y.items[0] if isinstance(y, language.Tuple) else y
        if not (isinstance(x, language.Array) and isinstance(y, language.Array)):
            return "any -> any"
        return f"real[..., t, {x.axes[-1]}] -> real[..., t, {y.axes[-1]}]"

    def initial_state(self, batch: int | tuple[int, ...]) -> State:
        """The cell's."""
        return self.cell.initial_state(batch)

    def step(self, x: Any, state: State) -> tuple[Any, State]:
        """The cell's."""
        y, state = self.cell.step(x, state)
        return y, state

    def reorder(self, state: State, rows: Any) -> State:
        """The cell's, which has the batch first if it does not say otherwise."""
        if isinstance(self.cell, SequenceModel):
            return self.cell.reorder(state, rows)
        return rows_of(state, rows, 0)
