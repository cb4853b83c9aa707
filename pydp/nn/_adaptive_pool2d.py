"""AdaptiveAvgPool2d, AdaptiveMaxPool2d: windows that follow the sizes of image and result."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._pool import AdaptiveMaxPool, AdaptivePool


class AdaptiveAvgPool2d(AdaptivePool):
    """The means of as many windows as the result has pixels, which together cover the image.

    Shape: ``real[..., c, h, w] -> real[..., c, *output_size]``.

    Arguments: output_size is an int, or two for height and width; None keeps that size.

    >>> import pydp
    >>> pydp.nn.AdaptiveAvgPool2d((6, None)).signature
    <signature real[..., c, h, w] -> real[..., c, 6, w]>
    """

    axes = "hw"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 4:
            return lifted(self.forward, x, "chw")
        return ops.adaptive_avg_pool2d(x, self.output_size)


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The largest values of as many windows as the result has pixels, which cover the image.

    Shape: ``real[..., c, h, w] -> real[..., c, *output_size]``.

    Arguments: output_size is an int, or two for height and width; None keeps that size. With
    return_indices the result is a pair: what `max_pool2d` says.

    >>> import pydp
    >>> pydp.nn.AdaptiveMaxPool2d(6, return_indices=True).signature
    <signature real[..., c, h, w] -> (real[..., c, 6, 6], token[..., c, 6, 6])>
    """

    axes = "hw"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 4:
            return lifted(self.forward, x, "chw")
        return ops.adaptive_max_pool2d(x, self.output_size, self.return_indices)
