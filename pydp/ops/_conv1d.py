"""One-dimensional convolution: conv2d of images of height 1."""

from __future__ import annotations

from typing import Any

from pydp.ops._conv2d import convolve
from pydp.ops._shape import squeeze


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    activation: str | None = None,
    padding_mode: str = "zeros",
) -> Any:
    """activation(bias[o] + Σ_ck weight[o, c, k] · x[n, c, i·stride − padding + k·dilation]).

    Type: ``(real[n, c, l], real[o, c/groups, k], real[o]?) -> real[n, o, ol]`` with
    ol = (l + 2·padding − dilation·(k − 1) − 1) // stride + 1.

    x            real[n, c, l], any strides
    weight       real[o, c/groups, k]
    bias         real[o], or None
    stride, dilation   an int
    padding      an int, "valid", or "same", which keeps l (stride 1 only); see `conv2d`
    groups, activation, padding_mode   see `conv2d`

    The result lies channels-last in memory. ValueError where sizes do not fit, TypeError where
    dtypes differ. As PyTorch's conv1d, but for `activation` and `padding_mode`.

    >>> import pydp
    >>> x = pydp.tensor([[[1.0, 2.0, 4.0, 8.0]]])
    >>> pydp.conv1d(x, pydp.tensor([[[-1.0, 1.0]]]))
    tensor([[[1., 2., 4.]]])
    """
    arguments = stride, padding, dilation, groups, activation, padding_mode
    return squeeze(convolve("conv1d", x, weight, bias, *arguments), 2)
