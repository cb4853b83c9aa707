"""Positions: the formulas, by hand; start; what rotation leaves as it was."""

import math

import numpy as np
import pytest

import pydp
from harness import assert_close, real
from peer import assert_normal
from pydp import nn
from sequence_peer import filled

KINDS = {
    "learned": lambda: filled(nn.LearnedPositions(20, 6)),
    "sinusoidal": lambda: nn.SinusoidalPositions(6),
    "rotary": lambda: nn.RotaryPositions(6),
}


def angle(i, j, d):
    return i / 10000 ** (2 * j / d)


def test_sinusoidal():
    x = real(2, 50, 6)
    y = nn.SinusoidalPositions(6)(pydp.tensor(x)).numpy()
    for function, part in ((math.sin, slice(0, None, 2)), (math.cos, slice(1, None, 2))):
        want = np.array([[function(angle(i, j, 6)) for j in range(3)] for i in range(50)])
        assert_close(y[..., part], x[..., part] + want, 1e-13, function.__name__)


def test_rotary():
    """Each pair as a complex number, times e^{i θ}."""
    x = real(2, 3, 50, 6)
    y = nn.RotaryPositions(6)(pydp.tensor(x)).numpy()
    turn = np.exp(1j * np.array([[angle(i, j, 6) for j in range(3)] for i in range(50)]))
    want = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
    assert_close(y[..., 0::2], want.real, 1e-13, "even")
    assert_close(y[..., 1::2], want.imag, 1e-13, "odd")


def test_rotary_products_depend_on_distance_alone():
    turn = nn.RotaryPositions(6)
    q, k = pydp.tensor(real(1, 6)), pydp.tensor(real(1, 6, seed=1))
    products = [(turn(q, i + 3) * turn(k, i)).sum().item() for i in (0, 5, 400)]
    assert max(products) - min(products) < 1e-12
    assert abs((turn(q, 4) * turn(k, 0)).sum().item() - products[0]) > 1e-3


def test_learned():
    model, x = KINDS["learned"](), real(2, 5, 6)
    y = model(pydp.tensor(x), 3).numpy()
    np.testing.assert_array_equal(y, x + model.weight.numpy()[3:8])
    model(pydp.tensor(x), 3).sum().backward()
    want = np.zeros((20, 6))
    want[3:8] = 2
    np.testing.assert_array_equal(model.weight.grad.numpy(), want)
    assert_normal(nn.LearnedPositions(100, 50).weight, 0, 0.02)


@pytest.mark.parametrize("name", KINDS)
def test_start(name):
    model, x = KINDS[name](), pydp.tensor(real(2, 9, 6))
    assert_close(model(x[:, 4:], 4).numpy(), model(x).numpy()[:, 4:], 1e-14, "the last five")


@pytest.mark.parametrize("name", ["sinusoidal", "rotary"])
def test_float32(name):
    """As exact far from the start as near it."""
    x = real(2, 9, 6)
    for start in (0, 100_000):
        y = KINDS[name]()(pydp.tensor(x.astype(np.float32)), start)
        assert y.dtype == pydp.float32 and not list(KINDS[name]().parameters())
        assert_close(y.numpy(), KINDS[name]()(pydp.tensor(x), start).numpy(), 1e-6, name)


def test_errors():
    with pytest.raises(ValueError, match=r"LearnedPositions: there are 20 positions, .* has 21"):
        KINDS["learned"]()(pydp.zeros((15, 6), dtype="float64"), 6)
    for name in ("SinusoidalPositions", "RotaryPositions"):
        with pytest.raises(ValueError, match=f"{name}: d must be even, got 5"):
            getattr(nn, name)(5)
        with pytest.raises(ValueError, match=rf"{name}: x must be \[..., t, 4\], got \(2, 6\)"):
            getattr(nn, name)(4)(pydp.zeros((2, 6)))
