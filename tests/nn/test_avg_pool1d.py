"""AvgPool1d against PyTorch's, its type, its arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn
from pydp._signature import match

GEOMETRIES = [
    {"kernel_size": 2},
    {"kernel_size": (3,), "stride": (2,), "padding": (1,)},
    {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
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
    against_torch(nn.AvgPool1d(**geometry), torch.nn.AvgPool1d(**geometry), real(2, 3, 12))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_type_says_the_shape(geometry):
    layer = nn.AvgPool1d(**geometry)
    for length in (12, 9):
        y = layer(pydp.zeros((2, 4, length)))
        assert match(layer.signature, [("real", (2, 4, length))]) == [("real", y.shape)]


def test_text():
    assert repr(nn.AvgPool1d(3, 2, ceil_mode=True)) == "AvgPool1d(3, stride=2, ceil_mode=True)"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"kernel_size": (2, 2)}, ValueError, "kernel_size must be an int or a tuple of one, got"),
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"padding": 2}, ValueError, "padding must be at most half of kernel_size 3, got 2"),
        ({"ceil_mode": 1}, TypeError, "ceil_mode must be True or False, got 1"),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=f"^AvgPool1d: {message}"):
        nn.AvgPool1d(**{"kernel_size": 3, **arguments})


@pytest.mark.parametrize("shape", [(4,), (1, 2, 2), (1, 2, 8, 2)], ids=str)
def test_an_input_that_does_not_fit(shape):
    with pytest.raises(ValueError, match=r"^AvgPool1d: (x must be \[..., c, l\]|avg_pool1d: )"):
        nn.AvgPool1d(3)(pydp.zeros(shape))
