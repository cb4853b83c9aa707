"""lstm: a recurrence with two states, h and c, and four gates."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp._op import Array
from pydp.ops._activation import sigmoid, tanh
from pydp.ops._elementwise import np_sigmoid
from pydp.ops._matmul import matmul
from pydp.ops._recurrent import checked, pair_of_states, reference_walk, walk
from pydp.ops._shape import matrix_transpose, reshape, unstack


def composed(z: Any, weight: Any, h: Any, c: Any, lengths: Any, reverse: bool) -> Any:
    n = weight.shape[1]

    def step(z: Any, h: Any, c: Any) -> Any:
        a = reshape(z + matmul(h, matrix_transpose(weight)), (-1, 4, n))
        i, f, g, o = unstack(a, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    return walk(step, z, (h, c), lengths, reverse)


def reference(z: Array, weight: Array, h: Array, c: Array, lengths: Any, reverse: bool) -> Any:
    def step(z: Array, h: Array, c: Array) -> Any:
        i, f, g, o = np.split(z + weight @ h, 4)
        c = np_sigmoid(f) * c + np_sigmoid(i) * np.tanh(g)
        return np_sigmoid(o) * np.tanh(c), c

    return reference_walk(step, z, (h, c), lengths, reverse)


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
    h, c = (None, None) if state is None else pair_of_states("lstm", state)
    s = checked("lstm", 4, x, weight_ih, weight_hh, bias_ih, bias_hh,
                {"state[0]": h, "state[1]": c}, lengths, reverse)  # fmt: skip
    y, h, c = composed(s.gates(s.bias()), s.weight_hh, *s.states, s.lengths, reverse)
    return s.restored(y), (s.restored(h), s.restored(c))
