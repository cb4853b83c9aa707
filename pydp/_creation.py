"""Tensors from numbers: the array API standard's creation functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import check_device, integer, number, sizes_argument, whole
from pydp._arrays import (
    DTYPES,
    FLOAT32,
    INT64,
    as_array,
    check_axes,
    check_fits,
    checked_dtype,
    constant,
    scalar,
    shaped,
)
from pydp._tensor import Tensor, tensor
from pydp.ops._tril import diagonal_argument


def full(
    shape: int | Sequence[int], fill_value: Any, dtype: Any = None, *, device: str | None = None
) -> Tensor:
    """A tensor of one value; without dtype a Python float gives float32, an int int64.

    >>> import pydp
    >>> pydp.full((2, 2), 7.0)
    tensor([[7., 7.],
            [7., 7.]])
    """
    check_device(device, "full")
    if dtype is None:
        kinds = {bool: "bool", int: "int64", float: "float32"}
        dtype = kinds.get(type(fill_value), getattr(fill_value, "dtype", FLOAT32))
    return _filled("full", shape, fill_value, dtype)


def _filled(op: str, shape: Any, value: Any, dtype: Any) -> Tensor:
    sizes = sizes_argument(shape, op)
    found = checked_dtype(dtype, op)
    number = scalar(value, found, op)
    return constant(sizes, number, found)  # type: ignore[no-any-return]


def zeros(
    shape: int | Sequence[int],
    dtype: Any = None,
    *,
    device: str | None = None,
) -> Tensor:
    """A tensor of zeros, float32 unless said otherwise.

    >>> import pydp
    >>> pydp.zeros(3)
    tensor([0., 0., 0.])
    """
    check_device(device, "zeros")
    return _filled("zeros", shape, 0, FLOAT32 if dtype is None else dtype)


def ones(
    shape: int | Sequence[int],
    dtype: Any = None,
    *,
    device: str | None = None,
) -> Tensor:
    """A tensor of ones, float32 unless said otherwise.

    >>> import pydp
    >>> pydp.ones((1, 2))
    tensor([[1., 1.]])
    """
    check_device(device, "ones")
    return _filled("ones", shape, 1, FLOAT32 if dtype is None else dtype)


def empty(
    shape: int | Sequence[int],
    dtype: Any = None,
    *,
    device: str | None = None,
) -> Tensor:
    """A tensor to be written later. It holds zeros: pydp never shows unwritten memory.

    >>> import pydp
    >>> pydp.empty(2)
    tensor([0., 0.])
    """
    check_device(device, "empty")
    return _filled("empty", shape, 0, FLOAT32 if dtype is None else dtype)


def zeros_like(x: Tensor, dtype: Any = None, *, device: str | None = None) -> Tensor:
    """Zeros in x's shape and dtype.

    >>> import pydp
    >>> pydp.zeros_like(pydp.tensor([1, 2]))
    tensor([0, 0])
    """
    check_device(device, "zeros_like")
    return _filled("zeros_like", x.shape, 0, x.dtype if dtype is None else dtype)


def empty_like(x: Tensor, dtype: Any = None, *, device: str | None = None) -> Tensor:
    """A tensor to be written later, in x's shape and dtype; it holds zeros.

    >>> import pydp
    >>> pydp.empty_like(pydp.tensor([1, 2]))
    tensor([0, 0])
    """
    check_device(device, "empty_like")
    return _filled("empty_like", x.shape, 0, x.dtype if dtype is None else dtype)


def ones_like(x: Tensor, dtype: Any = None, *, device: str | None = None) -> Tensor:
    """Ones in x's shape and dtype.

    >>> import pydp
    >>> pydp.ones_like(pydp.tensor([1, 2]))
    tensor([1, 1])
    """
    check_device(device, "ones_like")
    return _filled("ones_like", x.shape, 1, x.dtype if dtype is None else dtype)


def full_like(
    x: Tensor, fill_value: Any, dtype: Any = None, *, device: str | None = None
) -> Tensor:
    """One value in x's shape and dtype.

    >>> import pydp
    >>> pydp.full_like(pydp.tensor([1.0, 2.0]), 3)
    tensor([3., 3.])
    """
    check_device(device, "full_like")
    return _filled("full_like", x.shape, fill_value, x.dtype if dtype is None else dtype)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    dtype: Any = None,
    *,
    device: str | None = None,
) -> Tensor:
    """start, start + step, … before stop: int64 from ints, float32 from floats.

    OverflowError where an integer dtype does not hold the first or the last of them.

    >>> import pydp
    >>> pydp.arange(1, 10, 3)
    tensor([1, 4, 7])
    """
    check_device(device, "arange")
    if stop is None:
        start, stop = 0, start
    given: dict[str, Any] = {"start": start, "stop": stop, "step": step}
    floats: list[Any] = [number(value, "arange", name) for name, value in given.items()]
    for name, value in zip(given, floats, strict=True):
        if not math.isfinite(value):
            raise ValueError(f"arange: {name} must be finite, got {value}")
    ints: list[Any] = [whole(value) for value in given.values()]
    exact = None not in ints
    first, end, by = ints if exact else floats
    if by == 0:
        raise ValueError("arange: step must not be 0")
    steps = -((first - end) // by) if exact else (end - first) / by
    if not steps < 1 << 40:
        raise ValueError(f"arange: {start}, {stop}, {step} makes too many elements")
    n = max(0, math.ceil(steps))
    found = DTYPES["int64" if exact else "float32"]
    if dtype is not None:
        found = checked_dtype(dtype, "arange")
    array = _kernels.empty((n,), found)
    if n and found.kind != "f":
        for x in (first, first + (n - 1) * by):
            scalar(x, INT64, "arange")
            scalar(x, found, "arange")
    elif n:
        first, by = float(first), float(by)
    array[...] = np.arange(n) * by + first
    return _graph.wrap(shaped(array, (n,)))  # type: ignore[no-any-return]


def eye(
    n_rows: int,
    n_cols: int | None = None,
    k: int = 0,
    dtype: Any = None,
    *,
    device: str | None = None,
) -> Tensor:
    """Ones on the k-th diagonal, zeros elsewhere.

    >>> import pydp
    >>> pydp.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_device(device, "eye")
    k = diagonal_argument(k, "eye")
    rows, columns = sizes_argument((n_rows, n_rows if n_cols is None else n_cols), "eye")
    y = _filled("eye", (rows, columns), 0, FLOAT32 if dtype is None else dtype)
    i = np.arange(max(0, -k), max(0, min(rows, columns - k)))
    y._array[i, i + k] = 1
    return y


def linspace(
    start: float,
    stop: float,
    num: int,
    dtype: Any = None,
    *,
    device: str | None = None,
    endpoint: bool = True,
) -> Tensor:
    """`num` evenly spaced numbers from start to stop; without `endpoint` stop is left out.

    float32 unless said otherwise; computed in float64 and rounded once.

    >>> import pydp
    >>> pydp.linspace(0, 1, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    check_device(device, "linspace")
    first, last = number(start, "linspace", "start"), number(stop, "linspace", "stop")
    found = checked_dtype(FLOAT32 if dtype is None else dtype, "linspace")
    (n,) = sizes_argument(integer(num, "linspace", "num", 0), "linspace")
    array = _kernels.empty((n,), found)
    with np.errstate(all="ignore"):
        points = np.linspace(first, last, n, endpoint=endpoint, dtype=np.float64)
        if found.kind != "f":
            check_fits(points, found, "linspace")
        array[...] = points
    return _graph.wrap(array)  # type: ignore[no-any-return]


def from_dlpack(x: Any, /, *, device: str | None = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another library's array, through DLPack.

    x        has __dlpack__ and __dlpack_device__: an array of NumPy, PyTorch, JAX …, on the cpu
    copy     None: share; True: copy; False: as None, but BufferError where sharing is impossible

    Type: ``any -> any``. Read-only memory makes a tensor that refuses in-place writes. What the
    other library writes into shared memory is unseen by the graph. BufferError where the array
    cannot be had: another device, another dtype, a PyTorch tensor that requires grad.

    >>> import numpy, pydp
    >>> a = numpy.zeros(2, "float32")
    >>> t = pydp.from_dlpack(a)
    >>> a[0] = 5
    >>> t
    tensor([5., 0.])
    """
    check_device(device, "from_dlpack")
    if not (hasattr(x, "__dlpack__") and hasattr(x, "__dlpack_device__")):
        raise TypeError(
            f"from_dlpack: x must have __dlpack__ and __dlpack_device__, got {type(x).__name__}"
        )
    if isinstance(x, Tensor) and not x.requires_grad:
        return x.detach() if not copy else tensor(x)  # one memory, one count of its versions
    try:
        array = np.from_dlpack(x) if copy is not False else np.from_dlpack(x, copy=False)
        check_axes(array.ndim, "from_dlpack")
        given = as_array(array, "from_dlpack", copy=bool(copy))
    except (RuntimeError, ValueError, TypeError) as error:
        text = str(error).removeprefix("from_dlpack: ")
        raise BufferError(f"from_dlpack: {text}") from None
    if copy is False and given is not array:
        raise BufferError("from_dlpack: copy=False, but the memory is not aligned")
    return _graph.wrap(given)  # type: ignore[no-any-return]
