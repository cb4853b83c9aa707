"""A whole training step: forward, cross entropy, backward, optimizer; equal first weights for all.

The case's inputs are the data and then the parameters in the model's order, standard normal; they
are scaled here. Results are compared after several steps, so gradients and updates are, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.case import Step

STEPS = 3  # before losses are compared


def scaled(parameters: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Weights of variance 1 / (numbers that are added up), small biases."""
    return [a * (math.prod(a.shape[1:]) ** -0.5 if a.ndim > 1 else 0.1) for a in parameters]


def labels(rows: int, classes: int) -> np.ndarray:
    return np.arange(rows) % classes


def pydp_step(model: Any, optimizer: Any, x: Any, classes: int, parameters: Any) -> Step:
    """`optimizer` is a function of the parameters."""
    import pydp

    names = [name for name, _ in model.named_parameters()]
    state = zip(names, scaled(parameters), strict=True)
    model.load_state_dict({name: pydp.tensor(a) for name, a in state})
    optimizer = optimizer(model.parameters())
    x, target = pydp.tensor(x), pydp.tensor(labels(len(x), classes))

    def step() -> Any:
        optimizer.zero_grad()
        loss = pydp.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return step


def torch_step(
    model: Any, optimizer: Any, x: Any, classes: int, parameters: Any, channels_last: bool = False
) -> Step:
    import torch

    with torch.no_grad():
        for p, a in zip(model.parameters(), scaled(parameters), strict=True):
            p.copy_(torch.from_numpy(a))
    x, target = torch.from_numpy(x), torch.from_numpy(labels(len(x), classes))
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    optimizer = optimizer(model.parameters())

    def step() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return step
