"""GroupNorm and InstanceNorm2d against PyTorch's, their types, their arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn

LAYERS = [
    ("GroupNorm", (2, 6), {}, (3, 6, 4, 2)),
    ("GroupNorm", (6, 6), {"eps": 1e-2}, (3, 6, 5)),
    ("GroupNorm", (1, 6), {"affine": False}, (3, 6)),
    ("InstanceNorm2d", (4,), {}, (3, 4, 5, 2)),
    ("InstanceNorm2d", (4,), {"affine": True, "eps": 1e-2}, (3, 4, 5, 2)),
]


@needs_torch
@pytest.mark.parametrize(("name", "given", "options", "shape"), LAYERS, ids=str)
def test_against_torch(name, given, options, shape):
    ours, theirs = getattr(nn, name)(*given, **options), getattr(torch.nn, name)(*given, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for i, parameter in enumerate(ours.parameters()):
        assert set(parameter.tolist()) == {1.0 - i}
        with pydp.no_grad():
            parameter[...] = real(*parameter.shape, seed=i).astype("float32")
    against_torch(ours, theirs, real(*shape))
    ours.eval()
    theirs.eval()
    ours.zero_grad()
    theirs.zero_grad()
    against_torch(ours, theirs, real(*shape))


def test_types_and_text():
    net = nn.Conv2d(3, 8, 3, padding=1) >> nn.InstanceNorm2d(8) >> nn.GroupNorm(4, 8)
    assert str(net.signature) == "real[n, 3, h, w] -> real[n, 8, h, w]"
    assert str(pydp.check(net >> nn.ReLU() >> nn.Conv2d(8, 8, 1))) == str(net.signature)
    norm = nn.GroupNorm(4, 8)
    assert str(pydp.check(norm)) == "real[n, 8, ...] -> real[n, 8, ...]"
    for wrong in (
        lambda: nn.Conv2d(3, 16, 3) >> norm,
        lambda: nn.Conv2d(3, 16, 3) >> nn.ReLU() >> norm,
        lambda: nn.Linear(3, 16) >> norm,
        lambda: nn.GroupNorm(4, 16) >> pydp.tanh >> norm,
    ):
        with pytest.raises(
            ValueError, match=r"16 .* against 8 .*\n.*repair: GroupNorm.num_ch.*=16"
        ):
            wrong()
    with pytest.raises(ValueError, match=r"8 .* against 16 .*\n.*repair: Conv2d.in_channels=8"):
        norm >> nn.Conv2d(16, 3, 3)
    assert nn.GroupNorm(2, 4, affine=False).extra_repr() == "2, 4, eps=1e-05, affine=False"
    assert nn.InstanceNorm2d(4, 0.1, True).extra_repr() == "4, eps=0.1, affine=True"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.GroupNorm(0, 4), ValueError,
         "GroupNorm: num_groups must be at least 1, got 0"),
        (lambda: nn.GroupNorm(3, 4), ValueError,
         "GroupNorm: num_channels must be a multiple of num_groups 3, got 4"),
        (lambda: nn.GroupNorm(2, 4)(pydp.zeros((2, 6))), ValueError,
         "GroupNorm: group_norm: x must have 4 channels on axis 1, got shape (2, 6)"),
        (lambda: nn.GroupNorm(2, 4)(pydp.zeros(4)), ValueError,
         "GroupNorm: group_norm: x must have 4 channels on axis 1, got shape (4,)"),
        (lambda: nn.InstanceNorm2d(4)(pydp.zeros((4, 3))), ValueError,
         "InstanceNorm2d: x must be [..., c, h, w], got shape (4, 3)"),
        (lambda: nn.InstanceNorm2d(4, eps=0), ValueError,
         "InstanceNorm2d: eps must be above 0, got 0"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
