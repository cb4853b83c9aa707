"""Flatten against PyTorch's."""

import pytest

import pydp
from harness import real, torch
from peer import against_torch, needs_torch
from pydp import nn


@needs_torch
@pytest.mark.parametrize("axes", [(), (0,), (2,), (-3,), (1, 2), (0, -2)], ids=str)
def test_against_torch(axes):
    against_torch(nn.Flatten(*axes), torch.nn.Flatten(*axes), real(2, 3, 4, 5))


def test_types():
    assert str(nn.Flatten(-3).signature) == "any[..., c, h, w] -> any[..., c*h*w]"
    assert str(nn.Flatten().signature) == "any -> any"
    assert nn.Flatten(-3)(pydp.zeros((2, 3, 4, 5))).shape == (2, 60)


def test_arguments():
    with pytest.raises(TypeError, match="Flatten: start_axis must be an int, got '1'"):
        nn.Flatten("1")
    with pytest.raises(IndexError, match=r"^Flatten: flatten: "):
        nn.Flatten(5)(pydp.zeros((2, 3)))
