"""MaxPool1d: the largest value of each window of a signal."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._pool import MaxPool


class MaxPool1d(MaxPool):
    """The largest value of each window of a signal.

    Shape: ``real[..., c, l] -> real[..., c, l']`` with
    l' = (l + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1; see `MaxPool2d`.

    Arguments: as `MaxPool2d`, with one int each.

    >>> import pydp
    >>> pydp.nn.MaxPool1d(3, stride=2).signature
    <signature real[..., c, l] -> real[..., c, (l - 3) // 2 + 1]>
    """

    axes = "l"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 3:
            return lifted(self.forward, x, "cl")
        return ops.max_pool1d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )
