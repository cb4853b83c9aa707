"""What the convolutions share: channels in groups, a window, weight and bias.

Convolution ── SlidingFilters ──── Conv1d, Conv2d                     [out, in/groups, *window]
            └─ SpreadingFilters ── ConvTranspose1d, ConvTranspose2d   [in, out/groups, *window]
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from pydp import ops
from pydp._arguments import integer
from pydp.nn import init
from pydp.nn._arguments import (
    ACTIVATIONS,
    Size,
    flag,
    new_parameter,
    one_of,
    short,
    sizes,
    window_size,
)
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.ops._conv_arguments import PADDING_MODES


class Convolution(Module):
    """Channels, a window and parameters; what is done with them, a subclass says."""

    axes: ClassVar[str]  # a letter for each
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        dilation: Size,
        groups: int,
    ) -> None:
        name = type(self).__name__
        self.in_channels = integer(in_channels, name, "in_channels", least=1)
        self.out_channels = integer(out_channels, name, "out_channels", least=1)
        self.groups = integer(groups, name, "groups", least=1)
        for side, channels in (("in", self.in_channels), ("out", self.out_channels)):
            if channels % self.groups:
                raise ValueError(
                    f"{name}: {side}_channels must be a multiple of groups {self.groups}, "
                    f"got {channels}"
                )
        self.kernel_size = sizes(self.axes, kernel_size, name, "kernel_size", 1)
        self.stride = sizes(self.axes, stride, name, "stride", 1)
        self.dilation = sizes(self.axes, dilation, name, "dilation", 1)

    def _new_parameters(self, channels: int, others: int, bias: bool) -> None:
        """weight [channels, others / groups, *window] and bias [out_channels]."""
        self.weight = new_parameter(channels, others // self.groups, *self.kernel_size)
        wanted = flag(bias, type(self).__name__, "bias")
        self.bias = new_parameter(self.out_channels) if wanted else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = math.prod(self.weight.shape[1:]) ** -0.5
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        out = f"{self.in_channels}, {self.out_channels}, {short(self.kernel_size)}"
        ones, zeros = (1,) * len(self.axes), (0,) * len(self.axes)
        usual = {"stride": ones, "padding": zeros, "output_padding": zeros, "dilation": ones}
        for name, value in usual.items():
            given = getattr(self, name, value)
            if given != value:
                shown = repr(given) if isinstance(given, str) else short(given)
                out += f", {name}={shown}"
        if self.groups != 1:
            out += f", groups={self.groups}"
        return out + (", bias=False" if self.bias is None else "")


class SlidingFilters(Convolution):
    """Filters that slide over a signal or an image."""

    padding: tuple[int, ...] | str

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        activation: str | None = None,
        padding_mode: str = "zeros",
    ) -> None:
        name = type(self).__name__
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups)
        self.padding = self._checked_padding(padding)
        self.activation = one_of(activation, ACTIVATIONS, name, "activation")
        self.padding_mode = one_of(padding_mode, PADDING_MODES, name, "padding_mode")
        self._new_parameters(self.out_channels, self.in_channels, bias)

    def _checked_padding(self, padding: Any) -> tuple[int, ...] | str:
        name = type(self).__name__
        if not isinstance(padding, str):
            return sizes(self.axes, padding, name, "padding", 0)
        if padding not in ("same", "valid"):
            ints = "an int, two" if len(self.axes) == 2 else "an int"
            raise ValueError(f'{name}: padding must be {ints}, "same" or "valid", got {padding!r}')
        if padding == "same" and any(step != 1 for step in self.stride):
            raise ValueError(f'{name}: padding "same" needs stride 1, got {self.stride}')
        return padding

    def _total_padding(self) -> list[int]:
        """Of each axis, on both sides together."""
        if self.padding == "same":
            return [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        if isinstance(self.padding, str):
            return [0] * len(self.axes)
        return [2 * one for one in self.padding]

    @property
    def type(self) -> str:
        total = self._total_padding()
        window = zip(self.axes, self.kernel_size, self.stride, total, self.dilation, strict=True)
        left = [window_size(*sides) for sides in window]
        x = f"real[..., {', '.join([str(self.in_channels), *self.axes])}]"
        return f"{x} -> real[..., {', '.join([str(self.out_channels), *left])}]"

    def forward(self, x: Any) -> Any:
        two = len(self.axes) == 2
        if getattr(x, "_array", NO_ARRAY).ndim != (4 if two else 3):
            return lifted(self.forward, x, f"c{self.axes}")
        convolution = ops.conv2d if two else ops.conv1d
        return convolution(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            self.activation,
            self.padding_mode,
        )

    def extra_repr(self) -> str:
        out = super().extra_repr()
        if self.activation is not None:
            out += f", activation={self.activation!r}"
        if self.padding_mode != "zeros":
            out += f", padding_mode={self.padding_mode!r}"
        return out


class SpreadingFilters(Convolution):
    """Filters that every entry of a signal or an image spreads over the result."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, dilation, groups)
        name = type(self).__name__
        self.padding = sizes(self.axes, padding, name, "padding", 0)
        self.output_padding = sizes(self.axes, output_padding, name, "output_padding", 0)
        for more, step, gap in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if more and more >= max(step, gap):
                raise ValueError(
                    f"{name}: output_padding must be below stride {step} or "
                    f"dilation {gap}, got {more}"
                )
        self._new_parameters(self.in_channels, self.out_channels, bias)

    def _added(self) -> list[int]:
        """What the window adds to (size - 1) · stride, without output_padding."""
        window = zip(self.kernel_size, self.dilation, self.padding, strict=True)
        return [gap * (k - 1) + 1 - 2 * inner for k, gap, inner in window]

    @property
    def type(self) -> str:
        sides = zip(self.axes, self.stride, self._added(), self.output_padding, strict=True)
        large = [f"({n} - 1) * {step} + {added + more}" for n, step, added, more in sides]
        x = f"real[..., {', '.join([str(self.in_channels), *self.axes])}]"
        return f"{x} -> real[..., {', '.join([str(self.out_channels), *large])}]"

    def forward(self, x: Any, output_size: Size | None = None) -> Any:
        if isinstance(output_size, (tuple, list)) and len(output_size) == getattr(x, "ndim", 0):
            output_size = tuple(output_size[-len(self.axes) :])
        two = len(self.axes) == 2
        if getattr(x, "_array", NO_ARRAY).ndim != (4 if two else 3):
            return lifted(self.forward, x, f"c{self.axes}", output_size)
        convolution = ops.conv_transpose2d if two else ops.conv_transpose1d
        more = self.output_padding
        if output_size is not None:
            more = self._output_padding(x.shape, output_size)
        return convolution(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            more,
            self.groups,
            self.dilation,
        )

    def _output_padding(self, shape: tuple[int, ...], output_size: Any) -> tuple[int, ...]:
        """What makes the result as large as output_size."""
        name = type(self).__name__
        wanted = sizes(self.axes, output_size, name, "output_size", 1)
        steps = zip(shape[2:], self.stride, self._added(), strict=False)
        least = tuple([(n - 1) * step + added for n, step, added in steps])
        more = tuple([size - low for size, low in zip(wanted, least, strict=False)])
        if any(not 0 <= n < step for n, step in zip(more, self.stride, strict=False)):
            most = tuple([low + step - 1 for low, step in zip(least, self.stride, strict=False)])
            raise ValueError(
                f"{name}: output_size must be from {least} to {most} for x {shape}, got {wanted}"
            )
        return more
