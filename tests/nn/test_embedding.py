"""Embedding against PyTorch's, its initial values, tokens out of range."""

import numpy as np
import pytest

import pydp
from harness import indices, torch
from peer import against_torch, assert_normal, needs_torch
from pydp import nn


@needs_torch
@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (0, 2)], ids=str)
def test_against_torch(shape):
    against_torch(
        nn.Embedding(10, 3), torch.nn.Embedding(10, 3), np.asarray(indices(*shape, below=10))
    )


def test_initial_values():
    assert_normal(nn.Embedding(500, 200).weight, 0.0, 1.0)


def test_type_and_text():
    assert nn.EmbedToken is nn.Embedding
    assert str(nn.Embedding(10, 3).signature) == "token[...] -> real[..., 3]"
    assert nn.Embedding(10, 3).extra_repr() == "10, 3"


@pytest.mark.parametrize("token", [-1, 10])
def test_tokens_out_of_range(token):
    with pytest.raises(IndexError, match=r"^Embedding: embedding: "):
        nn.Embedding(10, 3)(pydp.tensor([1, token]))


@pytest.mark.parametrize("arguments", [(0, 3), (3, 0)])
def test_sizes(arguments):
    with pytest.raises(ValueError, match=r"Embedding: .* must be at least 1, got 0"):
        nn.Embedding(*arguments)
