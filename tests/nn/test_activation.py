"""The activations as modules against PyTorch's."""

import pytest

from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn

BOXES = [
    (nn.ReLU, "ReLU", {}, {}),
    (nn.GELU, "GELU", {}, {}),
    (nn.GELU, "GELU", {"approximate": "tanh"}, {"approximate": "tanh"}),
    (nn.Tanh, "Tanh", {}, {}),
    (nn.Sigmoid, "Sigmoid", {}, {}),
    (nn.Softmax, "Softmax", {}, {"dim": -1}),
    (nn.Softmax, "Softmax", {"axis": 1}, {"dim": 1}),
    (nn.LogSoftmax, "LogSoftmax", {}, {"dim": -1}),
    (nn.LogSoftmax, "LogSoftmax", {"axis": 0}, {"dim": 0}),
]


@needs_torch
@pytest.mark.parametrize(("box", "name", "ours", "theirs"), BOXES, ids=lambda b: str(b))
def test_against_torch(box, name, ours, theirs):
    against_torch(box(**ours), getattr(torch.nn, name)(**theirs), real(3, 4, 5))


@pytest.mark.parametrize("box", [nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid])
def test_types(box):
    assert str(box().signature) == "real[...] -> real[...]"
    assert str(nn.Softmax().signature) == "real[..., n] -> real[..., n]"
    assert str(nn.Softmax(0).signature) == "any -> any"


def test_arguments():
    with pytest.raises(
        ValueError, match="GELU: approximate must be one of 'none', 'tanh', got 'x'"
    ):
        nn.GELU("x")
    with pytest.raises(ValueError, match="GELU: approximate must be one of"):
        nn.GELU(["tanh"])
    with pytest.raises(TypeError, match=r"LogSoftmax: axis must be an int, got 1.0"):
        nn.LogSoftmax(1.0)
    with pytest.raises(TypeError, match="dim"):
        nn.Softmax(dim=1)
