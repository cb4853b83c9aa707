"""unfold: the windows of images as columns (im2col); fold: columns added up to images (col2im).

    columns[n, (c, k, m), (i, j)] = x[n, c, i · stride - padding + k · dilation, …], 0 outside

Each is the other's transpose, and so its gradient. fold(unfold(x)) counts each pixel as often as
windows see it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import integer, pair, real_tensor, sizes_argument
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._pool2d import Axis, Pool2d
from pydp.ops._shape import reshape


def _columns(windows: Pool2d) -> tuple[int, int, int]:
    """The shape of the columns: images, entries of a window in all channels, windows."""
    h, w = windows.h, windows.w
    return windows.n, windows.c * h.window * w.window, h.out * w.out


def _pixels(windows: Pool2d) -> Array:
    """Of each element of the columns, its pixel's number in the image, or -1 outside, naively;
    [k, m, i, j]. For the references."""
    h, w = windows.h, windows.w
    found = np.full((h.window, w.window, h.out, w.out), -1)
    for i, j in np.ndindex(h.out, w.out):
        for k, u in h.inside(i):
            for m, v in w.inside(j):
                found[k, m, i, j] = u * w.size + v
    return found


class Unfold(Op):
    name = "unfold"
    type = "real[n, c, h, w] -> real[n, k, l]"

    @staticmethod
    def typing(windows: Pool2d) -> str:
        h, w = windows.x_shape[2:]
        area = windows.h.window * windows.w.window
        return f"real[n, c, {h}, {w}] -> real[n, {area}*c, {_columns(windows)[2]}]"

    @staticmethod
    def forward(needs: Any, x: Array, windows: Pool2d) -> Any:
        y = _kernels.empty(_columns(windows), x.dtype)
        _kernels.unfold(windows, _kernels.contiguous(x), y)
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, windows: Pool2d) -> Any:
        return (apply(Fold, (dy,), windows),)

    @staticmethod
    def reference(x: Array, windows: Pool2d) -> Array:
        numbers = _pixels(windows)
        pixels = x.reshape(*x.shape[:2], windows.h.size * windows.w.size)[:, :, numbers]
        y: Array = np.where(numbers < 0, 0, pixels).reshape(_columns(windows))
        return y


class Fold(Op):
    name = "fold"
    type = "real[n, k, l] -> real[n, c, h, w]"

    @staticmethod
    def typing(windows: Pool2d) -> str:
        (_, rows, columns), (_, c, h, w) = _columns(windows), windows.x_shape
        return f"real[n, {rows}, {columns}] -> real[n, {c}, {h}, {w}]"

    @staticmethod
    def forward(needs: Any, x: Array, windows: Pool2d) -> Any:
        y = _kernels.empty(windows.x_shape, x.dtype)
        _kernels.fold(windows, _kernels.contiguous(x), y)
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, windows: Pool2d) -> Any:
        return (apply(Unfold, (dy,), windows),)

    @staticmethod
    def reference(x: Array, windows: Pool2d) -> Array:
        numbers = _pixels(windows)
        y = np.zeros((windows.n, windows.c, windows.h.size * windows.w.size))
        pixels = x.reshape(windows.n, windows.c, *numbers.shape)
        for at in np.ndindex(numbers.shape):
            if numbers[at] >= 0:
                y[:, :, numbers[at]] += pixels[:, :, *at]
        return y.reshape(windows.x_shape)


def _windows(
    op: str, shape: tuple[int, ...], kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> Pool2d:
    """The geometry over images of this shape (n, c, h, w), or the error of its first bad argument.
    That of pools, but windows may lie in the padding."""
    windows = pair(kernel_size, op, "kernel_size", 1)
    strides = pair(stride, op, "stride", 1)
    paddings = pair(padding, op, "padding", 0)
    dilations = pair(dilation, op, "dilation", 1)
    n, c, *size = shape
    h, w = (
        _axis(op, name, *sides)
        for name, *sides in zip(
            ("height", "width"), size, windows, strides, paddings, dilations, strict=True
        )
    )
    return Pool2d(n, c, *h, *w, 0)


def _axis(
    op: str, name: str, size: int, window: int, stride: int, padding: int, dilation: int
) -> Axis:
    if size < 1:
        raise ValueError(f"{op}: {name} must be at least 1, got {size}")
    reach = dilation * (window - 1) + 1
    out = (size + 2 * padding - reach) // stride + 1
    if out < 1:
        raise ValueError(
            f"{op}: a window that reaches over {reach} does not fit into {name} {size} with "
            f"padding {padding}"
        )
    integer(reach, op, "the reach of a window")
    return Axis(size, out, window, stride, padding, dilation)


def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every window of an image as a column (im2col).

    Type: ``real[n, c, h, w] -> real[n, c * kh * kw, oh * ow]``, without n where x has none, with
    oh = (h + 2 padding - dilation (kh - 1) - 1) // stride + 1, ow likewise.

    - `x`: (n, c, h, w) or (c, h, w). Rows of the result are channel, row and column within the
      window; columns are the windows, in C order.
    - `kernel_size`, `dilation`, `padding`, `stride`: an int, or one each for height and width;
      padding are zeros.

    A convolution is the product of its weights, as a matrix [o, c * kh * kw], with the columns.
    (`conv2d` never stores them.) The gradient is `fold`. ValueError and TypeError for arguments
    outside their range.

    >>> import pydp
    >>> pydp.unfold(pydp.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), (2, 2))
    tensor([[1., 2.],
            [2., 3.],
            [4., 5.],
            [5., 6.]])
    """
    x = real_tensor(x, "unfold", "x")
    if x.ndim not in (3, 4):
        raise ValueError(f"unfold: x must have axes (n, c, h, w) or (c, h, w), got shape {x.shape}")
    shape = (1,) * (4 - x.ndim) + x.shape
    windows = _windows("unfold", shape, kernel_size, dilation, padding, stride)
    sizes_argument(_columns(windows), "unfold")
    if x.ndim == 4:
        return apply(Unfold, (x,), windows)
    return reshape(apply(Unfold, (reshape(x, windows.x_shape),), windows), _columns(windows)[1:])


def fold(
    x: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Any:
    """Columns added up to an image, each into its window (col2im): the transpose of `unfold`.

    Type: ``real[n, c * kh * kw, oh * ow] -> real[n, c, h, w]``, without n where x has none.

    - `x`: (n, c * kh * kw, oh * ow) or (c * kh * kw, oh * ow), as `unfold` gives them for an image
      of `output_size`.
    - `output_size`: h and w, or an int for both.
    - the others as in `unfold`.

    Where windows overlap, their values are added. The gradient is `unfold`. ValueError where x is
    not of the shape that the other arguments say.

    >>> import pydp
    >>> columns = pydp.unfold(pydp.ones((1, 3, 3)), 2)
    >>> pydp.fold(columns, 3, 2)
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    """
    x = real_tensor(x, "fold", "x")
    if x.ndim not in (2, 3):
        raise ValueError(
            f"fold: x must have axes (n, c * kh * kw, oh * ow) or (c * kh * kw, oh * ow), got "
            f"shape {x.shape}"
        )
    size = pair(output_size, "fold", "output_size", 1)
    kh, kw = pair(kernel_size, "fold", "kernel_size", 1)
    n, rows, columns = (1,) * (3 - x.ndim) + x.shape
    if rows % (kh * kw):
        raise ValueError(
            f"fold: x must have a multiple of kernel_size {kh} * {kw} rows, got {rows}"
        )
    shape = (n, rows // (kh * kw), *size)
    windows = _windows("fold", shape, kernel_size, dilation, padding, stride)
    if columns != _columns(windows)[2]:
        raise ValueError(
            f"fold: x must have {windows.h.out} * {windows.w.out} columns, one for each window of "
            f"an image of {size[0]} x {size[1]}, got {columns}"
        )
    if x.ndim == 3:
        return apply(Fold, (x,), windows)
    return reshape(apply(Fold, (reshape(x, _columns(windows)),), windows), windows.x_shape[1:])
