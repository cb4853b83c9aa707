"""LSTM and LSTMCell against PyTorch's, their initial values, types and arguments."""

import numpy as np
import pytest

import pydp
from harness import real, torch
from peer import against_torch as cell_against_torch
from peer import assert_uniform, needs_torch
from pydp import nn
from pydp._signature import match
from recurrent_peer import BATCHES, LAYERS, against_torch


@needs_torch
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_against_torch(options, batch, with_state):
    against_torch("LSTM", options, batch, with_state)
