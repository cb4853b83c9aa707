"""Signals as images: what functions of one axis and of two share.

A signal [n, c, l] is an image of height 1, [n, c, 1, l]: a view, so that one set of kernels serves
both. Its window, stride, padding and dilation are put beside those that leave the height alone;
errors speak of the length only. Which of the two a function takes, its name says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydp._arguments import integer, pair
from pydp.ops._shape import expand_dims

Shape = tuple[int, ...]
Two = tuple[int, int]


def one_axis(op: str) -> bool:
    return op.endswith("1d")


def axis_name(axis: int, op: str) -> str:
    return "length" if one_axis(op) else ("height", "width")[axis]


def spoken(shape: Shape, op: str) -> Shape:
    """The shape of an image as the user gave it: a signal's is without the height."""
    return shape[:2] + shape[3:] if one_axis(op) else shape


def as_image(x: Any) -> Any:
    return expand_dims(x, 2) if x.ndim == 3 else x


def along_length(value: Any, op: str, argument: str, least: int) -> Two:
    """A signal's argument: an int, or a tuple of one. The height gets the least, which is none."""
    if isinstance(value, (tuple, list)):
        if len(value) != 1:
            raise ValueError(f"{op}: {argument} must be an int or a tuple of one, got {value!r}")
        (value,) = value
    return least, integer(value, op, argument, least)


def reader(op: str) -> Callable[[Any, str, str, int], Two]:
    """What makes two ints, for height and width, of an argument."""
    return along_length if one_axis(op) else pair
