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
from pydp._arguments import integer
from pydp._arrays import Array
from pydp._graph import apply, is_recording
from pydp._op import Op
from pydp.ops._activation import gelu, reference_of
from pydp.ops._conv_arguments import Sides, check_bias, operands, padded, padding_sides
from pydp.ops._matmul import ACTIVATION_BACKWARD, ACTIVATIONS, check_activation
from pydp.ops._reduce import sum
from pydp.ops._shape import broadcast_to, reshape
from pydp.ops._signal import Shape, as_image, axis_name, reader, spoken


class Conv2dGeometry(NamedTuple):
    """The sizes of one convolution, checked once; forward and both backwards take it unchanged."""

    x_shape: Shape
    weight_shape: Shape
    y_shape: Shape
    stride: tuple[int, int]
    padding: tuple[int, int]  # above and left; below and right follow from y_shape
    dilation: tuple[int, int]
    groups: int

    @classmethod
    def of(
        cls,
        x: Shape,
        weight: Shape,
        stride: tuple[int, int],
        sides: Sides,
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
            before, behind = sides[axis]
            room = n + before + behind - reach
            if k < 1 or room < 0:
                raise ValueError(
                    f"{op}: a kernel of {axis_name(axis, op)} {k} with dilation {dilation[axis]} "
                    f"covers {reach}, which is more than the input's {n} with padding "
                    f"{before} on each side"
                )
            sizes.append(room // stride[axis] + 1)
        (above, _), (left, _) = sides
        y = (x[0], weight[0], *sizes)
        return cls(x, weight, y, stride, (above, left), dilation, groups)

    def x_type(self) -> str:
        return f"real[n, {self.x_shape[1]}, h, w]"

    def weight_type(self) -> str:
        _, *rest = self.weight_shape
        return f"real[o, {', '.join(map(str, rest))}]"

    def y_type(self) -> str:
        """h and w of y as quotients of x's: (h + all padding − reach) // stride + 1."""
        sizes = []
        for axis, name in enumerate("hw"):
            n, given, stride = self.x_shape[2 + axis], self.y_shape[2 + axis], self.stride[axis]
            reach = self.dilation[axis] * (self.weight_shape[2 + axis] - 1) + 1
            for odd in (0, 1):  # one more behind, where padding is "same" of an even kernel
                room = 2 * self.padding[axis] + odd - reach
                if (n + room) // stride + 1 == given:
                    sizes.append(f"({name} + {room}) // {stride} + 1")
                    break
            else:
                sizes.append(str(given))  # behind a transposed convolution: windows are left out
        return f"real[n, o, {', '.join(sizes)}]"


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
    wide = np.pad(x, ((0, 0), (0, 0), (ph, ph + 1), (pw, pw + 1)))
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
    padding_mode: str = "zeros",
) -> Any:
    """activation(bias[o] + Σ_ckl weight[o,c,k,l] · x[n, c, i·stride − padding + k·dilation, …]).

    Type: ``(real[n, c, h, w], real[o, c/groups, kh, kw], real[o]?) -> real[n, o, oh, ow]`` with
    oh = (h + 2·padding − dilation·(kh − 1) − 1) // stride + 1, and ow likewise.

    x            real[n, c, h, w], any strides
    weight       real[o, c/groups, kh, kw]
    bias         real[o], or None
    stride, dilation   an int, or one for height and one for width
    padding      likewise; "valid" is 0; "same" keeps h and w (stride 1 only), an odd total has its
                 larger half behind
    groups       channels and outputs are cut into this many groups that do not see each other
    activation   None, "relu", "gelu", "tanh" or "sigmoid", applied in the same pass
    padding_mode   what x is outside its extents: "zeros", or as in `pad` "reflect", "replicate",
                 "circular", which take a padded copy of x

    The result lies channels-last in memory. ValueError where sizes do not fit, TypeError where
    dtypes differ. As PyTorch's conv2d, but for `activation` and `padding_mode`. Filters of 3x3 and
    5x5 with stride 1 take half the multiplications (S. Winograd, 1980) where there are channels or
    images enough; whole numbers stay exact, and errors stay of a plain sum's size.

    >>> import pydp
    >>> pydp.conv2d(pydp.ones((1, 1, 3, 3)), pydp.ones((1, 1, 2, 2)))
    tensor([[[[4., 4.],
              [4., 4.]]]])
    """
    return convolve(
        "conv2d", x, weight, bias, stride, padding, dilation, groups, activation, padding_mode
    )


def convolve(
    op: str,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    activation: str | None,
    padding_mode: str,
) -> Any:
    """What conv2d says; for conv1d of images of height 1, its result too."""
    check_activation(activation, op)
    x, weight, bias = operands(op, x, weight, bias)
    check_bias(op, bias, weight.shape[0])
    weight, two = as_image(weight), reader(op)
    stride, dilation = two(stride, op, "stride", 1), two(dilation, op, "dilation", 1)
    groups = integer(groups, op, "groups", 1)
    sides = padding_sides(op, padding, weight.shape[2:], stride, dilation)
    x, sides = padded(op, x, sides, padding_mode)
    x = as_image(x)
    conv = Conv2dGeometry.of(x.shape, weight.shape, stride, sides, dilation, groups, op)
    records = is_recording() and any(t is not None and t.requires_grad for t in (x, weight, bias))
    if activation == "gelu" and records:  # its gradient looks at the sum, which is then kept
        return gelu(apply(Conv2d, (x, weight, bias), conv, None))
    return apply(Conv2d, (x, weight, bias), conv, activation)
