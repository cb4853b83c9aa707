"""MaxPool2d: the largest value of each window."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn import _pool
from pydp.nn._lifted import NO_ARRAY, lifted


class MaxPool2d(_pool.MaxPool):
    """The largest value of each window.

    Shape: ``real[..., c, h, w] -> real[..., c, h', w']`` with
    h' = (h + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1, w' likewise; with ceil_mode
    rounded up, less a last window that would lie in the padding alone.

    Arguments: kernel_size, stride (default kernel_size), padding (as -inf; at most half the
    window), dilation are an int, or two for height and width. With return_indices the result is a
    pair: what `max_pool2d` says.

    >>> import pydp
    >>> pydp.nn.MaxPool2d(3, stride=2).signature
    <signature real[..., c, h, w] -> real[..., c, (h - 3) // 2 + 1, (w - 3) // 2 + 1]>
    """

    axes = "hw"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 4:
            return lifted(self.forward, x, "chw")
        return ops.max_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )


MaxPool = MaxPool2d
