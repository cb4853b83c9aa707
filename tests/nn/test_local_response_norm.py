"""LocalResponseNorm against PyTorch's, its type, its arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn


@needs_torch
@pytest.mark.parametrize("given", [(5,), (5, 5e-4, 0.75, 2.0), (2, 1.0, 0.5, 0.1), (9, 1.0)])
def test_against_torch(given):
    ours, theirs = nn.LocalResponseNorm(*given), torch.nn.LocalResponseNorm(*given)
    against_torch(ours, theirs, real(2, 6, 4, 3))


def test_type_and_text():
    net = nn.Conv2d(3, 8, 3, padding=1) >> nn.LocalResponseNorm(5)
    assert str(net.signature) == "real[n, 3, h, w] -> real[n, 8, h, w]"
    assert str(pydp.check(nn.LocalResponseNorm(5))) == "real[n, c, ...] -> real[n, c, ...]"
    assert repr(nn.LocalResponseNorm(5)) == "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=1)"
    images = nn.LocalResponseNorm(5, axis=-3)
    assert str(images.signature) == "real[..., c, h, w] -> real[..., c, h, w]"
    assert images.extra_repr() == "5, alpha=0.0001, beta=0.75, k=1, axis=-3"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((0,), ValueError, "LocalResponseNorm: size must be at least 1, got 0"),
        ((5, "1"), TypeError, "LocalResponseNorm: alpha must be a number, got '1'"),
        ((5, 1.0, 1.0, 1.0, 2), ValueError, "LocalResponseNorm: axis must be 1 or -3, got 2"),
        ((5, 1.0, float("nan")), ValueError, "LocalResponseNorm: beta must be finite, got nan"),
    ],
)
def test_errors(given, error, message):
    with pytest.raises(error) as caught:
        nn.LocalResponseNorm(*given)
    assert str(caught.value) == message
