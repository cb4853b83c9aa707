"""gru: a recurrence with one state and three gates."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp._op import Array
from pydp.ops._activation import sigmoid, tanh
from pydp.ops._elementwise import np_sigmoid
from pydp.ops._matmul import linear
from pydp.ops._recurrent import checked, reference_walk, walk


def composed(z: Any, weight: Any, bias: Any, h: Any, lengths: Any, reverse: bool) -> Any:
    n = weight.shape[1]

    def step(z: Any, h: Any) -> Any:
        a = linear(h, weight, bias)
        r = sigmoid(z[:, :n] + a[:, :n])
        u = sigmoid(z[:, n : 2 * n] + a[:, n : 2 * n])
        new = tanh(z[:, 2 * n :] + r * a[:, 2 * n :])
        return ((1.0 - u) * new + u * h,)

    return walk(step, z, (h,), lengths, reverse)


def reference(z: Array, weight: Array, bias: Any, h: Array, lengths: Any, reverse: bool) -> Any:
    def step(z: Array, h: Array) -> Any:
        zr, zu, zn = np.split(z, 3)
        ar, au, an = np.split(weight @ h + (0 if bias is None else bias), 3)
        r, u = np_sigmoid(zr + ar), np_sigmoid(zu + au)
        return ((1 - u) * np.tanh(zn + r * an) + u * h,)

    return reference_walk(step, z, (h,), lengths, reverse)


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
    s = checked("gru", 3, x, weight_ih, weight_hh, bias_ih, bias_hh,
                {"state": state}, lengths, reverse)  # fmt: skip
    y, h = composed(s.gates(s.bias_ih), s.weight_hh, s.bias_hh, *s.states, s.lengths, reverse)
    return s.restored(y), s.restored(h)
