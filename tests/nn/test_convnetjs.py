"""The demo networks: types, initial values, arguments; test_catalogue.py has PyTorch."""

import numpy as np
import pytest

import pydp
from harness import real
from pydp import nn


@pytest.mark.parametrize(("demo", "channels", "side"), [("mnist", 1, 24), ("cifar10", 3, 32)])
def test_types(demo, channels, side):
    model = nn.ConvNetJS(demo, 6)
    declared = str(model.signature.specialise(h=side, w=side))
    assert declared == f"real[..., {channels}, {side}, {side}] -> real[..., 6]"
    for head in ((), (2,), (2, 3)):
        assert model(pydp.zeros((*head, channels, side, side))).shape == (*head, 6)
    with pytest.raises(ValueError, match="do not fit"):
        model.signature.specialise(h=40, w=40)


def test_initial_values():
    model = nn.ConvNetJS("cifar10", 500)
    for name, inputs in (("conv1", 75), ("conv2", 400), ("conv3", 500), ("score", 320)):
        box = getattr(model, name)
        spread = box.weight.numpy().std() * inputs**0.5
        assert abs(spread - 1) < 5 / box.weight.size**0.5, name
        assert np.all(box.bias.numpy() == np.float32(0.0 if name == "score" else 0.1))


def test_filters_pass_what_is_positive():
    model = nn.ConvNetJS()
    first = model[:2](pydp.tensor(real(2, 1, 24, 24).astype("float32")))
    assert first.shape == (2, 8, 12, 12) and np.all(first.numpy() >= 0)


def test_text_and_arguments():
    assert repr(nn.ConvNetJS()).startswith("ConvNetJS('mnist')")
    with pytest.raises(ValueError, match="ConvNetJS: demo must be one of 'mnist', 'cifar10', got"):
        nn.ConvNetJS("cifar100")
