"""A training step is a list of kernel calls: replayed, it gives the bits of eager steps.

The calls of one LeNet step (forward, backward, optimizer) are recorded at the doors as (function,
arrays, geometry). Making them again through their function pointers must train on exactly as eager
steps do, for whatever changes from step to step is an element of an array.
"""

import numpy as np
import pytest

import pydp
from harness import ISAS, setting
from pydp import _kernels, nn, optim

IMAGES = np.random.default_rng(0).standard_normal((8, 1, 28, 28)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 10, 8)


def lenet_step():
    """A LeNet with dropout, and a function that takes one training step."""
    pydp.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5, padding=2, activation="relu"), nn.MaxPool2d(2),
        nn.Flatten(), nn.FeedForward(784, 32), nn.Dropout(0.3), nn.Linear(32, 10),
    )  # fmt: skip
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    x, target = pydp.tensor(IMAGES), pydp.tensor(LABELS)

    def step():
        optimizer.zero_grad()
        pydp.cross_entropy(model(x), target).backward()
        optimizer.step()

    return model, step


@pytest.mark.parametrize("isa", ISAS)
def test_ten_replayed_steps_have_the_bits_of_ten_eager_steps(isa):
    with setting(isa):
        eager, step = lenet_step()
        for _ in range(11):
            step()
        replayed, step = lenet_step()
        calls = _kernels.record()
        step()
        _kernels.stop_recording()
        assert len(calls) > 20
        for _ in range(10):
            _kernels.replay(calls)
    for (name, a), (_, b) in zip(
        eager.named_parameters(), replayed.named_parameters(), strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)
