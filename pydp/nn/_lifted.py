"""Leading axes: a box for batches of images takes one image, a batch, or batches of batches.

    [2, 5, 3, h, w]  ── [10, 3, h, w] ── box ── [10, 64, h', w'] ──  [2, 5, 64, h', w']
       [3, h, w]     ──  [1, 3, h, w] ── box ──  [1, 64, h', w'] ──     [64, h', w']

So a type such as `real[..., 3, h, w] -> real[..., 64, h', w']` is true of any `...`. Both reshapes
are views. A batch, the usual case, costs one comparison:

    if getattr(x, "_array", NO_ARRAY).ndim != 4:      what is no tensor yet is brought to one, too
        return lifted(self.forward, x, "chw")
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import real_tensor

NO_ARRAY = np.zeros(())  # of what has none


def lifted(forward: Callable[..., Any], x: Any, axes: Sequence[str], *others: Any) -> Any:
    """forward(x, *others) for an x of other than one leading axis; `axes` names those behind."""
    x = x if isinstance(x, _graph.Value) else real_tensor(x, "forward", "x")
    if x.ndim == len(axes) + 1:  # it was a list of numbers
        return forward(x, *others)
    if x.ndim < len(axes):
        raise ValueError(f"x must be [..., {', '.join(axes)}], got shape {x.shape}")
    head, rest = x.shape[: -len(axes)], x.shape[-len(axes) :]
    try:
        y = forward(x.reshape((math.prod(head), *rest)), *others)
    except ValueError as error:  # it speaks of the batch
        error.args = (f"{error}; x was given as {x.shape}",)
        raise
    if isinstance(y, tuple):
        return tuple([part.reshape((*head, *part.shape[1:])) for part in y])
    return y.reshape((*head, *y.shape[1:]))
