"""MaxPool2d against PyTorch's, its type, its arguments."""

import numpy as np
import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn
from pydp._signature import match

GEOMETRIES = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)},
    {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {
        "kernel_size": 2,
        "stride": 2,
        "padding": 1,
        "ceil_mode": True,
    },  # a last window would begin behind x
]


@needs_torch
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_against_torch(geometry):
    against_torch(nn.MaxPool2d(**geometry), torch.nn.MaxPool2d(**geometry), real(2, 3, 10, 12))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_type_says_the_shape(geometry):
    layer = nn.MaxPool2d(**geometry)
    for h, w in ((10, 12), (11, 9)):
        y = layer(pydp.zeros((2, 4, h, w)))
        assert match(layer.signature, [("real", (2, 4, h, w))]) == [("real", y.shape)]


@needs_torch
def test_indices_and_their_type():
    ours, theirs = nn.MaxPool2d(3, 2, 1, 1, True), torch.nn.MaxPool2d(3, 2, 1, 1, True)
    x = real(2, 3, 10, 12)
    y, places = ours(pydp.tensor(x))
    want, where = theirs(torch.from_numpy(x))
    np.testing.assert_array_equal(y.numpy(), want.numpy())
    np.testing.assert_array_equal(places.numpy(), where.numpy())
    found = match(ours.signature, [("real", x.shape)])
    assert found == [("real", y.shape), ("token", places.shape)]
    assert ours.extra_repr() == "3, stride=2, padding=1, return_indices=True"


def test_text():
    assert nn.MaxPool is nn.MaxPool2d
    assert repr(nn.MaxPool2d(3)) == "MaxPool2d(3)"
    assert repr(nn.MaxPool2d(3, (2, 1), 1, 2, ceil_mode=True)) == (
        "MaxPool2d(3, stride=(2, 1), padding=1, dilation=2, ceil_mode=True)"
    )


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"kernel_size": 0}, ValueError, "MaxPool2d: kernel_size must be at least 1, got 0"),
        ({"kernel_size": ()}, ValueError, "MaxPool2d: kernel_size must be an int or two"),
        ({"stride": 0}, ValueError, "MaxPool2d: stride must be at least 1, got 0"),
        ({"stride": (2, 2, 2)}, ValueError, "MaxPool2d: stride must be an int or two"),
        ({"padding": 2}, ValueError, "padding must be at most half of kernel_size 3, got 2"),
        ({"padding": -1}, ValueError, "MaxPool2d: padding must be at least 0, got -1"),
        ({"dilation": 0}, ValueError, "MaxPool2d: dilation must be at least 1, got 0"),
        ({"dilation": True}, TypeError, "MaxPool2d: dilation must be an int, got True"),
        ({"return_indices": 0}, TypeError, "return_indices must be True or False, got 0"),
        ({"ceil_mode": 1}, TypeError, "MaxPool2d: ceil_mode must be True or False, got 1"),
    ],
)
def test_arguments_at_construction(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.MaxPool2d(**{"kernel_size": 3, **arguments})


@pytest.mark.parametrize(
    ("name", "value"), [("stride", (0, 1)), ("kernel_size", (0, 0)), ("padding", (3, 3))]
)
def test_arguments_at_the_call(name, value):
    layer = nn.MaxPool2d(3)
    setattr(layer, name, value)
    with pytest.raises(ValueError, match=r"^MaxPool2d: max_pool2d: "):
        layer(pydp.zeros((1, 4, 8, 8)))


def test_a_window_larger_than_the_image():
    with pytest.raises(ValueError, match=r"^Sequential/1: MaxPool2d: max_pool2d: "):
        nn.Sequential(nn.Identity(), nn.MaxPool2d(9))(pydp.zeros((1, 4, 8, 8)))
