"""Average pool over signals: avg_pool2d of images of height 1."""

from __future__ import annotations

from typing import Any

from pydp._arguments import real_tensor
from pydp._graph import apply
from pydp.ops._avg_pool2d import AvgPool2d
from pydp.ops._pool2d import pool2d
from pydp.ops._shape import squeeze
from pydp.ops._signal import as_image


def avg_pool1d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The average of every window of a signal.

    Type: ``real[n, c, l] -> real[n, c, ol]``; sizes and arguments as in `avg_pool2d`, one int each.
    Semantics are PyTorch's. ValueError, TypeError for arguments outside their range.

    >>> import pydp
    >>> pydp.avg_pool1d(pydp.tensor([[[1.0, 2.0, 5.0, 6.0, 4.0]]]), 2)
    tensor([[[1.5, 5.5]]])
    """
    x = real_tensor(x, "avg_pool1d", "x")
    windows = kernel_size, stride, padding, 1, ceil_mode, count_include_pad
    pool = pool2d("avg_pool1d", x._array, *windows)
    return squeeze(apply(AvgPool2d, (as_image(x),), pool), 2)
