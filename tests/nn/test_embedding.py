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


@needs_torch
@pytest.mark.parametrize("padding", [0, 4, -2])
def test_padding_against_torch(padding):
    ids = indices(3, 20, below=10)
    ours = nn.Embedding(10, 3, padding_idx=padding)
    against_torch(ours, torch.nn.Embedding(10, 3, padding_idx=padding), ids)
    assert np.all(ours.weight.grad.numpy()[padding] == 0)


def test_padding_is_zeros_at_first():
    layer = nn.Embedding(10, 3, padding_idx=-2)
    assert layer.padding_idx == 8 and layer.extra_repr() == "10, 3, padding_idx=8"
    zero = np.all(layer.weight.numpy() == 0, axis=1)
    assert zero.tolist() == [i == 8 for i in range(10)]
    with pytest.raises(ValueError, match="Embedding: padding_idx must be in -10 … 9, got 10"):
        nn.Embedding(10, 3, padding_idx=10)


def test_from_pretrained():
    rows = pydp.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = nn.Embedding.from_pretrained(rows)
    assert not frozen.weight.requires_grad and frozen(pydp.tensor([1])).tolist() == [[3.0, 4.0]]
    assert nn.Embedding.from_pretrained(rows, freeze=False).weight.requires_grad
    with pytest.raises(ValueError, match=r"embeddings must have 2 axes \(v, d\), got shape \(2,\)"):
        nn.Embedding.from_pretrained(rows[0])


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
