"""Conv2d: filters that slide over an image."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._op import integer, pair
from pydp.nn import init
from pydp.nn._arguments import ACTIVATIONS, flag, new_parameter, one_of, short, window_size
from pydp.nn._module import Module, Parameter


class Conv2d(Module):
    """Filters that slide over an image:
    y[o, i, j] = bias[o] + Σ weight[o, c, a, b] · x[c, i s + a d - p, j s + b d - p].

    Shape: ``real[..., in_channels, h, w] -> real[..., out_channels, h', w']`` with
    h' = (h + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1, w' likewise.

    Arguments
      kernel_size, stride, dilation   an int, or two for height and width
      padding     likewise; zeros on each side. "valid" is 0; "same" keeps h and w (stride 1 only),
                  an odd total has its larger half behind
      groups      channels fall into that many groups that do not see each other
      activation  None, "relu", "gelu", "tanh" or "sigmoid": applied in the same kernel

    Parameters
      weight  [out_channels, in_channels // groups, kernel height, kernel width], uniform within
              ±1/√(in_channels // groups · kernel height · kernel width)
      bias    [out_channels], the same; None with bias=False

    It differs from PyTorch's: `activation` is new; there is no `padding_mode` other than zeros.

    >>> import pydp
    >>> from pydp import nn
    >>> nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2).signature
    <signature real[..., 3, h, w] -> real[..., 64, (h - 7) // 4 + 1, (w - 7) // 4 + 1]>
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        activation: str | None = None,
    ) -> None:
        self.in_channels = integer(in_channels, "Conv2d", "in_channels", least=1)
        self.out_channels = integer(out_channels, "Conv2d", "out_channels", least=1)
        self.groups = integer(groups, "Conv2d", "groups", least=1)
        for name, channels in (("in", self.in_channels), ("out", self.out_channels)):
            if channels % self.groups:
                raise ValueError(
                    f"Conv2d: {name}_channels must be a multiple of groups {self.groups}, "
                    f"got {channels}"
                )
        self.kernel_size = pair(kernel_size, "Conv2d", "kernel_size", least=1)
        self.stride = pair(stride, "Conv2d", "stride", least=1)
        self.dilation = pair(dilation, "Conv2d", "dilation", least=1)
        self.padding = self._checked_padding(padding)
        self.activation = one_of(activation, ACTIVATIONS, "Conv2d", "activation")
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        self.weight = new_parameter(*shape)
        self.bias = new_parameter(shape[0]) if flag(bias, "Conv2d", "bias") else None
        self.reset_parameters()

    def _checked_padding(self, padding: Any) -> tuple[int, int] | str:
        if not isinstance(padding, str):
            return pair(padding, "Conv2d", "padding", least=0)
        if padding not in ("same", "valid"):
            raise ValueError(
                f'Conv2d: padding must be an int, two, "same" or "valid", got {padding!r}'
            )
        if padding == "same" and self.stride != (1, 1):
            raise ValueError(f'Conv2d: padding "same" needs stride 1, got {self.stride}')
        return padding

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        _, channels, height, width = self.weight.shape
        bound = (channels * height * width) ** -0.5
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def _total_padding(self) -> tuple[int, int]:
        """Zeros above and below together, left and right together."""
        if self.padding == "same":
            height, width = self.kernel_size
            return self.dilation[0] * (height - 1), self.dilation[1] * (width - 1)
        if isinstance(self.padding, str):
            return 0, 0
        above, left = self.padding
        return 2 * above, 2 * left

    @property
    def type(self) -> str:
        window = zip(
            "hw", self.kernel_size, self.stride, self._total_padding(), self.dilation, strict=True
        )
        sizes = ", ".join(window_size(*sides) for sides in window)
        return f"real[..., {self.in_channels}, h, w] -> real[..., {self.out_channels}, {sizes}]"

    def forward(self, x: Any) -> Any:
        high, wide = self._total_padding()
        y = ops.conv2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            ((high + 1) // 2, (wide + 1) // 2),
            self.dilation,
            self.groups,
            self.activation,
        )
        # an odd total was rounded up on both sides: the first row (column) is one too many
        if high % 2 or wide % 2:
            y = y[..., high % 2 :, wide % 2 :]
        return y

    def extra_repr(self) -> str:
        out = f"{self.in_channels}, {self.out_channels}, {short(self.kernel_size)}"
        for name, usual in (("stride", (1, 1)), ("padding", (0, 0)), ("dilation", (1, 1))):
            value = getattr(self, name)
            if value != usual:
                out += (
                    f", {name}={value!r}" if isinstance(value, str) else f", {name}={short(value)}"
                )
        if self.groups != 1:
            out += f", groups={self.groups}"
        if self.bias is None:
            out += ", bias=False"
        if self.activation is not None:
            out += f", activation={self.activation!r}"
        return out


Conv = Conv2d
