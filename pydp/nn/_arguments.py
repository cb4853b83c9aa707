"""What several modules ask of their arguments, and what they make of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import integer, number, pair, real_tensor
from pydp._arrays import as_array
from pydp._creation import zeros
from pydp.nn._parameter import Parameter
from pydp.ops._signal import along_length

ACTIVATIONS = (None, "relu", "gelu", "tanh", "sigmoid")
Size = int | tuple[int, ...]  # one for all axes, or one for each
REDUCTIONS = ("mean", "sum", "none")


def one_of(value: Any, allowed: tuple[Any, ...], module: str, argument: str) -> Any:
    """The value, if it is among those allowed."""
    if not (value is None or isinstance(value, str)) or value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"{module}: {argument} must be one of {listed}, got {value!r}")
    return value


def flag(value: Any, module: str, argument: str) -> bool:
    """A bool and nothing that merely looks like one."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{module}: {argument} must be True or False, got {value!r}")
    return bool(value)


def number_within(value: Any, module: str, argument: str, low: float, high: float) -> float:
    """A real number in [low, high]; NaN is not."""
    found = number(value, module, argument)
    if not low <= found <= high:
        raise ValueError(f"{module}: {argument} must be in [{low:g}, {high:g}], got {found:g}")
    return found


def vectors(x: Any, module: str, argument: str, axes: str, d: int | None) -> Any:
    """A real tensor whose last axes are these, of which the last has size d (None: any)."""
    x = real_tensor(x, module, argument)
    if x.ndim < axes.count(",") + 1 or (d is not None and x.shape[-1] != d):
        named = axes if d is None else axes.replace("d", str(d))
        raise ValueError(f"{module}: {argument} must be [..., {named}], got {x.shape}")
    return x


def checked_mask(
    mask: Any, module: str, argument: str, shape: tuple[int, ...], dtype: Any = None
) -> Any:
    """A bool tensor (True: may be seen) that broadcasts to this shape; or one of this dtype."""
    if not isinstance(mask, _graph.Value):
        mask = _graph.wrap(as_array(mask, module))
    if mask.dtype.kind != "b" and (dtype is None or mask.dtype != dtype):
        allowed = "bool (True: may be seen)" + ("" if dtype is None else f" or {dtype}")
        raise TypeError(f"{module}: {argument} must be {allowed}, got {mask.dtype}")
    sizes = zip(mask.shape[::-1], shape[::-1], strict=False)
    if mask.ndim > len(shape) or not all(n in (1, of) for n, of in sizes):
        raise ValueError(f"{module}: {argument} must be {shape}, got {mask.shape}")
    return mask


def depth_of(value: Any, allowed: Iterable[int], module: str) -> int:
    """One of the depths that a model comes in."""
    depth = integer(value, module, "depth")
    if depth not in allowed:
        raise ValueError(
            f"{module}: depth must be one of {', '.join(map(str, allowed))}, got {depth}"
        )
    return depth


def at_least(n: int) -> str:
    """The type of images of n x n and more, which a model takes."""
    return f"real[..., c, h, w] -> real[..., c, h, w] where h >= {n}, w >= {n}"


def scaled(channels: int, width: float, module: str) -> int:
    """A number of channels of a model that is `width` times as wide."""
    if not 0 < number(width, module, "width") <= 64:
        raise ValueError(f"{module}: width must be above 0 and at most 64, got {width}")
    return max(1, round(channels * width))


def new_parameter(*shape: int) -> Parameter:
    """A float32 parameter of zeros, for an initialiser to fill."""
    return Parameter(zeros(shape))


def window_size(letter: str, kernel: int, stride: int, padding: int, dilation: int) -> str:
    """The size that a sliding window leaves of a size, as a type writes it.

    `padding` is that of both sides together.
    """
    return f"({letter} + {padding} - {dilation * (kernel - 1) + 1}) // {stride} + 1"


def sizes(axes: str, value: Any, module: str, argument: str, least: int) -> tuple[int, ...]:
    """An int for all axes (a letter each, one or two), or one for each."""
    if len(axes) == 2:
        return pair(value, module, argument, least)
    return along_length(value, module, argument, least)[1:]


def short(given: tuple[int | None, ...]) -> str:
    """The sizes of all axes for repr: one number where they are equal."""
    return str(given[0]) if len(set(given)) == 1 else str(given)
