"""What several modules ask of their arguments, and what they make of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp._creation import zeros
from pydp._op import number, pair
from pydp.nn._module import Parameter
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
