"""Conv2d: filters that slide over an image."""

from __future__ import annotations

from pydp.nn._convolution import SlidingFilters


class Conv2d(SlidingFilters):
    """Filters that slide over an image:
    y[o, i, j] = bias[o] + Σ weight[o, c, a, b] · x[c, i s + a d - p, j s + b d - p].

    Shape: ``real[..., in_channels, h, w] -> real[..., out_channels, h', w']`` with
    h' = (h + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1, w' likewise.

    Arguments
      kernel_size, stride, dilation   an int, or two for height and width
      padding     likewise, on each side. "valid" is 0; "same" keeps h and w (stride 1 only),
                  an odd total has its larger half behind
      groups      channels fall into that many groups that do not see each other
      activation  None, "relu", "gelu", "tanh" or "sigmoid": applied in the same kernel
      padding_mode   what stands in the padding: "zeros", "reflect", "replicate", "circular"

    Parameters
      weight  [out_channels, in_channels // groups, kernel height, kernel width], uniform within
              ±1/√(in_channels // groups · kernel height · kernel width)
      bias    [out_channels], the same; None with bias=False

    It differs from PyTorch's: `activation` is new and stands before `padding_mode`.

    >>> import pydp
    >>> from pydp import nn
    >>> nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2).signature
    <signature real[..., 3, h, w] -> real[..., 64, (h - 7) // 4 + 1, (w - 7) // 4 + 1]>
    """

    axes = "hw"


Conv = Conv2d
