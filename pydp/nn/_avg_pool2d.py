"""AvgPool2d: the mean of each window."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._arguments import flag
from pydp.nn._pool2d import Pool2d, Size


class AvgPool2d(Pool2d):
    """The mean of each window.

    Shape: ``real[..., c, h, w] -> real[..., c, h', w']`` as `MaxPool2d` with dilation 1.

    Arguments: as `MaxPool2d`; count_include_pad says whether padding counts as zeros of the window.

    It differs from PyTorch's: there is no `divisor_override`.

    >>> import pydp
    >>> pydp.nn.AvgPool2d(2).signature
    <signature real[..., c, h, w] -> real[..., c, h // 2, w // 2]>
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = flag(count_include_pad, "AvgPool2d", "count_include_pad")

    def forward(self, x: Any) -> Any:
        return ops.avg_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )
