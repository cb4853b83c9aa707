"""Arrays: the memory of tensors. What they may hold, how data becomes one, and how NumPy is called
on them.

    [1, 2.5]             float32, as Python floats are      as_array
    np.array(...)        its own dtype, if it is one of     DTYPES
    tensor + array       the array standard's promotion     operands
    tensor + 2.5         the tensor's dtype                 scalar

Invariant: an array that a kernel reads is aligned, in native byte order, of one of DTYPES, and has
at most MAX_AXES axes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels

Array = np.ndarray[Any, Any]

FLOAT32: np.dtype[Any] = np.dtype(np.float32)
FLOAT64: np.dtype[Any] = np.dtype(np.float64)
INT64: np.dtype[Any] = np.dtype(np.int64)
BOOL: np.dtype[Any] = np.dtype(np.bool_)
DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float32", "float64",
    )
}  # fmt: skip


# The most axes a tensor may have.
MAX_AXES: int = _kernels.max_axes

# Each of them in either byte order -> itself in the native one.
NATIVE: dict[np.dtype[Any], np.dtype[Any]] = {
    changed: dtype for dtype in DTYPES.values() for changed in (dtype, dtype.newbyteorder("S"))
}


def checked_dtype(dtype: Any, op: str) -> np.dtype[Any]:
    """One of DTYPES in native byte order, or a TypeError that lists them."""
    try:
        found = None if dtype is None else NATIVE.get(np.dtype(dtype))
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise TypeError(f"{op}: dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    return found


def as_array(data: Any, op: str, dtype: Any = None, copy: bool = True) -> Array:
    """Data as an array that kernels can read: an allowed dtype, native byte order, aligned.

    Without dtype, Python floats become float32; what has an `__array__` keeps its dtype. With an
    integer dtype every number must fit it.
    """
    wanted = None if dtype is None else checked_dtype(dtype, op)
    typed = hasattr(data, "__array_interface__") or hasattr(data, "__array__")
    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:
        kind = TypeError if typed else type(error)
        raise kind(f"{op}: data does not make an array: {error}") from None
    except Exception as error:
        if not typed or isinstance(error, MemoryError):
            raise
        raise TypeError(f"{op}: {type(data).__name__} does not make an array: {error}") from error
    native = NATIVE.get(array.dtype)
    if native is None:
        if array.dtype.hasobject and all(isinstance(x, int) for x in array.flat):
            raise OverflowError(f"{op}: an int of data fits into neither int64 nor uint64")
        raise TypeError(
            f"{op}: dtype must be one of {', '.join(DTYPES)}, got {array.dtype}"
            + (" (Python objects)" if array.dtype.hasobject else "")
        )
    check_axes(array.ndim, op)
    if wanted is None:
        wanted = FLOAT32 if native == FLOAT64 and not typed else native
    if wanted.kind in "iu" and wanted != native:
        check_fits(array, wanted, op)
    fits = array.dtype == wanted and array.flags.aligned and type(array) is np.ndarray
    if copy or not fits:
        check_memory(array.shape, wanted.itemsize, op)
        made = _kernels.empty(array.shape, wanted)  # its rows begin with a line of the cache
        with np.errstate(over="ignore"):
            np.copyto(made, array, casting="unsafe")
        array = made
    return array


def check_fits(array: Array, dtype: np.dtype[Any], op: str) -> None:
    """Refuse numbers that an integer dtype has not; fractions may be cut off."""
    if array.size == 0:
        return
    limits = np.iinfo(dtype)
    for x in (array.min().item(), array.max().item()):
        if not limits.min - 1 < x < limits.max + 1:  # true for NaN too
            raise OverflowError(f"{op}: {x} does not fit into {dtype}")


def promoted(a: np.dtype[Any], b: np.dtype[Any], op: str) -> np.dtype[Any]:
    """The dtype of a result of two tensors: the array standard's table; a float wins over an
    integer and keeps its width."""
    if a == b:
        return a
    a_float, b_float = a.kind == "f", b.kind == "f"
    if a_float != b_float:
        return a if a_float else b
    both = np.promote_types(a, b)
    if both.kind == "f" and not a_float:
        raise TypeError(f"{op}: no integer dtype holds both {a} and {b}; use astype")
    return both


def operands(op: str, *values: Any) -> list[Any]:
    """Several arguments of one elementwise op as tensors of one dtype.

    Python and NumPy scalars take the tensors' dtype (a float scalar makes integers float32); NumPy
    arrays and lists become tensors.
    """
    tensors = [x for x in values if isinstance(x, _graph.Value)]
    others = {}
    for i, x in enumerate(values):
        if isinstance(x, _graph.Value):
            continue
        if isinstance(x, (bool, int, float, np.generic)):
            others[i] = x
        elif isinstance(x, (np.ndarray, list, tuple)):
            others[i] = _graph.wrap(as_array(x, op))
            tensors.append(others[i])
        else:
            raise TypeError(f"{op}: expected a tensor, array or number, got {type(x).__name__}")
    if not tensors:
        tensors = [_graph.wrap(as_array(x, op)) for x in values]
    dtype = tensors[0]._array.dtype
    for x in tensors[1:]:
        dtype = promoted(dtype, x._array.dtype, op)
    for x in others.values():
        if isinstance(x, (float, np.floating)) and dtype.kind != "f":
            dtype = FLOAT32
        elif isinstance(x, (int, np.integer)) and dtype.kind == "b" and not isinstance(x, bool):
            dtype = INT64
    out = []
    for i, x in enumerate(values):
        x = others.get(i, x)
        if not isinstance(x, _graph.Value):
            x = _graph.wrap(scalar(x, dtype, op))
        elif x._array.dtype != dtype:
            x = x.astype(dtype)
        out.append(x)
    return out


def scalar(x: Any, dtype: np.dtype[Any], op: str) -> Array:
    """A number as a 0-d array of this dtype. What does not fit into an integer is an error; a float
    beyond float32 is infinite."""
    if isinstance(x, np.generic) and x.dtype.kind in "biuf":
        x = x.item()
    elif not isinstance(x, (bool, int, float)):
        raise TypeError(f"{op}: expected a real number, got {x!r}")
    if dtype.kind == "f" and not -3e38 < x < 3e38:
        with np.errstate(over="ignore"):
            return np.array(nearest_float(x), dtype=dtype)
    try:
        return np.array(x, dtype=dtype)
    except (OverflowError, ValueError):
        raise OverflowError(f"{op}: {x} does not fit into {dtype}") from None


def nearest_float(x: Any) -> float:
    """A real number as a float, an int too large for one as infinity."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


# ---- arrays of an example -----------------------------------------------------------------------


def shaped(array: Array, sizes: Sequence[int]) -> Array:
    """A new array of this shape, which remembers sizes that are Lengths: see _length.py."""
    if any(type(n) is not int and isinstance(n, int) for n in sizes):
        from pydp._outline import outlined  # types are not needed to compute

        array = outlined(array, sizes)
    return array


def constant(shape: tuple[int, ...], value: Any, dtype: np.dtype[Any]) -> Any:
    """A tensor of one value: no kernel call, so a replayed step finds it as it is."""
    array: Array = _kernels.empty(shape, dtype)
    array[...] = value
    return _graph.wrap(shaped(array, shape))


# ---- what the machine, the kernels and a recorded step allow -------------------------------------


def check_axes(ndim: int, op: str) -> None:
    """Refuse more axes than kernels have room for: every tensor is made behind this check."""
    if ndim > _kernels.max_axes:
        raise ValueError(f"{op}: at most {_kernels.max_axes} axes, got {ndim}")


# What the machine has, whatever the system promises to it.
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_memory(shape: Sequence[int], itemsize: int, op: str) -> None:
    """Refuse a result that NumPy would allocate and the machine cannot hold. Kernels' results are
    refused by their allocator; NumPy believes a system that promises any amount."""
    if math.prod(shape) * itemsize > MEMORY:
        raise MemoryError(f"{op}: no memory for shape {tuple(shape)}")


def numpy_op(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a NumPy function on tensors' arrays: the one way that NumPy computes on them.

    What NumPy computes cannot be replayed as a kernel call, so it is refused while a step is being
    recorded; views cost nothing there and do not come this way.
    """
    if _kernels.is_recording():
        raise RuntimeError(
            f"{getattr(function, '__name__', function)}: computed by NumPy, so it cannot be part "
            "of a recorded step"
        )
    return function(*arguments, **keywords)
