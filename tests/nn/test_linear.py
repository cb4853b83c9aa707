"""Linear against PyTorch's, its initial values, its arguments."""

import numpy as np
import pytest

import pydp
from harness import real, torch
from peer import against_torch, assert_uniform, needs_torch
from pydp import nn


@needs_torch
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 4, 3), (0, 3)], ids=str)
def test_against_torch(shape, bias):
    against_torch(nn.Linear(3, 7, bias=bias), torch.nn.Linear(3, 7, bias=bias), real(*shape))


def test_initial_values():
    layer = nn.Linear(100, 3000)
    assert_uniform(layer.weight, 0.1)
    assert_uniform(layer.bias, 0.1)
    assert layer.weight.requires_grad and layer.weight.dtype == np.float32


def test_no_bias():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None and list(layer.state_dict()) == ["weight"]
    assert repr(layer).startswith("Linear(3, 2, bias=False)")


def test_type():
    assert str(nn.Linear(3, 2).signature) == "real[..., 3] -> real[..., 2]"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((0, 2), ValueError, "Linear: in_features must be at least 1, got 0"),
        ((3, -1), ValueError, "Linear: out_features must be at least 1, got -1"),
        ((3, 2.0), TypeError, "Linear: out_features must be an int, got 2.0"),
        ((True, 2), TypeError, "Linear: in_features must be an int, got True"),
        ((3, 1 << 40), ValueError, r"Linear: out_features must be below 2\*\*31"),
        ((3, 2, 1), TypeError, "Linear: bias must be True or False, got 1"),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.Linear(*arguments)


@pytest.mark.parametrize("shape", [(2, 4), (), (3, 1)], ids=str)
def test_an_input_that_does_not_fit(shape):
    with pytest.raises(ValueError, match=r"^Sequential/0: Linear: linear: .*\(7, 3\)"):
        nn.Sequential(nn.Linear(3, 7))(pydp.zeros(shape))


def test_dtypes_do_not_mix():
    with pytest.raises(TypeError, match=r"Linear: linear: .*float64"):
        nn.Linear(3, 7)(pydp.zeros((2, 3), dtype="float64"))
