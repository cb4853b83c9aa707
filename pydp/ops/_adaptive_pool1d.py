"""Pools over a signal into one of a given length: the adaptive pools of images of height 1."""

from __future__ import annotations

from typing import Any

from pydp._arguments import real_tensor
from pydp._graph import apply
from pydp.ops._avg_pool2d import AvgPool2d
from pydp.ops._max_pool2d import max_pooled
from pydp.ops._pool2d import adaptive_pool2d
from pydp.ops._shape import squeeze
from pydp.ops._signal import as_image


def adaptive_avg_pool1d(x: Any, output_size: Any) -> Any:
    """The averages over output_size windows that together cover the signal.

    Type: ``real[n, c, l] -> real[n, c, output_size]``; windows as in `adaptive_avg_pool2d`.

    >>> import pydp
    >>> pydp.adaptive_avg_pool1d(pydp.tensor([[[1.0, 2.0, 6.0]]]), 2)
    tensor([[[1.5, 4. ]]])
    """
    x = real_tensor(x, "adaptive_avg_pool1d", "x")
    pool = adaptive_pool2d("adaptive_avg_pool1d", x._array, output_size)
    return squeeze(apply(AvgPool2d, (as_image(x),), pool), 2)


def adaptive_max_pool1d(x: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest entries of output_size windows that together cover the signal.

    Type: ``real[n, c, l] -> real[n, c, output_size]``; windows as in `adaptive_avg_pool2d`, the
    rest as in `max_pool1d`.

    >>> import pydp
    >>> pydp.adaptive_max_pool1d(pydp.tensor([[[1.0, 2.0, 6.0]]]), 2)
    tensor([[[2., 6.]]])
    """
    x = real_tensor(x, "adaptive_max_pool1d", "x")
    pool = adaptive_pool2d("adaptive_max_pool1d", x._array, output_size)
    y = max_pooled("adaptive_max_pool1d", as_image(x), pool, return_indices)
    return (squeeze(y[0], 2), squeeze(y[1], 2)) if return_indices else squeeze(y, 2)
