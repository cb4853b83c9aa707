"""A multilayer perceptron for images of digits: a training step with Adam."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.jax_layers import pairs, turned
from bench.training import points, training, training_flops, with_biases

BATCH, WEIGHTS = 128, [(512, 784), (512, 512), (10, 512)]


def pydp_model() -> Any:
    from pydp import nn

    return nn.Sequential(nn.FeedForward(784, 512), nn.FeedForward(512, 512), nn.Linear(512, 10))


def torch_model() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )  # fmt: skip


def jax_model(parameters: Any) -> Any:
    from jax import nn

    def forward(layers: Any, x: Any) -> Any:
        *hidden, (weight, bias) = layers
        for w, b in hidden:
            x = nn.relu(x @ w + b)
        return x @ weight + bias

    return pairs(turned(parameters)), forward


CASES = [
    training(
        f"784-512-512-10, batch {BATCH}",
        {"pydp": pydp_model, "torch": torch_model, "jax": jax_model},
        with_biases(*WEIGHTS),
        partial(points, BATCH, 784),
        ("Adam", {"lr": 1e-3}),
        flops=training_flops(*(2 * BATCH * o * i for o, i in WEIGHTS)),
    )
]
