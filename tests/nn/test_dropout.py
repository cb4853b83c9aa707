"""Dropout: its share of zeros, its scale, its modes."""

import numpy as np
import pytest

import pydp
from pydp import nn


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_zeros_and_scale(p):
    x = pydp.tensor(np.full(40_000, 3.0, np.float32), requires_grad=True)
    y = nn.Dropout(p)(x)
    kept = y.numpy() != 0
    assert abs(kept.mean() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / x.size)
    assert np.allclose(y.numpy()[kept], 3 / (1 - p), rtol=1e-6)
    y.backward(pydp.ones(y.shape))
    assert np.allclose(x.grad.numpy(), kept / (1 - p), rtol=1e-6)


def test_each_call_draws_anew_and_a_seed_repeats():
    x = pydp.ones(1000)
    layer = nn.Dropout(0.5)
    pydp.manual_seed(3)
    one, two = layer(x).numpy().copy(), layer(x).numpy().copy()
    pydp.manual_seed(3)
    assert not np.array_equal(one, two) and np.array_equal(layer(x).numpy(), one)


def test_evaluation_is_the_identity():
    x = pydp.ones(5)
    net = nn.Sequential(nn.Dropout(0.5))
    assert net.eval()(x) is x
    assert nn.Dropout(1.0)(x).numpy().tolist() == [0.0] * 5
    assert nn.Dropout(0.0)(x).numpy().tolist() == [1.0] * 5


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), float("inf")])
def test_p_is_a_probability(p):
    with pytest.raises(ValueError, match=r"Dropout: p must be in \[0, 1\], got"):
        nn.Dropout(p)


@pytest.mark.parametrize("p", ["0.5", None, True])
def test_p_is_a_number(p):
    with pytest.raises(TypeError, match="Dropout: p must be a number"):
        nn.Dropout(p)
