"""CTCLoss behind a LogSoftmax against PyTorch's, and that it learns an alignment."""

import numpy as np
import pytest

import pydp
from harness import real, torch
from pydp import nn, optim


@pytest.mark.skipif(torch is None, reason="PyTorch, the peer, is not installed")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_against_torch(reduction):
    a, targets = real(20, 3, 6), np.arange(24).reshape(3, 8) % 5
    steps, labels = np.array([20, 18, 7]), np.array([8, 3, 8])
    options = {"blank": 5, "reduction": reduction, "zero_infinity": True}
    x, t = pydp.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    y = nn.CTCLoss(**options)(pydp.log_softmax(x), targets, steps, labels)
    want = torch.nn.CTCLoss(**options)(
        torch.log_softmax(t, -1), *map(torch.from_numpy, (targets, steps, labels)))  # fmt: skip
    pydp.sum(y).backward()
    want.sum().backward()
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_it_learns_to_spell():
    """A linear layer on random steps comes to spell its target, when is left to it."""
    x, target = pydp.tensor(real(12, 1, 16).astype(np.float32)), [[1, 2, 2, 3]]
    box, loss = nn.Linear(16, 4), nn.CTCLoss()
    optimizer = optim.Adam(box.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        y = loss(pydp.log_softmax(box(x)), target, [12], [4])
        y.backward()
        optimizer.step()
    path = np.argmax(box(x).numpy()[:, 0], axis=-1)
    merged = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
    assert y.item() < 0.05 and [int(c) for c in merged if c] == target[0]


def test_repr_and_arguments():
    assert repr(nn.CTCLoss(blank=2, reduction="sum")) == "CTCLoss(blank=2, reduction='sum')"
    with pytest.raises(ValueError, match="CTCLoss: blank must be at least 0, got -1"):
        nn.CTCLoss(-1)
