"""Elements by number along an axis: take, take_along_axis, and the sums that are their gradients.

Two ops, each the gradient of the other: take gathers, take_backward adds what was gathered from one
place. Floats go through csrc/kernels/take.c; what has no gradient is NumPy's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import axis_index
from pydp._arrays import Array, as_array, check_axes, numpy_op
from pydp._graph import apply
from pydp._op import Op, language
from pydp.ops._shape import broadcast_to, value


class Take(Op):
    """y = x at ids along `axis`: ids number whole slices of x, or `along` the axis elements."""

    name = "take"
    type = "(any[...], token[...]) -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], axis: int, along: bool) -> str:
        x, ids = types
        sizes = ids.axes if along else x.axes[:axis] + ids.axes + x.axes[axis + 1 :]
        return f"({x}, {ids}) -> {language.array(x.kind, *sizes)}"

    @staticmethod
    def forward(needs: Any, x: Array, ids: Array, axis: int, along: bool) -> Any:
        if x.dtype.kind == "f":
            shape = ids.shape if along else x.shape[:axis] + ids.shape + x.shape[axis + 1 :]
            y = _kernels.empty(shape, x.dtype)
            dense = _kernels.contiguous(ids)
            bad = _kernels.take_forward(_kernels.contiguous(x), dense, y, axis, along)
            if bad:
                raise _out_of_range("take", ids, bad - 1, x.shape, axis)
        else:
            y = numpy_op(_taken, x, ids, axis, along)
        return y, (ids, x.shape)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axis: int, along: bool) -> Any:
        ids, shape = saved
        return apply(TakeBackward, (ids, dy), axis, along, shape), None

    @staticmethod
    def reference(x: Array, ids: Array, axis: int, along: bool) -> Array:
        return np.take_along_axis(x, ids, axis) if along else np.take(x, ids, axis)


class TakeBackward(Op):
    name = "take_backward"
    type = "(token[...], real[...]) -> real[...]"

    @staticmethod
    def type_at(types: Sequence[Any], axis: int, along: bool, shape: tuple[int, ...]) -> str:
        ids, dy = types
        return f"({ids}, {dy}) -> {language.array('real', *shape)}"

    @staticmethod
    def forward(
        needs: Any, ids: Array, dy: Array, axis: int, along: bool, shape: tuple[int, ...]
    ) -> Any:
        dx = _kernels.empty(shape, dy.dtype)
        dense = _kernels.contiguous(ids)
        bad = _kernels.take_backward(dense, _kernels.contiguous(dy), dx, axis, along)
        if bad:
            raise _out_of_range("take_backward", ids, bad - 1, shape, axis)
        return dx, (ids,)

    @staticmethod
    def backward(saved: Any, ddx: Any, needs: Any, axis: int, along: bool, shape: Any) -> Any:
        return None, apply(Take, (ddx, saved[0]), axis, along)

    @staticmethod
    def reference(ids: Array, dy: Array, axis: int, along: bool, shape: tuple[int, ...]) -> Array:
        dx = np.zeros(shape)
        if along:
            places: list[Any] = list(np.indices(ids.shape))
            places[axis] = ids
            np.add.at(dx, tuple(places), dy)
        else:
            index: Any = (slice(None),) * axis + (ids,)
            np.add.at(dx, index, dy)
        return dx


def _taken(x: Array, ids: Array, axis: int, along: bool) -> Array:
    """NumPy's take, with our error."""
    rows = x.shape[axis] if x.ndim else 1
    big = ids.dtype.kind == "u" and ids.dtype.itemsize == 8
    bad = (ids >= rows) if big else (ids >= rows) | (ids < -rows)
    if bad.any():
        raise _out_of_range("take", ids, int(np.argmax(bad)), x.shape, axis)
    ids = ids.astype(np.intp)
    return np.asarray(np.take_along_axis(x, ids, axis) if along else np.take(x, ids, axis))


def _out_of_range(op: str, ids: Array, at: int, shape: tuple[int, ...], axis: int) -> IndexError:
    place = np.unravel_index(at, ids.shape)
    where = f"indices[{', '.join(str(i) for i in place)}]" if ids.ndim else "indices"
    n = shape[axis] if shape else 1
    allowed = f"allowed are {-n} … {n - 1}" if n else "the axis is empty"
    return IndexError(f"{op}: {where} is {ids[place]}, out of bounds of axis {axis}: {allowed}")


def index_tensor(ids: Any, op: str) -> Any:
    """Integers of any type as a tensor; an empty list is one."""
    if not isinstance(ids, _graph.Value):
        ids = _graph.wrap(as_array(ids, op, "int64" if isinstance(ids, list) and not ids else None))
    if ids.dtype.kind not in "iu":
        raise TypeError(f"{op}: indices must be integers, got {ids.dtype}")
    return ids


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The slices of x with these numbers along an axis.

    Type: ``(any[...], token[...]) -> any[...]``: the shape of `indices` stands in the place of the
    axis.

    x         any tensor
    indices   integers of any type and shape; negative ones count from the end
    axis      may be left out where x has one axis

    IndexError for an index out of range, with its place and value; TypeError for indices that are
    not integers. The gradient adds what was taken from one place. (PyTorch's index_select; its
    `take` and NumPy's without an axis flatten x.)

    >>> import pydp
    >>> pydp.take(pydp.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), [2, 0], axis=1)
    tensor([[3., 1.],
            [6., 4.]])
    """
    x = value(x, "take")
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"take: axis must be given for x of shape {x.shape}")
        axis = 0
    ids, at = index_tensor(indices, "take"), axis_index(axis, x.ndim, "take")
    check_axes(x.ndim - 1 + ids.ndim, "take")
    return apply(Take, (x, ids), at, False)


def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Any:
    """The elements of x with these numbers along an axis, each line of x with its own numbers.

    Type: ``(any[...], token[...]) -> any[...]``, y[i, j, k] = x[i, indices[i, j, k], k] for
    axis 1. The other axes of x and `indices` broadcast. Undoes `argsort`; PyTorch's `gather`.

    IndexError for an index out of range, ValueError where the shapes do not fit.

    >>> import pydp
    >>> x = pydp.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    >>> pydp.take_along_axis(x, pydp.tensor([[1], [2]]))
    tensor([[1.],
            [4.]])
    """
    x, ids = value(x, "take_along_axis"), index_tensor(indices, "take_along_axis")
    at = axis_index(axis, x.ndim, "take_along_axis")
    if ids.ndim != x.ndim or not x.ndim:
        raise ValueError(
            f"take_along_axis: x and indices must have the same number of axes, at least 1, got "
            f"shapes {x.shape} and {ids.shape}"
        )
    outer = [n for i, n in enumerate(x.shape) if i != at]
    try:
        common = np.broadcast_shapes(outer, [n for i, n in enumerate(ids.shape) if i != at])
    except ValueError:
        raise ValueError(
            f"take_along_axis: the axes but {at} of {x.shape} and {ids.shape} do not broadcast"
        ) from None
    x, ids = (
        broadcast_to(t, (*common[:at], t.shape[at], *common[at:])) for t in (x, ids)
    )  # fmt: skip
    return apply(Take, (x, ids), at, True)
