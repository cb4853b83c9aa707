"""Unfold and Fold: windows of images as columns, and columns added up to images."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import pair
from pydp.nn._arguments import short, window_size
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._module import Module

Size = int | tuple[int, int]


class _Windows(Module):
    """What both share: the window that slides over an image."""

    def __init__(self, kernel_size: Size, dilation: Size, padding: Size, stride: Size) -> None:
        name = type(self).__name__
        self.kernel_size = pair(kernel_size, name, "kernel_size", least=1)
        self.dilation = pair(dilation, name, "dilation", least=1)
        self.padding = pair(padding, name, "padding", least=0)
        self.stride = pair(stride, name, "stride", least=1)

    def _columns(self, letters: tuple[str, str]) -> str:
        """The number of windows over an image of these sizes, as a type writes it."""
        sides = zip(
            letters, self.kernel_size, self.stride, self.padding, self.dilation, strict=True
        )
        counts = [window_size(n, k, s, 2 * p, d) for n, k, s, p, d in sides]
        return " * ".join(f"({count})" for count in counts)

    def extra_repr(self) -> str:
        out = short(self.kernel_size)
        if self.dilation != (1, 1):
            out += f", dilation={short(self.dilation)}"
        if self.padding != (0, 0):
            out += f", padding={short(self.padding)}"
        return out + (f", stride={short(self.stride)}" if self.stride != (1, 1) else "")


class Unfold(_Windows):
    """Every window of an image as a column; see `pydp.unfold`.

    Shape: ``real[..., c, h, w] -> real[..., c kh kw, oh ow]`` with
    oh = (h + 2 padding - dilation (kh - 1) - 1) // stride + 1, ow likewise.

    >>> import pydp
    >>> pydp.nn.Unfold(2, stride=2).signature
    <signature real[..., c, h, w] -> real[..., 4*c, (h // 2)*(w // 2)]>
    """

    def __init__(
        self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)

    @property
    def type(self) -> str:
        area = self.kernel_size[0] * self.kernel_size[1]
        return f"real[..., c, h, w] -> real[..., {area}*c, {self._columns(('h', 'w'))}]"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 4:
            return lifted(self.forward, x, "chw")
        return ops.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Windows):
    """Columns added up to an image of output_size, each into its window; see `pydp.fold`.

    Shape: ``real[..., c kh kw, oh ow] -> real[..., c, h, w]``.

    >>> import pydp
    >>> pydp.nn.Fold((4, 6), 2, stride=2).signature
    <signature real[..., 4*c, 6] -> real[..., c, 4, 6]>
    """

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = pair(output_size, "Fold", "output_size", least=1)

    @property
    def type(self) -> str:
        h, w = self.output_size
        area = self.kernel_size[0] * self.kernel_size[1]
        columns = self._columns((str(h), str(w)))
        return f"real[..., {area}*c, {columns}] -> real[..., c, {h}, {w}]"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 3:
            return lifted(self.forward, x, "cl")
        return ops.fold(
            x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return f"{short(self.output_size)}, {super().extra_repr()}"
