"""AlexNet: both forms' boxes, initial values, types and arguments; against PyTorch in
tests/test_catalogue.py."""

import numpy as np
import pytest

import pydp
from harness import real
from peer import assert_normal
from pydp import nn

THIN = {"classes": 5, "width": 1 / 16}


def boxes(model):
    return " ".join(type(box).__name__.removesuffix("2d") for box in model)


def test_the_boxes_of_both_forms():
    assert boxes(nn.AlexNet(**THIN)) == (
        "Conv MaxPool Conv MaxPool Conv Conv Conv MaxPool AdaptiveAvgPool Flatten "
        "Dropout FeedForward Dropout FeedForward Linear"
    )
    model = nn.AlexNet(form="2012", **THIN)
    assert boxes(model) == (
        "Conv LocalResponseNorm MaxPool Conv LocalResponseNorm MaxPool Conv Conv Conv MaxPool "
        "Flatten FeedForward Dropout FeedForward Dropout Linear"
    )
    assert [box.groups for box in model if isinstance(box, nn.Conv)] == [1, 2, 1, 2, 2]
    for pool in (model.pool1, model.pool2, model.pool3):
        assert pool.kernel_size == (3, 3) and pool.stride == (2, 2)


def test_initial_values_of_2012():
    model = nn.AlexNet(form="2012", width=1 / 4)
    for name, parameter in model.named_parameters():
        if name.endswith("weight"):
            assert_normal(parameter, 0.0, 0.01)
        else:
            one = name.split(".")[0] in ("conv2", "conv4", "conv5", "hidden1", "hidden2")
            assert np.all(parameter.numpy() == one), name
    before = model.conv1.weight.numpy().copy()
    model.reset_parameters()
    assert not np.array_equal(before, model.conv1.weight.numpy())


def test_types():
    assert str(nn.AlexNet(**THIN).signature.specialise(h=224, w=224)) == (
        "real[..., 3, 224, 224] -> real[..., 5]"
    )
    paper = nn.AlexNet(form="2012", **THIN).signature
    assert "== 576" in str(paper)
    assert str(paper.specialise(h=224, w=226)) == "real[..., 3, 224, 226] -> real[..., 5]"
    with pytest.raises(ValueError, match="h = 160"):
        paper.specialise(h=160, w=224)
    with pytest.raises(ValueError, match="do not fit"):
        nn.AlexNet(**THIN) >> nn.Linear(6, 2)


def test_leading_axes():
    model = nn.AlexNet(**THIN).eval()
    x = pydp.tensor(real(2, 3, 3, 63, 65).astype("float32"))
    y = model(x)
    assert y.shape == (2, 3, 5)
    np.testing.assert_allclose(y.numpy()[1, 2], model(x[1, 2]).numpy(), rtol=1e-4, atol=1e-5)
    paper = nn.AlexNet(form="2012", **THIN).eval()
    assert paper(pydp.zeros((3, 224, 224))).shape == (5,)
    assert paper(pydp.zeros((1, 2, 3, 224, 224))).shape == (1, 2, 5)


def test_a_part_is_no_alexnet():
    features = nn.AlexNet(**THIN)[:9]
    assert type(features) is nn.Sequential and len(features) == 9
    assert str(features.signature).startswith("real[..., 3, h, w] -> real[..., 16, 6, 6]")


def test_an_error_says_where():
    with pytest.raises(ValueError, match=r"^AlexNet/conv1: Conv2d: "):
        nn.AlexNet(**THIN)(pydp.zeros((1, 4, 224, 224)))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"form": "2014"}, ValueError, "AlexNet: form must be one of 'torchvision', '2012', got"),
        ({"classes": 0}, ValueError, "out_features must be at least 1, got 0"),
        ({"dropout": 2}, ValueError, r"Dropout: p must be in \[0, 1\], got 2"),
        ({"width": 0}, ValueError, "AlexNet: width must be above 0 and at most 64, got 0"),
        ({"width": "1"}, TypeError, "AlexNet: width must be a number, got '1'"),
    ],
)
def test_arguments(arguments, kind, message):
    with pytest.raises(kind, match=message):
        nn.AlexNet(**arguments)
