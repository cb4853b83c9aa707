"""A module against PyTorch's with the same weights: value, and gradients of inputs and parameters.

The state goes over by name and strictly, so names and layouts are examined too.
"""

import numpy as np
import pytest

import pydp
from harness import assert_close, torch, weights

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch, the peer, is not installed")


def against_torch(ours, theirs, *inputs, bound=1e-10):
    """Compare in float64. Inputs are arrays; the real ones get gradients."""
    ours.astype("float64")
    theirs.double()
    state = {name: torch.from_numpy(np.array(t.numpy())) for name, t in ours.state_dict().items()}
    theirs.load_state_dict(state)
    xs = [pydp.tensor(a, requires_grad=a.dtype.kind == "f") for a in inputs]
    ts = [torch.from_numpy(a.copy()).requires_grad_(a.dtype.kind == "f") for a in inputs]
    y, t = ours(*xs), theirs(*ts)
    assert_close(y.numpy(), t.detach().numpy(), bound, "value")
    if not y.requires_grad:
        return
    w = weights(y.shape, 7)
    y.backward(pydp.tensor(w))
    t.backward(torch.from_numpy(w))
    for i, (x, peer) in enumerate(zip(xs, ts, strict=True)):
        if peer.grad is not None:
            assert_close(x.grad.numpy(), peer.grad.numpy(), bound, f"gradient of input {i}")
    peers = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        got, want = parameter.grad.numpy(), peers[name].grad.numpy()
        assert_close(got, want, bound * (1 + np.abs(want).max()), f"gradient of {name}")


def assert_uniform(tensor, bound):
    """Uniform within ±bound, judged on many elements: extremes, mean, deviation."""
    a = tensor.numpy().astype(np.float64).ravel()
    assert a.size >= 2000
    last = float(tensor.dtype.type(bound))  # -bound itself is drawn, as the dtype has it
    assert np.all(np.abs(a) <= last) and np.abs(a).max() > 0.99 * bound
    assert abs(a.mean()) < 5 * bound / np.sqrt(3 * a.size)
    assert abs(a.std() / (bound / np.sqrt(3)) - 1) < 5 / np.sqrt(a.size)


def assert_normal(tensor, mean, std):
    """Normal, judged on many elements: mean, deviation, and the share within one and two."""
    a = tensor.numpy().astype(np.float64).ravel()
    assert a.size >= 2000
    error = 5 / np.sqrt(a.size)
    assert abs(a.mean() - mean) < error * std
    assert abs(a.std() / std - 1) < error
    for width, share in ((1, 0.6827), (2, 0.9545)):
        assert abs(np.mean(np.abs(a - mean) < width * std) - share) < error
