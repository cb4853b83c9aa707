"""LSTM, GRU and RNN: the layers against PyTorch's, initial values, types, dropout, arguments."""

import numpy as np
import pytest
from recurrent_peer import BATCHES, LAYERS, against_torch

import pydp
from harness import real
from peer import assert_uniform, needs_torch
from pydp import nn
from pydp._signature import match

each = pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])


def make(name, *arguments, **options):
    return getattr(nn, name)(*arguments, **options)


def zero_state(name, *shape):
    """What the layer takes as its state: (h, c) or h."""
    h = pydp.zeros(shape)
    return (h, h) if name == "LSTM" else h


def parts(state):
    return state if isinstance(state, tuple) else (state,)


@needs_torch
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("options", LAYERS, ids=str)
@each
def test_against_torch(name, options, batch, with_state):
    against_torch(name, options, batch, with_state)


@each
def test_initial_values(name):
    layer = make(name, 400, 64, num_layers=2, bidirectional=True)
    for key, parameter in layer.named_parameters():
        if key.startswith("weight"):
            assert_uniform(parameter, 0.125)
        else:
            assert 0 < np.abs(parameter.numpy()).max() <= 0.125
    assert_uniform(make(f"{name}Cell", 400, 64).weight_ih, 0.125)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("shape", [(7, 4), (2, 7, 4), (2, 3, 7, 4), (0, 7, 4)], ids=str)
@each
def test_the_type_says_the_shape(name, shape, both):
    layer = make(name, 4, 5, bidirectional=both)
    y, state = layer(pydp.zeros(shape), return_state=True)
    assert match(layer.signature, [("real", shape)]) == [("real", y.shape)]
    assert len(parts(state)) == (2 if name == "LSTM" else 1)
    for part in parts(state):
        assert part.shape == (1 + both, *shape[:-2], 5)


@each
def test_dropout_between_layers(name):
    layer = make(name, 4, 5, num_layers=2, dropout=0.5)
    x = pydp.tensor(real(2, 6, 4).astype(np.float32))
    pydp.manual_seed(0)
    first, second = layer(x).numpy(), layer(x).numpy()
    assert (first != second).any()
    layer.eval()
    np.testing.assert_array_equal(layer(x).numpy(), layer(x).numpy())
    all_dropped = make(name, 4, 5, num_layers=2, dropout=1.0)(x)
    assert all_dropped.numpy().any()  # the last layer's y does not drop
    alone = make(name, 4, 5, dropout=0.5)
    np.testing.assert_array_equal(alone(x).numpy(), alone(x).numpy())


@each
def test_text(name):
    assert make(name, 3, 4).extra_repr() == "3, 4"
    layer = make(name, 3, 4, num_layers=2, bias=False, dropout=0.1, bidirectional=True)
    assert layer.extra_repr() == "3, 4, num_layers=2, bias=False, dropout=0.1, bidirectional=True"
    signature = make(name, 3, 4, bidirectional=True).signature
    assert str(signature) == "real[..., t, 3] -> real[..., t, 8]"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"hidden_size": 0}, ValueError, "hidden_size must be at least 1, got 0"),
        ({"input_size": 0}, ValueError, "input_size must be at least 1, got 0"),
        ({"num_layers": 0}, ValueError, "num_layers must be at least 1, got 0"),
        ({"num_layers": 1.0}, TypeError, "num_layers must be an int, got 1.0"),
        ({"dropout": 1.5}, ValueError, r"dropout must be in \[0, 1\], got 1.5"),
        ({"dropout": float("nan")}, ValueError, "dropout must be in"),
        ({"bias": None}, TypeError, "bias must be True or False, got None"),
        ({"bidirectional": 1}, TypeError, "bidirectional must be True or False, got 1"),
    ],
)
@each
def test_arguments_at_construction(name, arguments, error, message):
    with pytest.raises(error, match=f"^{name}: {message}"):
        make(name, **{"input_size": 4, "hidden_size": 5, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": pydp.zeros((3, 0, 4))}, ValueError, "{op}: x must be .* at least one step"),
        ({"x": pydp.zeros((3, 7, 3))}, ValueError, "{op}: weight_ih must be"),
        ({"x": pydp.zeros(4)}, ValueError, "{op}: x must be"),
        ({"x": pydp.zeros((3, 7, 4), dtype="float64")}, TypeError, ".*must have one dtype"),
        ({"lengths": [8, 1, 1]}, ValueError, r"{op}: lengths\[0\] is 8, allowed are 0 … 7"),
        ({"return_state": None}, TypeError, "return_state must be True or False, got None"),
    ],
)
@each
def test_arguments_at_the_call(name, arguments, error, message):
    layer = make(name, 4, 5, num_layers=2)
    layer(pydp.zeros((3, 7, 4)), zero_state(name, 2, 3, 5))
    with pytest.raises(error, match=f"^{name}: {message.format(op=name.lower())}"):
        layer(**{"x": pydp.zeros((3, 7, 4)), **arguments})


@each
def test_a_state_of_another_shape(name):
    first = r"state\[0\]" if name == "LSTM" else "state"
    wanted = r"\(2, 3, 5\) \(layers and directions, batch, hidden_size\), got \(1, 3, 5\)"
    with pytest.raises(ValueError, match=f"^{name}: {first} must be {wanted}"):
        make(name, 4, 5, num_layers=2)(pydp.zeros((3, 7, 4)), zero_state(name, 1, 3, 5))
