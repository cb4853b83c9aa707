"""The head of a language model with its loss, forward and backward: linear and cross entropy in one
against the two after another, whose logits are stored."""

from __future__ import annotations

from typing import Any

from bench.case import Case, Step


def pydp_loss(x: Any, weight: Any) -> Step:
    import pydp

    x, weight = (pydp.tensor(a, requires_grad=True) for a in (x, weight / 16))
    target = pydp.arange(x.shape[0]) % weight.shape[0]

    def step() -> Any:
        x.grad = weight.grad = None
        pydp.linear_cross_entropy(x, weight, target).backward()
        return x.grad

    return step


def torch_loss(x: Any, weight: Any) -> Step:
    import torch

    x, weight = (torch.from_numpy(a).requires_grad_() for a in (x, weight / 16))
    target = torch.arange(x.shape[0]) % weight.shape[0]

    def step() -> Any:
        x.grad = weight.grad = None
        loss: Any = torch.nn.functional.cross_entropy(x @ weight.T, target)
        loss.backward()
        return x.grad

    return step


def case(rows: int, i: int, classes: int) -> Case:
    """Three products of one size."""
    return Case(
        f"{rows} x {i} to {classes}",
        {"pydp": pydp_loss, "torch": torch_loss},
        shapes=((rows, i), (classes, i)),
        flops=6.0 * rows * i * classes,
    )


CASES = [case(1024, 256, 4096), case(2048, 256, 10_000), case(1024, 768, 50_257)]
