"""Pools over an image into one of a given size: ordinary pools (_avg_pool2d.py, _max_pool2d.py)
whose windows follow the sizes.

    x  ├──┼──┼──┼──┼──┼──┼──┤     7 entries
    y  ├────┴──┼────┴─┼─┴────┤    3 parts: windows 0 … 2, 2 … 4, 4 … 6
"""

from __future__ import annotations

from typing import Any

from pydp._arguments import real_tensor
from pydp._graph import apply
from pydp.ops._avg_pool2d import AvgPool2d
from pydp.ops._max_pool2d import max_pooled
from pydp.ops._pool2d import adaptive_pool2d


def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """The averages over as many windows as the output has pixels, which together cover the image.

    Type: ``real[n, c, h, w] -> real[n, c, oh, ow]`` for output_size (oh, ow).

    - `x`: (n, c, h, w), any strides. The result is channels-last in memory.
    - `output_size`: an int, or one each for height and width; None keeps the size. It may be larger
      than x.

    On each axis output o sees the entries from ⌊o · h / oh⌋ to below ⌈(o + 1) · h / oh⌉: windows
    overlap where h is no multiple of oh. Semantics are PyTorch's. ValueError, TypeError for an
    output_size that is none.

    >>> import pydp
    >>> x = pydp.tensor([[[[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]]]])
    >>> pydp.adaptive_avg_pool2d(x, (1, 2))
    tensor([[[[2.5, 5. ]]]])
    """
    x = real_tensor(x, "adaptive_avg_pool2d", "x")
    return apply(AvgPool2d, (x,), adaptive_pool2d("adaptive_avg_pool2d", x._array, output_size))


def adaptive_max_pool2d(x: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest entries of as many windows as the output has pixels, which cover the image.

    Type: ``real[n, c, h, w] -> real[n, c, oh, ow]`` for output_size (oh, ow).

    Windows and `output_size` are those of `adaptive_avg_pool2d`; equal entries, NaN and
    `return_indices` are treated as by `max_pool2d`. Semantics are PyTorch's.

    >>> import pydp
    >>> x = pydp.tensor([[[[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]]]])
    >>> pydp.adaptive_max_pool2d(x, (None, 2))
    tensor([[[[2., 6.],
              [4., 8.]]]])
    """
    x = real_tensor(x, "adaptive_max_pool2d", "x")
    pool = adaptive_pool2d("adaptive_max_pool2d", x._array, output_size)
    return max_pooled("adaptive_max_pool2d", x, pool, return_indices)
