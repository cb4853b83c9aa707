"""AdaptiveAvgPool2d and AdaptiveMaxPool2d against PyTorch's, their types and arguments."""

import numpy as np
import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn
from pydp._signature import match

NAMES = ["AdaptiveAvgPool2d", "AdaptiveMaxPool2d"]
SIZES = [1, 3, (3, 5), (None, 4), (20, None)]


@needs_torch
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_against_torch(name, size):
    ours, theirs = getattr(nn, name)(size), getattr(torch.nn, name)(size)
    against_torch(ours, theirs, real(2, 3, 9, 12))


@needs_torch
def test_indices_are_as_in_pytorch():
    x = real(2, 3, 9, 12)
    layer = nn.AdaptiveMaxPool2d((4, 5), return_indices=True)
    y, places = layer(pydp.tensor(x))
    want, where = torch.nn.AdaptiveMaxPool2d((4, 5), True)(torch.from_numpy(x))
    np.testing.assert_array_equal(y.numpy(), want.numpy())
    np.testing.assert_array_equal(places.numpy(), where.numpy())
    found = match(layer.signature, [("real", x.shape)])
    assert found == [("real", y.shape), ("token", places.shape)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_type_says_the_shape(name, size):
    layer = getattr(nn, name)(size)
    for h, w in ((9, 12), (4, 7)):
        y = layer(pydp.zeros((2, 4, h, w)))
        assert match(layer.signature, [("real", (2, 4, h, w))]) == [("real", y.shape)]


def test_text():
    assert repr(nn.AdaptiveAvgPool2d(3)) == "AdaptiveAvgPool2d(3)"
    assert nn.AdaptiveMaxPool2d((3, None), True).extra_repr() == "(3, None), return_indices=True"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("size", "kind", "message"),
    [
        (0, ValueError, "output_size must be at least 1, got 0"),
        ((3, 2.0), TypeError, "output_size must be an int, got 2.0"),
        ((3,), ValueError, r"output_size must be an int or two, got \(3,\)"),
        (True, TypeError, "output_size must be an int, got True"),
    ],
)
def test_arguments(name, size, kind, message):
    with pytest.raises(kind, match=f"^{name}: {message}"):
        getattr(nn, name)(size)


@pytest.mark.parametrize("shape", [(4,), (8, 8), (1, 2, 0, 4)], ids=str)
def test_an_input_that_does_not_fit(shape):
    with pytest.raises(
        ValueError, match=r"^AdaptiveAvgPool2d: (x must be \[|adaptive_avg_pool2d: )"
    ):
        nn.AdaptiveAvgPool2d(3)(pydp.zeros(shape))
