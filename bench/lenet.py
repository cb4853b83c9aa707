"""A LeNet's whole training step with SGD and momentum: 32 and 64 channels of 5x5 on 28x28.

torch is eager PyTorch as people write it; torch+ is in channels-last with the fused optimizer.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.case import Case, Step
from bench.training import STEPS, pydp_step, torch_step

BATCH, HIDDEN = 64, 128
WEIGHTS = [(32, 1, 5, 5), (64, 32, 5, 5), (HIDDEN, 3136), (10, HIDDEN)]  # each with its bias
# Multiplications and additions of one image's forward pass, layer by layer.
FLOPS = [2 * 28**2 * 32 * 25, 2 * 14**2 * 64 * 32 * 25, 2 * 3136 * HIDDEN, 2 * HIDDEN * 10]


def pydp_lenet(x: Any, *parameters: Any) -> Step:
    from pydp import nn, optim

    model = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Flatten(), nn.FeedForward(3136, HIDDEN), nn.Linear(HIDDEN, 10),
    )  # fmt: skip
    return pydp_step(model, partial(optim.SGD, lr=0.01, momentum=0.9), x, 10, parameters)


def torch_lenet(x: Any, *parameters: Any, best: bool = False) -> Step:
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10),
    )  # fmt: skip
    optimizer = partial(torch.optim.SGD, lr=0.01, momentum=0.9, fused=best)
    return torch_step(model, optimizer, x, 10, parameters, channels_last=best)


CASES = [
    Case(
        f"LeNet 32-64, batch {BATCH}",
        {"pydp": pydp_lenet, "torch": torch_lenet, "torch+": partial(torch_lenet, best=True)},
        shapes=((BATCH, 1, 28, 28), *(shape for w in WEIGHTS for shape in (w, w[:1]))),
        # forward, weights, data; the images need no gradient
        flops=BATCH * (3 * sum(FLOPS) - FLOPS[0]),
        calls=STEPS,
    )
]
