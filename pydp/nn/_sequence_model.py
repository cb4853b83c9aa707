"""SequenceModel: the box that processes each vector of a sequence with respect to the others.

    forward     x₁ x₂ … x_t ─────────> y₁ y₂ … y_t          the whole sequence at once

    step        x₁          x₂               x_t            one vector after the other: what a
                 │           │                │             causal model can do, because y_i needs
    initial ── step ──── step ──── … ──── step ── state     nothing behind x_i
                 │           │                │
                y₁          y₂               y_t

Invariant: for a causal model both ways give the same y.
"""

from __future__ import annotations

from typing import Any

from pydp import _tree, ops
from pydp._arguments import integer, sizes_argument
from pydp.nn._module import Module

State = Any  # a tensor, or tuples of them


class SequenceModel(Module):
    """The base of all that maps a sequence of vectors to a sequence as long: recurrent layers and
    transformers, of which one may stand for the other.

    Shape: ``real[..., t, d] -> real[..., t, e]``.

    A model of your own defines
      initial_state(batch)     the state before the first step; batch are the leading axes, a tuple
      step(x, state)           (y, state after it), for one vector x ``real[..., d]``
    and has by that the rest, which it may define faster:
      read(x, state)           (y, state after it), for some steps ``real[..., t, d]``
      forward(x)               y, from the initial state
      reorder(state, rows)     the state of other rows of the batch, of which it is the first axis
    Or it defines read, and has step by that. A model whose y depends on later vectors has none of
    this but forward, and sets `causal` to False.

    >>> import pydp
    >>> from pydp import nn
    >>> class Sum(nn.SequenceModel):
    ...     type = "real[..., t, 3] -> real[..., t, 3]"
    ...     def initial_state(self, batch):
    ...         return pydp.zeros((*batch, 3))
    ...     def step(self, x, state):
    ...         return state + x, state + x
    >>> Sum()(pydp.ones((2, 3)))
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """

    causal: bool = True

    def initial_state(self, batch: int | tuple[int, ...]) -> State:
        """The state before the first step of so many sequences."""
        raise NotImplementedError(f"{type(self).__name__} has no initial_state")

    def step(self, x: Any, state: State) -> tuple[Any, State]:
        """y of one vector x ``real[..., d]``, and the state after it."""
        if type(self).read is SequenceModel.read:
            raise NotImplementedError(f"{type(self).__name__} has no step")
        y, state = self.read(ops.expand_dims(x, -2), state)
        return ops.squeeze(y, -2), state

    def read(self, x: Any, state: State) -> tuple[Any, State]:
        """y of the next steps x ``real[..., t, d]``, and the state after them."""
        ys = []
        for i in range(x.shape[-2]):
            y, state = self.step(x[..., i, :], state)
            ys.append(y)
        return ops.stack(ys, axis=-2), state

    def forward(self, x: Any) -> Any:
        return self.read(x, self.initial_state(x.shape[:-2]))[0]

    def reorder(self, state: State, rows: Any) -> State:
        """The state of a batch made of these rows of the batch, `token[n]`; they may repeat."""
        return rows_of(state, rows, 0)


def rows_of(state: State, rows: Any, axis: int) -> State:
    """These places along an axis of every tensor of a state."""
    return _tree.mapped(lambda x: ops.take(x, rows, axis), state)


def batch_shape(batch: Any, name: str) -> tuple[int, ...]:
    """The leading axes that `initial_state` is asked for."""
    if isinstance(batch, (tuple, list)):
        return sizes_argument(batch, name)
    return (integer(batch, name, "batch", least=0),)


def check_causal(model: Any, owner: str, why: str) -> None:
    """Refuse what is no SequenceModel, or has no step."""
    kind = type(model).__name__
    if not isinstance(model, SequenceModel):
        raise TypeError(
            f"{owner}: the model must be a SequenceModel (an LSTM, a GRU, a Transformer …), got "
            f"{model.__name__ if isinstance(model, type) else kind}"
        )
    if not model.causal:
        repair = (
            "leave out bidirectional=True"
            if getattr(model, "bidirectional", False)
            else f"write {kind}(…, causal=True)"
        )
        raise ValueError(
            f"{owner}: {kind} is not causal: what it says of a place depends on what follows, "
            f"and {why}; {repair}"
        )
