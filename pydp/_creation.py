"""Tensors from numbers: the array API standard's creation functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._op import DTYPES, FLOAT32, checked_dtype, scalar
from pydp._tensor import Tensor
from pydp.ops._shape import shape_argument


def full(shape: int | Sequence[int], fill_value: Any, dtype: Any = None) -> Tensor:
    """A tensor of one value; without dtype a Python float gives float32, an int int64.

    >>> import pydp
    >>> pydp.full((2, 2), 7.0)
    tensor([[7., 7.],
            [7., 7.]])
    """
    sizes = shape_argument(shape, "full")
    if any(n < 0 for n in sizes):
        raise ValueError(f"full: sizes must not be negative, got shape {sizes}")
    if dtype is None:
        kinds = {bool: "bool", int: "int64", float: "float32"}
        dtype = kinds.get(type(fill_value), getattr(fill_value, "dtype", None))
    found = checked_dtype(dtype, "full")
    array = _kernels.empty(sizes, found)
    array[...] = scalar(fill_value, found, "full")
    return _graph.wrap(array)  # type: ignore[no-any-return]


def zeros(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor of zeros, float32 unless said otherwise.

    >>> import pydp
    >>> pydp.zeros(3)
    tensor([0., 0., 0.])
    """
    return full(shape, 0, FLOAT32 if dtype is None else dtype)


def ones(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor of ones, float32 unless said otherwise.

    >>> import pydp
    >>> pydp.ones((1, 2))
    tensor([[1., 1.]])
    """
    return full(shape, 1, FLOAT32 if dtype is None else dtype)


def empty(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor to be written later. It holds zeros: pydp never shows unwritten memory.

    >>> import pydp
    >>> pydp.empty(2)
    tensor([0., 0.])
    """
    return zeros(shape, dtype)


def zeros_like(x: Tensor, dtype: Any = None) -> Tensor:
    """Zeros in x's shape and dtype.

    >>> import pydp
    >>> pydp.zeros_like(pydp.tensor([1, 2]))
    tensor([0, 0])
    """
    return full(x.shape, 0, x.dtype if dtype is None else dtype)


def ones_like(x: Tensor, dtype: Any = None) -> Tensor:
    """Ones in x's shape and dtype.

    >>> import pydp
    >>> pydp.ones_like(pydp.tensor([1, 2]))
    tensor([1, 1])
    """
    return full(x.shape, 1, x.dtype if dtype is None else dtype)


def full_like(x: Tensor, fill_value: Any, dtype: Any = None) -> Tensor:
    """One value in x's shape and dtype.

    >>> import pydp
    >>> pydp.full_like(pydp.tensor([1.0, 2.0]), 3)
    tensor([3., 3.])
    """
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype)


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Tensor:
    """start, start + step, … before stop: int64 from ints, float32 from floats.

    >>> import pydp
    >>> pydp.arange(1, 10, 3)
    tensor([1, 4, 7])
    """
    if stop is None:
        start, stop = 0, start
    for name, value in (("start", start), ("stop", stop), ("step", step)):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise TypeError(f"arange: {name} must be a number, got {value!r}")
    if step == 0:
        raise ValueError("arange: step must not be 0")
    if not (stop - start) / step < 1 << 40:
        raise ValueError(f"arange: {start}, {stop}, {step} makes too many elements")
    whole = all(isinstance(v, (int, np.integer)) for v in (start, stop, step))
    found = checked_dtype(dtype, "arange") if dtype else DTYPES["int64" if whole else "float32"]
    return _graph.wrap(np.arange(start, stop, step).astype(found))  # type: ignore[no-any-return]


def eye(n_rows: int, n_cols: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on the k-th diagonal, zeros elsewhere.

    >>> import pydp
    >>> pydp.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    (rows, columns) = shape_argument((n_rows, n_rows if n_cols is None else n_cols), "eye")
    y = zeros((rows, columns), dtype)
    i = np.arange(max(0, -k), max(0, min(rows, columns - k)))
    y._array[i, i + k] = 1
    return y
