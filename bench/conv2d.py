"""Convolution: forward, and the gradients for the data and for the weight, each alone.

NumPy's is im2col, as well as NumPy can: a view of all windows, one copy of it into a matrix of
columns, one matrix product. Its gradient for the weight finds the columns ready, as a layer would
have kept them. FLOPs count the padding's zeros; NumPy's sum of shifted images is depthwise only.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from bench.case import Build, Case, Step
from bench.images import pydp_image, torch_image


class Shape(NamedTuple):
    """x [n, c, h, h], weight [o, c / groups, k, k]; layout is that of ours' x."""

    name: str
    n: int
    c: int
    h: int
    o: int
    k: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    layout: str = "channels-last"

    @property
    def out(self) -> int:
        return (self.h + 2 * self.padding - self.k) // self.stride + 1


SHAPES = [
    Shape("LeNet 1", 64, 1, 28, 32, 5, 1, 2, layout="C"),
    Shape("LeNet 2", 64, 32, 14, 64, 5, 1, 2),
    Shape("ConvNet 2", 64, 16, 16, 20, 5, 1, 2),
    Shape("AlexNet 1", 16, 3, 224, 64, 11, 4, 2, layout="C"),
    Shape("AlexNet 2", 16, 64, 27, 192, 5, 1, 2),
    Shape("VGG 3x3", 4, 128, 56, 128, 3, 1, 1),
    Shape("VGG 3x3, C order", 4, 128, 56, 128, 3, 1, 1, layout="C"),
    Shape("3x3 stride 2", 8, 64, 56, 128, 3, 2, 1),
    Shape("1x1", 8, 256, 28, 128, 1),
    Shape("ResNet 1", 4, 3, 224, 64, 7, 2, 3, layout="C"),
    Shape("depthwise 3x3, 14 wide", 8, 512, 14, 512, 3, 1, 1, groups=512),
    Shape("depthwise 3x3, 7 wide", 8, 1024, 7, 1024, 3, 1, 1, groups=1024),
    Shape("depthwise 3x3/2, 14 wide", 8, 512, 14, 512, 3, 2, 1, groups=512),
    Shape("depthwise 3x3, stride 2", 8, 128, 56, 128, 3, 2, 1, groups=128),
    Shape("depthwise 3x3", 8, 128, 56, 128, 3, 1, 1, groups=128),
]


def pydp_conv2d(x: Any, w: Any, dy: Any, s: Shape, direction: str) -> Step:
    import pydp

    x = pydp_image(x, direction == "data", s.layout)
    w = pydp.tensor(w, requires_grad=direction == "weight")
    dy = pydp_image(dy)

    def forward() -> Any:
        return pydp.conv2d(x, w, None, s.stride, s.padding, 1, s.groups)

    if direction == "forward":
        return forward
    y, leaf = forward(), x if direction == "data" else w

    def backward() -> Any:
        leaf.grad = None
        y.backward(dy, retain_graph=True)
        return leaf.grad

    return backward


def torch_conv2d(
    x: Any, w: Any, dy: Any, s: Shape, direction: str, channels_last: bool = False
) -> Step:
    import torch

    x = torch_image(x, direction == "data", channels_last)
    w = torch_image(w, direction == "weight", channels_last)
    dy = torch_image(dy, False, channels_last)

    def forward() -> Any:
        return torch.conv2d(x, w, None, s.stride, s.padding, 1, s.groups)

    if direction == "forward":
        return forward
    y, leaf = forward(), x if direction == "data" else w
    return lambda: torch.autograd.grad(y, leaf, dy, retain_graph=True)[0]


def numpy_conv2d(x: Any, w: Any, dy: Any, s: Shape, direction: str) -> Step:
    import numpy as np

    p, n, m = s.padding, s.n, s.out
    wide = s.h + 2 * p
    matrix = w.reshape(s.o, -1)  # o, ckk

    def columns() -> Any:  # ckk, nhw: rows of an image are copied whole
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))) if p else x
        windows = np.lib.stride_tricks.sliding_window_view(padded, (s.k, s.k), (2, 3))
        windows = windows[:, :, :: s.stride, :: s.stride]  # n, c, h, w, k, k
        return windows.transpose(1, 4, 5, 0, 2, 3).reshape(-1, n * m * m)

    def forward() -> Any:
        return (matrix @ columns()).reshape(s.o, n, m, m).swapaxes(0, 1)

    def data() -> Any:
        spread = matrix.T @ dy.swapaxes(0, 1).reshape(s.o, -1)  # ckk, nhw
        spread = spread.reshape(s.c, s.k, s.k, n, m, m)
        dx = np.zeros((s.c, n, wide, wide), np.float32)
        for i in range(s.k):
            for j in range(s.k):
                rows = slice(i, i + s.stride * (m - 1) + 1, s.stride)
                across = slice(j, j + s.stride * (m - 1) + 1, s.stride)
                dx[:, :, rows, across] += spread[:, i, j]
        return dx[:, :, p : wide - p, p : wide - p].swapaxes(0, 1)

    if direction == "weight":
        kept = columns().T
        return lambda: (dy.swapaxes(0, 1).reshape(s.o, -1) @ kept).reshape(w.shape)
    return forward if direction == "forward" else data


def numpy_depthwise(x: Any, w: Any, dy: Any, s: Shape, direction: str) -> Step:
    import numpy as np

    p, m = s.padding, s.out
    reach = s.stride * (m - 1) + 1

    def forward() -> Any:
        padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        y = np.zeros((s.n, s.o, m, m), np.float32)
        for i in range(s.k):
            for j in range(s.k):
                seen = padded[:, :, i : i + reach : s.stride, j : j + reach : s.stride]
                y += seen * w[:, 0, i, j, None, None]
        return y

    return forward


def jax_conv2d(x: Any, w: Any, dy: Any, s: Shape, direction: str) -> Step:
    import jax

    pads = [(s.padding, s.padding)] * 2

    def conv(x: Any, w: Any) -> Any:
        strides = (s.stride, s.stride)
        return jax.lax.conv_general_dilated(x, w, strides, pads, feature_group_count=s.groups)

    def backward(x: Any, w: Any, dy: Any) -> Any:
        return jax.vjp(conv, x, w)[1](dy)[0 if direction == "data" else 1]

    f = jax.jit((lambda x, w, dy: conv(x, w)) if direction == "forward" else backward)
    x, w, dy = jax.device_put(x), jax.device_put(w), jax.device_put(dy)
    return lambda: f(x, w, dy).block_until_ready()


def case(s: Shape, direction: str) -> Case:
    peers: dict[str, Build] = {
        "pydp": pydp_conv2d,
        "numpy": numpy_conv2d,
        "torch": torch_conv2d,
        "torch+": partial(torch_conv2d, channels_last=True),
        "jax": jax_conv2d,
    }
    if s.groups > 1:
        peers["numpy"] = numpy_depthwise
        if direction != "forward":
            del peers["numpy"]
    x, w = (s.n, s.c, s.h, s.h), (s.o, s.c // s.groups, s.k, s.k)
    y = (s.n, s.o, s.out, s.out)
    elements = s.n * s.c * s.h**2 + s.o * w[1] * s.k**2 + s.n * s.o * s.out**2
    return Case(
        f"{s.name} {direction}",
        peers,
        shapes=(x, w, y),
        arguments=(s, direction),
        flops=2 * s.n * s.o * s.out**2 * w[1] * s.k**2,
        bytes=4 * elements,
    )


CASES = [case(shape, direction) for shape in SHAPES for direction in ("forward", "data", "weight")]
