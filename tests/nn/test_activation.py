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
    (nn.Softmin, "Softmin", {"axis": 1}, {"dim": 1}),
    *[(getattr(nn, name), name, {}, {})
      for name in ("SiLU", "Mish", "SELU", "ELU", "CELU", "LogSigmoid", "Softsign", "Tanhshrink",
                   "Softplus")],
    *[(getattr(nn, name), name, given, given)
      for name, given in (("ELU", {"alpha": 0.5}), ("CELU", {"alpha": 2.0}),
                          ("Softplus", {"beta": 2.0, "threshold": 1.0}))],
    (nn.GLU, "GLU", {"axis": 1}, {"dim": 1}),
]  # fmt: skip


@needs_torch
@pytest.mark.parametrize(("box", "name", "ours", "theirs"), BOXES, ids=lambda b: str(b))
def test_against_torch(box, name, ours, theirs):
    against_torch(box(**ours), getattr(torch.nn, name)(**theirs), real(3, 4, 6))


@pytest.mark.parametrize("box", [nn.SiLU, nn.ELU, nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid])
def test_types(box):
    assert str(box().signature) == "real[...] -> real[...]"
    assert str(nn.Softmax().signature) == "real[..., n] -> real[..., n]"
    assert str(nn.Softmax(0).signature) == "any -> any"
    assert str(nn.GLU().signature) == "real[..., 2*n] -> real[..., n]"


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
    with pytest.raises(ValueError, match="Softplus: beta must not be 0, got 0"):
        nn.Softplus(0)
    with pytest.raises(TypeError, match="ELU: alpha must be a number, got '1'"):
        nn.ELU("1")


def test_gates():
    """nn.GLU in a stack: the type halves the axis."""
    box = nn.Linear(3, 8) >> nn.GLU() >> nn.Linear(4, 2)
    assert str(box.signature) == "real[..., 3] -> real[..., 2]"
