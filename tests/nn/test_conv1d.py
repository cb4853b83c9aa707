"""Conv1d against PyTorch's, its initial values, its type, its arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, assert_uniform, needs_torch
from pydp import nn
from pydp._signature import match

GEOMETRIES = [
    {"kernel_size": 3},
    {"kernel_size": (5,), "stride": (3,), "padding": (4,), "dilation": (2,)},
    {"kernel_size": 3, "groups": 2, "bias": False},
    {"kernel_size": 3, "padding": "valid"},
    {"kernel_size": 4, "padding": "same", "dilation": 3},
    {"kernel_size": 3, "padding": 2, "padding_mode": "reflect"},
    {"kernel_size": 4, "padding": "same", "padding_mode": "circular"},
    {"kernel_size": 3, "padding": 2, "padding_mode": "replicate", "stride": 2},
]


@needs_torch
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_against_torch(geometry):
    ours, theirs = nn.Conv1d(4, 8, **geometry), torch.nn.Conv1d(4, 8, **geometry)
    against_torch(ours, theirs, real(2, 4, 11))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_type_says_the_shape(geometry):
    layer = nn.Conv1d(4, 8, **geometry)
    for length in (11, 14):
        y = layer(pydp.zeros((2, 4, length)))
        assert match(layer.signature, [("real", (2, 4, length))]) == [("real", y.shape)]


def test_initial_values():
    layer = nn.Conv1d(8, 4000, 25, groups=2)
    assert layer.weight.shape == (4000, 4, 25)
    assert_uniform(layer.weight, 0.1)
    assert_uniform(layer.bias, 0.1)


def test_text():
    assert nn.Conv1d(3, 4, 5).extra_repr() == "3, 4, 5"
    layer = nn.Conv1d(4, 4, 5, 2, 1, 3, 2, False, "relu", "reflect")
    assert layer.extra_repr() == (
        "4, 4, 5, stride=2, padding=1, dilation=3, groups=2, bias=False, activation='relu', "
        "padding_mode='reflect'"
    )


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"stride": 0}, ValueError, "Conv1d: stride must be at least 1, got 0"),
        ({"stride": (1, 1)}, ValueError, "Conv1d: stride must be an int or a tuple of one, got"),
        ({"kernel_size": 3.0}, TypeError, "Conv1d: kernel_size must be an int, got 3.0"),
        ({"padding": "full"}, ValueError, 'Conv1d: padding must be an int, "same" or "valid"'),
        ({"padding": "same", "stride": 2}, ValueError, 'padding "same" needs stride 1, got'),
        ({"groups": 3}, ValueError, "Conv1d: in_channels must be a multiple of groups 3, got 4"),
        ({"padding_mode": "wrap"}, ValueError, "Conv1d: padding_mode must be one of 'zeros', "),
        ({"padding_mode": None}, ValueError, "Conv1d: padding_mode must be one of 'zeros', "),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.Conv1d(**{"in_channels": 4, "out_channels": 8, "kernel_size": 3, **arguments})


@pytest.mark.parametrize("shape", [(1, 3, 8), (1, 4, 2), (4,), (1, 4, 7, 8)], ids=str)
def test_an_input_that_does_not_fit(shape):
    with pytest.raises(
        ValueError, match=r"^Sequential/0: Conv1d: (x must be \[..., c, l\]|conv1d: )"
    ):
        nn.Sequential(nn.Conv1d(4, 8, 3))(pydp.zeros(shape))
