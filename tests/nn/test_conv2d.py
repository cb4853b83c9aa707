"""Conv2d against PyTorch's, its initial values, its type, its arguments."""

import pytest

import pydp
from harness import assert_close, real, torch
from peer import against_torch, assert_uniform, needs_torch
from pydp import nn
from pydp._signature import match

GEOMETRIES = [
    {"kernel_size": 3},
    {"kernel_size": 1},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)},
    {"kernel_size": 5, "stride": 3, "padding": 4, "dilation": 2},
    {"kernel_size": 3, "groups": 2, "bias": False},
    {"kernel_size": 3, "groups": 4, "padding": 1},
    {"kernel_size": 3, "padding": "valid"},
    {"kernel_size": 3, "padding": "same"},
    {"kernel_size": (5, 3), "padding": "same", "dilation": (1, 2)},
    {"kernel_size": (4, 3), "padding": "same"},  # an odd total: one more row behind
    {"kernel_size": (2, 4), "padding": "same", "dilation": (3, 1), "groups": 2},
    {"kernel_size": 3, "padding": (3, 1), "padding_mode": "reflect"},
    {"kernel_size": (4, 3), "padding": "same", "padding_mode": "replicate"},
    {"kernel_size": 3, "padding": 2, "stride": 2, "padding_mode": "circular"},
]


@needs_torch
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_against_torch(geometry):
    ours, theirs = nn.Conv2d(4, 8, **geometry), torch.nn.Conv2d(4, 8, **geometry)
    against_torch(ours, theirs, real(2, 4, 11, 12))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_type_says_the_shape(geometry):
    layer = nn.Conv2d(4, 8, **geometry)
    for h, w in ((11, 12), (14, 13)):
        y = layer(pydp.zeros((2, 4, h, w)))
        assert match(layer.signature, [("real", (2, 4, h, w))]) == [("real", y.shape)]


@pytest.mark.parametrize("padding", [1, "same"])
@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh", "sigmoid"])
def test_a_fused_activation_is_the_activation(activation, padding):
    fused = nn.Conv2d(2, 3, 4, padding=padding, activation=activation).astype("float64")
    plain = nn.Conv2d(2, 3, 4, padding=padding).astype("float64")
    plain.load_state_dict(fused.state_dict())
    xs = [pydp.tensor(real(2, 2, 9, 9), requires_grad=True) for _ in range(2)]
    y, want = fused(xs[0]), getattr(pydp, activation)(plain(xs[1]))
    assert_close(y.numpy(), want.numpy(), 1e-12, "value")
    y.backward(pydp.ones(y.shape, dtype="float64"))
    want.backward(pydp.ones(y.shape, dtype="float64"))
    assert_close(xs[0].grad.numpy(), xs[1].grad.numpy(), 1e-12, "gradient of x")
    assert_close(fused.weight.grad.numpy(), plain.weight.grad.numpy(), 1e-12, "of the weight")


def test_initial_values():
    layer = nn.Conv2d(8, 4000, (5, 5), groups=2)
    assert layer.weight.shape == (4000, 4, 5, 5)
    assert_uniform(layer.weight, 0.1)
    assert_uniform(layer.bias, 0.1)


def test_text():
    assert nn.Conv is nn.Conv2d
    assert nn.Conv2d(3, 4, 5).extra_repr() == "3, 4, 5"
    layer = nn.Conv2d(4, 4, (5, 3), (2, 1), 1, 2, 2, False, "relu")
    assert layer.extra_repr() == (
        "4, 4, (5, 3), stride=(2, 1), padding=1, dilation=2, groups=2, bias=False, "
        "activation='relu'"
    )
    assert nn.Conv2d(3, 4, 5, padding="same").extra_repr() == "3, 4, 5, padding='same'"
    layer = nn.Conv2d(3, 4, 5, padding=2, padding_mode="circular")
    assert layer.extra_repr() == "3, 4, 5, padding=2, padding_mode='circular'"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"stride": 0}, ValueError, "Conv2d: stride must be at least 1, got 0"),
        ({"stride": -1}, ValueError, "Conv2d: stride must be at least 1, got -1"),
        ({"stride": (1, 0)}, ValueError, "Conv2d: stride must be at least 1, got 0"),
        ({"stride": ()}, ValueError, "Conv2d: stride must be an int or two, got"),
        ({"stride": (1, 2, 3)}, ValueError, "Conv2d: stride must be an int or two, got"),
        ({"stride": True}, TypeError, "Conv2d: stride must be an int"),
        ({"stride": 1.0}, TypeError, "Conv2d: stride must be an int"),
        ({"stride": None}, TypeError, "Conv2d: stride must be an int"),
        ({"stride": 1 << 55}, ValueError, r"Conv2d: stride must be below 2\*\*31"),
        ({"kernel_size": 0}, ValueError, "Conv2d: kernel_size must be at least 1, got 0"),
        ({"kernel_size": (3,)}, ValueError, "Conv2d: kernel_size must be an int or two"),
        ({"kernel_size": "3"}, TypeError, "Conv2d: kernel_size must be an int"),
        ({"dilation": 0}, ValueError, "Conv2d: dilation must be at least 1, got 0"),
        ({"dilation": -(1 << 63)}, ValueError, "Conv2d: dilation must be at least 1"),
        ({"padding": -1}, ValueError, "Conv2d: padding must be at least 0, got -1"),
        ({"padding": (1 << 63) - 1}, ValueError, r"Conv2d: padding must be below 2\*\*31"),
        ({"padding": "full"}, ValueError, 'Conv2d: padding must be an int, two, "same" or'),
        ({"padding": "same", "stride": 2}, ValueError, 'padding "same" needs stride 1, got'),
        ({"groups": 0}, ValueError, "Conv2d: groups must be at least 1, got 0"),
        ({"groups": 3}, ValueError, "in_channels must be a multiple of groups 3, got 4"),
        (
            {"groups": 2, "out_channels": 5},
            ValueError,
            "out_channels must be a multiple of groups 2",
        ),
        ({"in_channels": 0}, ValueError, "Conv2d: in_channels must be at least 1, got 0"),
        ({"out_channels": 2.5}, TypeError, "Conv2d: out_channels must be an int, got 2.5"),
        ({"bias": None}, TypeError, "Conv2d: bias must be True or False, got None"),
        ({"activation": "softmax"}, ValueError, "Conv2d: activation must be one of None, 'relu'"),
        ({"padding_mode": "no"}, ValueError, "padding_mode must be one of 'zeros', 'reflect'"),
    ],
)
def test_arguments_at_construction(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.Conv2d(**{"in_channels": 4, "out_channels": 8, "kernel_size": 3, **arguments})


@pytest.mark.parametrize(
    ("name", "value"),
    [("stride", 0), ("stride", (0, 1)), ("dilation", 0), ("groups", 3), ("padding", -1)],
)
def test_arguments_at_the_call(name, value):
    layer = nn.Conv2d(4, 8, 3)
    setattr(layer, name, value if name == "groups" or isinstance(value, tuple) else (value, value))
    with pytest.raises(ValueError, match=r"^Conv2d: conv2d: "):
        layer(pydp.zeros((1, 4, 8, 8)))


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 4, 2, 8), (4,), (1, 4, 3, 8, 8)], ids=str)
def test_an_input_that_does_not_fit(shape):
    with pytest.raises(
        ValueError, match=r"^Sequential/0: Conv2d: (x must be \[..., c, h, w\]|conv2d: )"
    ):
        nn.Sequential(nn.Conv2d(4, 8, 3))(pydp.zeros(shape))
