"""What MaxPool2d and AvgPool2d share: the window that slides over an image."""

from __future__ import annotations

from pydp._op import pair
from pydp.nn._arguments import flag, short, window_size
from pydp.nn._module import Module

Size = int | tuple[int, int]


class Pool2d(Module):
    """One number for each window of an image; which one, a subclass says."""

    dilation = (1, 1)

    def __init__(self, kernel_size: Size, stride: Size | None, padding: Size, ceil_mode: bool):
        name = type(self).__name__
        self.kernel_size = pair(kernel_size, name, "kernel_size", least=1)
        self.stride = self.kernel_size if stride is None else pair(stride, name, "stride", least=1)
        self.padding = pair(padding, name, "padding", least=0)
        for inner, window in zip(self.padding, self.kernel_size, strict=True):
            if 2 * inner > window:
                raise ValueError(
                    f"{name}: padding must be at most half of kernel_size {window}, got {inner}"
                )
        self.ceil_mode = flag(ceil_mode, name, "ceil_mode")

    @property
    def type(self) -> str:
        sizes = []
        sides = zip("hw", self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        for letter, window, stride, padding, dilation in sides:
            more = stride - 1 if self.ceil_mode else 0
            sizes.append(window_size(letter, window, stride, 2 * padding + more, dilation))
        return f"real[..., c, h, w] -> real[..., c, {', '.join(sizes)}]"

    def extra_repr(self) -> str:
        out = short(self.kernel_size)
        if self.stride != self.kernel_size:
            out += f", stride={short(self.stride)}"
        if self.padding != (0, 0):
            out += f", padding={short(self.padding)}"
        if self.dilation != (1, 1):
            out += f", dilation={short(self.dilation)}"
        return out + (", ceil_mode=True" if self.ceil_mode else "")
