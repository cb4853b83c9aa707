"""Two-dimensional convolution: rule, geometry, and the closed family of its gradients.

    y  = conv2d(x, weight) + bias
    dx = conv2d_backward_data(dy, weight)          each of the three is linear in both of its
    dw, db = conv2d_backward_weight(x, dy)         arguments, and each other's gradient

So every derivative, of any order, is one of three kernels. Results and dx lie channels-last in
memory; any strides are read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pydp import _kernels
from pydp._graph import apply, is_recording
from pydp._op import Array, Op, integer, pair, real_tensor, same_float
from pydp.ops._activation import gelu, reference_of
from pydp.ops._matmul import ACTIVATION_BACKWARD, ACTIVATIONS, check_activation
from pydp.ops._reduce import sum
from pydp.ops._shape import broadcast_to, reshape

Shape = tuple[int, ...]


class Conv2dGeometry(NamedTuple):
    """The sizes of one convolution, checked once; forward and both backwards take it unchanged."""

    x_shape: Shape
    weight_shape: Shape
    y_shape: Shape
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    @classmethod
    def of(
        cls,
        x: Shape,
        weight: Shape,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        op: str = "conv2d",
    ) -> Conv2dGeometry:
        """The sizes, or the first that does not fit; of op conv1d the height is not spoken of."""
        if x[1] % groups or weight[0] % groups or x[1] // groups != weight[1]:
            raise ValueError(
                f"{op}: weight {spoken(weight, op)} with groups={groups} needs "
                f"{weight[1] * groups} input channels and outputs divisible by groups; "
                f"x {spoken(x, op)} has {x[1]} channels"
            )
        sizes = []
        for axis in range(2):
            n, k = x[2 + axis], weight[2 + axis]
            reach = dilation[axis] * (k - 1) + 1
            room = n + 2 * padding[axis] - reach
            if k < 1 or room < 0:
                raise ValueError(
                    f"{op}: a kernel of {axis_name(axis, op)} {k} with dilation {dilation[axis]} "
                    f"covers {reach}, which is more than the input's {n} with padding "
                    f"{padding[axis]} on each side"
                )
            sizes.append(room // stride[axis] + 1)
        y = (x[0], weight[0], *sizes)
        return cls(x, weight, y, stride, padding, dilation, groups)

    def x_type(self) -> str:
        return f"real[n, {self.x_shape[1]}, h, w]"

    def weight_type(self) -> str:
        _, *rest = self.weight_shape
        return f"real[o, {', '.join(map(str, rest))}]"

    def y_type(self) -> str:
        """h and w of y as quotients of x's: (h + 2 padding − reach) // stride + 1."""
        sizes = []
        for axis, name in enumerate("hw"):
            reach = self.dilation[axis] * (self.weight_shape[2 + axis] - 1) + 1
            room, stride = 2 * self.padding[axis] - reach, self.stride[axis]
            n, given = self.x_shape[2 + axis], self.y_shape[2 + axis]
            whole = (n + room) // stride + 1  # a transposed convolution may take fewer
            sizes.append(f"({name} + {room}) // {stride} + 1" if given == whole else str(given))
        return f"real[n, o, {', '.join(sizes)}]"


def axis_name(axis: int, op: str) -> str:
    return "length" if op.endswith("1d") else ("height", "width")[axis]


def spoken(shape: Shape, op: str) -> Shape:
    """A shape as the user gave it: conv1d's is without the height that was put in."""
    return shape[:2] + shape[3:] if op.endswith("1d") else shape


def real(shape: Shape) -> str:
    return f"real[{', '.join(map(str, shape))}]"


class Conv2d(Op):
    name = "conv2d"
    type = "(real[n, c, h, w], real[o, i, k, l], real[o]?) -> real[n, o, oh, ow]"

    @staticmethod
    def typing(conv: Any, activation: str | None) -> str:
        return f"({conv.x_type()}, {conv.weight_type()}, real[o]?) -> {conv.y_type()}"

    @staticmethod
    def forward(
        needs: Any, x: Array, weight: Array, bias: Array | None, conv: Any, activation: str | None
    ) -> Any:
        y = _kernels.empty_channels_last(conv.y_shape, x.dtype)
        _kernels.conv2d_forward(conv, x, weight, bias, y, ACTIVATIONS[activation])
        return y, (x, weight, y if activation else None)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, conv: Any, activation: str | None) -> Any:
        x, weight, y = saved
        dz = apply(ACTIVATION_BACKWARD[activation], (y, dy)) if activation else dy
        dx = apply(Conv2dBackwardData, (dz, weight), conv) if needs[0] else None
        dweight, dbias = None, None
        if needs[1]:
            dweight, dbias = apply(Conv2dBackwardWeight, (x, dz), conv, bool(needs[2]))
        elif needs[2]:
            dbias = sum(dz, axis=(0, 2, 3))
        return dx, dweight, dbias if needs[2] else None

    @staticmethod
    def reference(
        x: Array, weight: Array, bias: Array | None, conv: Any, activation: str | None
    ) -> Array:
        y = np.zeros(conv.y_shape)
        for o, window in _windows(x, conv):
            y[:, o] = np.einsum("nchwkl,ckl->nhw", window, weight[o])
        y += 0 if bias is None else bias[:, None, None]
        return reference_of(activation, y)


def _windows(x: Array, conv: Any) -> Any:
    """For each output channel, the windows [n, c/groups, oh, ow, kh, kw] that it looks at."""
    (ph, pw), (sh, sw), (dh, dw) = conv.padding, conv.stride, conv.dilation
    wide = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    o, i, kh, kw = conv.weight_shape
    _, _, oh, ow = conv.y_shape
    rows = sh * np.arange(oh)[:, None, None, None] + dh * np.arange(kh)[:, None]
    columns = sw * np.arange(ow)[None, :, None, None] + dw * np.arange(kw)
    for channel in range(o):
        first = channel // (o // conv.groups) * i
        yield channel, wide[:, first : first + i][:, :, rows, columns]


class Conv2dBackwardData(Op):
    """dx from dy and weight: every y spreads to the inputs that its window covered."""

    name = "conv2d_backward_data"
    type = "(real[n, o, oh, ow], real[o, i, k, l]) -> real[n, c, h, w]"

    @staticmethod
    def typing(conv: Any) -> str:
        return f"({real(conv.y_shape)}, {conv.weight_type()}) -> {real(conv.x_shape)}"

    @staticmethod
    def forward(needs: Any, dy: Array, weight: Array, conv: Any) -> Any:
        dx = _kernels.empty_channels_last(conv.x_shape, dy.dtype)
        _kernels.conv2d_backward_data(conv, dy, weight, dx)
        return dx, (dy, weight)

    @staticmethod
    def backward(saved: Any, ddx: Any, needs: Any, conv: Any) -> Any:
        dy, weight = saved
        return (
            apply(Conv2d, (ddx, weight, None), conv, None) if needs[0] else None,
            apply(Conv2dBackwardWeight, (ddx, dy), conv, False)[0] if needs[1] else None,
        )

    @staticmethod
    def reference(dy: Array, weight: Array, conv: Any) -> Array:
        return _adjoint(conv.x_shape, lambda x: Conv2d.reference(x, weight, None, conv, None), dy)


class Conv2dBackwardWeight(Op):
    """dweight and dbias from x and dy, in one pass over dy."""

    name = "conv2d_backward_weight"
    type = "(real[n, c, h, w], real[n, o, oh, ow]) -> (real[o, i, k, l], real[o])"

    @staticmethod
    def typing(conv: Any, with_bias: bool) -> str:
        results = f"({real(conv.weight_shape)}, real[{conv.weight_shape[0]}])"
        return f"({conv.x_type()}, {conv.y_type()}) -> {results}"

    @staticmethod
    def forward(needs: Any, x: Array, dy: Array, conv: Any, with_bias: bool) -> Any:
        dweight = _kernels.empty(conv.weight_shape, x.dtype)
        dbias = _kernels.empty(conv.weight_shape[:1], x.dtype) if with_bias else None
        _kernels.conv2d_backward_weight(conv, x, dy, dweight, dbias)
        return (dweight, dbias), (x, dy)

    @staticmethod
    def backward(saved: Any, dparts: Any, needs: Any, conv: Any, with_bias: bool) -> Any:
        x, dy = saved
        ddweight, ddbias = dparts
        dx, ddy = None, None
        if ddweight is not None:
            dx = apply(Conv2dBackwardData, (dy, ddweight), conv) if needs[0] else None
            ddy = apply(Conv2d, (x, ddweight, None), conv, None) if needs[1] else None
        if ddbias is not None and needs[1]:
            spread = broadcast_to(reshape(ddbias, (-1, 1, 1)), conv.y_shape)
            ddy = spread if ddy is None else ddy + spread
        return dx, ddy

    @staticmethod
    def reference(x: Array, dy: Array, conv: Any, with_bias: bool) -> Array:
        return _adjoint(conv.weight_shape, lambda w: Conv2d.reference(x, w, None, conv, None), dy)


def _adjoint(shape: Shape, linear: Any, dy: Array) -> Array:
    """The gradient of <dy, linear(z)> for z, one unit vector at a time."""
    found = np.zeros(shape)
    unit = np.zeros(shape)
    for index in np.ndindex(*shape):
        unit[index] = 1
        found[index] = np.sum(dy * linear(unit))
        unit[index] = 0
    return found


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    activation: str | None = None,
) -> Any:
    """activation(bias[o] + Σ_ckl weight[o,c,k,l] · x[n, c, i·stride − padding + k·dilation, …]).

    Type: ``(real[n, c, h, w], real[o, c/groups, kh, kw], real[o]?) -> real[n, o, oh, ow]`` with
    oh = (h + 2·padding − dilation·(kh − 1) − 1) // stride + 1, and ow likewise.

    x            real[n, c, h, w], any strides
    weight       real[o, c/groups, kh, kw]
    bias         real[o], or None
    stride, padding, dilation   an int, or one for height and one for width
    groups       channels and outputs are cut into this many groups that do not see each other
    activation   None, "relu", "gelu", "tanh" or "sigmoid", applied in the same pass

    x is zero outside its extents. The result lies channels-last in memory. ValueError where sizes
    do not fit, TypeError where dtypes differ. As PyTorch's conv2d, but for `activation`.

    >>> import pydp
    >>> pydp.conv2d(pydp.ones((1, 1, 3, 3)), pydp.ones((1, 1, 2, 2)))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    x, weight, bias = conv_operands("conv2d", x, weight, bias, 4)
    stride = pair(stride, "conv2d", "stride", 1)
    padding = pair(padding, "conv2d", "padding", 0)
    dilation = pair(dilation, "conv2d", "dilation", 1)
    groups = integer(groups, "conv2d", "groups", 1)
    conv = Conv2dGeometry.of(x.shape, weight.shape, stride, padding, dilation, groups)
    return convolve("conv2d", x, weight, bias, conv, activation)


def conv_operands(op: str, x: Any, weight: Any, bias: Any, axes: int) -> tuple[Any, Any, Any]:
    """The three as tensors of one dtype, the first two with this many axes."""
    x, weight = real_tensor(x, op, "x"), real_tensor(weight, op, "weight")
    bias = None if bias is None else real_tensor(bias, op, "bias")
    same_float(op, x=x, weight=weight, bias=bias)
    if x.ndim != axes or weight.ndim != axes:
        first, second = ("i", "o") if "transpose" in op else ("o", "c")
        sizes, window = ("h, w", "kh, kw") if axes == 4 else ("l", "k")
        raise ValueError(
            f"{op}: x must be [n, c, {sizes}] and weight [{first}, {second}/groups, {window}], got "
            f"shapes {x.shape} and {weight.shape}"
        )
    return x, weight, bias


def convolve(
    op: str, x: Any, weight: Any, bias: Any, conv: Conv2dGeometry, activation: str | None
) -> Any:
    """The convolution of tensors that `conv` was made for."""
    check_activation(activation, op)
    check_bias(op, bias, weight.shape[0])
    records = is_recording() and any(t is not None and t.requires_grad for t in (x, weight, bias))
    if activation == "gelu" and records:  # its gradient looks at the sum, which is then kept
        return gelu(apply(Conv2d, (x, weight, bias), conv, None))
    return apply(Conv2d, (x, weight, bias), conv, activation)


def check_bias(op: str, bias: Any, channels: int) -> None:
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"{op}: bias must be ({channels},), got {bias.shape}")
