"""What is RNN's own: its cell, its weights, its words; test_recurrent.py asks what all share."""

import pytest
from recurrent_peer import BATCHES, against_torch

from harness import real, torch
from peer import against_torch as cell_against_torch
from peer import needs_torch
from pydp import nn


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


def test_sizes_of_the_weights():
    layer = nn.RNN(400, 64, num_layers=2, bidirectional=True)
    assert layer.weight_ih_l0.shape == (64, 400) and layer.weight_ih_l1.shape == (64, 128)
    assert layer.weight_hh_l1_reverse.shape == (64, 64) and layer.bias_hh_l0.shape == (64,)


def test_text():
    assert nn.RNNCell(3, 4, bias=False).extra_repr() == "3, 4, bias=False"
    assert nn.RNN(3, 4, nonlinearity="relu").extra_repr() == "3, 4, nonlinearity='relu'"
    assert nn.RNNCell(3, 4, nonlinearity="relu").extra_repr() == "3, 4, nonlinearity='relu'"
