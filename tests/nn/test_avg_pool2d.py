"""AvgPool2d against PyTorch's, its type, its arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn
from pydp._signature import match

GEOMETRIES = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)},
    {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {
        "kernel_size": 2,
        "stride": 2,
        "padding": 1,
        "ceil_mode": True,
    },  # a last window would begin behind x
    {"kernel_size": 3, "stride": 2, "padding": 1, "divisor_override": 5},
]


@needs_torch
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_against_torch(geometry):
    against_torch(nn.AvgPool2d(**geometry), torch.nn.AvgPool2d(**geometry), real(2, 3, 10, 12))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_type_says_the_shape(geometry):
    layer = nn.AvgPool2d(**geometry)
    y = layer(pydp.zeros((2, 4, 11, 12)))
    assert match(layer.signature, [("real", (2, 4, 11, 12))]) == [("real", y.shape)]


def test_text():
    assert repr(nn.AvgPool2d(3)) == "AvgPool2d(3)"
    assert nn.AvgPool2d(3, 2, 1, True, False, 4).extra_repr() == (
        "3, stride=2, padding=1, ceil_mode=True, count_include_pad=False, divisor_override=4"
    )


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"kernel_size": 0}, ValueError, "AvgPool2d: kernel_size must be at least 1, got 0"),
        ({"stride": 0}, ValueError, "AvgPool2d: stride must be at least 1, got 0"),
        ({"padding": 2}, ValueError, "padding must be at most half of kernel_size 3, got 2"),
        ({"divisor_override": 0}, ValueError, "divisor_override must be at least 1, got 0"),
        ({"divisor_override": True}, TypeError, "divisor_override must be an int, got True"),
        ({"count_include_pad": 0}, TypeError, "count_include_pad must be True or False, got 0"),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.AvgPool2d(**{"kernel_size": 3, **arguments})
