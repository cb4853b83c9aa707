"""Average pool over images: two linear ops, each the gradient of the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import real_tensor
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._pool2d import Axis, Pool2d, new_x, new_y, pool2d


def _size(pool: Pool2d, o: int, p: int) -> int:
    """What the sum over output (o, p)'s window is divided by; for the references."""
    if pool.divisor:
        return pool.divisor
    if not pool.count_include_pad:
        return len(pool.h.inside(o)) * len(pool.w.inside(p))
    return _room(pool.h, o) * _room(pool.w, p)


def _room(axis: Axis, o: int) -> int:
    room: int = axis.size + axis.padding - axis.start(o)
    return min(axis.window, room)


class AvgPool2d(Op):
    name = "avg_pool2d"
    type = "real[n, c, h, w] -> real[n, c, oh, ow]"

    @staticmethod
    def typing(pool: Pool2d) -> str:
        return pool.typing()

    @staticmethod
    def forward(needs: Any, x: Array, pool: Pool2d) -> Any:
        y = new_y(pool, x.dtype)
        _kernels.avg_pool2d_forward(pool, _kernels.channels_last(x), y)
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, pool: Pool2d) -> Any:
        return (apply(AvgPool2dBackward, (dy,), pool),)

    @staticmethod
    def reference(x: Array, pool: Pool2d) -> Array:
        y = np.empty(pool.y_shape)
        for o, p, entries in pool.windows():
            window = [x[:, :, i, j] for _, i, j in entries]
            y[:, :, o, p] = np.sum(window, axis=0) / _size(pool, o, p)
        return y


class AvgPool2dBackward(Op):
    name = "avg_pool2d_backward"
    type = "real[n, c, oh, ow] -> real[n, c, h, w]"

    @staticmethod
    def typing(pool: Pool2d) -> str:
        return f"{pool.y_type()} -> {pool.x_type()}"

    @staticmethod
    def forward(needs: Any, dy: Array, pool: Pool2d) -> Any:
        dx = new_x(pool, dy.dtype)
        _kernels.avg_pool2d_backward(pool, _kernels.channels_last(dy), dx)
        return dx, None

    @staticmethod
    def backward(saved: Any, ddx: Any, needs: Any, pool: Pool2d) -> Any:
        return (apply(AvgPool2d, (ddx,), pool),)

    @staticmethod
    def reference(dy: Array, pool: Pool2d) -> Array:
        dx = np.zeros(pool.x_shape)
        for o, p, entries in pool.windows():
            for _, i, j in entries:
                dx[:, :, i, j] += dy[:, :, o, p] / _size(pool, o, p)
        return dx


def avg_pool2d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The average of every window of an image.

    Type: ``real[n, c, h, w] -> real[n, c, oh, ow]``, sizes as in `max_pool2d`.

    - `x`: (n, c, h, w), any strides. The result is channels-last in memory.
    - `kernel_size`, `stride`, `padding`: an int, or one each for height and width; `stride` is
      `kernel_size` if not given; `padding` is at most half of `kernel_size`.
    - `count_include_pad`: whether padding counts as zeros or not at all. What `ceil_mode` adds on
      the right beyond the padding never counts.
    - `divisor_override`: what the sum of a window is divided by, instead of its size.

    Semantics are PyTorch's. ValueError, TypeError for arguments outside their range.

    >>> import pydp
    >>> x = pydp.tensor([[[[1.0, 2.0, 5.0, 6.0], [4.0, 3.0, 8.0, 7.0]]]])
    >>> pydp.avg_pool2d(x, 2)
    tensor([[[[2.5, 6.5]]]])
    """
    x = real_tensor(x, "avg_pool2d", "x")
    windows = kernel_size, stride, padding, 1, ceil_mode, count_include_pad, divisor_override
    pool = pool2d("avg_pool2d", x._array, *windows)
    return apply(AvgPool2d, (x,), pool)
