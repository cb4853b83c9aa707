"""Average pools, forward and backward, over windows and over the whole image.

NumPy's forward is a running sum of the shifted views; over whole images, a mean.
"""

from __future__ import annotations

from typing import Any

from bench.case import Step
from bench.pool2d import Shape, case, shifts

SHAPES = [
    Shape("DenseNet 2x2", 16, 128, 56, 2, 2),
    Shape("3x3 stride 2", 16, 64, 55, 3, 2),
    Shape("ResNet, whole 7x7", 32, 512, 7, 0, 1),
]


def pool(library: str, x: Any, s: Shape) -> Any:
    if library == "torch":
        from torch.nn import functional
    else:
        import pydp as functional
    if s.k:
        return functional.avg_pool2d(x, s.k, s.stride)
    return functional.adaptive_avg_pool2d(x, 1)


def numpy_pool(x: Any, dy: Any, s: Shape, direction: str) -> Step:
    import numpy as np

    def forward() -> Any:
        if not s.k:
            return x.mean((2, 3), keepdims=True)
        y = np.zeros(dy.shape, np.float32)
        for view in shifts(x, s):
            y += view
        y /= s.k * s.k
        return y

    return forward


CASES = [
    case(shape, direction, pool, numpy=numpy_pool)
    for shape in SHAPES
    for direction in ("forward", "backward")
]
