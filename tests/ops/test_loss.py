"""Composed losses."""

import numpy as np
import pytest

import pydp
from harness import real, torch


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_loss(reduction):
    a, b = real(3, 4), real(3, 4, seed=1)
    x, y = pydp.tensor(a, requires_grad=True), pydp.tensor(b, requires_grad=True)
    loss = pydp.mse_loss(x, y, reduction=reduction)
    pydp.sum(loss).backward()
    p, q = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    want = torch.nn.functional.mse_loss(p, q, reduction=reduction)
    want.sum().backward()
    np.testing.assert_allclose(loss.numpy(), want.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(x.grad.numpy(), p.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(y.grad.numpy(), q.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.mse_loss(pydp.ones((3, 1)), pydp.ones((3,))), ValueError,
         "mse_loss: x and y must have one shape, got (3, 1) and (3,)"),
        (lambda: pydp.mse_loss(pydp.ones((3,)), pydp.arange(3)), TypeError,
         "mse_loss: y must be float32 or float64, got int64; use astype"),
        (lambda: pydp.mse_loss(pydp.ones((3,)), pydp.ones((3,)), "max"), ValueError,
         'mse_loss: reduction must be "mean", "sum" or "none", got \'max\''),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
