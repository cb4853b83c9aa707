"""The recipe `digits`: a small convolutional network for images of 8 x 8 pixels.

About 99 % of the test images are read right; a training takes a few seconds on two cores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import nn
from pydp.data import digits
from pydp.recipes._picture import read_digit
from pydp.recipes._recipe import Recipe

Array = np.ndarray[Any, Any]


def conv_net(channels: int, hidden: int, dropout: float) -> nn.Module:
    """Two convolutions, a pool and two layers: real[n, 1, 8, 8] -> real[n, 10]."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),  # real[n, c, 8, 8]
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),  # real[n, 2c, 8, 8]
        nn.ReLU(),
        nn.MaxPool2d(2),  # real[n, 2c, 4, 4]
        nn.Flatten(),  # real[n, 32c]
        nn.Dropout(dropout),
        nn.Linear(32 * channels, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, 10),
    )


def shifted(images: Array, generator: Any) -> Array:
    """Every second image, at random, moved by one pixel up, down, left, right or aslant."""
    n, _, height, width = images.shape
    move = generator.integers(-1, 2, (n, 2)) * generator.integers(0, 2, (n, 1))
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    rows = 1 + move[:, :1] + np.arange(height)  # (n, height)
    columns = 1 + move[:, 1:] + np.arange(width)  # (n, width)
    image = np.arange(n)[:, None, None]
    return np.asarray(padded[image, 0, rows[:, :, None], columns[:, None, :]][:, None])


RECIPE = Recipe(
    name="digits",
    model=conv_net,
    arguments={"channels": 16, "hidden": 64, "dropout": 0.25},
    data=digits,
    augment=shifted,
    read_image=read_digit,
    epochs=20,
    batch_size=32,
    lr=3e-3,
)
