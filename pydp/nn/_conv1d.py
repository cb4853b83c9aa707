"""Conv1d: filters that slide over a signal."""

from __future__ import annotations

from pydp.nn._convolution import SlidingFilters


class Conv1d(SlidingFilters):
    """Filters that slide over a signal:
    y[o, i] = bias[o] + Σ weight[o, c, a] · x[c, i s + a d - p].

    Shape: ``real[..., in_channels, l] -> real[..., out_channels, l']`` with
    l' = (l + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.

    Arguments: as `Conv2d`; kernel_size, stride, dilation and padding are an int.

    Parameters
      weight  [out_channels, in_channels // groups, kernel_size], uniform within
              ±1/√(in_channels // groups · kernel_size)
      bias    [out_channels], the same; None with bias=False

    It differs from PyTorch's: `activation` is new and stands before `padding_mode`.

    >>> import pydp
    >>> pydp.nn.Conv1d(16, 32, kernel_size=3, padding="same").signature
    <signature real[..., 16, l] -> real[..., 32, l]>
    """

    axes = "l"
