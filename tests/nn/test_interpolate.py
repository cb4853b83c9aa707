"""Upsample against PyTorch's, its type, its arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn
from pydp._signature import match

IMAGES = [
    {"scale_factor": 2},
    {"scale_factor": (2, 1.5)},
    {"size": (9, 4)},
    {"scale_factor": 2, "mode": "bilinear"},
    {"scale_factor": 1.3, "mode": "bilinear", "recompute_scale_factor": True},
    {"size": 7, "mode": "bilinear", "align_corners": True},
]


@needs_torch
@pytest.mark.parametrize("arguments", IMAGES, ids=str)
def test_images_against_torch(arguments):
    against_torch(nn.Upsample(**arguments), torch.nn.Upsample(**arguments), real(2, 3, 5, 6))


@needs_torch
@pytest.mark.parametrize("arguments", [{"scale_factor": 2}, {"size": 9, "mode": "linear"}], ids=str)
def test_signals_against_torch(arguments):
    against_torch(nn.Upsample(**arguments), torch.nn.Upsample(**arguments), real(2, 3, 5))


@pytest.mark.parametrize("arguments", IMAGES, ids=str)
def test_the_type_says_the_shape(arguments):
    layer = nn.Upsample(**arguments)
    y = layer(pydp.zeros((2, 3, 5, 6)))
    if str(layer.signature) != "any -> any":
        assert match(layer.signature, [("real", (2, 3, 5, 6))]) == [("real", y.shape)]


def test_types_and_text():
    half = nn.Upsample(scale_factor=0.5, mode="linear")
    assert str(half.signature) == "real[..., c, w] -> real[..., c, w // 2]"
    assert str(nn.Upsample(scale_factor=2).signature) == "any -> any"
    assert str(nn.Upsample(size=(4, 5)).signature) == "real[..., c, h, w] -> real[..., c, 4, 5]"
    layer = nn.Upsample(size=3, mode="bilinear", align_corners=False)
    assert layer.extra_repr() == "size=3, mode='bilinear', align_corners=False"
    assert nn.Upsample(scale_factor=2).extra_repr() == "scale_factor=2, mode='nearest'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Upsample: expected either size or scale_factor, got neither"),
        ({"size": 2, "mode": "cubic"}, "Upsample: mode must be one of 'nearest', 'linear'"),
        ({"size": (2, 3, 4)}, r"Upsample: size must be an int or 1 or 2, got \(2, 3, 4\)"),
        ({"scale_factor": 0}, "Upsample: scale_factor must be positive and finite, got 0"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        nn.Upsample(**arguments)
