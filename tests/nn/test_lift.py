"""Lift: a box for n vectors on all leading axes."""

import pytest

import pydp
from pydp import nn


class Norm(nn.Module):
    type = "real[n, d] -> real[n, 1]"

    def forward(self, x):
        assert x.ndim == 2
        return pydp.sum(x * x, axis=1, keepdims=True)


class Images(nn.Module):
    type = "real[n, 3, h, w] -> real[n, 3, h, w]"


def test_any_leading_axes():
    lifted = nn.Lift(Norm())
    for lead in ((), (3,), (2, 3), (2, 0, 3)):
        y = lifted(pydp.ones((*lead, 5)))
        assert y.shape == (*lead, 1) and y.tolist() == pydp.full((*lead, 1), 5.0).tolist()
    assert lifted.type == "real[..., d] -> real[..., 1]"
    assert str(pydp.check(lifted)) == lifted.type
    assert nn.Lift(Images()).type == "real[..., 3, h, w] -> real[..., 3, h, w]"


@pytest.mark.parametrize("box", [nn.Linear(2, 2), nn.Identity(), nn.ReLU()])
def test_only_a_box_of_n(box):
    with pytest.raises(ValueError, match="Lift: f's type must begin with one size on both"):
        nn.Lift(box)
