"""Arguments: what a caller gave, brought to the one form that a rule works with, or refused.

    integer(stride, "conv2d", "stride", least=1)      int, at least 1, below 2**31
    axis_index(-1, 3, "softmax")                      2

Every message names the op, the argument, what came and what is allowed. bool is no number, and a
float no int. An int that remembers its size (a Length, see _length.py) stays one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arrays import as_array, check_axes, nearest_float


def whole(value: Any) -> int | None:
    """The int that a value is; None for bool, floats, and arrays of several. A subclass of int
    stays what it is: Lengths come this way (_length.py)."""
    if type(value) is int:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        return None
    try:
        return int(value.__index__())
    except TypeError:
        return None


def integer(value: Any, op: str, argument: str, least: int | None = None) -> int:
    """An int argument: bool, float and what is too large for the kernels are refused."""
    found = whole(value)
    if found is None:
        raise TypeError(f"{op}: {argument} must be an int, got {value!r}")
    if least is not None and found < least:
        raise ValueError(f"{op}: {argument} must be at least {least}, got {found}")
    if abs(found) >= 1 << 31:
        raise ValueError(f"{op}: {argument} must be below 2**31, got {found}")
    return found


def number(value: Any, op: str, argument: str) -> float:
    """A real number as a float, an int too large for one as infinity: whoever asks checks the
    range. bool, complex numbers, texts and tensors are refused."""
    if type(value) is float:
        return value
    real = (int, float, np.integer, np.floating)
    if isinstance(value, (bool, np.bool_, np.timedelta64)) or not isinstance(value, real):
        raise TypeError(f"{op}: {argument} must be a number, got {value!r}")
    return nearest_float(value)


def pair(value: Any, op: str, argument: str, least: int) -> tuple[int, int]:
    """An int, or one for each of height and width."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{op}: {argument} must be an int or two, got {value!r}")
        first, second = value
        return integer(first, op, argument, least), integer(second, op, argument, least)
    one = integer(value, op, argument, least)
    return one, one


def shape_argument(shape: Any, op: str) -> tuple[int, ...]:
    """A shape from an int or a sequence of ints; negative ones are left to the caller."""
    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    check_axes(len(given), op)
    sizes = []
    for n in given:
        size = whole(n)
        if size is None:
            raise TypeError(f"{op}: shape must hold ints, got {n!r}")
        sizes.append(size)
    if math.prod(n for n in sizes if n > 0) >= 1 << 60:
        raise ValueError(f"{op}: shape {tuple(sizes)} has too many elements")
    return tuple(sizes)


def sizes_argument(shape: Any, op: str) -> tuple[int, ...]:
    """A shape none of whose sizes is negative."""
    sizes = shape_argument(shape, op)
    if any(n < 0 for n in sizes):
        raise ValueError(f"{op}: sizes must not be negative, got shape {sizes}")
    return sizes


def check_device(device: Any, op: str) -> None:
    """The array standard's device argument: there is one."""
    if device is not None and not (isinstance(device, str) and device == "cpu"):
        raise ValueError(f'{op}: device must be "cpu", got {device!r}')


def sequence(value: Any, op: str, argument: str) -> Sequence[Any]:
    """A tuple, list or range."""
    if not isinstance(value, (tuple, list, range)):
        raise TypeError(f"{op}: {argument} must be a tuple or list, got {value!r}")
    return value


def axis_index(axis: Any, ndim: int, op: str) -> int:
    """An axis counted from the front; 0 and -1 are accepted for a single number."""
    index, rank = whole(axis), max(ndim, 1)
    if index is None:
        raise TypeError(f"{op}: axis must be an int, got {axis!r}")
    if not -rank <= index < rank:
        raise IndexError(f"{op}: axis {index} is out of range for {ndim} axes")
    return index % rank


def axes_tuple(axis: Any, ndim: int, op: str) -> tuple[int, ...]:
    """Several axes counted from the front, ascending; None means all."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and ndim:
        return (axis_index(axis, ndim, op),)
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = [axis_index(a, ndim, op) for a in given]
    if len(set(found)) != len(found):
        raise ValueError(f"{op}: axis {axis!r} names an axis twice")
    return tuple(sorted(found)) if ndim else ()


def real_tensor(x: Any, op: str, argument: str) -> Any:
    """A float32 or float64 tensor; arrays and lists of numbers are converted."""
    if not isinstance(x, _graph.Value):
        x = _graph.wrap(as_array(x, op))
    if x._array.dtype.kind != "f":
        raise TypeError(
            f"{op}: {argument} must be float32 or float64, got {x._array.dtype}; use astype"
        )
    return x


def same_float(op: str, **tensors: Any) -> None:
    """The named tensors (None left out) must share one float dtype: kernels do not mix them."""
    present = [x._array.dtype for x in tensors.values() if x is not None]
    if present and present.count(present[0]) == len(present):
        return
    kinds = {name: x._array.dtype for name, x in tensors.items() if x is not None}
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{name} {dtype}" for name, dtype in kinds.items())
        raise TypeError(f"{op}: arguments must have one dtype, got {listed}; use astype")
