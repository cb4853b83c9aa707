"""Clipping gradients: against PyTorch, on shared and absent gradients, and where it cannot work."""

import math

import numpy as np
import pytest

import pydp
from harness import torch
from pydp import nn
from pydp.nn.utils import clip_grad_norm_, clip_grad_value_


def parameters(*gradients):
    """Parameters with these gradients; None for one without."""
    made = []
    for g in gradients:
        p = nn.Parameter(pydp.zeros(np.shape(g) if g is not None else 1))
        p.grad = None if g is None else pydp.tensor(np.array(g, np.float32))
        made.append(p)
    return made


GRADIENTS = [np.array([3.0, -4.0]), None, np.array([[12.0], [0.5]]), np.zeros((0, 2))]


@pytest.mark.skipif(torch is None, reason="PyTorch is the oracle")
@pytest.mark.parametrize("norm_type", [1, 2, 2.5, 7, math.inf])
@pytest.mark.parametrize("max_norm", [0.0, 1.0, 5, 1000.0])
def test_norm_against_torch(norm_type, max_norm):
    ours = parameters(*GRADIENTS[:3])
    theirs = [torch.nn.Parameter(torch.zeros(p.shape)) for p in ours]
    for p, q in zip(ours, theirs, strict=True):
        q.grad = None if p.grad is None else torch.tensor(p.grad.numpy())
    got = clip_grad_norm_(ours, max_norm, norm_type)
    want = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    np.testing.assert_allclose(got.item(), want.item(), rtol=1e-6)
    for p, q in zip(ours, theirs, strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-6)


def test_empty_shared_and_single():
    p, *_ = parameters([3.0, 4.0])
    assert clip_grad_norm_([p, p], 1.0).item() == 5
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-6)
    assert clip_grad_norm_(p, 10.0).item() == pytest.approx(1.0)
    assert clip_grad_norm_([], 1.0).item() == 0
    assert clip_grad_norm_(parameters(None), 1.0).item() == 0
    for norm_type in (1, 2, math.inf):
        assert clip_grad_norm_(parameters(np.zeros((0, 2))), 1.0, norm_type).item() == 0


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_norms_that_are_not_finite(bad):
    """Asked for, it is an error before anything is changed; else PyTorch's arithmetic."""
    p, q = parameters([bad, 1.0], [2.0])
    with pytest.raises(
        RuntimeError, match=r"clip_grad_norm_: the norm of the gradients is (inf|n)"
    ):
        clip_grad_norm_([p, q], 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(p.grad.numpy(), np.float32([bad, 1]))
    np.testing.assert_array_equal(q.grad.numpy(), [2])
    norm = clip_grad_norm_([p, q], 1.0)
    assert not math.isfinite(norm.item())
    assert math.isnan(p.grad[0].item())
    np.testing.assert_array_equal(q.grad.numpy(), [math.nan if math.isnan(bad) else 0])


def test_value():
    p, q, r = parameters([3.0, -0.5, math.nan], None, [[-math.inf]])
    assert clip_grad_value_([p, q, r], 1) is None
    np.testing.assert_array_equal(p.grad.numpy(), [1, -0.5, math.nan])
    np.testing.assert_array_equal(r.grad.numpy(), [[-1]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: clip_grad_norm_(p, -1.0), ValueError, "max_norm must be in"),
        (lambda p: clip_grad_norm_(p, math.nan), ValueError, "max_norm must be in"),
        (lambda p: clip_grad_norm_(p, "1"), TypeError, "max_norm must be a number"),
        (lambda p: clip_grad_norm_(p, 1.0, 0), ValueError, "norm_type must be above 0, got 0"),
        (lambda p: clip_grad_norm_(p, 1.0, 2, 1), TypeError, "error_if_nonfinite must be True or"),
        (lambda p: clip_grad_norm_([*p, 3], 1.0), TypeError, "parameter 1 must be a tensor, got i"),
        (lambda p: clip_grad_value_(p, -0.5), ValueError, "clip_value must be in"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=f"clip_grad_.*_: {message}"):
        call(parameters([1.0]))


def test_a_step_with_clipping_can_be_replayed():
    from pydp import _kernels, optim

    def training():
        pydp.manual_seed(0)
        net = nn.Linear(4, 3)
        sgd = optim.SGD(net.parameters(), lr=0.1)
        x = pydp.tensor(np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32))

        def step():
            sgd.zero_grad()
            (net(x) ** 2).sum().backward()
            clip_grad_norm_(net.parameters(), 1.0)
            clip_grad_value_(net.parameters(), 0.2)
            sgd.step()

        return net, step

    eager, step = training()
    for _ in range(4):
        step()
    replayed, step = training()
    calls = _kernels.record()
    try:
        step()
    finally:
        _kernels.stop_recording()
    for _ in range(3):
        _kernels.replay(calls)
    np.testing.assert_array_equal(eager.weight.numpy(), replayed.weight.numpy())
