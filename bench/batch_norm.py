"""Batch norm while training and in evaluation, group norm, and AlexNet's local response norm.

NumPy's forward has one temporary array; it has no backward worth comparing.

Training goes over x twice (and over dy, backward), since the statistics are those of all images:
from a cache or memory that both passes read it can have 2/3 of the limit forward, 3/5 backward.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from bench.case import Build, Case, Step
from bench.images import pydp_image, torch_image

GROUPS = 8
RESPONSE = (5, 5e-4, 0.75, 2.0)


def vectors(x: Any) -> list[Any]:
    """weight, bias, and the running mean and variance."""
    import numpy as np

    c = x.shape[1]
    return [np.full(c, value, np.float32) for value in (1.5, 0.5, 0.0, 1.0)]


def pydp_norm(x: Any, dy: Any, norm: str, direction: str) -> Step:
    import pydp

    learns = direction == "backward"
    weight, bias, mean, var = (pydp.tensor(a) for a in vectors(x))
    x = pydp_image(x, learns)
    leaves = [x] if norm == "lrn" else [x, weight, bias]
    for leaf in leaves:
        leaf.requires_grad_(learns)

    def forward() -> Any:
        if norm == "lrn":
            return pydp.local_response_norm(x, *RESPONSE)
        if norm == "group":
            return pydp.group_norm(x, GROUPS, weight, bias)
        return pydp.batch_norm(x, mean, var, weight, bias, norm == "train")

    if not learns:
        return forward
    y, dy = forward(), pydp_image(dy)

    def backward() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y.backward(dy, retain_graph=True)
        return [leaf.grad for leaf in leaves]

    return backward


def torch_norm(x: Any, dy: Any, norm: str, direction: str, channels_last: bool = False) -> Step:
    import torch
    from torch.nn import functional

    learns = direction == "backward"
    weight, bias, mean, var = (torch.from_numpy(a) for a in vectors(x))
    x = torch_image(x, learns, channels_last)
    leaves = [x] if norm == "lrn" else [x, weight, bias]
    for leaf in leaves:
        leaf.requires_grad_(learns)

    def forward() -> Any:
        if norm == "lrn":
            return functional.local_response_norm(x, *RESPONSE)
        if norm == "group":
            return functional.group_norm(x, GROUPS, weight, bias)
        return functional.batch_norm(x, mean, var, weight, bias, norm == "train")

    if not learns:
        return forward
    y, dy = forward(), torch_image(dy, False, channels_last)
    return lambda: torch.autograd.grad(y, leaves, dy, retain_graph=True)


def numpy_norm(x: Any, dy: Any, norm: str, direction: str) -> Step:
    import numpy as np

    weight, bias, _, _ = (a[:, None, None] for a in vectors(x))

    def step() -> Any:
        y = x - x.mean((0, 2, 3), keepdims=True)
        var = np.einsum("nchw,nchw->c", y, y)[:, None, None] / (x.size // x.shape[1])
        y *= weight / np.sqrt(var + 1e-5)
        y += bias
        return y

    return step


def case(name: str, shape: tuple[int, ...], norm: str, direction: str) -> Case:
    peers: dict[str, Build] = {
        "pydp": pydp_norm,
        "numpy": numpy_norm,
        "torch": torch_norm,
        "torch+": partial(torch_norm, channels_last=True),
    }
    if norm != "train" or direction == "backward":
        del peers["numpy"]
    streams = 3 if direction == "backward" else 2
    return Case(
        f"{norm} {name} {direction}",
        peers,
        shapes=(shape, shape),
        arguments=(norm, direction),
        bytes=4 * streams * math.prod(shape),
        reads=streams - 1,
        bound=1e-3,
    )


VGG = ("32 x 64 x 32 x 32", (32, 64, 32, 32))

CASES = [
    case(*shape, norm, direction)
    for shape, norm in [
        (VGG, "train"),
        (VGG, "eval"),
        (("32 x 256 x 8 x 8", (32, 256, 8, 8)), "train"),
        (("16 x 512 x 7 x 7", (16, 512, 7, 7)), "train"),
        (VGG, "group"),
        (("16 x 96 x 27 x 27", (16, 96, 27, 27)), "lrn"),
    ]
    for direction in ("forward", "backward")
]
