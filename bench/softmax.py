"""Softmax along an axis, and the loss on top of it. NumPy works in place after a subtraction.

An exponential is ten operations of the units that multiply and add, each of which could have been
two FLOPs: from a cache that is more than the bandwidth, and arithmetic is the limit.
"""

from __future__ import annotations

import math
from typing import Any

from bench.case import Case, Step

EXP_FLOPS = 2 * 10


def pydp_softmax(x: Any, axis: int) -> Step:
    import pydp

    x = pydp.tensor(x)
    return lambda: pydp.softmax(x, axis)


def torch_softmax(x: Any, axis: int) -> Step:
    import torch

    x = torch.from_numpy(x)
    return lambda: torch.softmax(x, axis)


def numpy_softmax(x: Any, axis: int) -> Step:
    import numpy as np

    def step() -> Any:
        y = x - x.max(axis, keepdims=True)
        np.exp(y, out=y)
        y /= y.sum(axis, keepdims=True)
        return y

    return step


def jax_softmax(x: Any, axis: int) -> Step:
    import jax

    x, f = jax.device_put(x), jax.jit(lambda x: jax.nn.softmax(x, axis))
    return lambda: f(x).block_until_ready()


def pydp_loss(x: Any) -> Step:
    """Cross entropy and its gradient."""
    import pydp

    x, target = pydp.tensor(x, requires_grad=True), pydp.tensor([i % 10 for i in range(len(x))])

    def step() -> Any:
        x.grad = None
        loss = pydp.cross_entropy(x, target)
        loss.backward()
        return loss, x.grad

    return step


def torch_loss(x: Any) -> Step:
    import torch

    x = torch.from_numpy(x).requires_grad_()
    target = torch.tensor([i % 10 for i in range(len(x))])

    def step() -> Any:
        x.grad = None
        loss: Any = torch.nn.functional.cross_entropy(x, target)
        loss.backward()
        return loss, x.grad

    return step


def case(name: str, shape: tuple[int, ...], axis: int = -1) -> Case:
    return Case(
        name,
        {"pydp": pydp_softmax, "numpy": numpy_softmax, "torch": torch_softmax, "jax": jax_softmax},
        shapes=(shape,),
        arguments=(axis,),
        flops=EXP_FLOPS * math.prod(shape),
        bytes=8 * math.prod(shape),
    )


def loss_case(rows: int, classes: int) -> Case:
    return Case(
        f"cross entropy {rows} x {classes}",
        {"pydp": pydp_loss, "torch": torch_loss},
        shapes=((rows, classes),),
        flops=2.0 * EXP_FLOPS * rows * classes,  # forward and backward
        bytes=8 * rows * classes,
        bound=1e-5,
    )


CASES = [
    case("64 x 10", (64, 10)),
    case("64 x 1000", (64, 1000)),
    case("attention 4 x 12 x 128 x 128", (4, 12, 128, 128)),
    case("vocabulary 128 x 50257", (128, 50257)),
    case("classes first 4 x 21 x 128 x 128", (4, 21, 128, 128), axis=1),
    case("first axis 1000 x 4096", (1000, 4096), axis=0),
    loss_case(64, 10),
    loss_case(2048, 10_000),
    loss_case(128, 50257),
]
