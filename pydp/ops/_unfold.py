"""unfold: the windows of images as columns (im2col); fold: columns added up to images (col2im).

    columns[n, (c, k, m), (i, j)] = x[n, c, i · stride - padding + k · dilation, …], 0 outside

Each is the other's transpose, and so its gradient. fold(unfold(x)) counts each pixel as often as
windows see it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pydp import _kernels
from pydp._graph import apply
from pydp._op import Array, Op, integer, pair, real_tensor
from pydp.ops._shape import reshape


class Windows(NamedTuple):
    """The members of pd_unfold_geometry (csrc/kernels/unfold.h), in its order; then the images.

    Of each axis: size of the image, number of windows, size of the window, stride, padding,
    dilation.
    """

    planes: int
    h_in: int
    h_out: int
    h_window: int
    h_stride: int
    h_padding: int
    h_dilation: int
    w_in: int
    w_out: int
    w_window: int
    w_stride: int
    w_padding: int
    w_dilation: int
    n: int
    c: int

    @property
    def image(self) -> tuple[int, int, int, int]:
        return self.n, self.c, self.h_in, self.w_in

    @property
    def columns(self) -> tuple[int, int, int]:
        return self.n, self.c * self.h_window * self.w_window, self.h_out * self.w_out

    def numbers(self) -> Array:
        """Of each element of the columns, its pixel's number in the image, or -1 outside, naively;
        [k, m, i, j]. For the references."""
        found = np.full((self.h_window, self.w_window, self.h_out, self.w_out), -1)
        for k, m, i, j in np.ndindex(found.shape):
            u = i * self.h_stride - self.h_padding + k * self.h_dilation
            v = j * self.w_stride - self.w_padding + m * self.w_dilation
            if 0 <= u < self.h_in and 0 <= v < self.w_in:
                found[k, m, i, j] = u * self.w_in + v
        return found


class Unfold(Op):
    name = "unfold"
    type = "real[n, c, h, w] -> real[n, k, l]"

    @staticmethod
    def typing(windows: Windows) -> str:
        h, w = windows.image[2:]
        area = windows.h_window * windows.w_window
        return f"real[n, c, {h}, {w}] -> real[n, {area}*c, {windows.columns[2]}]"

    @staticmethod
    def forward(needs: Any, x: Array, windows: Windows) -> Any:
        y = _kernels.empty(windows.columns, x.dtype)
        _kernels.unfold(windows, _kernels.contiguous(x), y)
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, windows: Windows) -> Any:
        return (apply(Fold, (dy,), windows),)

    @staticmethod
    def reference(x: Array, windows: Windows) -> Array:
        numbers = windows.numbers()
        pixels = x.reshape(*x.shape[:2], windows.h_in * windows.w_in)[:, :, numbers]
        y: Array = np.where(numbers < 0, 0, pixels).reshape(windows.columns)
        return y


class Fold(Op):
    name = "fold"
    type = "real[n, k, l] -> real[n, c, h, w]"

    @staticmethod
    def typing(windows: Windows) -> str:
        (_, rows, columns), (_, c, h, w) = windows.columns, windows.image
        return f"real[n, {rows}, {columns}] -> real[n, {c}, {h}, {w}]"

    @staticmethod
    def forward(needs: Any, x: Array, windows: Windows) -> Any:
        y = _kernels.empty(windows.image, x.dtype)
        _kernels.fold(windows, _kernels.contiguous(x), y)
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, windows: Windows) -> Any:
        return (apply(Unfold, (dy,), windows),)

    @staticmethod
    def reference(x: Array, windows: Windows) -> Array:
        numbers = windows.numbers()
        y = np.zeros((windows.n, windows.c, windows.h_in * windows.w_in))
        pixels = x.reshape(windows.n, windows.c, *numbers.shape)
        for at in np.ndindex(numbers.shape):
            if numbers[at] >= 0:
                y[:, :, numbers[at]] += pixels[:, :, *at]
        return y.reshape(windows.image)


def _windows(
    op: str,
    n: int,
    c: int,
    size: tuple[int, int],
    kernel_size: Any,
    dilation: Any,
    padding: Any,
    stride: Any,
) -> Windows:
    """The geometry over n images of c channels of this size, or the error of its first bad
    argument."""
    axes: list[int] = []
    checked = [
        pair(kernel_size, op, "kernel_size", 1),
        pair(stride, op, "stride", 1),
        pair(padding, op, "padding", 0),
        pair(dilation, op, "dilation", 1),
    ]
    for name, extent, (window, step, margin, spread) in zip(
        ("height", "width"), size, zip(*checked, strict=True), strict=True
    ):
        reach = spread * (window - 1) + 1
        out = (extent + 2 * margin - reach) // step + 1
        if extent < 1:
            raise ValueError(f"{op}: {name} must be at least 1, got {extent}")
        if out < 1:
            raise ValueError(
                f"{op}: a window that reaches over {reach} does not fit into {name} {extent} with "
                f"padding {margin}"
            )
        integer(reach, op, "the reach of a window")
        axes += [extent, out, window, step, margin, spread]
    return Windows._make((n * c, *axes, n, c))


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
    n, c, h, w = (1,) * (4 - x.ndim) + x.shape
    windows = _windows("unfold", n, c, (h, w), kernel_size, dilation, padding, stride)
    if x.ndim == 4:
        return apply(Unfold, (x,), windows)
    return reshape(apply(Unfold, (reshape(x, windows.image),), windows), windows.columns[1:])


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
    c = rows // (kh * kw)
    windows = _windows("fold", n, c, size, kernel_size, dilation, padding, stride)
    if columns != windows.columns[2]:
        raise ValueError(
            f"fold: x must have {windows.h_out} * {windows.w_out} columns, one for each window of "
            f"an image of {size[0]} x {size[1]}, got {columns}"
        )
    if x.ndim == 3:
        return apply(Fold, (x,), windows)
    return reshape(apply(Fold, (reshape(x, windows.columns),), windows), windows.image[1:])
