"""Order: sort, argsort, topk, searchsorted, and the sets of unique values.

NumPy sorts. Where a gradient is wanted the places are sorted and the values taken from them
(`take_along_axis`), so the gradient goes back to where each value came from. NaN counts as largest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pydp import _graph
from pydp._arguments import axis_index, integer
from pydp._arrays import INT64, Array, check_memory, numpy_op, operands
from pydp._graph import is_recording
from pydp.ops._math import copy
from pydp.ops._reduce import Axes
from pydp.ops._reduce import sum as total
from pydp.ops._shape import reshape, value
from pydp.ops._take import index_tensor, take, take_along_axis


def _order(x: Array, axis: int, descending: bool) -> Array:
    """The places of the sorted elements; equal ones stay in order, also when descending."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable").astype(INT64, copy=False)
    back = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return np.asarray(x.shape[axis] - 1 - np.flip(back, axis), INT64)


def argsort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The places of the elements in rising order along an axis.

    Type: ``any[...] -> token[...]`` (int64). Equal elements keep their order, whatever `stable`
    says. NaN counts as largest.

    >>> import pydp
    >>> pydp.argsort(pydp.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x = value(x, "argsort")
    at = axis_index(axis, x.ndim, "argsort")
    if not x.ndim:
        return _graph.wrap(np.zeros((), INT64))
    check_memory(x.shape, INT64.itemsize, "argsort")
    return _graph.wrap(numpy_op(_order, x._array, at, bool(descending)))


def sort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The elements in rising order along an axis.

    Type: ``any[..., n] -> any[..., n]``. NaN counts as largest. Otherwise as `argsort`. PyTorch's
    gives the places too: use `argsort` and `take_along_axis`, or `topk`.

    >>> import pydp
    >>> pydp.sort(pydp.tensor([3.0, 1.0, 2.0]), descending=True)
    tensor([3., 2., 1.])
    """
    x = value(x, "sort")
    at = axis_index(axis, x.ndim, "sort")
    if not x.ndim:
        return copy(x)
    if x._node is not None and is_recording():
        return take_along_axis(x, argsort(x, at, descending), at)
    check_memory(x.shape, x.dtype.itemsize, "sort")
    y = numpy_op(np.sort, x._array, axis=at)
    return _graph.wrap(np.flip(y, at) if descending else y)


class TopK(NamedTuple):
    """What `topk` gives."""

    values: Any
    indices: Any


def topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> TopK:
    """The k largest (or smallest) elements along an axis in falling (rising) order, and their
    places.

    Type: ``any[..., n] -> (any[..., k], token[..., k])``. Of equal elements the first are taken.
    NaN counts as largest. ValueError where k is not in 0 … n.

    >>> import pydp
    >>> values, indices = pydp.topk(pydp.tensor([1.0, 4.0, 2.0, 3.0]), 2)
    >>> values, indices
    (tensor([4., 3.]), tensor([1, 3]))
    """
    x = value(x, "topk")
    at = axis_index(axis, x.ndim, "topk")
    if not x.ndim:
        raise ValueError("topk: x must have an axis, got shape ()")
    k = integer(k, "topk", "k", 0)
    if k > x.shape[at]:
        raise ValueError(f"topk: k must be at most the size {x.shape[at]} of axis {at}, got {k}")
    check_memory(x.shape, INT64.itemsize, "topk")
    lines = np.moveaxis(x._array, at, -1)
    places = numpy_op(_top_places, lines, k, bool(largest))
    ids = _graph.wrap(np.ascontiguousarray(np.moveaxis(places, -1, at)))
    return TopK(take_along_axis(x, ids, at), ids)


def _top_places(x: Array, k: int, largest: bool) -> Array:
    """The places of the first k along the last axis: partition, then sort those k alone."""
    n = x.shape[-1]
    if k == 0 or x.size == 0:
        return np.zeros((*x.shape[:-1], k), INT64)
    if 4 * k > n or (x.dtype.kind == "f" and np.isnan(x).any()):
        return _order(x, -1, largest)[..., :k]
    at = n - k if largest else k - 1
    last = np.partition(x, at, axis=-1)[..., at : at + 1]  # the k-th; which equal ones count too?
    inside = x > last if largest else x < last
    equal = x == last
    missing = k - inside.sum(-1, keepdims=True)
    if (equal.sum(-1, keepdims=True) > missing).any():
        equal &= np.cumsum(equal, axis=-1) <= missing
    places = (np.flatnonzero(inside | equal) % n).reshape(*x.shape[:-1], k)
    order = _order(np.take_along_axis(x, places, -1), -1, largest)
    return np.asarray(np.take_along_axis(places, order, -1), INT64)


def searchsorted(x1: Any, x2: Any, side: str = "left", sorter: Any = None) -> Any:
    """Where x2's elements would go in the rising x1 so that it stays rising.

    Type: ``(any[n], any[...]) -> token[...]`` (int64), in 0 … n.

    x1       one axis, in rising order, or `sorter` puts it so
    side     "left": before equal elements; "right": behind them
    sorter   integers that put x1 in order, such as argsort(x1)

    >>> import pydp
    >>> pydp.searchsorted(pydp.tensor([1.0, 2.0, 3.0]), pydp.tensor([2.0, 2.5]))
    tensor([1, 2])
    """
    x1, x2 = operands("searchsorted", x1, x2)
    if x1.ndim != 1:
        raise ValueError(f"searchsorted: x1 must have one axis, got shape {x1.shape}")
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if sorter is not None:
        ids = index_tensor(sorter, "searchsorted")
        if ids.shape != x1.shape:
            raise ValueError(
                f"searchsorted: sorter must have shape {x1.shape}, got {ids.shape}"
            )  # fmt: skip
        x1 = take(x1, ids, 0)
    check_memory(x2.shape, INT64.itemsize, "searchsorted")
    found = numpy_op(np.searchsorted, x1._array, x2._array, side=side)
    return _graph.wrap(np.asarray(found, INT64))


def nonzero(x: Any) -> tuple[Any, ...]:
    """The places of the elements that are not 0: one tensor of indices for each axis, in C order.

    Type: ``any[...] -> token[k]``, several (int64). ValueError where x has no axis.

    >>> import pydp
    >>> pydp.nonzero(pydp.tensor([[0.0, 1.0], [2.0, 0.0]]))
    (tensor([0, 1]), tensor([1, 0]))
    """
    x = value(x, "nonzero")
    if not x.ndim:
        raise ValueError("nonzero: x must have an axis, got shape ()")
    check_memory((x.ndim, *x.shape), INT64.itemsize, "nonzero")
    return tuple([_graph.wrap(np.asarray(i, INT64)) for i in numpy_op(np.nonzero, x._array)])


def count_nonzero(x: Any, axis: int | Axes | None = None, keepdims: bool = False) -> Any:
    """The number of elements that are not 0 over one axis, several, or all (None).

    Type: ``any[...] -> token[...]`` (int64).

    >>> import pydp
    >>> pydp.count_nonzero(pydp.tensor([[0.0, 1.0], [2.0, 3.0]]), axis=1)
    tensor([1, 2])
    """
    x = value(x, "count_nonzero")
    check_memory(x.shape, 1, "count_nonzero")
    return total(_graph.wrap(numpy_op(np.not_equal, x._array, 0)), axis, keepdims)


# ---- sets ----------------------------------------------------------------------------------------


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Any
    inverse_indices: Any


def unique_all(x: Any) -> UniqueAll:
    """The different elements of x, rising; where each first stands in the flattened x, which of
    them every element of x is, and how often each occurs.

    Type: ``any[...] -> (any[k], token[k], token[...], token[k])``. Every NaN is different. The
    gradient of a value goes to its first place.

    >>> import pydp
    >>> pydp.unique_all(pydp.tensor([2.0, 1.0, 2.0])).inverse_indices
    tensor([1, 0, 1])
    """
    x = value(x, "unique_all")
    check_memory(x.shape, INT64.itemsize, "unique_all")
    _, indices, inverse, counts = numpy_op(
        np.unique, x._array, True, True, True, equal_nan=False
    )  # fmt: skip
    indices, inverse, counts = (
        _graph.wrap(np.asarray(a, INT64)) for a in (indices, inverse.reshape(x.shape), counts)
    )
    return UniqueAll(take(reshape(x, (-1,)), indices), indices, inverse, counts)


def unique_counts(x: Any) -> UniqueCounts:
    """The different elements of x, rising, and how often each occurs. Otherwise as `unique_all`.

    >>> import pydp
    >>> pydp.unique_counts(pydp.tensor([2.0, 1.0, 2.0])).counts
    tensor([1, 2])
    """
    values, _, _, counts = unique_all(x)
    return UniqueCounts(values, counts)


def unique_inverse(x: Any) -> UniqueInverse:
    """The different elements of x, rising, and which of them every element of x is. Otherwise as
    `unique_all`.

    >>> import pydp
    >>> pydp.unique_inverse(pydp.tensor([2.0, 1.0, 2.0])).values
    tensor([1., 2.])
    """
    values, _, inverse, _ = unique_all(x)
    return UniqueInverse(values, inverse)


def unique_values(x: Any) -> Any:
    """The different elements of x, rising. Otherwise as `unique_all`.

    >>> import pydp
    >>> pydp.unique_values(pydp.tensor([2.0, 1.0, 2.0]))
    tensor([1., 2.])
    """
    return unique_all(x).values
