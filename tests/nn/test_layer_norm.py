"""LayerNorm and RMSNorm against PyTorch's, their types, their arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn

LAYERS = [
    ("LayerNorm", (8,), {}, (3, 5, 8)),
    ("LayerNorm", ((5, 8),), {"eps": 1e-12}, (3, 5, 8)),
    ("LayerNorm", (8,), {"bias": False}, (3, 8)),
    ("LayerNorm", (8,), {"elementwise_affine": False}, (3, 8)),
    ("RMSNorm", (8,), {}, (3, 5, 8)),
    ("RMSNorm", ((5, 8),), {"eps": 1e-6}, (3, 5, 8)),
    ("RMSNorm", (8,), {"elementwise_affine": False}, (3, 8)),
]


def perturbed(layer):
    """Weights that are not ones and zeros."""
    with pydp.no_grad():
        for i, parameter in enumerate(layer.parameters()):
            parameter[...] = real(*parameter.shape, seed=i).astype("float32")
    return layer


@needs_torch
@pytest.mark.parametrize(("name", "given", "options", "shape"), LAYERS, ids=str)
def test_against_torch(name, given, options, shape):
    ours, theirs = getattr(nn, name)(*given, **options), getattr(torch.nn, name)(*given, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    against_torch(perturbed(ours), theirs, real(*shape))


def test_initial_values():
    layer = perturbed(nn.LayerNorm((2, 3)))
    layer.reset_parameters()
    assert layer.weight.tolist() == [[1.0] * 3] * 2 and layer.bias.tolist() == [[0.0] * 3] * 2
    assert nn.RMSNorm(2).weight.tolist() == [1.0, 1.0]


def test_types_compose():
    assert str(nn.LayerNorm((5, 8)).signature) == "real[..., 5, 8] -> real[..., 5, 8]"
    net = nn.Linear(3, 8) >> nn.LayerNorm(8) >> nn.RMSNorm(8)
    assert str(net.signature) == "real[..., 3] -> real[..., 8]"
    with pytest.raises(ValueError, match="do not fit"):
        nn.Linear(3, 8) >> nn.LayerNorm(9)


def test_text():
    assert nn.LayerNorm(8).extra_repr() == "(8,), eps=1e-05"
    assert nn.LayerNorm(8, bias=False).extra_repr() == "(8,), eps=1e-05, bias=False"
    assert nn.LayerNorm((2, 8), 1e-12, elementwise_affine=False).extra_repr() == (
        "(2, 8), eps=1e-12, elementwise_affine=False"
    )
    assert nn.RMSNorm(8, 1e-6).extra_repr() == "(8,), eps=1e-06"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.LayerNorm(0), ValueError,
         "LayerNorm: normalized_shape must be at least 1, got 0"),
        (lambda: nn.LayerNorm((2, 2.0)), TypeError,
         "LayerNorm: normalized_shape must be an int, got 2.0"),
        (lambda: nn.LayerNorm(()), ValueError,
         "LayerNorm: normalized_shape must have at least 1 axis, got ()"),
        (lambda: nn.LayerNorm(2, eps=0), ValueError, "LayerNorm: eps must be above 0, got 0"),
        (lambda: nn.LayerNorm(2, bias=1), TypeError,
         "LayerNorm: bias must be True or False, got 1"),
        (lambda: nn.RMSNorm(2, eps=-1), ValueError, "RMSNorm: eps must be above 0, got -1"),
        (lambda: nn.LayerNorm(4)(pydp.zeros((2, 3))), ValueError,
         "LayerNorm: layer_norm: normalized_shape must be the last axes of x (2, 3), got (4,)"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
