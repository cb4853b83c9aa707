"""gru: a recurrence with one state and three gates.

forward    x, W_ih, b_ih, W_hh, b_hh, h0 ──> y, h   and what backward wants: every h and gate
backward   those, dy, dh ──> dz, dh0, dW_hh, db_hh  the gradient of z = x W_ihᵀ + b_ih, and ops
                                                    from there to x, W_ih and b_ih
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
from pydp.ops._matmul import linear

STATE = "real[b, h]"
INPUTS = f"real[b, t, d], real[3*h, d], real[3*h]?, real[3*h, h], real[3*h]?, {STATE}, token[b]?"
SAVED = "real[m, b, h], real[t, b, 4*h]"


def recurrence(z: Any, weight: Any, bias: Any, h: Any, lengths: Any, reverse: bool) -> Any:
    """From z on, step by step in ops."""
    n = weight.shape[1]

    def step(z: Any, h: Any) -> Any:
        q = linear(h, weight, bias)
        r = sigmoid(z[:, :n] + q[:, :n])
        u = sigmoid(z[:, n : 2 * n] + q[:, n : 2 * n])
        new = tanh(z[:, 2 * n :] + r * q[:, 2 * n :])
        return ((1.0 - u) * new + u * h,)

    return recurrent.walk(step, z, (h,), lengths, reverse)


def reference(z: Array, weight: Array, bias: Any, h: Array, lengths: Any, reverse: bool) -> Any:
    """From z on, row by row in NumPy."""

    def step(z: Array, h: Array) -> Any:
        zr, zu, zn = np.split(z, 3)
        qr, qu, qn = np.split(weight @ h + (0 if bias is None else bias), 3)
        r, u = np_sigmoid(zr + qr), np_sigmoid(zu + qu)
        return ((1 - u) * np.tanh(zn + r * qn) + u * h,)

    return recurrent.reference_walk(step, z, (h,), lengths, reverse)


class GRU(Op):
    name = "gru"
    type = f"({INPUTS}) -> (real[b, t, h], {STATE})"

    @staticmethod
    def forward(needs: Any, x: Array, weight_ih: Array, bias_ih: Any, weight: Array, bias: Any,
                h0: Array, lengths: Array | None, reverse: bool) -> Any:  # fmt: skip
        z = recurrent.project(x, weight_ih, bias_ih, lengths)
        t, b, _ = z.shape
        n = weight.shape[1]
        y, h = _kernels.empty((b, t, n), x.dtype), _kernels.empty((b, n), x.dtype)
        hs = gates = None
        if needs is not None:
            hs = _kernels.empty((t + 1, b, n), x.dtype)
            gates = _kernels.empty((t, b, 4 * n), x.dtype)
        dense = None if bias is None else _kernels.contiguous(bias)
        first = _kernels.contiguous(h0)
        _kernels.gru_forward(z, weight, dense, first, lengths, y, h, hs, gates, reverse)
        return (y, h), (x, weight_ih, bias_ih, weight, bias, h0, lengths, hs, gates)

    @staticmethod
    def backward(saved: Any, dys: Any, needs: Any, reverse: bool) -> Any:
        x, weight_ih, lengths = saved[0], saved[1], saved[6]
        wants = needs[3] is not None, needs[4] is not None
        dz, dh0, *rest = apply(GRUBackward, (*saved, *dys), reverse, *wants)
        of_z = recurrent.project_backward(dz, x, weight_ih, lengths, needs[:3])
        dweight = rest[0] if wants[0] else None
        return *of_z, dweight, rest[-1] if wants[1] else None, dh0, None

    @staticmethod
    def composed(x: Any, weight_ih: Any, bias_ih: Any, weight: Any, bias: Any, h0: Any,
                 lengths: Any, reverse: bool) -> Any:  # fmt: skip
        z = recurrent.projected(x, weight_ih, bias_ih, lengths)
        return recurrence(z, weight, bias, h0, lengths, reverse)

    @staticmethod
    def reference(x: Array, weight_ih: Array, bias_ih: Any, weight: Array, bias: Any, h0: Array,
                  lengths: Any, reverse: bool) -> Any:  # fmt: skip
        z = recurrent.reference_of_z(x, weight_ih, bias_ih)
        return reference(z, weight, bias, h0, lengths, reverse)


class GRUBackward(Op):
    """dz, dh0, and dweight and dbias where they are wanted."""

    name = "gru_backward"
    type = f"({INPUTS}, {SAVED}, real[b, t, h]?, {STATE}?) -> any"

    @staticmethod
    def forward(needs: Any, x: Array, weight_ih: Array, bias_ih: Any, weight: Array, bias: Any,
                h0: Array, lengths: Any, hs: Array, gates: Array, dy: Any, dh: Any, reverse: bool,
                with_weight: bool, with_bias: bool) -> Any:  # fmt: skip
        t, b, _ = gates.shape
        dz, dq = [_kernels.empty((t, b, weight.shape[0]), gates.dtype) for _ in range(2)]
        dh0 = _kernels.empty(h0.shape, gates.dtype)
        dense = None if dh is None else _kernels.contiguous(dh)
        _kernels.gru_backward(weight, lengths, hs, gates, recurrent.units_adjacent(dy), dense,
                              dz, dq, dh0, reverse)  # fmt: skip
        found = [dz, dh0]
        if with_weight:
            found.append(recurrent.weight_gradient(dq, hs, reverse))
        if with_bias:
            found.append(_kernels.reduce(_kernels.reduce_functions["sum"], dq, (0, 1), False))
        saved = (x, weight_ih, bias_ih, weight, bias, h0, lengths, hs, gates, dy, dh)
        return tuple(found), saved

    @staticmethod
    def composed(x: Any, weight_ih: Any, bias_ih: Any, weight: Any, bias: Any, h0: Any,
                 lengths: Any, hs: Any, gates: Any, dy: Any, dh: Any, reverse: bool,
                 with_weight: bool, with_bias: bool) -> Any:  # fmt: skip
        z = recurrent.projected(x, weight_ih, bias_ih, lengths)
        inputs = (z, weight, bias, h0, lengths)
        wanted = (True, with_weight, with_bias, True, False)
        dz, dweight, dbias, dh0, _ = gradient_of(recurrence, inputs, (dy, dh), wanted, (reverse,))
        rest = [d for d, want in ((dweight, with_weight), (dbias, with_bias)) if want]
        return dz, dh0, *rest

    @staticmethod
    def reference(x: Array, weight_ih: Array, bias_ih: Any, weight: Array, bias: Any, h0: Array,
                  lengths: Any, hs: Any, gates: Any, dy: Any, dh: Any, reverse: bool,
                  with_weight: bool, with_bias: bool) -> Any:  # fmt: skip
        z = recurrent.reference_of_z(x, weight_ih, bias_ih)

        def function(z: Array, h0: Array, weight: Array, bias: Any = None) -> Any:
            return reference(z, weight, bias, h0, lengths, reverse)

        inputs = (z, h0, weight) if bias is None else (z, h0, weight, bias)
        return recurrent.reference_gradients(function, inputs, (dy, dh))


def gru(
    x: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
    state: Any = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """A gated recurrent unit, one layer in one direction: (y, h), h the state after the last step.

    Type: ``(real[..., t, d], real[3*h, d], real[3*h, h], real[3*h]?, real[3*h]?) ->
    (real[..., t, h], real[..., h])``. At each step, from the state h before:

        p = x W_ihᵀ + b_ih,   q = h W_hhᵀ + b_hh             three gates r, z, n; h columns each
        r = σ(p_r + q_r),     z = σ(p_z + q_z)
        n = tanh(p_n + r q_n)                                b_hh's last part is inside r ( )
        h' = (1 − z) n + z h                                 y of this step

    - `x`: (..., t, d), t steps of input size d, both at least 1.
    - `weight_ih` (3 h, d), `weight_hh` (3 h, h), `bias_ih` and `bias_hh` (3 h): PyTorch's layouts.
    - `state`: h before the first step, (..., h); zeros if not given.
    - `lengths`: integers (...), how many steps each row has, 0 … t. Behind them y is 0, and the
      final state is that of the row's own last step (the initial one where it has none).
    - `reverse`: from the last step to the first; each row begins at its own end.

    ValueError where shapes or lengths do not fit, TypeError where dtypes differ. Several layers and
    directions are `pydp.nn.GRU`. It differs from PyTorch's in that the batch always comes first.

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, in the
    form with r applied after the product.

    >>> import pydp
    >>> x, w = pydp.ones((2, 5, 3)), pydp.ones((12, 3))
    >>> y, h = pydp.gru(x, w, pydp.zeros((12, 4)), reverse=True)
    >>> y.shape, h.shape
    ((2, 5, 4), (2, 4))
    """
    s = recurrent.checked("gru", 3, x, weight_ih, weight_hh, bias_ih, bias_hh,
                          {"state": state}, lengths, reverse)  # fmt: skip
    inputs = (s.x, s.weight_ih, s.bias_ih, s.weight_hh, s.bias_hh, *s.states, s.lengths)
    y, h = apply(GRU, inputs, s.reverse)
    return s.restored(y), s.restored(h)
