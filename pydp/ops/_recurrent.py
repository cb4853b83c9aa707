"""What lstm, gru and rnn share: arguments, and the parts of a rule that are not the recurrence.

    x [b, t, d] ──W_ih──> z [t, b, gates h] ──recurrence──> y [b, t, h], final states [b, h]

What does not depend on the state before, z = x W_ihᵀ + b, is one product for all steps. The
recurrence makes the next state from z of a step, the state before and W_hh; its kernels (see
csrc/kernels/recurrent.h) have time first, so that a step is one run of memory. A rule is both:
z need not be kept then.

Rows of a padded batch end at their own length. A row that has ended (or, backwards in time, has not
begun) keeps its state and its y is 0; so the final state is the one after its last own step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import real_tensor, same_float
from pydp._arrays import INT64, Array, as_array, constant, numpy_op
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._join import stack, unstack
from pydp.ops._matmul import linear, matmul
from pydp.ops._reduce import sum as sum_over
from pydp.ops._shape import matrix_transpose, permute_dims, reshape
from pydp.ops._where import where


class Sequences(NamedTuple):
    """The checked arguments of a recurrent function. b is all axes of x before t, as one."""

    x: Any  # [b, t, d]
    weight_ih: Any  # [gates h, d]
    weight_hh: Any  # [gates h, h]
    bias_ih: Any  # [gates h], or None; as bias_hh
    bias_hh: Any
    states: tuple[Any, ...]  # [b, h] each
    lengths: Any  # int64 [b], or None
    reverse: bool
    leading: tuple[int, ...]  # the axes that b stands for

    def bias(self) -> Any:
        """b_ih + b_hh, or the one that is there."""
        if self.bias_ih is None or self.bias_hh is None:
            return self.bias_hh if self.bias_ih is None else self.bias_ih
        return self.bias_ih + self.bias_hh

    def restored(self, y: Any) -> Any:
        """[b, ...] with b's axes put back."""
        return y if len(self.leading) == 1 else reshape(y, (*self.leading, *y.shape[1:]))


def checked(
    op: str,
    gates: int,
    x: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any,
    bias_hh: Any,
    states: dict[str, Any],
    lengths: Any,
    reverse: Any,
) -> Sequences:
    """Every argument checked. `states` maps what messages call a state to it, or to None: zeros."""
    if not isinstance(reverse, (bool, np.bool_)):
        raise TypeError(f"{op}: reverse must be True or False, got {reverse!r}")
    given = {"x": x, "weight_ih": weight_ih, "weight_hh": weight_hh,
             "bias_ih": bias_ih, "bias_hh": bias_hh, **states}  # fmt: skip
    found = {k: None if v is None and k not in ("x", "weight_ih", "weight_hh")
             else real_tensor(v, op, k) for k, v in given.items()}  # fmt: skip
    same_float(op, **found)
    x, weight_ih, weight_hh, bias_ih, bias_hh, *given_states = found.values()

    h = weight_hh.shape[-1] if weight_hh.ndim else 0
    rows = gates * h
    if h < 1 or weight_hh.shape != (rows, h):
        raise ValueError(
            f"{op}: weight_hh must be [{'' if gates == 1 else f'{gates} '}h, h] with a hidden size "
            f"h of at least 1, got {weight_hh.shape}"
        )
    if x.ndim < 2 or x.shape[-2] < 1 or x.shape[-1] < 1:
        raise ValueError(
            f"{op}: x must be [..., t, d] with at least one step t and an input size d of at least "
            f"1, got {x.shape}"
        )
    *leading, t, d = x.shape
    if weight_ih.shape != (rows, d):
        raise ValueError(
            f"{op}: weight_ih must be {(rows, d)} for x {x.shape} and weight_hh {weight_hh.shape}, "
            f"got {weight_ih.shape}"
        )
    for name, bias in (("bias_ih", bias_ih), ("bias_hh", bias_hh)):
        if bias is not None and bias.shape != (rows,):
            raise ValueError(f"{op}: {name} must be {(rows,)}, got {bias.shape}")
    b = math.prod(leading)
    flat = []
    for name, state in zip(states, given_states, strict=True):
        if state is None:
            state = constant((b, h), 0, x.dtype)
        elif state.shape != (*leading, h):
            raise ValueError(
                f"{op}: {name} must be {(*leading, h)} for x {x.shape} and hidden size {h}, "
                f"got {state.shape}"
            )
        flat.append(reshape(state, (b, h)))
    ends = None if lengths is None else _checked_lengths(op, lengths, tuple(leading), t)
    return Sequences(
        reshape(x, (b, t, d)), weight_ih, weight_hh, bias_ih, bias_hh, tuple(flat), ends,
        bool(reverse), tuple(leading),
    )  # fmt: skip


def _checked_lengths(op: str, lengths: Any, leading: tuple[int, ...], t: int) -> Any:
    """Lengths as int64 [b], each from 0 to t."""
    if not isinstance(lengths, _graph.Value):
        lengths = _graph.wrap(as_array(lengths, op))
    array = lengths._array
    if array.dtype.kind not in "iu":
        raise TypeError(f"{op}: lengths must be integers, got {array.dtype}")
    if array.shape != leading:
        raise ValueError(
            f"{op}: lengths must have shape {leading}, that of x without its last two axes, "
            f"got {array.shape}"
        )
    for index in np.argwhere(numpy_op(np.logical_or, array < 0, array > t)):
        at = tuple([int(i) for i in index])
        where_ = f"lengths[{', '.join(map(str, at))}]" if at else "lengths"
        raise ValueError(f"{op}: {where_} is {int(array[at])}, allowed are 0 … {t}")
    return _graph.wrap(np.ascontiguousarray(array.reshape(-1).astype(INT64)))


def pair_of_states(op: str, state: Any) -> tuple[Any, Any]:
    """The two parts of a state, which is a tuple or a list."""
    if not isinstance(state, (tuple, list)):
        raise TypeError(f"{op}: state must be a tuple (h, c), got {type(state).__name__}")
    if len(state) != 2:
        raise ValueError(f"{op}: state must be a tuple (h, c), got {len(state)} parts")
    return state[0], state[1]


# ---- z, and what follows from its gradient -------------------------------------------------------


class RecurrentMask(Op):
    """x [t, b, d], and 0 where t is behind the row's end. Its own gradient."""

    name = "recurrent_mask"
    type = "(real[t, b, d], token[b]) -> real[t, b, d]"

    @staticmethod
    def forward(needs: Any, x: Array, lengths: Array) -> Any:
        y = _kernels.empty(x.shape, x.dtype)
        _kernels.recurrent_mask(x, _kernels.contiguous(lengths), y)
        return y, (lengths,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any) -> Any:
        return apply(RecurrentMask, (dy, saved[0])), None

    @staticmethod
    def reference(x: Array, lengths: Array) -> Array:
        return np.where(np.arange(len(x))[:, None, None] < lengths[:, None], x, 0)


def project(x: Array, weight_ih: Array, bias: Array | None, lengths: Array | None) -> Array:
    """z [t, b, gates h] of x [b, t, d]."""
    steps, n = x.transpose(1, 0, 2), weight_ih.shape[0]
    t, b, d = steps.shape
    if lengths is None:
        rows = _kernels.contiguous(steps)
    else:
        rows = _kernels.empty(steps.shape, x.dtype)
        _kernels.recurrent_mask(steps, lengths, rows)
    z = _kernels.empty((t, b, n), x.dtype)
    _kernels.matmul_forward(rows.reshape(t * b, d), weight_ih.T, bias, y=z.reshape(t * b, n))
    return z


def steps_of(x: Any, lengths: Any) -> Any:
    """x [b, t, d] as [t, b, d], in ops, without what is behind the ends."""
    steps = permute_dims(x, (1, 0, 2))
    return steps if lengths is None else apply(RecurrentMask, (steps, lengths))


def projected(x: Any, weight_ih: Any, bias: Any, lengths: Any) -> Any:
    """z in ops."""
    return linear(steps_of(x, lengths), weight_ih, bias)


def reference_of_z(x: Array, weight_ih: Array, bias: Array | None) -> Array:
    """z, the definition."""
    z = (x[:, :, None, :] * weight_ih).sum(-1) + (0 if bias is None else bias)
    return np.moveaxis(z, 1, 0)


def project_backward(
    dz: Any, x: Any, weight_ih: Any, lengths: Any, needs: Sequence[Any]
) -> list[Any]:
    """The gradients of x, weight_ih and bias, where needed."""
    t, b, n = dz.shape
    flat = reshape(dz, (t * b, n))
    dx = dweight = None
    if needs[0]:
        dx = permute_dims(reshape(matmul(flat, weight_ih), (t, b, x.shape[2])), (1, 0, 2))
    if needs[1]:
        rows = reshape(steps_of(x, lengths), (t * b, x.shape[2]))
        dweight = matmul(matrix_transpose(flat), rows)
    return [dx, dweight, sum_over(flat, axis=0) if needs[2] else None]


def weight_gradient(dz: Array, hs: Array, reverse: bool) -> Array:
    """The gradient of weight_hh, one product over all steps: Σ dz[s]ᵀ h before s."""
    (t, b, rows), h = dz.shape, hs.shape[2]
    before = hs[1:] if reverse else hs[:-1]
    dweight = _kernels.empty((rows, h), dz.dtype)
    _kernels.matmul_forward(dz.reshape(t * b, rows).T, before.reshape(t * b, h), y=dweight)
    return dweight


def units_adjacent(dy: Array | None) -> Array | None:
    """dy as the kernels read it."""
    return dy if dy is None or dy.strides[2] == dy.itemsize else _kernels.contiguous(dy)


# ---- walks: the recurrence step by step ----------------------------------------------------------


def walk(step: Callable[..., Sequence[Any]], z: Any, states: Sequence[Any], lengths: Any,
         reverse: bool) -> tuple[Any, ...]:  # fmt: skip
    """The recurrence in ops: step(z[s], *states) -> the next states, of which the first is y's."""
    parts = unstack(z)
    order = range(len(parts))
    ys: list[Any] = [None] * len(parts)
    for s in reversed(order) if reverse else order:
        new = step(parts[s], *states)
        ys[s] = new[0]
        if lengths is not None:
            runs = _graph.wrap(numpy_op(np.greater, lengths._array, s)[:, None])
            ys[s] = where(runs, new[0], 0.0)
            new = [where(runs, after, before) for after, before in zip(new, states, strict=True)]
        states = new
    return (stack(ys, axis=1), *states)


def reference_walk(step: Callable[..., Sequence[Array]], z: Array, states: Sequence[Array],
                   lengths: Array | None, reverse: bool) -> tuple[Array, ...]:  # fmt: skip
    """The definition: every row by itself, from its first step to its last, or back."""
    t, b, _ = z.shape
    finals = [np.array(state) for state in states]
    y = np.zeros((b, t, states[0].shape[1]), finals[0].dtype)
    for row in range(b):
        order = range(t if lengths is None else int(lengths[row]))
        for s in reversed(order) if reverse else order:
            new = step(z[s, row], *[final[row] for final in finals])
            y[row, s] = new[0]
            for final, state in zip(finals, new, strict=True):
                final[row] = state
    return (y, *finals)


def reference_gradients(function: Callable[..., tuple[Array, ...]], inputs: Sequence[Array],
                        dys: Sequence[Array | None]) -> tuple[Array, ...]:  # fmt: skip
    """Σ dy · d function / d inputs, one element after the other, by a complex step: for a tiny h
    the imaginary part of f(x + i h) is h f'(x), with nothing cancelling.

    Source: Squire and Trapp, "Using complex variables to estimate derivatives", 1998.
    """
    found = []
    points = [x.astype(complex) for x in inputs]
    for x in points:
        dx = np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            x[index] += 1e-30j
            ys = function(*points)
            x[index] = x[index].real
            dx[index] = math.fsum(
                float(np.sum(dy * y.imag)) / 1e-30
                for y, dy in zip(ys, dys, strict=True) if dy is not None
            )  # fmt: skip
        found.append(dx)
    return tuple(found)
