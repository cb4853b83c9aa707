"""A toy: 2-6-2-2 with tanh on 50 points, a training step with SGD and momentum. There is hardly
anything to compute, so this is what a step costs."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.jax_layers import pairs, turned
from bench.training import points, training, training_flops, with_biases

BATCH, WEIGHTS = 50, [(6, 2), (2, 6), (2, 2)]


def pydp_model() -> Any:
    from pydp import nn

    return nn.Sequential(
        nn.FeedForward(2, 6, activation="tanh"),
        nn.FeedForward(6, 2, activation="tanh"),
        nn.Linear(2, 2),
    )


def torch_model() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2), nn.Tanh(), nn.Linear(2, 2)
    )  # fmt: skip


def jax_model(parameters: Any) -> Any:
    from jax import numpy

    def forward(layers: Any, x: Any) -> Any:
        *hidden, (weight, bias) = layers
        for w, b in hidden:
            x = numpy.tanh(x @ w + b)
        return x @ weight + bias

    return pairs(turned(parameters)), forward


CASES = [
    training(
        f"2-6-2-2, batch {BATCH}",
        {"pydp": pydp_model, "torch": torch_model, "jax": jax_model},
        with_biases(*WEIGHTS),
        partial(points, BATCH, 2, classes=2),
        ("SGD", {"lr": 0.01, "momentum": 0.9}),
        flops=training_flops(*(2 * BATCH * o * i for o, i in WEIGHTS)),
    )
]
