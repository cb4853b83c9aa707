"""Max-pool over images: the largest entry of every window.

Ops that are each other's gradients. All speak of the same saved index: which entry of its window
each output took, one byte per output.

    max_pool2d            x -> y, and the index        y[o] = x[index of o]
    max_pool2d_places     x -> y, and for the user where in x's plane it took it from
    max_pool2d_backward   dy -> dx                     dx[i] = sum of dy over the o that took i
    max_pool2d_gather     ddx -> ddy                   ddy[o] = ddx[index of o]

Everything is channels-last in memory; an array that is not is first copied so, unless the kernel
reads it as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import real_tensor
from pydp._arrays import Array, numpy_op
from pydp._graph import apply, wrap
from pydp._op import Op
from pydp.ops._pool2d import Pool2d, new_x, new_y, pool2d

UINT8 = np.dtype(np.uint8)
INT32 = np.dtype(np.int32)


class MaxPool2d(Op):
    name = "max_pool2d"
    type = "real[n, c, h, w] -> real[n, c, oh, ow]"

    @staticmethod
    def typing(pool: Pool2d) -> str:
        return pool.typing()

    @staticmethod
    def forward(needs: Any, x: Array, pool: Pool2d) -> Any:
        y = new_y(pool, x.dtype)
        index = None
        if needs is not None:
            small = pool.h_window * pool.w_window <= 255
            shape = (pool.n, pool.h_out, pool.w_out, pool.c)
            index = _kernels.empty(shape, UINT8 if small else INT32)
        _kernels.max_pool2d_forward(pool, x, y, index)
        return y, (index,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, pool: Pool2d) -> Any:
        return (apply(MaxPool2dBackward, (dy, saved[0]), pool),)

    @staticmethod
    def reference(x: Array, pool: Pool2d) -> Array:
        y = np.empty(pool.y_shape)
        for o, p, entries in pool.windows():
            window = [x[:, :, i, j] for _, i, j in entries]
            y[:, :, o, p] = np.max(window, axis=0)
        return y


class MaxPool2dPlaces(Op):
    """As MaxPool2d; the second result numbers the entries of x's plane [h, w], as PyTorch's."""

    name = "max_pool2d_places"
    type = "real[n, c, h, w] -> (real[n, c, oh, ow], token[n, c, oh, ow])"

    @staticmethod
    def typing(pool: Pool2d) -> str:
        y = pool.out_type()
        return f"real[n, c, h, w] -> ({y}, {'token' + y.removeprefix('real')})"

    @staticmethod
    def forward(needs: Any, x: Array, pool: Pool2d) -> Any:
        y, (index,) = MaxPool2d.forward((), x, pool)
        return (y, numpy_op(_places, index, pool)), (index,)

    @staticmethod
    def backward(saved: Any, dparts: Any, needs: Any, pool: Pool2d) -> Any:
        return (apply(MaxPool2dBackward, (dparts[0], saved[0]), pool),)

    @staticmethod
    def reference(x: Array, pool: Pool2d) -> Any:
        y = MaxPool2d.reference(x, pool)
        places = np.zeros(y.shape, np.int64)
        for o, p, entries in pool.windows():
            window = [x[:, :, i, j] for _, i, j in entries]
            where = np.array([i * pool.w_in + j for _, i, j in entries])
            places[:, :, o, p] = where[np.argmax(window, axis=0)]
        return y, places


def _places(index: Array, pool: Pool2d) -> Array:
    """Numbers in the window, as saved (n, oh, ow, c), to numbers in the plane (n, c, oh, ow)."""
    ky, kx = np.divmod(index.astype(np.int64), pool.w_window)
    rows = pool.h.start(np.arange(pool.h_out))[:, None, None] + ky * pool.h_dilation
    columns = pool.w.start(np.arange(pool.w_out))[:, None] + kx * pool.w_dilation
    return np.moveaxis(rows * pool.w_in + columns, -1, 1)


class MaxPool2dBackward(Op):
    name = "max_pool2d_backward"
    type = "(real[n, c, oh, ow], any[n, oh, ow, c]) -> real[n, c, h, w]"

    @staticmethod
    def typing(pool: Pool2d) -> str:
        return f"({pool.y_type()}, any[n, oh, ow, c]) -> {pool.x_type()}"

    @staticmethod
    def forward(needs: Any, dy: Array, index: Array, pool: Pool2d) -> Any:
        dx = new_x(pool, dy.dtype)
        dy, index = _kernels.channels_last(dy), _kernels.contiguous(index)
        _kernels.max_pool2d_backward(pool, dy, index, dx)
        return dx, (index,)

    @staticmethod
    def backward(saved: Any, ddx: Any, needs: Any, pool: Pool2d) -> Any:
        return apply(MaxPool2dGather, (ddx, saved[0]), pool), None

    @staticmethod
    def reference(dy: Array, index: Array, pool: Pool2d) -> Array:
        dx = np.zeros(pool.x_shape)
        for o, p, entries in pool.windows():
            for k, i, j in entries:
                dx[:, :, i, j] += np.where(index[:, o, p, :] == k, dy[:, :, o, p], 0)
        return dx


class MaxPool2dGather(Op):
    name = "max_pool2d_gather"
    type = "(real[n, c, h, w], any[n, oh, ow, c]) -> real[n, c, oh, ow]"

    @staticmethod
    def typing(pool: Pool2d) -> str:
        return f"({pool.x_type()}, any[n, oh, ow, c]) -> {pool.y_type()}"

    @staticmethod
    def forward(needs: Any, ddx: Array, index: Array, pool: Pool2d) -> Any:
        ddy = new_y(pool, ddx.dtype)
        ddx, index = _kernels.channels_last(ddx), _kernels.contiguous(index)
        _kernels.max_pool2d_gather(pool, ddx, index, ddy)
        return ddy, (index,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, pool: Pool2d) -> Any:
        return apply(MaxPool2dBackward, (dy, saved[0]), pool), None

    @staticmethod
    def reference(ddx: Array, index: Array, pool: Pool2d) -> Array:
        ddy = np.zeros(pool.y_shape)
        for o, p, entries in pool.windows():
            for k, i, j in entries:
                ddy[:, :, o, p] += np.where(index[:, o, p, :] == k, ddx[:, :, i, j], 0)
        return ddy


def max_pool2d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest entry of every window of an image.

    Type: ``real[n, c, h, w] -> real[n, c, oh, ow]``, on each axis
    ``out = (size + 2 · padding - dilation · (kernel_size - 1) - 1) // stride + 1``; with
    `ceil_mode` the quotient is rounded up, if the last window begins inside x or its left padding.

    - `x`: (n, c, h, w), any strides. The result is channels-last in memory.
    - `kernel_size`, `stride`, `padding`, `dilation`: an int, or one each for height and width.
      `stride` is `kernel_size` if not given; `padding` is at most half of `kernel_size`, and acts
      as -inf.
    - `return_indices`: give also where each entry was taken from, token[n, c, oh, ow] (int64):
      its number in the plane, i · w + j.

    Of equal entries the first takes the gradient. A NaN is larger than all; the last one counts.
    Semantics are PyTorch's. ValueError, TypeError for arguments outside their range.

    >>> import pydp
    >>> x = pydp.tensor([[[[1.0, 2.0, 5.0, 6.0], [4.0, 3.0, 8.0, 7.0]]]])
    >>> pydp.max_pool2d(x, 2)
    tensor([[[[4., 8.]]]])
    """
    x = real_tensor(x, "max_pool2d", "x")
    pool = pool2d("max_pool2d", x._array, kernel_size, stride, padding, dilation, ceil_mode)
    return max_pooled("max_pool2d", x, pool, return_indices)


def max_pooled(op: str, x: Any, pool: Pool2d, return_indices: bool) -> Any:
    """y, or y and the places that it was taken from."""
    if not isinstance(return_indices, bool):
        raise TypeError(f"{op}: return_indices must be a bool, got {return_indices!r}")
    if not return_indices:
        return apply(MaxPool2d, (x,), pool)
    y, places = apply(MaxPool2dPlaces, (x,), pool)
    return y, wrap(places._array)  # integers want no gradient
