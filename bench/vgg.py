"""Convolutions of 3x3 in the manner of VGG on 32x32, each with batch norm and ReLU: twice 64
channels, pool, twice 128, pool, twice 256, pool, linear 10; a training step with SGD and momentum.

Simonyan and Zisserman, 2014; Ioffe and Szegedy, 2015. The filters have no bias: the norm has one.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from bench.jax_layers import batch_norm, conv, flat, max_pool, turned
from bench.training import points, training, training_flops

BATCH, CHANNELS = 32, [3, 64, 64, 128, 128, 256, 256]
SIDES = [32, 32, 16, 16, 8, 8]  # of each convolution's image; a pool follows every second
FILTERS = [(o, i, 3, 3) for i, o in pairwise(CHANNELS)]
PARAMETERS = [shape for f in FILTERS for shape in (f, f[:1], f[:1])] + [(10, 4096), (10,)]
# Multiplications and additions of one image's forward pass, layer by layer.
FLOPS = [2 * side**2 * o * i * 9 for side, (o, i, *_) in zip(SIDES, FILTERS, strict=True)]


def model(nn: Any) -> Any:
    """The boxes have the same names in pydp and in PyTorch."""
    layers = []
    for number, (i, o) in enumerate(pairwise(CHANNELS)):
        layers += [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
        if number % 2:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4096, 10))


def pydp_model() -> Any:
    from pydp import nn

    return model(nn)


def torch_model() -> Any:
    from torch import nn

    return model(nn)


def jax_model(parameters: Any) -> Any:
    from jax.nn import relu

    def forward(layers: Any, x: Any) -> Any:
        *layers, weight, bias = layers
        for number in range(len(FILTERS)):
            filters, *norm = layers[3 * number : 3 * number + 3]
            x = relu(batch_norm(conv(x, filters, padding=1), *norm))
            if number % 2:
                x = max_pool(x, 2, 2)
        return flat(x) @ weight + bias

    return turned(parameters), forward


CASES = [
    training(
        f"64-128-256, batch {BATCH}",
        {"pydp": pydp_model, "torch": torch_model, "jax": jax_model},
        PARAMETERS,
        partial(points, BATCH, 3, 32, 32),
        ("SGD", {"lr": 0.01, "momentum": 0.9}),
        flops=BATCH * training_flops(*FLOPS, 2 * 4096 * 10),
    )
]
