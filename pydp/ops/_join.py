"""Several arrays in one, and one array several times: concat, stack, tile, repeat, roll.

concat writes each part into its place of the result, and cuts the gradient in the same places; the
rest is made of it, of views and of `take`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import axis_index, integer, sequence, sizes_argument
from pydp._arrays import Array, check_axes, numpy_op, operands
from pydp._graph import apply
from pydp._op import Op, language
from pydp.ops._math import copy
from pydp.ops._shape import broadcast_to, expand_dims, reshape, value
from pydp.ops._take import index_tensor, take


class Concat(Op):
    name = "concat"
    type = "(any[...], any[...]) -> any[...]"
    variadic = True

    @staticmethod
    def type_at(types: Sequence[Any], axis: int) -> str:
        """The other axes of all are those of the first."""
        first, *others = types
        sizes = [x.axes[axis] for x in types]
        same = [x.axes[:axis] + x.axes[axis + 1 :] for x in others]
        rest = first.axes[:axis] + first.axes[axis + 1 :]
        equal = [f"{m} == {n}" for axes in same for m, n in zip(axes, rest, strict=True)]
        where = f" where {', '.join(equal)}" if equal else ""
        y = language.array(first.kind, *first.axes[:axis], sum(sizes), *first.axes[axis + 1 :])
        return f"({', '.join(map(str, types))}) -> {y}{where}"

    @staticmethod
    def forward(needs: Any, *arrays_and_axis: Any) -> Any:
        *arrays, axis = arrays_and_axis
        sizes = tuple([a.shape[axis] for a in arrays])
        first = arrays[0]
        shape = (*first.shape[:axis], sum(sizes), *first.shape[axis + 1 :])
        y = _kernels.empty(shape, first.dtype)
        start = 0
        for a, n in zip(arrays, sizes, strict=True):
            _kernels.copy_to(a, y[(slice(None),) * axis + (slice(start, start + n),)])
            start += n
        return y, (sizes,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axis: int) -> Any:
        parts, start = [], 0
        for need, n in zip(needs, saved[0], strict=True):
            cut = (slice(None),) * axis + (slice(start, start + n),)
            parts.append(dy[cut] if need else None)
            start += n
        return parts

    @staticmethod
    def reference(*arrays_and_axis: Any) -> Array:
        *arrays, axis = arrays_and_axis
        return np.concatenate(arrays, axis=axis)


def _parts(arrays: Any, op: str) -> list[Any]:
    """Several tensors as tensors of one dtype."""
    if not sequence(arrays, op, "arrays"):
        raise ValueError(f"{op}: arrays must hold at least one tensor")
    return operands(op, *arrays)


def concat(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """The arrays joined along an axis; None joins them flattened.

    Type: ``any[...] -> any[...]``. ValueError where other sizes differ.

    >>> import pydp
    >>> pydp.concat([pydp.tensor([1.0]), pydp.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    parts = _parts(arrays, "concat")
    if axis is None:
        parts, axis = [reshape(x, (-1,)) for x in parts], 0
    first = parts[0]
    at = axis_index(axis, first.ndim, "concat")
    for x in parts:
        others = zip(x.shape, first.shape, strict=False)
        if (
            x.ndim != first.ndim
            or not x.ndim
            or any(m != n for i, (m, n) in enumerate(others) if i != at)
        ):
            raise ValueError(f"concat: {x.shape} does not fit {first.shape} along axis {at}")
    return apply(Concat, parts, at)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """The arrays, all of one shape, joined along a new axis. Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> pydp.stack([pydp.zeros((2, 3)), pydp.ones((2, 3))], axis=-1).shape
    (2, 3, 2)
    """
    parts = _parts(arrays, "stack")
    at = axis_index(axis, parts[0].ndim + 1, "stack")
    for x in parts:
        if x.shape != parts[0].shape:
            raise ValueError(f"stack: shapes must be equal, got {parts[0].shape} and {x.shape}")
    return concat([expand_dims(x, at) for x in parts], at)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices of x along an axis, which they lack. Views. Type: ``any[...] -> any[...]``.

    >>> import pydp
    >>> [part.shape for part in pydp.unstack(pydp.zeros((2, 3)))]
    [(3,), (3,)]
    """
    x = value(x, "unstack")
    if not x.ndim:
        raise IndexError("unstack: x must have an axis, got a 0-d tensor")
    at = axis_index(axis, x.ndim, "unstack")
    return tuple([x[(slice(None),) * at + (i,)] for i in range(x.shape[at])])


def chunk(x: Any, chunks: int, axis: int = 0) -> tuple[Any, ...]:
    """x in that many pieces along an axis, equal but for the last, which may be smaller. Views.

    Type: ``any[...] -> any[...]``. Where an axis is too short there are fewer pieces; PyTorch's.

    >>> import pydp
    >>> q, k, v = pydp.chunk(pydp.zeros((2, 12)), 3, axis=-1)
    >>> q.shape
    (2, 4)
    """
    x = value(x, "chunk")
    if not x.ndim:
        raise IndexError("chunk: x must have an axis, got a 0-d tensor")
    at, count = axis_index(axis, x.ndim, "chunk"), integer(chunks, "chunk", "chunks", 1)
    n = x.shape[at]
    step = -(-n // count)
    starts = range(0, n, step) if n else [0] * count
    return tuple([x[(slice(None),) * at + (slice(i, i + step),)] for i in starts])


# ---- again and again -----------------------------------------------------------------------------


def tile(x: Any, repetitions: Sequence[int]) -> Any:
    """x repeated side by side along each axis; missing axes and repetitions count as 1 in front.

    Type: ``any[...] -> any[...]``. The gradient is the sum over the copies.

    >>> import pydp
    >>> pydp.tile(pydp.tensor([1.0, 2.0]), (2,))
    tensor([1., 2., 1., 2.])
    """
    x = value(x, "tile")
    named = sequence(repetitions, "tile", "repetitions")
    times = [integer(n, "tile", "repetitions", 0) for n in named]
    times = [1] * (x.ndim - len(times)) + times
    sizes = (1,) * (len(times) - x.ndim) + x.shape
    pairs = list(zip(times, sizes, strict=True))
    shape = sizes_argument([t * n for t, n in pairs], "tile")
    check_axes(len(sizes) + sum(t != 1 for t in times), "tile")  # one more for each repetition
    apart = reshape(x, [k for t, n in pairs for k in ((n,) if t == 1 else (1, n))])
    spread = broadcast_to(apart, [k for t, n in pairs for k in ((n,) if t == 1 else (t, n))])
    return reshape(spread, shape)


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element along an axis, `repeats` times in a row; None flattens x first.

    Type: ``any[...] -> any[...]``.

    repeats   an int, or one for each element along the axis

    ValueError for negative repeats or a wrong number of them. The gradient is the sum over the
    copies. (PyTorch's repeat_interleave; its `repeat` is `tile`.)

    >>> import pydp
    >>> pydp.repeat(pydp.tensor([1.0, 2.0]), 2)
    tensor([1., 1., 2., 2.])
    >>> pydp.repeat(pydp.tensor([[1.0, 2.0]]), [3, 1], axis=1)
    tensor([[1., 1., 1., 2.]])
    """
    x = value(x, "repeat")
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    if not x.ndim:
        x = reshape(x, (1,))
    at = axis_index(axis, x.ndim, "repeat")
    n = x.shape[at]
    if hasattr(repeats, "__index__") and not getattr(repeats, "ndim", 0):
        times = integer(repeats, "repeat", "repeats", 0)
        apart = expand_dims(x, at + 1)
        spread = broadcast_to(apart, (*x.shape[: at + 1], times, *x.shape[at + 1 :]))
        return reshape(spread, (*x.shape[:at], n * times, *x.shape[at + 1 :]))
    counts = index_tensor(repeats, "repeat")._array
    if counts.shape not in ((n,), (1,)):
        raise ValueError(
            f"repeat: repeats must be an int or one for each of {n} elements, got shape "
            f"{counts.shape}"
        )
    if counts.size and (counts.min() < 0 or counts.sum(dtype=np.float64) >= 1 << 48):
        raise ValueError(
            f"repeat: repeats must be at least 0 and below 2**48 in all, got {counts.tolist()}"
        )
    each = np.broadcast_to(counts.astype(np.int64), (n,))
    return take(x, _graph.wrap(numpy_op(np.repeat, np.arange(n), each)), at)


def roll(x: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Any:
    """x with its elements moved on by `shift`; what leaves at the end comes back at the front.

    Type: ``any[...] -> any[...]``.

    shift   an int (negative: towards the front), or one for each axis
    axis    one axis, or several; None rolls the flattened x and gives it its shape again

    >>> import pydp
    >>> pydp.roll(pydp.tensor([1, 2, 3, 4]), 1)
    tensor([4, 1, 2, 3])
    >>> pydp.roll(pydp.tensor([[1, 2], [3, 4]]), (1, 1), axis=(0, 1))
    tensor([[4, 3],
            [2, 1]])
    """
    x = value(x, "roll")
    several = isinstance(shift, (tuple, list))
    if axis is None:
        if several:
            raise ValueError(f"roll: shift {shift!r} has several numbers, axis is None")
        return reshape(roll(reshape(x, (-1,)), shift, 0), x.shape)
    axes = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    shifts = list(shift) if isinstance(shift, (tuple, list)) else [shift] * len(axes)
    if len(shifts) != len(axes):
        raise ValueError(f"roll: shift {shift!r} and axis {axis!r} must have the same length")
    y = x
    for a, s in zip(axes, shifts, strict=True):
        at, step = axis_index(a, x.ndim, "roll"), integer(s, "roll", "shift")
        n = x.shape[at] if x.ndim else 0
        if n and step % n:
            head, cut = (slice(None),) * at, n - step % n
            y = concat([y[(*head, slice(cut, None))], y[(*head, slice(None, cut))]], at)
    return y if y is not x else copy(x)
