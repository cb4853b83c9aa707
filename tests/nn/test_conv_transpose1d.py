"""ConvTranspose1d against PyTorch's, its output_size, type and arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, assert_uniform, needs_torch
from pydp import nn
from pydp._signature import match

GEOMETRIES = [
    {"kernel_size": 3},
    {"kernel_size": (4,), "stride": (3,), "padding": (1,), "output_padding": (2,)},
    {"kernel_size": 3, "groups": 2, "dilation": 2, "bias": False},
]


@needs_torch
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_against_torch(geometry):
    ours = nn.ConvTranspose1d(4, 6, **geometry)
    against_torch(ours, torch.nn.ConvTranspose1d(4, 6, **geometry), real(2, 4, 5))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_type_says_the_shape(geometry):
    layer = nn.ConvTranspose1d(4, 6, **geometry)
    for length in (1, 6):
        y = layer(pydp.zeros((2, 4, length)))
        assert match(layer.signature, [("real", (2, 4, length))]) == [("real", y.shape)]


def test_output_size():
    layer = nn.ConvTranspose1d(4, 6, 3, 2, 1)
    for size in (9, (10,), (2, 6, 9)):
        y = layer(pydp.zeros((2, 4, 5)), size)
        assert y.shape == (2, 6, size if isinstance(size, int) else size[-1])
    with pytest.raises(ValueError) as raised:
        layer(pydp.zeros((2, 4, 5)), 11)
    assert str(raised.value) == (
        "ConvTranspose1d: output_size must be from (9,) to (10,) for x (2, 4, 5), got (11,)"
    )


def test_initial_values():
    layer = nn.ConvTranspose1d(400, 40, 10)
    assert layer.weight.shape == (400, 40, 10)
    assert_uniform(layer.weight, 0.05)


def test_text():
    assert nn.ConvTranspose1d(3, 4, 5, stride=2).extra_repr() == "3, 4, 5, stride=2"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"stride": (1, 1)}, ValueError, "stride must be an int or a tuple of one, got"),
        ({"output_padding": 1}, ValueError, "output_padding must be below stride 1 or dilation 1"),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=f"^ConvTranspose1d: {message}"):
        nn.ConvTranspose1d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})
