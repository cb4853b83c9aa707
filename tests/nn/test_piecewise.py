"""The activations of straight pieces as modules against PyTorch's."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn

BOXES = [
    ("ReLU6", {}),
    ("Hardsigmoid", {}),
    ("Hardswish", {}),
    ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.25}),
    ("Hardtanh", {}),
    ("Hardtanh", {"min_val": -2.0, "max_val": 0.5}),
    ("Softshrink", {}),
    ("Hardshrink", {"lambd": 1.0}),
    ("Threshold", {"threshold": 0.5, "value": -3.0}),
    ("PReLU", {}),
    ("PReLU", {"num_parameters": 4, "init": 0.1}),
]


@needs_torch
@pytest.mark.parametrize(("name", "options"), BOXES, ids=str)
def test_against_torch(name, options):
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**options)
    bound = 1e-8 if name == "Hardsigmoid" else 1e-10  # its slope there is 1 / 6 in float32
    against_torch(ours, theirs, real(3, 4, 5, low=-4, high=4), bound=bound)
    x = "real[n, 4, ...]" if options.get("num_parameters") else "real[...]"
    assert str(pydp.check(ours)) == f"{x} -> {x}"


def test_prelu_learns():
    box = nn.PReLU(2, init=0.5)
    assert box.state_dict().keys() == {"weight"} and box.weight.numpy().tolist() == [0.5, 0.5]
    box(pydp.tensor([[-2.0, -3.0], [4.0, -1.0]])).sum().backward()
    assert box.weight.grad.numpy().tolist() == [-2, -4]
    assert repr(box).startswith("PReLU(num_parameters=2)")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Hardtanh(1.0, 0.0), ValueError,
         "Hardtanh: min_val must be below max_val, got 1.0 and 0.0"),
        (lambda: nn.Softshrink(-1.0), ValueError, "Softshrink: lambd must be at least 0, got -1.0"),
        (lambda: nn.LeakyReLU("a"), TypeError,
         "LeakyReLU: negative_slope must be a number, got 'a'"),
        (lambda: nn.PReLU(0), ValueError, "PReLU: num_parameters must be at least 1, got 0"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
