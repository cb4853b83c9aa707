"""A LeNet: 32 and 64 channels of 5x5 on 28x28, a training step with SGD and momentum."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.jax_layers import conv, flat, max_pool, pairs, turned
from bench.training import points, training, training_flops, with_biases

BATCH, HIDDEN = 64, 128
WEIGHTS = [(32, 1, 5, 5), (64, 32, 5, 5), (HIDDEN, 3136), (10, HIDDEN)]
# Multiplications and additions of one image's forward pass, layer by layer.
FLOPS = [2 * 28**2 * 32 * 25, 2 * 14**2 * 64 * 32 * 25, 2 * 3136 * HIDDEN, 2 * HIDDEN * 10]


def pydp_model() -> Any:
    from pydp import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Flatten(), nn.FeedForward(3136, HIDDEN), nn.Linear(HIDDEN, 10),
    )  # fmt: skip


def torch_model() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10),
    )  # fmt: skip


def jax_model(parameters: Any) -> Any:
    from jax.nn import relu

    def forward(layers: Any, x: Any) -> Any:
        *convolutions, (w3, b3), (w4, b4) = layers
        for w, b in convolutions:
            x = max_pool(relu(conv(x, w, padding=2) + b), 2, 2)
        return relu(flat(x) @ w3 + b3) @ w4 + b4

    return pairs(turned(parameters)), forward


CASES = [
    training(
        f"32-64, batch {BATCH}",
        {"pydp": pydp_model, "torch": torch_model, "jax": jax_model},
        with_biases(*WEIGHTS),
        partial(points, BATCH, 1, 28, 28),
        ("SGD", {"lr": 0.01, "momentum": 0.9}),
        flops=BATCH * training_flops(*FLOPS),
    )
]
