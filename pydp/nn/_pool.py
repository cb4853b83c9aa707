"""What the pools share: the window that slides over a signal or an image, or the size to reach."""

from __future__ import annotations

from typing import ClassVar

from pydp.nn._arguments import Size, flag, short, sizes, window_size
from pydp.nn._module import Module
from pydp.ops._pool2d import output_sizes


class Pool(Module):
    """One number for each window; which one, a subclass says."""

    axes: ClassVar[str]  # a letter for each
    dilation: tuple[int, ...]

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None,
        padding: Size,
        ceil_mode: bool,
        dilation: Size = 1,
    ) -> None:
        name = type(self).__name__
        self.kernel_size = sizes(self.axes, kernel_size, name, "kernel_size", 1)
        given = self.kernel_size if stride is None else stride
        self.stride = sizes(self.axes, given, name, "stride", 1)
        self.padding = sizes(self.axes, padding, name, "padding", 0)
        for inner, window in zip(self.padding, self.kernel_size, strict=True):
            if 2 * inner > window:
                raise ValueError(
                    f"{name}: padding must be at most half of kernel_size {window}, got {inner}"
                )
        self.dilation = sizes(self.axes, dilation, name, "dilation", 1)
        self.ceil_mode = flag(ceil_mode, name, "ceil_mode")

    def _result(self) -> str:
        """The sizes that the window leaves, as a type writes them."""
        left = []
        window = zip(
            self.axes, self.kernel_size, self.stride, self.padding, self.dilation, strict=True
        )
        for letter, kernel, stride, padding, dilation in window:
            both = 2 * padding
            if self.ceil_mode:  # rounded up, but no window begins behind x: the smaller of the two
                both += min(stride - 1, dilation * (kernel - 1) - padding)
            left.append(window_size(letter, kernel, stride, both, dilation))
        return ", ".join(left)

    @property
    def type(self) -> str:
        return f"real[..., c, {', '.join(self.axes)}] -> real[..., c, {self._result()}]"

    def extra_repr(self) -> str:
        out = short(self.kernel_size)
        if self.stride != self.kernel_size:
            out += f", stride={short(self.stride)}"
        if any(self.padding):
            out += f", padding={short(self.padding)}"
        if any(step != 1 for step in self.dilation):
            out += f", dilation={short(self.dilation)}"
        return out + (", ceil_mode=True" if self.ceil_mode else "")


class MaxPool(Pool):
    """The largest value of each window, and perhaps where it stood."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, dilation)
        self.return_indices = flag(return_indices, type(self).__name__, "return_indices")

    @property
    def type(self) -> str:
        return with_indices(super().type) if self.return_indices else super().type

    def extra_repr(self) -> str:
        return super().extra_repr() + (", return_indices=True" if self.return_indices else "")


class AdaptivePool(Module):
    """One number for each of as many windows as output_size says."""

    axes: ClassVar[str]

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        given = output_sizes(type(self).__name__, output_size, len(self.axes))
        self.output_size: tuple[int | None, ...] = given

    @property
    def type(self) -> str:
        pairs = zip(self.axes, self.output_size, strict=True)
        result = [letter if size is None else str(size) for letter, size in pairs]
        return f"real[..., c, {', '.join(self.axes)}] -> real[..., c, {', '.join(result)}]"

    def extra_repr(self) -> str:
        return short(self.output_size)


class AdaptiveMaxPool(AdaptivePool):
    """The largest value of each window, and perhaps where it stood."""

    def __init__(
        self, output_size: int | tuple[int | None, ...] | None, return_indices: bool = False
    ) -> None:
        super().__init__(output_size)
        self.return_indices = flag(return_indices, type(self).__name__, "return_indices")

    @property
    def type(self) -> str:
        return with_indices(super().type) if self.return_indices else super().type

    def extra_repr(self) -> str:
        return super().extra_repr() + (", return_indices=True" if self.return_indices else "")


def with_indices(type: str) -> str:
    """The type of a pool that gives a place for each result too."""
    x, y = type.split(" -> ")
    return f"{x} -> ({y}, token{y.removeprefix('real')})"
