"""ctc_loss: against a sum over all paths, PyTorch behind a log_softmax, and differences."""

import math

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, examine, real, setting, torch
from pydp import _graph
from pydp._graph import apply
from pydp._op import registry

INF = math.inf


def of(targets, steps, labels, t, c, why, blank=0, reduction="none", **options):
    """A case: log probabilities of t steps for each row of targets."""
    x = real(t, len(steps), c, low=-3, high=0)
    targets = np.array(targets, np.int64).reshape(len(steps), -1)
    given = {"blank": blank, "reduction": reduction, **options}

    def call(x, targets):
        return pydp.ctc_loss(x, targets, steps, labels, **given)

    return Case("ctc_loss", call, [x, targets], why, layouts="bound", bound=5e-6)


def backward_of(zero_infinity=False):
    targets, steps, labels = np.array([[1, 2], [2, 2], [1, 0]]), [4, 3, 2], [2, 2, 1]
    rule = registry["ctc_loss_backward"]

    def call(x, dloss):
        fixed = [_graph.wrap(np.array(a)) for a in (targets, steps, labels)]
        alpha = _graph.wrap(alphas(x._array, *[a._array for a in fixed]))
        return apply(rule, (x, *fixed, alpha, dloss), 0, zero_infinity)

    return Case("ctc_loss_backward", call, [real(4, 3, 3, low=-3, high=0), real(3)],
                layouts="bound", bound=2e-5)  # fmt: skip


def alphas(x, targets, steps, labels):
    """What forward keeps."""
    needs = [object(), None, None, None]
    return registry["ctc_loss"].forward(needs, x, targets, steps, labels, 0, False)[1][4]


CASES = [
    of([[1, 2]], [4], [2], 4, 3, "one row"),
    of([[1, 1]], [4], [2], 4, 3, "a label twice: a blank between"),
    of([[1, 2], [2, 2], [1, 7]], [4, 3, 2], [2, 2, 1], 5, 3, "lengths"),
    of([[0, 1], [1, 0]], [3, 4], [2, 2], 4, 3, "blank last", blank=2),
    of([[1], [2]], [2, 3], [0, 0], 3, 3, "no labels"),
    of([[], []], [2, 3], [0, 0], 3, 3, "room for no labels"),
    of([[1, 2, 1], [1, 2, 2]], [2, 4], [3, 3], 4, 3, "impossible", zero_infinity=True),
    of([[2]], [1], [1], 1, 3, "one step"),
    backward_of(),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(("t", "n", "c", "k"), [(12, 3, 5, 4), (50, 4, 20, 17), (9, 1, 2, 3)])
def test_against_torch(t, n, c, k, joined, reduction):
    """Its gradient is right behind a log_softmax."""
    rng = np.random.default_rng(t)
    a = real(t, n, c)
    targets = rng.integers(1, c, (n, k))
    steps, labels = t - np.arange(n), k - np.arange(n)
    if joined:
        targets = np.concatenate([row[:m] for row, m in zip(targets, labels, strict=True)])
    x = pydp.tensor(a, requires_grad=True)
    y = pydp.ctc_loss(pydp.log_softmax(x), targets, steps, labels, 0, reduction)
    pydp.sum(y * y).backward()
    p = torch.tensor(a, requires_grad=True)
    want = torch.nn.functional.ctc_loss(
        torch.log_softmax(p, -1), *map(torch.from_numpy, (targets, steps, labels)),
        reduction=reduction)  # fmt: skip
    (want * want).sum().backward()
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), p.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_strides_and_threads():
    """Rows first in memory, as a network has them; the bits do not depend on threads."""
    a, targets = real(3, 30, 8).astype(np.float32), np.arange(24).reshape(3, 8) % 7 + 1
    found = set()
    for threads in (1, 2, 4):
        with setting(threads=threads):
            x = pydp.tensor(a, requires_grad=True)
            rows = pydp.permute_dims(pydp.log_softmax(x), (1, 0, 2))
            loss = pydp.ctc_loss(rows, targets, [30, 25, 20], [8, 7, 6])
            loss.backward()
            found.add((loss.item(), x.grad.numpy().tobytes()))
    assert len(found) == 1


def test_long_rows():
    """1000 steps underflow nothing; in float32 what is left of sums of -3000 are three digits."""
    a, targets = real(1000, 2, 30), np.arange(200).reshape(2, 100) % 29 + 1
    results = []
    for dtype in ("float64", "float32"):
        for isa in ISAS:
            with setting(isa):
                x = pydp.tensor(a, dtype=dtype, requires_grad=True)
                loss = pydp.ctc_loss(pydp.log_softmax(x), targets, [1000, 900], [100, 50], 0, "sum")
                loss.backward()
                results.append((loss.item(), x.grad.numpy()))
    want, slope = results[0]
    for loss, grad in results[1:]:
        assert abs(loss / want - 1) < 1e-5
        np.testing.assert_allclose(grad, slope, atol=4e-3)


def test_impossible_targets():
    """More labels than steps: infinite, with a gradient of NaN for that row alone; or 0."""
    a = real(2, 2, 3, low=-3, high=0)
    for zero, value in ((False, INF), (True, 0)):
        x = pydp.tensor(a, requires_grad=True)
        y = pydp.ctc_loss(x, [[1, 2, 1], [1, 2, 1]], [2, 2], [3, 1], 0, "none", zero)
        pydp.sum(y).backward()
        assert y[0].item() == value and np.isfinite(y[1].item())
        row = x.grad.numpy()[:, 0]
        assert not row.any() if zero else np.isnan(row).any()
        assert np.isfinite(x.grad.numpy()[:, 1]).all()


def test_zero_probabilities():
    """-inf among the log probabilities closes paths, and nothing else."""
    half = math.log(0.5)
    x = pydp.tensor([[[-INF, 0, -INF]], [[half, half, -INF]]], requires_grad=True)
    loss = pydp.ctc_loss(x, [[1]], [2], [1], reduction="sum")
    loss.backward()
    assert loss.item() == 0
    np.testing.assert_allclose(x.grad.numpy(), [[[0, -1, 0]], [[-0.5, -0.5, 0]]])


def test_a_single_row():
    a = real(4, 3, low=-3, high=0)
    want = pydp.ctc_loss(a[:, None], [[1, 2]], [4], [2], reduction="none")
    for lengths in ((4, 2), ([4], [2])):
        y = pydp.ctc_loss(a, [1, 2], *lengths, reduction="none")
        assert y.shape == () and y.item() == want.item()
    assert pydp.ctc_loss(a, [1, 2], 4, 2).item() == pytest.approx(want.item() / 2)


X = real(4, 2, 3)
T = [[1, 2], [1, 1]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.ctc_loss(X, [[1, 2], [1, 3]], [4, 4], [2, 2]), IndexError,
         "ctc_loss: label 1 of row 1 is 3, allowed are 0 … 2 without the blank 0"),
        (lambda: pydp.ctc_loss(X, [[1, 0], [1, 1]], [4, 4], [2, 2]), IndexError,
         "ctc_loss: label 1 of row 0 is 0, allowed are 0 … 2 without the blank 0"),
        (lambda: pydp.ctc_loss(X, T, [4, 5], [2, 2]), ValueError,
         "ctc_loss: input_lengths[1] must be 0 … 4, got 5"),
        (lambda: pydp.ctc_loss(X, T, [4, 4], [-1, 2]), ValueError,
         "ctc_loss: target_lengths[0] must be 0 … 2, got -1"),
        (lambda: pydp.ctc_loss(X, T, [4], [2, 2]), ValueError,
         "ctc_loss: input_lengths must have shape (2,), got (1,)"),
        (lambda: pydp.ctc_loss(X, T[:1], [4, 4], [2, 2]), ValueError,
         "ctc_loss: targets must be (n, k) with n = 2, got shape (1, 2)"),
        (lambda: pydp.ctc_loss(X, [1, 2, 1], [4, 4], [2, 2]), ValueError,
         "ctc_loss: targets one behind the other must be as many as target_lengths add up to, 4, "
         "got 3"),
        (lambda: pydp.ctc_loss(X, T, [4.0, 4.0], [2, 2]), TypeError,
         "ctc_loss: input_lengths must be integers, got float32"),
        (lambda: pydp.ctc_loss(X, X[0], [4, 4], [2, 2]), TypeError,
         "ctc_loss: targets must be integers, got float64"),
        (lambda: pydp.ctc_loss(X, T, [4, 4], [2, 2], blank=3), ValueError,
         "ctc_loss: blank must be one of the 3 classes 0 … 2, got 3"),
        (lambda: pydp.ctc_loss(X[0, 0], T, [4, 4], [2, 2]), ValueError,
         "ctc_loss: log_probs must be (t, n, c) or (t, c), got shape (3,)"),
        (lambda: pydp.ctc_loss(X, T, [4, 4], [2, 2], reduction="avg"), ValueError,
         'ctc_loss: reduction must be "mean", "sum" or "none", got \'avg\''),
        (lambda: pydp.ctc_loss(X, T, [4, 4], [2, 2], zero_infinity=1), TypeError,
         "ctc_loss: zero_infinity must be True or False, got 1"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
