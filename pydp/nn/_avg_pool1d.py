"""AvgPool1d: the mean of each window of a signal."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._arguments import Size, flag
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._pool import Pool


class AvgPool1d(Pool):
    """The mean of each window of a signal.

    Shape: ``real[..., c, l] -> real[..., c, l']`` as `MaxPool1d` with dilation 1.

    Arguments: as `MaxPool1d`; count_include_pad says whether padding counts as zeros of the window.

    >>> import pydp
    >>> pydp.nn.AvgPool1d(2).signature
    <signature real[..., c, l] -> real[..., c, l // 2]>
    """

    axes = "l"

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = flag(count_include_pad, "AvgPool1d", "count_include_pad")

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 3:
            return lifted(self.forward, x, "cl")
        return ops.avg_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        return super().extra_repr() + (
            "" if self.count_include_pad else ", count_include_pad=False"
        )
