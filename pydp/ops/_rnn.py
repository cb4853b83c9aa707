"""rnn: the simple recurrence, one state and no gates."""

from __future__ import annotations

from typing import Any

from pydp._op import Array
from pydp.ops._activation import reference_of, relu, tanh
from pydp.ops._matmul import matmul
from pydp.ops._recurrent import checked, reference_walk, walk
from pydp.ops._shape import matrix_transpose

NONLINEARITIES = {"tanh": tanh, "relu": relu}


def composed(z: Any, weight: Any, h: Any, lengths: Any, reverse: bool, nonlinearity: str) -> Any:
    def step(z: Any, h: Any) -> Any:
        return (NONLINEARITIES[nonlinearity](z + matmul(h, matrix_transpose(weight))),)

    return walk(step, z, (h,), lengths, reverse)


def reference(
    z: Array, weight: Array, h: Array, lengths: Any, reverse: bool, nonlinearity: str
) -> Any:
    def step(z: Array, h: Array) -> Any:
        return (reference_of(nonlinearity, z + weight @ h),)

    return reference_walk(step, z, (h,), lengths, reverse)


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
    s = checked("rnn", 1, x, weight_ih, weight_hh, bias_ih, bias_hh,
                {"state": state}, lengths, reverse)  # fmt: skip
    y, h = composed(s.gates(s.bias()), s.weight_hh, *s.states, s.lengths, reverse, nonlinearity)
    return s.restored(y), s.restored(h)
