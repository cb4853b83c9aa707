"""Flatten: several axes into one."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp.nn._module import Module

AXES = "efgchw"


class Flatten(Module):
    """The axes from `start_axis` to `end_axis` as one, in C order; by default all but the first.

    Shape: ``any[..., c, h, w] -> any[..., c*h*w]`` for Flatten(-3), the form that composes with its
    type known. Flatten() says less, ``any -> any``: how many axes there are is not written.

    It differs from PyTorch's: the arguments are `start_axis` and `end_axis` (there `start_dim`,
    `end_dim`).

    >>> import pydp
    >>> pydp.nn.Flatten(-2).signature
    <signature any[..., h, w] -> any[..., h*w]>
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis = integer(start_axis, "Flatten", "start_axis")
        self.end_axis = integer(end_axis, "Flatten", "end_axis")

    @property
    def type(self) -> str:
        if self.end_axis != -1 or not -len(AXES) <= self.start_axis < -1:
            return "any -> any"
        axes = AXES[self.start_axis :]
        return f"any[..., {', '.join(axes)}] -> any[..., {'*'.join(axes)}]"

    def forward(self, x: Any) -> Any:
        return ops.flatten(x, self.start_axis, self.end_axis)

    def extra_repr(self) -> str:
        usual = (self.start_axis, self.end_axis) == (1, -1)
        return "" if usual else f"start_axis={self.start_axis}, end_axis={self.end_axis}"
