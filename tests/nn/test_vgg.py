"""VGG: blocks, keys, initial values, arguments; against PyTorch in tests/test_catalogue.py."""

import numpy as np
import pytest

import pydp
from peer import assert_normal
from pydp import nn

THIN = {"classes": 5, "width": 1 / 16}


@pytest.mark.parametrize(("depth", "convolutions"), [(11, 8), (13, 10), (16, 13), (19, 16)])
def test_as_many_layers_as_it_says(depth, convolutions):
    model = nn.VGG(depth, **THIN)
    weights = [name for name, _ in model.named_parameters() if name.endswith("weight")]
    assert len(weights) == depth == convolutions + 3


def test_keys():
    plain, norm = nn.VGG(11, **THIN), nn.VGG(11, batch_norm=True, **THIN)
    assert list(plain.foreign_state_dict())[-10::2] == [
        "features.16.weight", "features.18.weight",
        "classifier.0.weight", "classifier.3.weight", "classifier.6.weight",
    ]  # fmt: skip
    keys = list(norm.foreign_state_dict())
    assert keys[2:7] == [
        "features.1.weight", "features.1.bias", "features.1.running_mean",
        "features.1.running_var", "features.1.num_batches_tracked",
    ]  # fmt: skip
    assert "features.26.running_var" in keys and "features.27.weight" not in keys


def test_files_without_counters_load():
    model = nn.VGG(11, batch_norm=True, **THIN)
    state = {k: np.array(t.numpy()) for k, t in model.foreign_state_dict().items()}
    old = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert model.load_foreign(old) == ([], [])


def test_initial_values():
    model = nn.VGG(11, width=1 / 4, batch_norm=True)
    for box in model.modules():
        if isinstance(box, nn.Conv2d):
            outputs = box.out_channels * 9
            if box.weight.size >= 2000:
                assert_normal(box.weight, 0.0, (2 / outputs) ** 0.5)
        elif isinstance(box, nn.Linear):
            assert_normal(box.weight, 0.0, 0.01)
        if isinstance(box, nn.Conv2d | nn.Linear):
            assert np.all(box.bias.numpy() == 0)


def test_types_and_leading_axes():
    model = nn.VGG(11, **THIN).eval()
    assert str(model.signature) == "real[..., 3, h, w] -> real[..., 5] where h >= 32, w >= 32"
    for head in ((), (2,), (2, 1)):
        assert model(pydp.zeros((*head, 3, 32, 48))).shape == (*head, 5)
    assert repr(nn.VGG(13, batch_norm=True, **THIN)).startswith("VGG(13, batch_norm=True)")


def test_an_error_says_where():
    with pytest.raises(ValueError, match=r"^VGG/block5.pool: MaxPool2d: max_pool2d: "):
        nn.VGG(11, **THIN)(pydp.zeros((1, 3, 31, 31)))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"depth": 12}, ValueError, "VGG: depth must be one of 11, 13, 16, 19, got 12"),
        ({"depth": "16"}, TypeError, "VGG: depth must be an int, got '16'"),
        ({"batch_norm": 1}, TypeError, "VGG: batch_norm must be True or False, got 1"),
        ({"width": -1.0}, ValueError, "VGG: width must be above 0"),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.VGG(**{"width": 1 / 16, **arguments})
