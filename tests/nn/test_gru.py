"""What is GRU's own: its cell, its weights, its words; test_recurrent.py asks what all share."""

import pytest

from harness import real, torch
from peer import against_torch as cell_against_torch
from peer import needs_torch
from pydp import nn


@needs_torch
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3, 4), (4,)], ids=str)
def test_cell_against_torch(shape, bias):
    ours, theirs = nn.GRUCell(4, 5, bias), torch.nn.GRUCell(4, 5, bias)
    cell_against_torch(ours, theirs, real(*shape))
    cell_against_torch(ours, theirs, real(*shape), real(*shape[:-1], 5))


def test_sizes_of_the_weights():
    layer = nn.GRU(400, 64, num_layers=2, bidirectional=True)
    assert layer.weight_ih_l0.shape == (192, 400) and layer.weight_ih_l1.shape == (192, 128)
    assert layer.weight_hh_l1_reverse.shape == (192, 64) and layer.bias_hh_l0.shape == (192,)


def test_text():
    assert nn.GRUCell(3, 4, bias=False).extra_repr() == "3, 4, bias=False"
