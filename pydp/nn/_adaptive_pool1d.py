"""AdaptiveAvgPool1d, AdaptiveMaxPool1d: windows that follow the lengths of signal and result."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._pool import AdaptiveMaxPool, AdaptivePool


class AdaptiveAvgPool1d(AdaptivePool):
    """The means of output_size windows, which together cover the signal.

    Shape: ``real[..., c, l] -> real[..., c, output_size]``.

    >>> import pydp
    >>> pydp.nn.AdaptiveAvgPool1d(6).signature
    <signature real[..., c, l] -> real[..., c, 6]>
    """

    axes = "l"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 3:
            return lifted(self.forward, x, "cl")
        return ops.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The largest values of output_size windows, which together cover the signal.

    Shape: ``real[..., c, l] -> real[..., c, output_size]``. With return_indices the result is a
    pair: what `max_pool1d` says.

    >>> import pydp
    >>> pydp.nn.AdaptiveMaxPool1d(6).signature
    <signature real[..., c, l] -> real[..., c, 6]>
    """

    axes = "l"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 3:
            return lifted(self.forward, x, "cl")
        return ops.adaptive_max_pool1d(x, self.output_size, self.return_indices)
