"""AvgPool2d: the mean of each window."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp.nn._arguments import Size, flag
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._pool import Pool


class AvgPool2d(Pool):
    """The mean of each window.

    Shape: ``real[..., c, h, w] -> real[..., c, h', w']`` as `MaxPool2d` with dilation 1.

    Arguments: as `MaxPool2d`; count_include_pad says whether padding counts as zeros of the window;
    divisor_override is what sums are divided by instead of the window's size.

    >>> import pydp
    >>> pydp.nn.AvgPool2d(2).signature
    <signature real[..., c, h, w] -> real[..., c, h // 2, w // 2]>
    """

    axes = "hw"

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = flag(count_include_pad, "AvgPool2d", "count_include_pad")
        if divisor_override is not None:
            integer(divisor_override, "AvgPool2d", "divisor_override", least=1)
        self.divisor_override = divisor_override

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 4:
            return lifted(self.forward, x, "chw")
        return ops.avg_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        out = super().extra_repr()
        if not self.count_include_pad:
            out += ", count_include_pad=False"
        if self.divisor_override is not None:
            out += f", divisor_override={self.divisor_override}"
        return out
