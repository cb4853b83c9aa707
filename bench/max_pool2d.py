"""Max pooling, forward and backward; forward also of images and signals in C order, as they come
from a file, and into an image of a given size.

NumPy's forward is a running maximum over the k x k shifted views of the image, which is several
times faster than the maximum over a view of all windows; it has no backward worth comparing.
"""

from __future__ import annotations

import math
from typing import Any

from bench.case import Build, Case, Step
from bench.pool2d import Shape, case, shifts

SHAPES = [
    Shape("LeNet 2x2", 64, 32, 28, 2, 2),
    Shape("AlexNet 3x3 stride 2", 16, 64, 55, 3, 2),
    Shape("VGG 2x2", 4, 64, 224, 2, 2),
    Shape("ResNet 3x3 stride 2", 8, 64, 112, 3, 2, 1),
]


def pool(library: str, x: Any, s: Shape) -> Any:
    if library == "torch":
        from torch.nn import functional
    else:
        import pydp as functional
    return functional.max_pool2d(x, s.k, s.stride, s.padding)


def numpy_pool(x: Any, dy: Any, s: Shape, direction: str) -> Step:
    import numpy as np

    p = s.padding

    def forward() -> Any:
        wide = x
        if p:
            wide = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=-np.inf)
        views = shifts(wide, s)
        y = np.maximum(views[0], views[1])
        for view in views[2:]:
            np.maximum(y, view, out=y)
        return y

    return forward


def jax_pool(x: Any, dy: Any, s: Shape, direction: str) -> Step:
    import jax

    window, strides = (1, 1, s.k, s.k), (1, 1, s.stride, s.stride)
    pads = [(0, 0), (0, 0), (s.padding, s.padding), (s.padding, s.padding)]

    def pool(x: Any) -> Any:
        return jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, window, strides, pads)

    def backward(x: Any, dy: Any) -> Any:
        return jax.vjp(pool, x)[1](dy)[0]

    f = jax.jit((lambda x, dy: pool(x)) if direction == "forward" else backward)
    x, dy = jax.device_put(x), jax.device_put(dy)
    return lambda: f(x, dy).block_until_ready()


def pydp_forward(x: Any, op: str, *arguments: int) -> Step:
    import pydp

    x, function = pydp.tensor(x), getattr(pydp, op)
    return lambda: function(x, *arguments)


def torch_forward(x: Any, op: str, *arguments: int) -> Step:
    import torch

    x, function = torch.from_numpy(x), getattr(torch.nn.functional, op)
    return lambda: function(x, *arguments)


def c_order(name: str, shape: tuple[int, ...], out: int, op: str, *arguments: int) -> Case:
    """Forward of x in C order; a plane or signal of the result has `out` entries."""
    moved = 4 * (math.prod(shape) + shape[0] * shape[1] * out)
    peers: dict[str, Build] = {"pydp": pydp_forward, "torch": torch_forward}
    return Case(f"{name}, C order", peers, (shape,), (op, *arguments), bytes=moved)


CASES = [
    *[
        case(shape, direction, pool, numpy=numpy_pool, jax=jax_pool)
        for shape in SHAPES
        for direction in ("forward", "backward")
    ],
    c_order("LeNet 2x2", (64, 32, 28, 28), 14 * 14, "max_pool2d", 2),
    c_order("AlexNet 3x3 stride 2", (16, 64, 55, 55), 27 * 27, "max_pool2d", 3, 2),
    c_order("three channels 2x2", (4, 3, 224, 224), 112 * 112, "max_pool2d", 2),
    c_order("adaptive to 7x7", (8, 256, 28, 28), 7 * 7, "adaptive_max_pool2d", 7),
    c_order("adaptive to 6x6", (16, 256, 13, 13), 6 * 6, "adaptive_max_pool2d", 6),
    c_order("signals 2", (16, 64, 4000), 2000, "max_pool1d", 2),
    c_order("one signal 3 stride 2", (1, 1, 1_000_001), 500_000, "max_pool1d", 3, 2),
]
