"""Upsample: images and signals at another size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydp import ops
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._module import Module
from pydp.ops._interpolate import check_options, checked_scale, checked_size, scaled_size

AXES_OF = {"linear": 1, "bilinear": 2}


class Upsample(Module):
    """Images [n, c, h, w] or signals [n, c, w] at another size, larger or smaller; see
    `pydp.interpolate`.

    Shape: ``real[..., c, h, w] -> real[..., c, h', w']`` with h' = floor(scale_factor · h), or
    size; ``any -> any`` where mode is "nearest" and one number stands for all axes, since how many
    there are is not written then: x must then be a batch.

    Arguments: size or scale_factor (a number, or one for each of h and w), mode ("nearest",
    "linear" for signals, "bilinear" for images), align_corners, recompute_scale_factor.

    >>> import pydp
    >>> pydp.nn.Upsample(scale_factor=2, mode="bilinear").signature
    <signature real[..., c, h, w] -> real[..., c, 2*h, 2*w]>
    >>> pydp.nn.Upsample(scale_factor=2)(pydp.zeros((1, 3, 5, 6))).shape
    (1, 3, 10, 12)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        check_options("Upsample", size, scale_factor, mode, align_corners, recompute_scale_factor)
        self.mode = mode
        self.size = tuple(size) if isinstance(size, (tuple, list)) else size
        self.scale_factor = (
            tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else scale_factor
        )
        checked_size(size, AXES_OF.get(mode), "Upsample")
        checked_scale(scale_factor, AXES_OF.get(mode), "Upsample")
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def _axes(self) -> int | None:
        """How many axes change, where that is known before x is."""
        given = self.size if self.scale_factor is None else self.scale_factor
        return AXES_OF.get(self.mode) or (len(given) if isinstance(given, tuple) else None)

    @property
    def type(self) -> str:
        axes = self._axes()
        if axes is None:
            return "any -> any"
        letters = "hw"[-axes:]
        if self.scale_factor is None:
            sizes = [str(n) for n in checked_size(self.size, axes, "Upsample") or ()]
        else:
            scales = checked_scale(self.scale_factor, axes, "Upsample") or ()
            found = [scaled_size(n, s) for n, s in zip(letters, scales, strict=True)]
            sizes = [n for n in found if n]
        if len(sizes) < axes:
            return "any -> any"
        return f"real[..., c, {', '.join(letters)}] -> real[..., c, {', '.join(sizes)}]"

    def forward(self, x: Any) -> Any:
        axes = self._axes()
        if axes and getattr(x, "_array", NO_ARRAY).ndim != axes + 2:
            return lifted(self.forward, x, "chw"[: axes + 1])
        return ops.interpolate(
            x,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        out = f"size={self.size}" if self.size else f"scale_factor={self.scale_factor}"
        out += f", mode={self.mode!r}"
        if self.align_corners is not None:
            out += f", align_corners={self.align_corners}"
        return out
