"""ConvTranspose1d: filters that every entry of a signal spreads over a longer one."""

from __future__ import annotations

from pydp.nn._convolution import SpreadingFilters


class ConvTranspose1d(SpreadingFilters):
    """Filters that every entry spreads over a longer signal; the transpose of `Conv1d`:
    y[o, i s + a d - p] += weight[c, o, a] · x[c, i]; + bias[o].

    Shape: ``real[..., in_channels, l] -> real[..., out_channels, l']`` with
    l' = (l - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.

    Arguments and call: as `ConvTranspose2d`, with one int for each.

    Parameters
      weight  [in_channels, out_channels // groups, kernel_size], uniform within
              ±1/√(out_channels // groups · kernel_size)
      bias    [out_channels], the same; None with bias=False

    It differs from PyTorch's: there is no `padding_mode`, of which PyTorch allows "zeros" only.

    >>> import pydp
    >>> pydp.nn.ConvTranspose1d(8, 4, kernel_size=4, stride=2, padding=1).signature
    <signature real[..., 8, l] -> real[..., 4, 2*l]>
    """

    axes = "l"
