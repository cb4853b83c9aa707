"""rnn: the simple recurrence, one state and no gates.

forward    x, W_ih, b, W_hh, h0 ──> y, h          and what backward wants: every h
backward   those, dy, dh ──> dz, dh0, dW_hh       the gradient of z = x W_ihᵀ + b, and ops from
                                                  there to x, W_ih and b
"""

from __future__ import annotations

from typing import Any

from pydp import _kernels
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op, gradient_of
from pydp.ops import _recurrent as recurrent
from pydp.ops._activation import reference_of, relu, tanh
from pydp.ops._matmul import matmul
from pydp.ops._shape import matrix_transpose

NONLINEARITIES = {"tanh": tanh, "relu": relu}
STATE = "real[b, h]"
INPUTS = f"real[b, t, d], real[h, d], real[h]?, real[h, h], {STATE}, token[b]?"


def recurrence(z: Any, weight: Any, h: Any, lengths: Any, reverse: bool, nonlinearity: str) -> Any:
    """From z on, step by step in ops."""

    def step(z: Any, h: Any) -> Any:
        return (NONLINEARITIES[nonlinearity](z + matmul(h, matrix_transpose(weight))),)

    return recurrent.walk(step, z, (h,), lengths, reverse)


def reference(
    z: Array, weight: Array, h: Array, lengths: Any, reverse: bool, nonlinearity: str
) -> Any:
    """From z on, row by row in NumPy."""

    def step(z: Array, h: Array) -> Any:
        return (reference_of(nonlinearity, z + weight @ h),)

    return recurrent.reference_walk(step, z, (h,), lengths, reverse)


class RNN(Op):
    name = "rnn"
    type = f"({INPUTS}) -> (real[b, t, h], {STATE})"

    @staticmethod
    def forward(needs: Any, x: Array, weight_ih: Array, bias: Array | None, weight: Array,
                h0: Array, lengths: Any, reverse: bool, nonlinearity: str) -> Any:  # fmt: skip
        z = recurrent.project(x, weight_ih, bias, lengths)
        t, b, n = z.shape
        y, h = _kernels.empty((b, t, n), x.dtype), _kernels.empty((b, n), x.dtype)
        hs = None if needs is None else _kernels.empty((t + 1, b, n), x.dtype)
        _kernels.rnn_forward(z, weight, _kernels.contiguous(h0), lengths, y, h, hs, reverse,
                             nonlinearity == "relu")  # fmt: skip
        return (y, h), (x, weight_ih, bias, weight, h0, lengths, hs)

    @staticmethod
    def backward(saved: Any, dys: Any, needs: Any, reverse: bool, nonlinearity: str) -> Any:
        x, weight_ih, lengths = saved[0], saved[1], saved[5]
        with_weight = needs[3] is not None
        dz, dh0, *dweight = apply(RNNBackward, (*saved, *dys), reverse, nonlinearity, with_weight)
        of_z = recurrent.project_backward(dz, x, weight_ih, lengths, needs[:3])
        return *of_z, dweight[0] if with_weight else None, dh0, None

    @staticmethod
    def composed(x: Any, weight_ih: Any, bias: Any, weight: Any, h0: Any, lengths: Any,
                 reverse: bool, nonlinearity: str) -> Any:  # fmt: skip
        z = recurrent.projected(x, weight_ih, bias, lengths)
        return recurrence(z, weight, h0, lengths, reverse, nonlinearity)

    @staticmethod
    def reference(x: Array, weight_ih: Array, bias: Any, weight: Array, h0: Array, lengths: Any,
                  reverse: bool, nonlinearity: str) -> Any:  # fmt: skip
        z = recurrent.reference_of_z(x, weight_ih, bias)
        return reference(z, weight, h0, lengths, reverse, nonlinearity)


class RNNBackward(Op):
    """dz, dh0, and dweight where it is wanted."""

    name = "rnn_backward"
    type = f"({INPUTS}, real[m, b, h], real[b, t, h]?, {STATE}?) -> any"

    @staticmethod
    def forward(needs: Any, x: Array, weight_ih: Array, bias: Any, weight: Array, h0: Array,
                lengths: Any, hs: Array, dy: Any, dh: Any, reverse: bool, nonlinearity: str,
                with_weight: bool) -> Any:  # fmt: skip
        moments, b, n = hs.shape
        dz = _kernels.empty((moments - 1, b, n), hs.dtype)
        dh0 = _kernels.empty((b, n), hs.dtype)
        dense = None if dh is None else _kernels.contiguous(dh)
        _kernels.rnn_backward(weight, lengths, hs, recurrent.units_adjacent(dy), dense, dz, dh0,
                              reverse, nonlinearity == "relu")  # fmt: skip
        dweight = [recurrent.weight_gradient(dz, hs, reverse)] if with_weight else []
        return (dz, dh0, *dweight), (x, weight_ih, bias, weight, h0, lengths, hs, dy, dh)

    @staticmethod
    def composed(x: Any, weight_ih: Any, bias: Any, weight: Any, h0: Any, lengths: Any, hs: Any,
                 dy: Any, dh: Any, reverse: bool, nonlinearity: str,
                 with_weight: bool) -> Any:  # fmt: skip
        z = recurrent.projected(x, weight_ih, bias, lengths)
        inputs, wanted = (z, weight, h0, lengths), (True, with_weight, True, False)
        arguments = (reverse, nonlinearity)
        dz, dweight, dh0, _ = gradient_of(recurrence, inputs, (dy, dh), wanted, arguments)
        return dz, dh0, *([dweight] if with_weight else [])

    @staticmethod
    def reference(x: Array, weight_ih: Array, bias: Any, weight: Array, h0: Array, lengths: Any,
                  hs: Any, dy: Any, dh: Any, reverse: bool, nonlinearity: str,
                  with_weight: bool) -> Any:  # fmt: skip
        z = recurrent.reference_of_z(x, weight_ih, bias)

        def function(z: Array, h0: Array, weight: Array) -> Any:
            return reference(z, weight, h0, lengths, reverse, nonlinearity)

        return recurrent.reference_gradients(function, (z, h0, weight), (dy, dh))


def rnn(
    x: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
    state: Any = None,
    lengths: Any = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
) -> tuple[Any, Any]:
    """A simple recurrent network, one layer in one direction: (y, h), h the state after the last
    step.

    Type: ``(real[..., t, d], real[h, d], real[h, h], real[h]?, real[h]?) ->
    (real[..., t, h], real[..., h])``. At each step, from the state h before:

        h' = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh)           y of this step

    - `x`: (..., t, d), t steps of input size d, both at least 1.
    - `weight_ih` (h, d), `weight_hh` (h, h), `bias_ih` and `bias_hh` (h).
    - `state`: h before the first step, (..., h); zeros if not given.
    - `lengths`: integers (...), how many steps each row has, 0 … t. Behind them y is 0, and the
      final state is that of the row's own last step (the initial one where it has none).
    - `reverse`: from the last step to the first; each row begins at its own end.
    - `nonlinearity`: "tanh", or "relu" in its place.

    ValueError where shapes or lengths do not fit, TypeError where dtypes differ. Several layers and
    directions are `pydp.nn.RNN`. It differs from PyTorch's in that the batch always comes first.

    Source: Elman, "Finding structure in time", 1990.

    >>> import pydp
    >>> one = pydp.ones((1, 1))
    >>> y, h = pydp.rnn(pydp.ones((3, 1)), one, one, nonlinearity="relu")
    >>> y.numpy().ravel().tolist(), h
    ([1.0, 2.0, 3.0], tensor([3.]))
    """
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f'rnn: nonlinearity must be "tanh" or "relu", got {nonlinearity!r}')
    s = recurrent.checked("rnn", 1, x, weight_ih, weight_hh, bias_ih, bias_hh,
                          {"state": state}, lengths, reverse)  # fmt: skip
    inputs = (s.x, s.weight_ih, s.bias(), s.weight_hh, *s.states, s.lengths)
    y, h = apply(RNN, inputs, s.reverse, nonlinearity)
    return s.restored(y), s.restored(h)
