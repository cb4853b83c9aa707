"""Max-pool over signals: max_pool2d of images of height 1."""

from __future__ import annotations

from typing import Any

from pydp._arguments import real_tensor
from pydp.ops._max_pool2d import max_pooled
from pydp.ops._pool2d import pool2d
from pydp.ops._shape import squeeze
from pydp.ops._signal import as_image


def max_pool1d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest entry of every window of a signal.

    Type: ``real[n, c, l] -> real[n, c, ol]``; sizes and arguments as in `max_pool2d`, one int each.
    `return_indices` gives positions in 0 … l - 1. Semantics are PyTorch's. ValueError, TypeError
    for arguments outside their range.

    >>> import pydp
    >>> pydp.max_pool1d(pydp.tensor([[[1.0, 2.0, 5.0, 6.0, 4.0]]]), 2)
    tensor([[[2., 6.]]])
    """
    x = real_tensor(x, "max_pool1d", "x")
    pool = pool2d("max_pool1d", x._array, kernel_size, stride, padding, dilation, ceil_mode)
    y = max_pooled("max_pool1d", as_image(x), pool, return_indices)
    return (squeeze(y[0], 2), squeeze(y[1], 2)) if return_indices else squeeze(y, 2)
