"""Autoencoder: a function and its reverse; against PyTorch in tests/test_catalogue.py."""

import pytest

import pydp
from pydp import nn


def test_the_two_compose_in_both_orders():
    model = nn.Autoencoder((12, 7, 3))
    assert str(model.signature) == "real[..., 12] -> real[..., 12]"
    assert str(model.encoder.signature) == "real[..., 12] -> real[..., 3]"
    assert str(model.decoder.signature) == "real[..., 3] -> real[..., 12]"
    assert str((model.decoder >> model.encoder).signature) == "real[..., 3] -> real[..., 3]"
    with pytest.raises(ValueError, match="do not fit"):
        model.encoder >> nn.Autoencoder((12, 7, 3)).encoder
    x = pydp.ones((2, 5, 12))
    assert model.encoder(x).shape == (2, 5, 3) and model(x).shape == (2, 5, 12)


def test_it_learns_a_line():
    """Points on a line in 6 dimensions have a code of one number."""
    pydp.manual_seed(3)
    model = nn.Autoencoder((6, 8, 1))
    x = pydp.randn((64, 1)) * pydp.tensor([[1.0, -2.0, 0.5, 1.0, 0.0, 3.0]])
    optimizer = pydp.optim.Adam(list(model.parameters()), lr=1e-2)
    first = None
    for _ in range(300):
        loss = pydp.mse_loss(model(x), x)
        first = loss.item() if first is None else first
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02 * first


@pytest.mark.parametrize("sizes", [(), (5,), 5, "ab"])
def test_sizes(sizes):
    with pytest.raises(ValueError, match=r"Autoencoder: sizes must be \(d, …, c\), two or more"):
        nn.Autoencoder(sizes)
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        nn.Autoencoder((4, 0))
