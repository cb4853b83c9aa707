"""What is LSTM's own: its cell, its weights, its words; test_recurrent.py asks what all share."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch as cell_against_torch
from peer import needs_torch
from pydp import nn


@needs_torch
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3, 4), (4,)], ids=str)
def test_cell_against_torch(shape, bias):
    ours, theirs = nn.LSTMCell(4, 5, bias), torch.nn.LSTMCell(4, 5, bias)
    state = real(*shape[:-1], 5), real(*shape[:-1], 5, seed=1)

    class Joined(torch.nn.Module):
        """Both results as one, for the comparison."""

        def __init__(self):
            super().__init__()
            self.cell = theirs

        def forward(self, x, h, c):
            return sum(self.cell(x, (h, c)))

        def load_state_dict(self, state):
            self.cell.load_state_dict(state)

        def named_parameters(self):
            return self.cell.named_parameters()

    class OurJoined(nn.LSTMCell):
        def forward(self, x, h, c):
            return sum(super().forward(x, (h, c)))

    joined = OurJoined(4, 5, bias)
    joined.load_state_dict(ours.state_dict())
    cell_against_torch(joined, Joined(), real(*shape), *state)
    h, c = ours(pydp.zeros(shape))
    assert h.shape == c.shape == (*shape[:-1], 5)


def test_sizes_of_the_weights():
    layer = nn.LSTM(400, 64, num_layers=2, bidirectional=True)
    assert layer.weight_ih_l0.shape == (256, 400) and layer.weight_ih_l1.shape == (256, 128)
    assert layer.weight_hh_l1_reverse.shape == (256, 64) and layer.bias_hh_l0.shape == (256,)


def test_text():
    assert nn.LSTMCell(3, 4, bias=False).extra_repr() == "3, 4, bias=False"
