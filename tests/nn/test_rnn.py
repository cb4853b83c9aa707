"""RNN and RNNCell against PyTorch's, their initial values, types and arguments."""

import numpy as np
import pytest
from recurrent_peer import BATCHES, LAYERS, against_torch

import pydp
from harness import real, torch
from peer import against_torch as cell_against_torch
from peer import assert_uniform, needs_torch
from pydp import nn
from pydp._signature import match


@needs_torch
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_against_torch(options, batch, with_state):
    against_torch("RNN", options, batch, with_state)


@needs_torch
@pytest.mark.parametrize("batch", BATCHES)
def test_relu_against_torch(batch):
    against_torch("RNN", {"num_layers": 2, "nonlinearity": "relu"}, batch, True)


@needs_torch
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3, 4), (4,)], ids=str)
def test_cell_against_torch(shape, bias):
    for kind in ("tanh", "relu"):
        ours, theirs = nn.RNNCell(4, 5, bias, kind), torch.nn.RNNCell(4, 5, bias, kind)
        cell_against_torch(ours, theirs, real(*shape))
        cell_against_torch(ours, theirs, real(*shape), real(*shape[:-1], 5))


def test_initial_values():
    layer = nn.RNN(400, 64, num_layers=2, bidirectional=True)
    for name, parameter in layer.named_parameters():
        if name.startswith("weight"):
            assert_uniform(parameter, 0.125)
        else:
            assert 0 < np.abs(parameter.numpy()).max() <= 0.125
    assert layer.weight_ih_l0.shape == (64, 400) and layer.weight_ih_l1.shape == (64, 128)
    assert layer.weight_hh_l1_reverse.shape == (64, 64) and layer.bias_hh_l0.shape == (64,)
    assert_uniform(nn.RNNCell(400, 64).weight_ih, 0.125)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("shape", [(7, 4), (2, 7, 4), (2, 3, 7, 4), (0, 7, 4)], ids=str)
def test_the_type_says_the_shape(shape, both):
    layer = nn.RNN(4, 5, bidirectional=both)
    y, state = layer(pydp.zeros(shape), return_state=True)
    assert match(layer.signature, [("real", shape)]) == [("real", y.shape)]
    for part in state if False else [state]:
        assert part.shape == (1 + both, *shape[:-2], 5)


def test_dropout_between_layers():
    layer = nn.RNN(4, 5, num_layers=2, dropout=0.5)
    x = pydp.tensor(real(2, 6, 4).astype(np.float32))
    pydp.manual_seed(0)
    first, second = layer(x).numpy(), layer(x).numpy()
    assert (first != second).any()
    layer.eval()
    np.testing.assert_array_equal(layer(x).numpy(), layer(x).numpy())
    all_dropped = nn.RNN(4, 5, num_layers=2, dropout=1.0)(x)
    assert all_dropped.numpy().any()  # the last layer's y does not drop
    alone = nn.RNN(4, 5, dropout=0.5)
    np.testing.assert_array_equal(alone(x).numpy(), alone(x).numpy())


def test_text():
    assert nn.RNN(3, 4).extra_repr() == "3, 4"
    layer = nn.RNN(3, 4, num_layers=2, bias=False, dropout=0.1, bidirectional=True)
    assert layer.extra_repr() == "3, 4, num_layers=2, bias=False, dropout=0.1, bidirectional=True"
    assert nn.RNNCell(3, 4, bias=False).extra_repr() == "3, 4, bias=False"
    assert nn.RNN(3, 4, nonlinearity="relu").extra_repr() == "3, 4, nonlinearity='relu'"
    assert nn.RNNCell(3, 4, nonlinearity="relu").extra_repr() == "3, 4, nonlinearity='relu'"
    assert str(nn.RNN(3, 4, bidirectional=True).signature) == "real[..., t, 3] -> real[..., t, 8]"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"hidden_size": 0}, ValueError, "RNN: hidden_size must be at least 1, got 0"),
        ({"input_size": 0}, ValueError, "RNN: input_size must be at least 1, got 0"),
        ({"num_layers": 0}, ValueError, "RNN: num_layers must be at least 1, got 0"),
        ({"num_layers": 1.0}, TypeError, "RNN: num_layers must be an int, got 1.0"),
        ({"dropout": 1.5}, ValueError, r"RNN: dropout must be in \[0, 1\], got 1.5"),
        ({"dropout": float("nan")}, ValueError, "RNN: dropout must be in"),
        ({"bias": None}, TypeError, "RNN: bias must be True or False, got None"),
        ({"bidirectional": 1}, TypeError, "RNN: bidirectional must be True or False, got 1"),
    ],
)
def test_arguments_at_construction(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.RNN(**{"input_size": 4, "hidden_size": 5, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"state": pydp.zeros((1, 3, 5))}, ValueError,
         r"RNN: state must be \(2, 3, 5\) \(layers and directions, batch, "
         r"hidden_size\), got \(1, 3, 5\)"),
        ({"x": pydp.zeros((3, 0, 4))}, ValueError, "RNN: rnn: x must be .* at least one step"),
        ({"x": pydp.zeros((3, 7, 3))}, ValueError, "RNN: rnn: weight_ih must be"),
        ({"x": pydp.zeros(4)}, ValueError, "RNN: rnn: x must be"),
        ({"x": pydp.zeros((3, 7, 4), dtype="float64")}, TypeError, "must have one dtype"),
        ({"lengths": [8, 1, 1]}, ValueError, r"RNN: rnn: lengths\[0\] is 8, allowed are 0 … 7"),
        ({"return_state": None}, TypeError, "return_state must be True or False, got None"),
    ],
)  # fmt: skip
def test_arguments_at_the_call(arguments, error, message):
    layer = nn.RNN(4, 5, num_layers=2)
    state = pydp.zeros((2, 3, 5))
    layer(pydp.zeros((3, 7, 4)), state)
    with pytest.raises(error, match=message):
        layer(**{"x": pydp.zeros((3, 7, 4)), **arguments})
