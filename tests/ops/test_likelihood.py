"""nll_loss, kl_div, and the losses of Poisson and normal variables: PyTorch's."""

import math

import numpy as np
import pytest

import pydp
from harness import indices, real, torch

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
REDUCTIONS = ["mean", "sum", "none"]
INF = math.inf


def compare(ours, theirs, *arrays):
    """Value and gradients, and the gradients' gradients by differences."""
    xs = [pydp.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, want = ours(*xs), theirs(*ts)
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), rtol=1e-12)
    pydp.sum(y * y).backward()
    (want * want).sum().backward()
    for x, t in zip(xs, ts, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-10, atol=1e-13)
    pydp.check_gradients(ours, *xs, order=2)


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("axis", [1, -1])
def test_nll_loss(axis, weighted, reduction):
    a, t = real(4, 5, 5), indices(4, 5, below=5)
    t[0, :2] = 3
    w = real(5, low=0.5) if weighted else None
    options = {"ignore_index": 3, "reduction": reduction}
    compare(
        lambda x: pydp.nll_loss(x, t, axis, None if w is None else pydp.tensor(w), **options),
        lambda x: torch.nn.functional.nll_loss(
            torch.movedim(x, axis, 1), torch.tensor(t), None if w is None else torch.tensor(w),
            **options),
        a,
    )  # fmt: skip


def test_nll_loss_behind_log_softmax_is_cross_entropy():
    a, t = real(6, 7), indices(6, below=7)
    x, y = pydp.tensor(a, requires_grad=True), pydp.tensor(a, requires_grad=True)
    one, two = pydp.nll_loss(pydp.log_softmax(x), t), pydp.cross_entropy(y, t)
    one.backward()
    two.backward()
    assert one.item() == pytest.approx(two.item(), rel=1e-14)
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12, atol=1e-16)


def test_nll_loss_of_ignored_rows():
    """A probability of 0 that is not asked for costs nothing; a mean of nothing is NaN."""
    x = pydp.tensor([[-INF, -1.0], [-2.0, -INF]], requires_grad=True)
    y = pydp.nll_loss(x, [-100, 0])
    y.backward()
    assert y.item() == 2
    np.testing.assert_array_equal(x.grad.numpy(), [[0, 0], [-1, 0]])
    assert math.isnan(pydp.nll_loss(x, [-100, -100]).item())
    assert pydp.nll_loss(x, [-100, -100], reduction="sum").item() == 0


@needs_torch
@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div(reduction, log_target):
    options = {"reduction": reduction, "log_target": log_target}
    t = real(3, 4, seed=1) if log_target else real(3, 4, low=0.1, high=1, seed=1)
    compare(
        lambda x, t: pydp.kl_div(x, t, **options),
        lambda x, t: torch.nn.functional.kl_div(x, t, **options),
        real(3, 4), t,
    )  # fmt: skip


def test_kl_div_of_a_target_of_zero():
    x = pydp.tensor([-1.0, -2.0], requires_grad=True)
    y = pydp.kl_div(x, pydp.tensor([0.0, 1.0]), "none")
    pydp.sum(y).backward()
    np.testing.assert_array_equal(y.numpy(), [0, 2])
    np.testing.assert_array_equal(x.grad.numpy(), [0, -1])


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("log_input", [False, True])
def test_poisson_nll_loss(log_input, full, reduction):
    options = {"log_input": log_input, "full": full, "reduction": reduction}
    t = torch.tensor([[0.0, 1, 2], [3, 7.5, 0.5]]).double()
    compare(
        lambda x: pydp.poisson_nll_loss(x, t.numpy(), **options),
        lambda x: torch.nn.functional.poisson_nll_loss(x, t, **options),
        real(2, 3, low=0.2),
    )


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("last", [1, 3])
def test_gaussian_nll_loss(last, full, reduction):
    options = {"full": full, "reduction": reduction}
    compare(
        lambda x, t, v: pydp.gaussian_nll_loss(x, t, v, **options),
        lambda x, t, v: torch.nn.functional.gaussian_nll_loss(x, t, v, **options),
        real(2, 3), real(2, 3, seed=1), real(2, last, low=0.2),
    )  # fmt: skip


X = pydp.zeros((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.nll_loss(X, [0, 3]), IndexError,
         "nll_loss: target[1] is 3, allowed are 0 … 2 and ignore_index -100"),
        (lambda: pydp.nll_loss(X, [-1, 0]), IndexError,
         "nll_loss: target[0] is -1, allowed are 0 … 2 and ignore_index -100"),
        (lambda: pydp.nll_loss(X, [0, 1, 2]), ValueError,
         "nll_loss: target must have shape (2,), that of log_probs (2, 3) without axis 1, got "
         "(3,)"),
        (lambda: pydp.nll_loss(X, X[0, :2]), TypeError,
         "nll_loss: target must be integers, got float32"),
        (lambda: pydp.nll_loss(pydp.tensor(1.0), 0), ValueError,
         "nll_loss: log_probs must have an axis of classes, got a 0-d tensor"),
        (lambda: pydp.nll_loss(X, [0, 0], weight=pydp.ones(2)), ValueError,
         "nll_loss: weight must have shape (3,), got (2,)"),
        (lambda: pydp.kl_div(X, X[0]), ValueError,
         "kl_div: x and target must have one shape, got (2, 3) and (3,)"),
        (lambda: pydp.kl_div(X, X, "no"), ValueError,
         'kl_div: reduction must be "batchmean", "mean", "sum" or "none", got \'no\''),
        (lambda: pydp.poisson_nll_loss(X, X, eps=0), ValueError,
         "poisson_nll_loss: eps must be finite and above 0, got 0"),
        (lambda: pydp.gaussian_nll_loss(X, X, X[0]), ValueError,
         "gaussian_nll_loss: var must have the shape of x, (2, 3), or 1 as its last size, got "
         "(3,)"),
        (lambda: pydp.gaussian_nll_loss(X, X, X - 1), ValueError,
         "gaussian_nll_loss: var must be at least 0, got -1.0"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
