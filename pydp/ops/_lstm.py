"""lstm: a recurrence with two states, h and c, and four gates.

forward    x, W_ih, W_hh, b, h0, c0 ──> y, h, c       and what backward wants: every h, c, gate
backward   those, dy, dh, dc ──> dz, dh0, dc0, dW_hh  the gradient of z = x W_ihᵀ + b, and ops
                                                      from there to x, W_ih and b
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op, gradient_of
from pydp.ops import _recurrent as recurrent
from pydp.ops._activation import sigmoid, tanh
from pydp.ops._elementwise import np_sigmoid
from pydp.ops._join import unstack
from pydp.ops._matmul import matmul
from pydp.ops._shape import matrix_transpose, reshape

STATE = "real[b, h]"
INPUTS = f"real[b, t, d], real[4*h, d], real[4*h]?, real[4*h, h], {STATE}, {STATE}, token[b]?"
SAVED = "real[m, b, h], real[m, b, h], real[t, b, 4*h]"


def recurrence(z: Any, weight: Any, h: Any, c: Any, lengths: Any, reverse: bool) -> Any:
    """From z on, step by step in ops."""
    n = weight.shape[1]

    def step(z: Any, h: Any, c: Any) -> Any:
        a = reshape(z + matmul(h, matrix_transpose(weight)), (z.shape[0], 4, n))
        i, f, g, o = unstack(a, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    return recurrent.walk(step, z, (h, c), lengths, reverse)


def reference(z: Array, weight: Array, h: Array, c: Array, lengths: Any, reverse: bool) -> Any:
    """From z on, row by row in NumPy."""

    def step(z: Array, h: Array, c: Array) -> Any:
        i, f, g, o = np.split(z + weight @ h, 4)
        c = np_sigmoid(f) * c + np_sigmoid(i) * np.tanh(g)
        return np_sigmoid(o) * np.tanh(c), c

    return recurrent.reference_walk(step, z, (h, c), lengths, reverse)


class LSTM(Op):
    name = "lstm"
    type = f"({INPUTS}) -> (real[b, t, h], {STATE}, {STATE})"

    @staticmethod
    def forward(needs: Any, x: Array, weight_ih: Array, bias: Array | None, weight: Array,
                h0: Array, c0: Array, lengths: Array | None, reverse: bool) -> Any:  # fmt: skip
        z = recurrent.project(x, weight_ih, bias, lengths)
        t, b, _ = z.shape
        n = weight.shape[1]
        y, h, c = [_kernels.empty(shape, x.dtype) for shape in ((b, t, n), (b, n), (b, n))]
        hs = cs = gates = None
        if needs is not None:
            moments = (t + 1, b, n)
            hs, cs, gates = [
                _kernels.empty(shape, x.dtype) for shape in (moments, moments, z.shape)
            ]
        first = _kernels.contiguous(h0), _kernels.contiguous(c0)
        _kernels.lstm_forward(z, weight, *first, lengths, y, h, c, hs, cs, gates, reverse)
        return (y, h, c), (x, weight_ih, bias, weight, h0, c0, lengths, hs, cs, gates)

    @staticmethod
    def backward(saved: Any, dys: Any, needs: Any, reverse: bool) -> Any:
        x, weight_ih, lengths = saved[0], saved[1], saved[6]
        with_weight = needs[3] is not None
        dz, dh0, dc0, *dweight = apply(LSTMBackward, (*saved, *dys), reverse, with_weight)
        of_z = recurrent.project_backward(dz, x, weight_ih, lengths, needs[:3])
        return *of_z, dweight[0] if with_weight else None, dh0, dc0, None

    @staticmethod
    def composed(x: Any, weight_ih: Any, bias: Any, weight: Any, h0: Any, c0: Any, lengths: Any,
                 reverse: bool) -> Any:  # fmt: skip
        z = recurrent.projected(x, weight_ih, bias, lengths)
        return recurrence(z, weight, h0, c0, lengths, reverse)

    @staticmethod
    def reference(x: Array, weight_ih: Array, bias: Array | None, weight: Array, h0: Array,
                  c0: Array, lengths: Any, reverse: bool) -> Any:  # fmt: skip
        z = recurrent.reference_of_z(x, weight_ih, bias)
        return reference(z, weight, h0, c0, lengths, reverse)


class LSTMBackward(Op):
    """dz, dh0, dc0, and dweight where it is wanted."""

    name = "lstm_backward"
    type = f"({INPUTS}, {SAVED}, real[b, t, h]?, {STATE}?, {STATE}?) -> any"

    @staticmethod
    def forward(needs: Any, x: Array, weight_ih: Array, bias: Any, weight: Array, h0: Array,
                c0: Array, lengths: Any, hs: Array, cs: Array, gates: Array, dy: Any, dh: Any,
                dc: Any, reverse: bool, with_weight: bool) -> Any:  # fmt: skip
        dz = _kernels.empty(gates.shape, gates.dtype)
        dh0, dc0 = [_kernels.empty(state.shape, gates.dtype) for state in (h0, c0)]
        dh_dense, dc_dense = [None if d is None else _kernels.contiguous(d) for d in (dh, dc)]
        _kernels.lstm_backward(weight, lengths, cs, gates, recurrent.units_adjacent(dy),
                               dh_dense, dc_dense, dz, dh0, dc0, reverse)  # fmt: skip
        dweight = [recurrent.weight_gradient(dz, hs, reverse)] if with_weight else []
        saved = (x, weight_ih, bias, weight, h0, c0, lengths, hs, cs, gates, dy, dh, dc)
        return (dz, dh0, dc0, *dweight), saved

    @staticmethod
    def composed(x: Any, weight_ih: Any, bias: Any, weight: Any, h0: Any, c0: Any, lengths: Any,
                 hs: Any, cs: Any, gates: Any, dy: Any, dh: Any, dc: Any, reverse: bool,
                 with_weight: bool) -> Any:  # fmt: skip
        z = recurrent.projected(x, weight_ih, bias, lengths)
        inputs, wanted = (z, weight, h0, c0, lengths), (True, with_weight, True, True, False)
        dz, dweight, dh0, dc0, _ = gradient_of(recurrence, inputs, (dy, dh, dc), wanted, (reverse,))
        return dz, dh0, dc0, *([dweight] if with_weight else [])

    @staticmethod
    def reference(x: Array, weight_ih: Array, bias: Any, weight: Array, h0: Array, c0: Array,
                  lengths: Any, hs: Any, cs: Any, gates: Any, dy: Any, dh: Any, dc: Any,
                  reverse: bool, with_weight: bool) -> Any:  # fmt: skip
        z = recurrent.reference_of_z(x, weight_ih, bias)
        function = lambda z, h0, c0, weight: reference(z, weight, h0, c0, lengths, reverse)  # noqa: E731
        return recurrent.reference_gradients(function, (z, h0, c0, weight), (dy, dh, dc))


def lstm(
    x: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
    state: tuple[Any, Any] | None = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Any, tuple[Any, Any]]:
    """Long short-term memory, one layer in one direction: (y, (h, c)), h and c after the last step.

    Type: ``(real[..., t, d], real[4*h, d], real[4*h, h], real[4*h]?, real[4*h]?) ->
    (real[..., t, h], (real[..., h], real[..., h]))``. At each step, from the state (h, c) before:

        i, f, g, o = x W_ihᵀ + b_ih + h W_hhᵀ + b_hh         four gates, h columns each
        c' = σ(f) c + σ(i) tanh(g)
        h' = σ(o) tanh(c')                                   y of this step

    - `x`: (..., t, d), t steps of input size d, both at least 1.
    - `weight_ih` (4 h, d), `weight_hh` (4 h, h), `bias_ih` and `bias_hh` (4 h): PyTorch's layouts.
    - `state`: (h, c) before the first step, (..., h) each; zeros if not given.
    - `lengths`: integers (...), how many steps each row has, 0 … t. Behind them y is 0, and the
      final state is that of the row's own last step (the initial one where it has none).
    - `reverse`: from the last step to the first; each row begins at its own end.

    ValueError where shapes or lengths do not fit, TypeError where dtypes differ. Several layers and
    directions are `pydp.nn.LSTM`. It differs from PyTorch's in that the batch always comes first.

    Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997; the forget gate f is of
    Gers, Schmidhuber and Cummins, 2000.

    >>> import pydp
    >>> x, w = pydp.ones((2, 5, 3)), pydp.ones((16, 3))
    >>> y, (h, c) = pydp.lstm(x, w, pydp.zeros((16, 4)), lengths=[5, 2])
    >>> y.shape, h.shape, y[1, 2].numpy().tolist()
    ((2, 5, 4), (2, 4), [0.0, 0.0, 0.0, 0.0])
    """
    h, c = (None, None) if state is None else recurrent.pair_of_states("lstm", state)
    s = recurrent.checked("lstm", 4, x, weight_ih, weight_hh, bias_ih, bias_hh,
                          {"state[0]": h, "state[1]": c}, lengths, reverse)  # fmt: skip
    inputs = (s.x, s.weight_ih, s.bias(), s.weight_hh, *s.states, s.lengths)
    y, h, c = apply(LSTM, inputs, s.reverse)
    return s.restored(y), (s.restored(h), s.restored(c))
