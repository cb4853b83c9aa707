"""ConvTranspose2d against PyTorch's, its initial values, output_size, type and arguments."""

import pytest

import pydp
from harness import assert_close, real, torch
from peer import against_torch, assert_uniform, needs_torch
from pydp import nn
from pydp._signature import match

GEOMETRIES = [
    {"kernel_size": 3},
    {"kernel_size": 4, "stride": 2, "padding": 1},
    {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 0), "output_padding": (1, 2)},
    {"kernel_size": 3, "dilation": 2, "output_padding": 1, "bias": False},
    {"kernel_size": 3, "groups": 2, "stride": 3, "padding": 2},
]


@needs_torch
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_against_torch(geometry):
    ours = nn.ConvTranspose2d(4, 6, **geometry)
    theirs = torch.nn.ConvTranspose2d(4, 6, **geometry)
    against_torch(ours, theirs, real(2, 4, 5, 3))


@needs_torch
@pytest.mark.parametrize("size", [(9, 11), (10, 12), [2, 6, 9, 11]], ids=str)
def test_output_size_is_as_in_pytorch(size):
    ours = nn.ConvTranspose2d(4, 6, 3, (2, 3), 1).astype("float64")
    theirs = torch.nn.ConvTranspose2d(4, 6, 3, (2, 3), 1).double()
    state = {k: torch.from_numpy(t.numpy().copy()) for k, t in ours.state_dict().items()}
    theirs.load_state_dict(state)
    x = real(2, 4, 5, 4)
    y = ours(pydp.tensor(x), output_size=size)
    assert y.shape[2:] == tuple(size[-2:])
    assert_close(y.numpy(), theirs(torch.from_numpy(x), size).detach().numpy(), 1e-10, "value")


@pytest.mark.parametrize(
    ("size", "kind", "message"),
    [
        ((8, 11), ValueError,
         "output_size must be from (9, 10) to (10, 12) for x (2, 4, 5, 4), got (8, 11)"),
        ((9, 13), ValueError,
         "output_size must be from (9, 10) to (10, 12) for x (2, 4, 5, 4), got (9, 13)"),
        ((9, 10, 11), ValueError, "output_size must be an int or two, got (9, 10, 11)"),
        ((9, 10.0), TypeError, "output_size must be an int, got 10.0"),
    ],
)  # fmt: skip
def test_an_output_size_that_does_not_fit(size, kind, message):
    layer = nn.ConvTranspose2d(4, 6, 3, (2, 3), 1)
    with pytest.raises(kind) as raised:
        layer(pydp.zeros((2, 4, 5, 4)), size)
    assert str(raised.value) == f"ConvTranspose2d: {message}"


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_type_says_the_shape(geometry):
    layer = nn.ConvTranspose2d(4, 6, **geometry)
    for h, w in ((5, 3), (2, 7)):
        y = layer(pydp.zeros((2, 4, h, w)))
        assert match(layer.signature, [("real", (2, 4, h, w))]) == [("real", y.shape)]


def test_initial_values():
    layer = nn.ConvTranspose2d(400, 4000, (5, 5), groups=200)
    assert layer.weight.shape == (400, 20, 5, 5)
    assert_uniform(layer.weight, 500**-0.5)
    assert_uniform(layer.bias, 500**-0.5)


def test_text():
    assert nn.ConvTranspose2d(3, 4, 5).extra_repr() == "3, 4, 5"
    layer = nn.ConvTranspose2d(4, 4, (5, 3), 2, 1, 1, 2, False, 3)
    assert layer.extra_repr() == (
        "4, 4, (5, 3), stride=2, padding=1, output_padding=1, dilation=3, groups=2, bias=False"
    )


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"stride": 0}, ValueError, "ConvTranspose2d: stride must be at least 1, got 0"),
        ({"padding": "same"}, TypeError, "ConvTranspose2d: padding must be an int, got 'same'"),
        ({"output_padding": (0, 2), "stride": 2}, ValueError,
         "ConvTranspose2d: output_padding must be below stride 2 or dilation 1, got 2"),
        ({"output_padding": -1}, ValueError, "output_padding must be at least 0, got -1"),
        ({"groups": 4}, ValueError, "out_channels must be a multiple of groups 4, got 6"),
        ({"bias": 1}, TypeError, "ConvTranspose2d: bias must be True or False, got 1"),
    ],
)  # fmt: skip
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.ConvTranspose2d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})


@pytest.mark.parametrize("size", [None, (5, 5)])
@pytest.mark.parametrize("shape", [(1, 3, 3, 3), (3, 3), (1, 4, 0, 3)], ids=str)
def test_an_input_that_does_not_fit(shape, size):
    with pytest.raises(ValueError, match=r"^ConvTranspose2d: "):
        nn.ConvTranspose2d(4, 8, 3)(pydp.zeros(shape), size)
