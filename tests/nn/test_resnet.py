"""ResNet: blocks, zero_init, keys, arguments; against PyTorch in tests/test_catalogue.py."""

import numpy as np
import pytest

import pydp
from harness import real
from peer import assert_normal
from pydp import nn

THIN = {"classes": 5, "width": 1 / 16}


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_as_many_layers_as_it_says(depth):
    model = nn.ResNet(depth, **THIN)
    weights = [
        name
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1 and "shortcut" not in name
    ]
    assert len(weights) == depth


def test_only_a_change_of_shape_has_a_shortcut():
    def with_shortcut(depth):
        blocks = [m for m in nn.ResNet(depth, **THIN).modules() if isinstance(m, nn.Residual)]
        return [i for i, block in enumerate(blocks) if block.shortcut is not None]

    assert with_shortcut(18) == [2, 4, 6]
    assert with_shortcut(50) == [0, 3, 7, 13]  # a bottleneck's result is wider than the stem's


@pytest.mark.parametrize("depth", [18, 50])
def test_zero_init_begins_as_the_shortcut(depth):
    model = nn.ResNet(depth, zero_init=True, **THIN)
    block = model.stage1[1]
    x = pydp.tensor(real(2, 16 if depth == 50 else 4, 5, 6).astype("float32"))
    assert np.array_equal(block(x).numpy(), pydp.relu(x).numpy())
    assert not np.array_equal(nn.ResNet(depth, **THIN).stage1[1](x).numpy(), pydp.relu(x).numpy())
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    zeros = [m for m in norms if np.all(m.weight.numpy() == 0)]
    assert len(zeros) == sum(isinstance(m, nn.Residual) for m in model.modules())


def test_initial_values():
    model = nn.ResNet(18, width=1 / 2)
    for box in model.modules():
        if isinstance(box, nn.Conv2d):
            outputs = box.out_channels * box.kernel_size[0] * box.kernel_size[1]
            assert_normal(box.weight, 0.0, (2 / outputs) ** 0.5)
            assert box.bias is None


def test_keys():
    keys = list(nn.ResNet(50, **THIN).foreign_state_dict())
    assert keys[0] == "conv1.weight" and keys[1] == "bn1.weight" and keys[-1] == "fc.bias"
    assert "layer3.5.bn3.running_mean" in keys and "layer1.0.downsample.1.bias" in keys
    assert len(keys) == len(nn.ResNet(50, **THIN).state_dict())


def test_types_and_leading_axes():
    model = nn.ResNet(18, **THIN).eval()
    assert str(model.signature) == "real[..., 3, h, w] -> real[..., 5]"
    assert str(model[:3].signature) == (
        "real[..., 3, h, w] -> real[..., 8, (h + 7) // 8, (w + 7) // 8]"
    )
    for head in ((), (2,), (2, 1)):
        assert model(pydp.zeros((*head, 3, 33, 40))).shape == (*head, 5)
    assert repr(nn.ResNet(18, zero_init=True, **THIN)).startswith("ResNet(18, zero_init=True)")


def test_an_error_says_where():
    model = nn.ResNet(18, **THIN)
    model.stage2[0].residual.f.conv1 = nn.Conv2d(5, 8, 3)
    with pytest.raises(ValueError, match=r"^ResNet/stage2.0.residual.f.conv1: Conv2d: conv2d: "):
        model(pydp.zeros((2, 3, 32, 32)))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"depth": 20}, ValueError, "ResNet: depth must be one of 18, 34, 50, 101, 152, got 20"),
        ({"depth": True}, TypeError, "ResNet: depth must be an int, got True"),
        ({"zero_init": None}, TypeError, "ResNet: zero_init must be True or False, got None"),
        ({"width": float("nan")}, ValueError, "ResNet: width must be above 0"),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.ResNet(**{"depth": 18, **THIN, **arguments})
