"""Losses of two arrays and their gradients: forward reads both, backward reads both and writes."""

from __future__ import annotations

import math
from typing import Any

from bench.case import Case, Step


def pydp_loss(x: Any, y: Any, name: str) -> Step:
    import pydp

    x, target = pydp.tensor(x, requires_grad=True), pydp.sigmoid(pydp.tensor(y))

    def step() -> Any:
        x.grad = None
        loss = getattr(pydp, name)(x, target)
        loss.backward()
        return loss, x.grad

    return step


def torch_loss(x: Any, y: Any, name: str) -> Step:
    import torch

    x, target = torch.from_numpy(x).requires_grad_(), torch.sigmoid(torch.from_numpy(y))

    def step() -> Any:
        x.grad = None
        loss: Any = getattr(torch.nn.functional, name)(x, target)
        loss.backward()
        return loss, x.grad

    return step


def case(label: str, name: str, *shape: int) -> Case:
    return Case(
        f"{label} {' x '.join(map(str, shape))}",
        {"pydp": pydp_loss, "torch": torch_loss},
        shapes=(shape, shape),
        arguments=(name,),
        bytes=4 * 5 * math.prod(shape),
        reads=2,
    )


CASES = [
    case("squares", "mse_loss", 64, 10),
    case("squares", "mse_loss", 256, 3072),
    case("logits", "binary_cross_entropy_with_logits", 64, 10),
    case("logits", "binary_cross_entropy_with_logits", 256, 3072),
    case("huber", "huber_loss", 256, 3072),
]
