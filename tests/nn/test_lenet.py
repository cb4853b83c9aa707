"""LeNet: both forms' types and arguments; against PyTorch in tests/test_catalogue.py."""

import pytest

import pydp
from pydp import nn


@pytest.mark.parametrize("form", ["relu", "1998"])
def test_types(form):
    model = nn.LeNet(7, form)
    assert str(model.signature.specialise(h=28, w=28)) == "real[..., 1, 28, 28] -> real[..., 7]"
    for head in ((), (2,), (2, 3)):
        assert model(pydp.zeros((*head, 1, 28, 28))).shape == (*head, 7)
    with pytest.raises(ValueError, match="h = 32"):
        model.signature.specialise(h=32, w=32)


def test_text():
    assert repr(nn.LeNet()).startswith("LeNet()")
    assert repr(nn.LeNet(form="1998")).startswith("LeNet(form='1998')")


def test_it_learns_four_images():
    pydp.manual_seed(1)
    model, target = nn.LeNet(), pydp.tensor([0, 3, 1, 9])
    x = pydp.randn((4, 1, 28, 28))
    optimizer = pydp.optim.Adam(list(model.parameters()), lr=1e-3)
    for _ in range(15):
        loss = pydp.cross_entropy(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert pydp.argmax(model(x), axis=-1).tolist() == [0, 3, 1, 9]


def test_arguments():
    with pytest.raises(ValueError, match="LeNet: form must be one of 'relu', '1998', got 1998"):
        nn.LeNet(form=1998)
    with pytest.raises(TypeError, match="out_features must be an int"):
        nn.LeNet(classes="10")
