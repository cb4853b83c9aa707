"""AlexNet as torchvision has it, on 224x224 and 1000 classes: a training step with SGD and
momentum, and inference of one image, which reads 61 million weights.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014. Half of the
linear layers' inputs drop at random, differently in each library; so losses are compared in the
same step without dropout.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.case import Case
from bench.jax_layers import conv, dropout, flat, max_pool, pairs, turned
from bench.training import inference, points, training, training_flops, with_biases

FILTERS = [(64, 3, 11, 11), (192, 64, 5, 5), (384, 192, 3, 3), (256, 384, 3, 3), (256, 256, 3, 3)]
WEIGHTS = [*FILTERS, (4096, 9216), (4096, 4096), (1000, 4096)]
SIDES = [55, 27, 13, 13, 13, 1, 1, 1]  # of each layer's result


def flops(weight: tuple[int, ...], side: int) -> int:
    """Multiplications and additions of one image's forward pass in one layer."""
    product = 2 * side**2
    for n in weight:
        product *= n
    return product


FLOPS = [flops(*layer) for layer in zip(WEIGHTS, SIDES, strict=True)]


def pydp_model(dropout: float) -> Any:
    from pydp import nn

    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2, activation="relu"), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2, activation="relu"), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1, activation="relu"),
        nn.Conv2d(384, 256, 3, padding=1, activation="relu"),
        nn.Conv2d(256, 256, 3, padding=1, activation="relu"), nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Dropout(dropout), nn.FeedForward(9216, 4096),
        nn.Dropout(dropout), nn.FeedForward(4096, 4096), nn.Linear(4096, 1000),
    )  # fmt: skip


def torch_model(dropout: float) -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(True), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(True), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(True),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(True),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Dropout(dropout), nn.Linear(9216, 4096), nn.ReLU(True),
        nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(True), nn.Linear(4096, 1000),
    )  # fmt: skip


def jax_model(parameters: Any) -> Any:
    from jax import random
    from jax.nn import relu

    def forward(layers: Any, x: Any, key: Any = None) -> Any:
        """Without a key nothing drops; the last pool's 6x6 need no adaptive one."""
        convolutions, (one, two, (weight, bias)) = layers[:5], layers[5:]
        for number, (w, b) in enumerate(convolutions):
            stride, padding = (4, 2) if number == 0 else (1, 2) if number == 1 else (1, 1)
            x = relu(conv(x, w, stride, padding) + b)
            if number in (0, 1, 4):
                x = max_pool(x, 3, 2)
        x = flat(x)
        keys = [None] * 2 if key is None else random.split(key)
        for (w, b), k in zip((one, two), keys, strict=True):
            x = x if k is None else dropout(x, 0.5, k)
            x = relu(x @ w + b)
        return x @ weight + bias

    return pairs(turned(parameters)), forward


def models(dropout: float) -> dict[str, Any]:
    return {
        "pydp": partial(pydp_model, dropout),
        "torch": partial(torch_model, dropout),
        "jax": jax_model,
    }


def train(batch: int, dropout: float, compared: Case | None = None) -> Case:
    return training(
        f"batch {batch}",
        models(dropout),
        with_biases(*WEIGHTS),
        partial(points, batch, 3, 224, 224, classes=1000),
        ("SGD", {"lr": 0.01, "momentum": 0.9}),
        flops=batch * training_flops(*FLOPS),
        chance=dropout > 0,
        compared=compared,
    )


CASES = [
    train(16, dropout=0.5, compared=train(16, dropout=0.0)),
    inference(
        "inference, batch 1",
        models(dropout=0.5),
        with_biases(*WEIGHTS),
        partial(points, 1, 3, 224, 224),
        flops=sum(FLOPS),
        bytes=4 * 61_100_840,
    ),
]
