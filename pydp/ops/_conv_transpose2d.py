"""Transposed convolution: every entry of x spreads a window of weights over y.

It is the gradient of a convolution for its data, taken as a function of its own. So a convolution
y -> x stands behind it, whose geometry it carries and whose three kernels (_conv2d.py) are all of
its derivatives:

    y       = conv2d_backward_data(x, weight) + bias
    dx      = conv2d(dy, weight)
    dweight = conv2d_backward_weight(dy, x)
"""

from __future__ import annotations

from typing import Any

from pydp import _kernels
from pydp._arguments import integer
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._conv2d import Conv2d, Conv2dBackwardData, Conv2dBackwardWeight, Conv2dGeometry
from pydp.ops._conv_arguments import check_bias, operands
from pydp.ops._reduce import sum
from pydp.ops._signal import Shape, Two, as_image, axis_name, reader, spoken

ADD = _kernels.binary_functions["add"]


class ConvTranspose2d(Op):
    """`conv` is the convolution behind: its y is our x, its x is our y."""

    name = "conv_transpose2d"
    type = "(real[n, i, h, w], real[i, o, k, l], real[c]?) -> real[n, c, oh, ow]"

    @staticmethod
    def typing(conv: Conv2dGeometry) -> str:
        channels, out = conv.y_shape[1], conv.x_shape[1]
        window = ", ".join(map(str, conv.weight_shape[1:]))
        sizes = []
        for axis, name in enumerate("hw"):
            stride, x, y = conv.stride[axis], conv.y_shape[2 + axis], conv.x_shape[2 + axis]
            sizes.append(f"{name} * {stride} + {y - x * stride}")
        x_type, weight_type = f"real[n, {channels}, h, w]", f"real[{channels}, {window}]"
        return f"({x_type}, {weight_type}, real[{out}]?) -> real[n, {out}, {', '.join(sizes)}]"

    @staticmethod
    def forward(needs: Any, x: Array, weight: Array, bias: Array | None, conv: Any) -> Any:
        y = _kernels.empty_channels_last(conv.x_shape, x.dtype)
        _kernels.conv2d_backward_data(conv, x, weight, y)
        if bias is not None:
            y = _kernels.binary(ADD, y, bias[:, None, None])
        return y, (x, weight)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, conv: Any) -> Any:
        x, weight = saved
        return (
            apply(Conv2d, (dy, weight, None), conv, None) if needs[0] else None,
            apply(Conv2dBackwardWeight, (dy, x), conv, False)[0] if needs[1] else None,
            sum(dy, axis=(0, 2, 3)) if needs[2] else None,
        )

    @staticmethod
    def reference(x: Array, weight: Array, bias: Array | None, conv: Any) -> Array:
        y = Conv2dBackwardData.reference(x, weight, conv)
        return y if bias is None else y + bias[:, None, None]


def conv_behind(
    op: str,
    x: Shape,
    weight: Shape,
    stride: Two,
    padding: Two,
    output_padding: Two,
    groups: int,
    dilation: Two,
) -> Conv2dGeometry:
    """The convolution that takes y's shape to x's, or the first size that does not fit."""
    if weight[0] % groups or x[1] != weight[0]:
        raise ValueError(
            f"{op}: weight {spoken(weight, op)} with groups={groups} needs {weight[0]} input "
            f"channels, divisible by groups; x {spoken(x, op)} has {x[1]} channels"
        )
    sizes = []
    for axis in range(2):
        n, k, more = x[2 + axis], weight[2 + axis], output_padding[axis]
        name = axis_name(axis, op)
        if n < 1 or k < 1:
            raise ValueError(f"{op}: {name} of x and weight must be at least 1, got {n} and {k}")
        if more and more >= max(stride[axis], dilation[axis]):
            raise ValueError(
                f"{op}: output_padding must be below stride {stride[axis]} or dilation "
                f"{dilation[axis]}, got {more}"
            )
        reach = dilation[axis] * (k - 1) + 1
        size = (n - 1) * stride[axis] + reach + more - 2 * padding[axis]
        if size < 1:
            raise ValueError(
                f"{op}: padding {padding[axis]} takes all of {name} {size + 2 * padding[axis]}: "
                f"the output would have size {size}"
            )
        sizes.append(size)
    y = (x[0], weight[1] * groups, *sizes)
    return Conv2dGeometry(y, weight, x, stride, padding, dilation, groups)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """y[n, o, i·stride − padding + k·dilation, …] += weight[c, o, k, l] · x[n, c, i, j]; + bias[o].

    Type: ``(real[n, c, h, w], real[c, o/groups, kh, kw], real[o]?) -> real[n, o, oh, ow]`` with
    oh = (h − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1, and ow likewise.

    x            real[n, c, h, w], any strides
    weight       real[c, o/groups, kh, kw]: input channels first
    bias         real[o], or None
    stride, padding, dilation   those of the convolution that y would go through to give x's shape;
                 each an int, or one for height and one for width
    output_padding   rows (columns) more at the end, which that convolution's stride would pass over
    groups       channels and outputs are cut into this many groups that do not see each other

    The result lies channels-last in memory. ValueError where sizes do not fit, TypeError where
    dtypes differ. As PyTorch's conv_transpose2d.

    Dumoulin & Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4.

    >>> import pydp
    >>> pydp.conv_transpose2d(pydp.ones((1, 1, 2, 2)), pydp.ones((1, 1, 2, 2)))
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    arguments = stride, padding, output_padding, groups, dilation
    return convolve_transposed("conv_transpose2d", x, weight, bias, *arguments)


def convolve_transposed(
    op: str,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Any:
    """What conv_transpose2d says; for conv_transpose1d of images of height 1, its result too."""
    x, weight, bias = operands(op, x, weight, bias)
    x, weight, two = as_image(x), as_image(weight), reader(op)
    conv = conv_behind(
        op,
        x.shape,
        weight.shape,
        two(stride, op, "stride", 1),
        two(padding, op, "padding", 0),
        two(output_padding, op, "output_padding", 0),
        integer(groups, op, "groups", 1),
        two(dilation, op, "dilation", 1),
    )
    check_bias(op, bias, conv.x_shape[1])
    return apply(ConvTranspose2d, (x, weight, bias), conv)
