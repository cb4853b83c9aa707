"""Losses with a margin as modules against PyTorch's."""

import numpy as np
import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn

SIGNS = np.array([1, -1, 1, -1])
X, Y, Z = real(4, 3), real(4, 3, seed=1), real(4, 3, seed=2)
BOXES = [
    ("HingeEmbeddingLoss", {"margin": 0.5}, [X[:, 0], SIGNS]),
    ("MarginRankingLoss", {"margin": 0.25}, [X[:, 0], Y[:, 0], SIGNS]),
    ("CosineEmbeddingLoss", {"margin": 0.1}, [X, Y, SIGNS]),
    ("TripletMarginLoss", {"swap": True, "p": 1.0}, [X, Y, Z]),
]


@needs_torch
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "options", "inputs"), BOXES, ids=lambda b: str(b)[:20])
def test_against_torch(name, options, inputs, reduction):
    ours, theirs = [getattr(box, name)(reduction=reduction, **options) for box in (nn, torch.nn)]
    against_torch(ours, theirs, *inputs)


@needs_torch
def test_measures():
    against_torch(nn.CosineSimilarity(axis=1), torch.nn.CosineSimilarity(), X, Y)
    against_torch(nn.PairwiseDistance(3.0), torch.nn.PairwiseDistance(3.0), X, Y)


def test_types():
    assert str(nn.CosineSimilarity().signature) == "(real[..., n], real[..., n]) -> real[...]"
    assert str(nn.PairwiseDistance(keepdims=True).signature) == (
        "(real[..., d], real[..., d]) -> real[..., 1]"
    )
    assert nn.PairwiseDistance(keepdims=True)(pydp.tensor(X), pydp.tensor(Y)).shape == (4, 1)
    with pytest.raises(TypeError, match="TripletMarginLoss: swap must be True or False, got 1"):
        nn.TripletMarginLoss(swap=1)
