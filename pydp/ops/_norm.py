"""What the norms ask of their arguments."""

from __future__ import annotations

import math
from typing import Any

from pydp import _kernels
from pydp._arguments import number, real_tensor
from pydp._arrays import Array

Shape = tuple[int, ...]


def finite(value: Any, op: str, argument: str) -> float:
    """A real number, neither infinite nor NaN."""
    found = number(value, op, argument)
    if not math.isfinite(found):
        raise ValueError(f"{op}: {argument} must be finite, got {found}")
    return found


def positive(value: Any, op: str, argument: str) -> float:
    """A finite number above 0."""
    found = finite(value, op, argument)
    if found <= 0:
        raise ValueError(f"{op}: {argument} must be above 0, got {found:g}")
    return found


def of_shape(value: Any, shape: Shape, op: str, argument: str) -> Any:
    """None, or a real tensor of this shape."""
    if value is None:
        return None
    value = real_tensor(value, op, argument)
    if value._array.shape != shape:
        raise ValueError(f"{op}: {argument} must have shape {shape}, got {value.shape}")
    return value


def images(x: Any, op: str) -> Any:
    """A real tensor (n, c, …)."""
    x = real_tensor(x, op, "x")
    if x.ndim < 2:
        raise ValueError(f"{op}: x must have at least 2 axes (n, c, …), got shape {x.shape}")
    return x


def dense(x: Array | None) -> Array | None:
    """An optional array in C order, as kernels take weights."""
    return None if x is None else _kernels.contiguous(x)


def wanted(shape: Shape, dtype: Any, want: Any) -> Array | None:
    """Room for a gradient that is wanted, else None."""
    return _kernels.empty(shape, dtype) if want else None
