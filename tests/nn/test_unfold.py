"""Unfold and Fold against PyTorch's, their types, their arguments."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn
from pydp._signature import match

WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)},
    {"kernel_size": 3, "dilation": 2, "padding": 2, "stride": 2},
]


@needs_torch
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_against_torch(window):
    ours, theirs = nn.Unfold(**window), torch.nn.Unfold(**window)
    against_torch(ours, theirs, real(2, 3, 7, 8))
    columns = ours(pydp.zeros((2, 3, 7, 8))).shape
    against_torch(nn.Fold((7, 8), **window), torch.nn.Fold((7, 8), **window), real(*columns))


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_the_types_say_the_shapes(window):
    unfold, fold = nn.Unfold(**window), nn.Fold((7, 8), **window)
    x = pydp.zeros((2, 3, 7, 8))
    y = unfold(x)
    assert match(unfold.signature, [("real", x.shape)]) == [("real", y.shape)]
    assert match(fold.signature, [("real", y.shape)]) == [("real", fold(y).shape)]


def test_text():
    assert nn.Unfold(2).extra_repr() == "2"
    assert nn.Fold(4, (2, 3), 2, 1, 3).extra_repr() == "4, (2, 3), dilation=2, padding=1, stride=3"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Unfold(0), "Unfold: kernel_size must be at least 1, got 0"),
        (lambda: nn.Unfold(2, padding=-1), "Unfold: padding must be at least 0, got -1"),
        (lambda: nn.Fold((4, 0), 2), "Fold: output_size must be at least 1, got 0"),
    ],
)
def test_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
