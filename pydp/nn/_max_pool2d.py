"""MaxPool2d: the largest value of each window."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._op import pair
from pydp.nn._pool2d import Pool2d, Size


class MaxPool2d(Pool2d):
    """The largest value of each window.

    Shape: ``real[..., c, h, w] -> real[..., c, h', w']`` with
    h' = (h + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1, w' likewise; with ceil_mode
    rounded up, less a last window that would lie in the padding alone.

    Arguments: kernel_size, stride (default kernel_size), padding (as -inf; at most half the
    window), dilation are an int, or two for height and width.

    It differs from PyTorch's: there is no `return_indices`.

    >>> import pydp
    >>> pydp.nn.MaxPool2d(3, stride=2).signature
    <signature real[..., c, h, w] -> real[..., c, (h - 3) // 2 + 1, (w - 3) // 2 + 1]>
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = pair(dilation, "MaxPool2d", "dilation", least=1)

    def forward(self, x: Any) -> Any:
        return ops.max_pool2d(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        )


MaxPool = MaxPool2d
