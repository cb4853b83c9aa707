"""Transposed convolution of signals: conv_transpose2d of images of height 1."""

from __future__ import annotations

from typing import Any

from pydp.ops._conv_transpose2d import convolve_transposed
from pydp.ops._shape import squeeze


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """y[n, o, i·stride − padding + k·dilation] += weight[c, o, k] · x[n, c, i]; + bias[o].

    Type: ``(real[n, c, l], real[c, o/groups, k], real[o]?) -> real[n, o, ol]`` with
    ol = (l − 1)·stride − 2·padding + dilation·(k − 1) + output_padding + 1.

    The arguments are those of `conv_transpose2d`, an int each. The result lies channels-last in
    memory. ValueError where sizes do not fit, TypeError where dtypes differ. As PyTorch's
    conv_transpose1d.

    >>> import pydp
    >>> pydp.conv_transpose1d(pydp.tensor([[[1.0, 2.0]]]), pydp.ones((1, 1, 2)), stride=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    arguments = stride, padding, output_padding, groups, dilation
    return squeeze(convolve_transposed("conv_transpose1d", x, weight, bias, *arguments), 2)
