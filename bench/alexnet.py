"""AlexNet as torchvision has it, on 224x224 and 1000 classes: a training step with SGD and
momentum, and inference of one image, which reads 61 million weights.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014. Half of the
linear layers' inputs drop at random, differently in each library; so losses are compared in the
same step without dropout.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from bench.case import Case
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


def pydp_model(dropout: float = 0.5) -> Any:
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


def torch_model(dropout: float = 0.5) -> Any:
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


MODELS = {"pydp": pydp_model, "torch": torch_model}


def train(batch: int, models: Mapping[str, Any], without_chance: Case | None = None) -> Case:
    return training(
        f"batch {batch}",
        models,
        with_biases(*WEIGHTS),
        partial(points, batch, 3, 224, 224, classes=1000),
        ("SGD", {"lr": 0.01, "momentum": 0.9}),
        flops=batch * training_flops(*FLOPS),
        compared=without_chance,
    )


CASES = [
    train(16, MODELS, train(16, {peer: partial(m, dropout=0.0) for peer, m in MODELS.items()})),
    inference(
        "inference, batch 1",
        MODELS,
        with_biases(*WEIGHTS),
        partial(points, 1, 3, 224, 224),
        flops=sum(FLOPS),
        bytes=4 * 61_100_840,
    ),
]
