"""AdaptiveAvgPool1d and AdaptiveMaxPool1d against PyTorch's, their types and arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn
from pydp._signature import match

NAMES = ["AdaptiveAvgPool1d", "AdaptiveMaxPool1d"]


@needs_torch
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, (5,), 20], ids=str)
def test_against_torch(name, size):
    ours, theirs = getattr(nn, name)(size), getattr(torch.nn, name)(size)
    against_torch(ours, theirs, real(2, 3, 12))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, (5,), None], ids=str)
def test_the_type_says_the_shape(name, size):
    layer = getattr(nn, name)(size)
    for length in (12, 7):
        y = layer(pydp.zeros((2, 4, length)))
        assert match(layer.signature, [("real", (2, 4, length))]) == [("real", y.shape)]


def test_indices_and_text():
    layer = nn.AdaptiveMaxPool1d(3, return_indices=True)
    y, places = layer(pydp.zeros((2, 4, 7)))
    found = match(layer.signature, [("real", (2, 4, 7))])
    assert found == [("real", y.shape), ("token", places.shape)]
    assert repr(layer) == "AdaptiveMaxPool1d(3, return_indices=True)"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("size", "kind", "message"),
    [
        (0, ValueError, "output_size must be at least 1, got 0"),
        ((3, 3), ValueError, "output_size must be an int or a tuple of one, got"),
        (2.0, TypeError, "output_size must be an int, got 2.0"),
    ],
)
def test_arguments(name, size, kind, message):
    with pytest.raises(kind, match=f"^{name}: {message}"):
        getattr(nn, name)(size)
