"""What LSTM, GRU and RNN share: parameters of all layers and directions, and the way through them.

    x ──> layer 0, forwards  ─┐        ┌─> layer 1, forwards  ─┐
      └─> layer 0, backwards ─┴─ drop ─┴─> layer 1, backwards ─┴─> y [..., t, 2 hidden_size]

Parameters have PyTorch's names: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, then the same
with _reverse, then _l1 …
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer, real_tensor
from pydp._creation import zeros
from pydp.nn import init
from pydp.nn._arguments import flag, new_parameter, number_within
from pydp.nn._module import Module
from pydp.nn._sequence_model import SequenceModel, State, batch_shape, rows_of
from pydp.ops._recurrent import pair_of_states

Weights = tuple[Any, Any, Any, Any]  # weight_ih, weight_hh, bias_ih, bias_hh


class Recurrent(SequenceModel):
    """The base of LSTM, GRU and RNN, which say how many gates there are and how a layer runs."""

    gates: int
    has_cell = False  # the state is a tuple (h, c) then, and h alone otherwise

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        name = type(self).__name__
        self.input_size = integer(input_size, name, "input_size", least=1)
        self.hidden_size = integer(hidden_size, name, "hidden_size", least=1)
        self.num_layers = integer(num_layers, name, "num_layers", least=1)
        self.bias = flag(bias, name, "bias")
        self.dropout = number_within(dropout, name, "dropout", 0.0, 1.0)
        self.bidirectional = flag(bidirectional, name, "bidirectional")
        self.causal = not self.bidirectional
        rows = self.gates * self.hidden_size
        size = self.input_size
        for suffixes in self._suffixes():
            for suffix in suffixes:
                setattr(self, f"weight_ih{suffix}", new_parameter(rows, size))
                setattr(self, f"weight_hh{suffix}", new_parameter(rows, self.hidden_size))
                if self.bias:
                    setattr(self, f"bias_ih{suffix}", new_parameter(rows))
                    setattr(self, f"bias_hh{suffix}", new_parameter(rows))
            size = self.hidden_size * len(suffixes)
        self.reset_parameters()

    def _suffixes(self) -> list[list[str]]:
        """How the names of each layer's parameters end, one end per direction."""
        ends = ["", "_reverse"] if self.bidirectional else [""]
        return [[f"_l{layer}{end}" for end in ends] for layer in range(self.num_layers)]

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = self.hidden_size**-0.5
        for _, parameter in self._own_parameters():
            init.uniform_(parameter, -bound, bound)

    @property
    def type(self) -> str:
        out = self.hidden_size * (2 if self.bidirectional else 1)
        return f"real[..., t, {self.input_size}] -> real[..., t, {out}]"

    def _weights(self, suffix: str) -> Weights:
        return (
            getattr(self, f"weight_ih{suffix}"),
            getattr(self, f"weight_hh{suffix}"),
            getattr(self, f"bias_ih{suffix}", None),
            getattr(self, f"bias_hh{suffix}", None),
        )

    def _run(self, x: Any, weights: Weights, state: Any, lengths: Any, reverse: bool) -> Any:
        """One layer in one direction: y and the final state."""
        raise NotImplementedError

    def forward(
        self, x: Any, state: Any = None, lengths: Any = None, return_state: bool = False
    ) -> Any:
        returns = flag(return_state, type(self).__name__, "return_state")
        x = real_tensor(x, type(self).__name__, "x")
        parts = self._parts_of(state, x)
        finals: list[Any] = []
        for layer, suffixes in enumerate(self._suffixes()):
            ys = []
            for direction, suffix in enumerate(suffixes):
                weights = self._weights(suffix)
                first = [part[len(finals)] for part in parts]
                y, final = self._run(x, weights, first, lengths, direction == 1)
                ys.append(y)
                finals.append(final)
            x = ys[0] if len(ys) == 1 else ops.concat(ys, axis=-1)
            if layer + 1 < self.num_layers:
                x = ops.dropout(x, self.dropout, self.training)
        if not returns:
            return x
        if self.has_cell:
            return x, tuple([ops.stack(part) for part in zip(*finals, strict=True)])
        return x, ops.stack(finals)

    # ---- as a SequenceModel: the state is what return_state gives

    def initial_state(self, batch: int | tuple[int, ...]) -> State:
        """Zeros: h [layers, *batch, hidden_size], or (h, c) of an LSTM."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        shape = (count, *batch_shape(batch, f"{type(self).__name__}.initial_state"))
        h = zeros((*shape, self.hidden_size), dtype=self._own_parameters()[0][1].dtype)
        return (h, h) if self.has_cell else h

    def read(self, x: Any, state: State) -> tuple[Any, State]:
        """y of the next steps, and the state after them: a call with return_state."""
        if not self.causal:
            raise ValueError(f"{type(self).__name__}: it is bidirectional and has no step")
        y, state = self(x, state, return_state=True)
        return y, state

    def reorder(self, state: State, rows: Any) -> State:
        """The state of these rows of the batch, which is the axis after that of the layers."""
        return rows_of(state, rows, 1)

    # ---- a call

    def _parts_of(self, state: Any, x: Any) -> list[Any]:
        """Of h (and c) what each layer and direction begins with."""
        name = type(self).__name__
        count = self.num_layers * (2 if self.bidirectional else 1)
        if state is None:
            return [[None] * count] * (2 if self.has_cell else 1)
        given = {"state": state}
        if self.has_cell:
            h, c = pair_of_states(name, state)
            given = {"state[0]": h, "state[1]": c}
        want = (count, *x.shape[:-2], self.hidden_size)
        parts = []
        for called, part in given.items():
            part = real_tensor(part, name, called)
            if part.shape != want:
                raise ValueError(
                    f"{name}: {called} must be {want} (layers and directions, batch, hidden_size), "
                    f"got {part.shape}"
                )
            parts.append(part)
        return parts

    def extra_repr(self) -> str:
        out = f"{self.input_size}, {self.hidden_size}"
        if self.num_layers != 1:
            out += f", num_layers={self.num_layers}"
        if not self.bias:
            out += ", bias=False"
        if self.dropout:
            out += f", dropout={self.dropout:g}"
        if self.bidirectional:
            out += ", bidirectional=True"
        return out


class Cell(Module):
    """The base of LSTMCell, GRUCell and RNNCell: one step, which is a sequence of length one."""

    gates: int
    has_cell = False  # as of the layers

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        name = type(self).__name__
        self.input_size = integer(input_size, name, "input_size", least=1)
        self.hidden_size = integer(hidden_size, name, "hidden_size", least=1)
        rows = self.gates * self.hidden_size
        has_bias = flag(bias, name, "bias")
        self.weight_ih = new_parameter(rows, self.input_size)
        self.weight_hh = new_parameter(rows, self.hidden_size)
        self.bias_ih = new_parameter(rows) if has_bias else None
        self.bias_hh = new_parameter(rows) if has_bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = self.hidden_size**-0.5
        for _, parameter in self._own_parameters():
            init.uniform_(parameter, -bound, bound)

    def initial_state(self, batch: int | tuple[int, ...]) -> State:
        """Zeros: h [*batch, hidden_size], or (h, c) of an LSTM."""
        shape = batch_shape(batch, f"{type(self).__name__}.initial_state")
        h = zeros((*shape, self.hidden_size), dtype=self.weight_ih.dtype)
        return (h, h) if self.has_cell else h

    def step(self, x: Any, state: State) -> tuple[Any, State]:
        """(h, state) after one vector: what `SequenceRNN` repeats."""
        state = self(x, state)
        return (state[0] if self.has_cell else state), state

    def _step_of(self, x: Any) -> tuple[Any, Any, Any, Any, Any]:
        """x with an axis of one step, and the parameters: what the functions take."""
        x = real_tensor(x, type(self).__name__, "x")
        x = ops.expand_dims(x, -2 if x.ndim else 0)
        return x, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def extra_repr(self) -> str:
        bias = "" if self.bias_ih is not None else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{bias}"
