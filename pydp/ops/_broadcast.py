"""Shapes brought together: broadcast_arrays, broadcast_shapes, meshgrid. All give views."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from pydp import _graph
from pydp._arguments import sizes_argument
from pydp._arrays import as_array, check_axes
from pydp.ops._shape import broadcast_to, reshape


def broadcast_shapes(*shapes: int | Sequence[int]) -> tuple[int, ...]:
    """The shape that all the shapes broadcast to: aligned at the last axis, sizes are equal or 1.

    ValueError where they are not.

    >>> import pydp
    >>> pydp.broadcast_shapes((3, 1), (4,), ())
    (3, 4)
    """
    return _together("broadcast_shapes", [sizes_argument(s, "broadcast_shapes") for s in shapes])


def _together(op: str, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    found = []
    for sizes in zip_longest(*[reversed(shape) for shape in shapes], fillvalue=1):
        longer = {n for n in sizes if n != 1}
        if len(longer) > 1:
            raise ValueError(f"{op}: shapes {', '.join(map(str, shapes))} do not broadcast")
        found.append(longer.pop() if longer else 1)
    return tuple(reversed(found))


def broadcast_arrays(*arrays: Any) -> list[Any]:
    """The arrays, each broadcast to the shape of all together, without copies.

    Type: ``any -> any``. ValueError where the shapes do not fit.

    >>> import pydp
    >>> [x.shape for x in pydp.broadcast_arrays(pydp.zeros((3, 1)), pydp.zeros(4))]
    [(3, 4), (3, 4)]
    """
    values = [_value(x, "broadcast_arrays") for x in arrays]
    shape = _together("broadcast_arrays", [x.shape for x in values])
    return [broadcast_to(x, shape) for x in values]


def meshgrid(*arrays: Any, indexing: str = "xy") -> list[Any]:
    """The coordinates of a grid's points from those along each axis, without copies.

    arrays     one-dimensional tensors
    indexing   "xy": the first array runs along the second axis, as in pictures; "ij": each along
               its own

    Type: ``any -> any``. PyTorch's default is "ij".

    >>> import pydp
    >>> x, y = pydp.meshgrid(pydp.tensor([1, 2, 3]), pydp.tensor([10, 20]))
    >>> x
    tensor([[1, 2, 3],
            [1, 2, 3]])
    >>> y
    tensor([[10, 10, 10],
            [20, 20, 20]])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: indexing must be "xy" or "ij", got {indexing!r}')
    check_axes(len(arrays), "meshgrid")
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = [1, 0]
    spread = []
    for x, place in zip(arrays, places, strict=True):
        x = _value(x, "meshgrid")
        if x.ndim > 1:
            raise ValueError(f"meshgrid: arrays must have one axis, got shape {x.shape}")
        shape = [1] * len(arrays)
        shape[place] = x.size
        spread.append(reshape(x, shape))
    return broadcast_arrays(*spread)


def _value(x: Any, op: str) -> Any:
    return x if isinstance(x, _graph.Value) else _graph.wrap(as_array(x, op))
