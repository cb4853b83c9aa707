"""Average pools, forward and backward, over windows and over the whole image.

NumPy's forward is a running sum of the shifted views; over whole images, a mean.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from bench.case import Build, Case, Step
from bench.images import pydp_image, torch_image


class Shape(NamedTuple):
    """x [n, c, h, h]; k = 0: the average of the image, else windows k x k."""

    name: str
    n: int
    c: int
    h: int
    k: int
    stride: int

    @property
    def out(self) -> int:
        return (self.h - self.k) // self.stride + 1 if self.k else 1


SHAPES = [
    Shape("DenseNet 2x2", 16, 128, 56, 2, 2),
    Shape("3x3 stride 2", 16, 64, 55, 3, 2),
    Shape("ResNet, whole 7x7", 32, 512, 7, 0, 1),
]


def pydp_pool(x: Any, dy: Any, s: Shape, direction: str) -> Step:
    import pydp

    x, dy = pydp_image(x, direction == "backward"), pydp_image(dy)

    def forward() -> Any:
        if s.k:
            return pydp.avg_pool2d(x, s.k, s.stride)
        return pydp.adaptive_avg_pool2d(x, 1)

    if direction == "forward":
        return forward
    y = forward()

    def backward() -> Any:
        x.grad = None
        y.backward(dy, retain_graph=True)
        return x.grad

    return backward


def torch_pool(x: Any, dy: Any, s: Shape, direction: str, channels_last: bool = False) -> Step:
    import torch

    x = torch_image(x, direction == "backward", channels_last)
    dy = torch_image(dy, False, channels_last)

    def forward() -> Any:
        if s.k:
            return torch.nn.functional.avg_pool2d(x, s.k, s.stride)
        return torch.nn.functional.adaptive_avg_pool2d(x, 1)

    if direction == "forward":
        return forward
    y = forward()
    return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)[0]


def numpy_pool(x: Any, dy: Any, s: Shape, direction: str) -> Step:
    import numpy as np

    length = s.stride * (s.out - 1) + 1

    def forward() -> Any:
        if not s.k:
            return x.mean((2, 3), keepdims=True)
        y = np.zeros(dy.shape, np.float32)
        for i in range(s.k):
            for j in range(s.k):
                y += x[:, :, i : i + length : s.stride, j : j + length : s.stride]
        y /= s.k * s.k
        return y

    return forward


def case(s: Shape, direction: str) -> Case:
    peers: dict[str, Build] = {
        "pydp": pydp_pool,
        "numpy": numpy_pool,
        "torch": torch_pool,
        "torch+": partial(torch_pool, channels_last=True),
    }
    if direction == "backward":
        del peers["numpy"]
    x, y = (s.n, s.c, s.h, s.h), (s.n, s.c, s.out, s.out)
    return Case(
        f"{s.name} {direction}",
        peers,
        shapes=(x, y),
        arguments=(s, direction),
        bytes=4 * s.n * s.c * (s.h**2 + s.out**2),
    )


CASES = [case(shape, direction) for shape in SHAPES for direction in ("forward", "backward")]
