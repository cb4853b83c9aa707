"""The small network for CIFAR-10 that ConvNetJS trains in a browser: three convolutions of 5x5 with
16, 20 and 20 channels, each with a pool; a training step with Adadelta.

Karpathy, ConvNetJS CIFAR-10 demo, 2014 (batch 4 there).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.case import Case
from bench.jax_layers import conv, flat, max_pool, pairs, turned
from bench.training import points, training, training_flops, with_biases

WEIGHTS = [(16, 3, 5, 5), (20, 16, 5, 5), (20, 20, 5, 5), (10, 320)]
# Multiplications and additions of one image's forward pass, layer by layer.
FLOPS = [2 * 32**2 * 16 * 75, 2 * 16**2 * 20 * 400, 2 * 8**2 * 20 * 500, 2 * 320 * 10]


def pydp_model() -> Any:
    from pydp import nn

    return nn.Sequential(
        nn.Conv2d(3, 16, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Conv2d(16, 20, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Conv2d(20, 20, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(320, 10),
    )  # fmt: skip


def torch_model() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 20, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(20, 20, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(320, 10),
    )  # fmt: skip


def jax_model(parameters: Any) -> Any:
    from jax.nn import relu

    def forward(layers: Any, x: Any) -> Any:
        *convolutions, (weight, bias) = layers
        for w, b in convolutions:
            x = max_pool(relu(conv(x, w, padding=2) + b), 2, 2)
        return flat(x) @ weight + bias

    return pairs(turned(parameters)), forward


def case(batch: int) -> Case:
    return training(
        f"16-20-20, batch {batch}",
        {"pydp": pydp_model, "torch": torch_model, "jax": jax_model},
        with_biases(*WEIGHTS),
        partial(points, batch, 3, 32, 32),
        ("Adadelta", {"lr": 1.0, "rho": 0.95}),
        flops=batch * training_flops(*FLOPS),
    )


CASES = [case(4), case(64)]
