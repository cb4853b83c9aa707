"""What an index means: NumPy's terms, and how arrays in it are lowered to one axis of a view.

x[i, :, ids, mask]
  │  │   └───┴── arrays: places on an axis that is merged from those they index
  └──┴────────── slices, ints, None, ...: a view
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pydp import _graph
from pydp._arguments import whole
from pydp._arrays import Array, numpy_op


def plain(index: Any) -> tuple[Any, ...]:
    """The index in NumPy's terms: None, ..., slices, ints, bools and arrays of ints or bools.

    Arrays are copies: what was checked is what is used, now and in backward, whatever their owner
    or another thread writes into them in between.
    """
    return tuple([_part(p) for p in (index if isinstance(index, tuple) else (index,))])


def _part(p: Any) -> Any:
    if p is None or p is Ellipsis or isinstance(p, (bool, np.bool_)):
        return p
    if isinstance(p, slice):
        try:
            p.indices(0)
        except (TypeError, ValueError) as error:
            raise type(error)(f"indexing: {error}, got {p}") from None
        return p
    if isinstance(p, (list, tuple)):
        try:
            p = np.asarray(p, dtype=None if len(p) else np.intp)
        except ValueError as error:
            raise ValueError(f"indexing: a list must hold indices of one shape: {error}") from None
    if isinstance(p, (_graph.Value, np.ndarray)):
        return _index_array(p._array if isinstance(p, _graph.Value) else p)
    i = whole(p)
    if i is None:
        raise TypeError(f"indexing: {p!r} is not an index")
    if not -(1 << 63) <= i < 1 << 63:
        raise IndexError(f"indexing: index {i} is out of range")
    return i


def _index_array(p: Array) -> Array:
    if p.dtype.kind == "b":
        return np.array(p)
    if p.dtype.kind not in "iu":
        raise TypeError(f"indexing: index arrays must be integer or bool, got {p.dtype}")
    if p.dtype == np.uint64 and p.size and p.max() >= 1 << 63:  # would wrap around, to below 0
        raise IndexError(f"indexing: index {p.max()} is out of range")
    return np.array(p, np.intp)


def is_array(p: Any) -> bool:
    return isinstance(p, (np.ndarray, bool, np.bool_))


def expanded(index: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """The index with whole slices in the place of its ellipsis, or at its end, up to the rank."""
    taken = sum(_axes_of(p) for p in index)
    if taken > rank:
        raise IndexError(f"too many indices: {taken} for {rank} axes")
    at = next((k for k, p in enumerate(index) if p is Ellipsis), len(index))
    if any(p is Ellipsis for p in index[at + 1 :]):
        raise IndexError("an index can only have a single ellipsis ('...')")
    return (*index[:at], *(slice(None),) * (rank - taken), *index[at + 1 :])


def _axes_of(p: Any) -> int:
    """How many axes of x a part of an index stands for."""
    if p is None or p is Ellipsis or isinstance(p, (bool, np.bool_)):
        return 0
    return p.ndim if isinstance(p, np.ndarray) and p.dtype.kind == "b" else 1


class Lowered(NamedTuple):
    """x[index] = take(merged(permute_dims(x[view], order)), ids, axis).

    view    the index with whole slices in place of the arrays
    order   of the view's axes: the indexed ones side by side, `axis` the first of them
    merged  how many those are; they become one
    ids     the places on the merged axis
    """

    view: tuple[Any, ...]
    order: tuple[int, ...]
    axis: int
    merged: int
    ids: Any


def lowered(shape: tuple[int, ...], index: tuple[Any, ...]) -> Lowered:
    """An index with at least one array (tensors of integers among them stay as they are).

    As in NumPy: arrays (and ints, when there are arrays) broadcast to one shape, which stands where
    they stood, or in front where something else stands between them.
    """
    parts = expanded(index, len(shape))
    view: list[Any] = []
    places: list[int] = []  # axes of the view that arrays index, and with what
    arrays: list[Any] = []
    advanced: list[int] = []  # which parts count as arrays
    axis = kept = 0  # of x, of the view
    for k, p in enumerate(parts):
        if p is None or isinstance(p, slice):
            view.append(p)
            axis += p is not None
            kept += 1
            continue
        advanced.append(k)
        if isinstance(p, int) and not isinstance(p, bool):
            if not -shape[axis] <= p < shape[axis]:
                raise IndexError(
                    f"index {p} is out of bounds for axis {axis} with size {shape[axis]}"
                )
            view.append(p)
            axis += 1
            continue
        if isinstance(p, np.ndarray) and p.dtype.kind == "b" and p.ndim == 0:
            p = bool(p)
        found: Sequence[Any] = [p]
        if isinstance(p, (bool, np.bool_)):  # a new axis of length 1, taken once or not at all
            found = [np.zeros(int(p), np.intp)]
            view.append(None)
        elif isinstance(p, np.ndarray) and p.dtype.kind == "b":
            have = shape[axis : axis + p.ndim]
            # an axis of length 0 fits any: nothing is taken (the standard, and NumPy)
            if len(have) != p.ndim or any(
                m not in (n, 0) for m, n in zip(p.shape, have, strict=True)
            ):
                raise IndexError(
                    f"boolean index did not match: it has shape {p.shape}, the axes from {axis} on "
                    f"have {have}"
                )
            found = [np.flatnonzero(p)] if len(index) == 1 else p.nonzero()
        width = _axes_of(p)
        view += [slice(None)] * width
        axis += width
        width = max(width, 1)
        arrays += found
        places += range(kept, kept + width)
        kept += width
    together = advanced[-1] - advanced[0] == len(advanced) - 1
    start = places[0] if together else 0
    others = [i for i in range(kept) if i not in places]
    order = (*others[:start], *places, *others[start:])
    sizes = view_sizes(shape, view, places)
    return Lowered(tuple(view), order, start, len(places), _places_of(arrays, sizes))


def view_sizes(shape: tuple[int, ...], view: list[Any], places: list[int]) -> list[int]:
    """The sizes of those axes of the view."""
    left, sizes = iter(shape), []
    for p in view:
        n = 1 if p is None else next(left)
        if not isinstance(p, int):
            sizes.append(n)
    return [sizes[i] for i in places]


def _places_of(arrays: list[Any], sizes: list[int]) -> Any:
    """Positions on the merged axis; one array alone is used as it is, and checked by `take`."""
    if len(arrays) == 1:
        ids = arrays[0]
        return ids if isinstance(ids, _graph.Value) else _graph.wrap(ids)
    plain = [a._array if isinstance(a, _graph.Value) else a for a in arrays]
    try:
        plain = list(np.broadcast_arrays(*plain))
    except ValueError:
        shapes = ", ".join(str(a.shape) for a in plain)
        raise IndexError(f"index arrays of shapes {shapes} do not broadcast") from None
    for a, n in zip(plain, sizes, strict=True):
        bad = (a < -n) | (a >= n)
        if bad.any():
            raise IndexError(f"index {a[bad].flat[0]} is out of bounds for an axis of size {n}")
    counted = [np.where(a < 0, a + n, a) for a, n in zip(plain, sizes, strict=True)]
    return _graph.wrap(np.asanyarray(numpy_op(np.ravel_multi_index, counted, sizes), np.int64))
