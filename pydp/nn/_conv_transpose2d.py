"""ConvTranspose2d: filters that every pixel of an image spreads over a larger one."""

from __future__ import annotations

from pydp.nn._convolution import SpreadingFilters


class ConvTranspose2d(SpreadingFilters):
    """Filters that every pixel spreads over a larger image; the transpose of `Conv2d`:
    y[o, i s + a d - p, j s + b d - p] += weight[c, o, a, b] · x[c, i, j]; + bias[o].

    Shape: ``real[..., in_channels, h, w] -> real[..., out_channels, h', w']`` with
    h' = (h - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1, w' likewise.

    Arguments
      kernel_size, stride, padding, dilation   those of the Conv2d that leads back to h and w; an
                  int, or two for height and width
      output_padding   rows and columns more at the end, which its stride would pass over; below
                  stride or dilation
      groups      channels fall into that many groups that do not see each other

    The call takes x and perhaps `output_size`, (h', w') or (n, out_channels, h', w'), from which
    output_padding is then computed.

    Parameters
      weight  [in_channels, out_channels // groups, kernel height, kernel width], uniform within
              ±1/√(out_channels // groups · kernel height · kernel width)
      bias    [out_channels], the same; None with bias=False

    It differs from PyTorch's: there is no `padding_mode`, of which PyTorch allows "zeros" only.

    >>> import pydp
    >>> up = pydp.nn.ConvTranspose2d(64, 32, kernel_size=4, stride=2, padding=1)
    >>> up.signature
    <signature real[..., 64, h, w] -> real[..., 32, 2*h, 2*w]>
    >>> up(pydp.zeros((1, 64, 5, 5)), output_size=(11, 10)).shape
    (1, 32, 11, 10)
    """

    axes = "hw"
