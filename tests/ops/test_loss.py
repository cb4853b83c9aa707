"""Losses of a prediction and a target of one shape."""

import math

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, examine, real, setting, torch
from pydp._graph import apply
from pydp._op import registry

INF, NAN = math.inf, math.nan
WITHIN = {"low": 0.02, "high": 0.98}


def of(name, reduction="mean", shape=(5, 7), why="", **options):
    """A case; of probabilities where the loss wants them. The peer is PyTorch's function."""
    span = WITHIN if name == "binary_cross_entropy" else {}
    share = WITHIN if name.startswith("binary") else {}
    given = {"reduction": reduction, **options}
    peer = torch and (lambda x, t: getattr(torch.nn.functional, name)(x, t, **given))
    return Case(name, lambda x, t: getattr(pydp, name)(x, t, **given),
                [real(*shape, **span), real(*shape, seed=1, **share)], why or reduction, peer,
                layouts="bound", bound=4e-6)  # fmt: skip


def backward_of(name, p=0.0, reduction="mean"):
    rule = registry[f"{name}_backward"]
    span = WITHIN if name == "binary_cross_entropy" else {}
    dloss = real(4, 6) if reduction == "none" else real()
    return Case(rule.name, lambda x, t, d: apply(rule, (x, t, d), p, reduction),
                [real(4, 6, **span), real(4, 6, seed=1, **span), dloss], reduction,
                layouts="bound", bound=1e-5)  # fmt: skip


NAMES = ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
         "binary_cross_entropy_with_logits"]  # fmt: skip
CASES = [
    *[of(name, reduction) for name in NAMES for reduction in ("mean", "sum", "none")],
    of("smooth_l1_loss", beta=0.5, why="beta"),
    of("huber_loss", delta=0.5, why="delta"),
    of("huber_loss", delta=3.0, why="delta"),
    of("mse_loss", shape=(), why="0-d"),
    of("mse_loss", "sum", shape=(0, 3), why="empty"),
    of("binary_cross_entropy_with_logits", shape=(2, 3, 4, 5), why="images"),
    *[backward_of(name, 0.75, reduction) for name in NAMES for reduction in ("mean", "none")],
    Case("binary_cross_entropy_with_logits", pydp.binary_cross_entropy_with_logits,
         [real(40_003), real(40_003, seed=1)], "several chunks", layouts="bound", order2=False),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, (5,), (4, 5), ()])
@pytest.mark.parametrize("pos_weight", [None, (5,), ()])
def test_weights(reduction, weight, pos_weight):
    a, t = real(4, 5), real(4, 5, seed=1, low=0, high=1)
    w = None if weight is None else real(*weight, low=0.5)
    p = None if pos_weight is None else real(*pos_weight, low=0.5, seed=3)
    for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
        if name == "binary_cross_entropy":
            if p is not None:
                continue
            given, a_of = {}, 1 / (1 + np.exp(-a))
        else:
            given, a_of = {"pos_weight": p}, a
        x = pydp.tensor(a_of, requires_grad=True)
        y = getattr(pydp, name)(x, t, weight=w, reduction=reduction, **given)
        pydp.sum(y).backward()
        theirs = torch.tensor(a_of, requires_grad=True)
        given = {k: None if v is None else torch.tensor(v) for k, v in given.items()}
        want = getattr(torch.nn.functional, name)(
            theirs, torch.tensor(t), weight=None if w is None else torch.tensor(w),
            reduction=reduction, **given)  # fmt: skip
        want.sum().backward()
        np.testing.assert_allclose(y.numpy(), want.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(x.grad.numpy(), theirs.grad.numpy(), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_at_their_ends(isa, dtype):
    """Right predictions cost what they should to the last digit, however sure they are; wrong ones
    the logit; infinite logits 0 or infinity."""
    x = np.array([50.0, -50, 50, -50, 1e4, -1e4, INF, -INF, INF, -INF, NAN])
    t = np.array([1.0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1])
    tiny = math.exp(-50)
    with setting(isa):
        mine = pydp.tensor(x, dtype=dtype, requires_grad=True)
        y = pydp.binary_cross_entropy_with_logits(mine, t.astype(dtype), reduction="none")
        pydp.sum(y).backward()
    want = [tiny, tiny, 50, 50, 0, 0, 0, 0, INF, INF, NAN]
    np.testing.assert_allclose(y.numpy(), want, rtol=1e-6)
    np.testing.assert_allclose(
        mine.grad.numpy(), [-tiny, tiny, 1, -1, 0, 0, 0, 0, 1, -1, NAN], rtol=1e-6
    )


def test_probabilities_at_their_ends():
    """The logarithms stop at −100; the slopes are PyTorch's."""
    x, t = pydp.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True), [0.0, 1.0, 1.0, 0.0]
    y = pydp.binary_cross_entropy(x, t, reduction="none")
    pydp.sum(y).backward()
    assert y.numpy().tolist() == [0, 0, 100, 100]
    np.testing.assert_allclose(x.grad.numpy(), [0, 0, -1e12, 1e12])


def test_second_derivatives_of_probabilities_at_their_ends():
    """The logarithm that ends at −100 has slope 0 there, not 0 · infinity; the other's is 1."""

    def slopes(x, t):
        return pydp.sum(pydp.grad(pydp.binary_cross_entropy, 1)(x, t))

    x, t = pydp.tensor([0.0, 1.0, 0.0, 1.0, 0.5]), pydp.tensor([0.0, 1.0, 1.0, 0.0, 0.5])
    got = pydp.grad(slopes)(x, t).numpy()
    np.testing.assert_allclose(got, np.array([-1, -1, -1, -1, -4]) / 5, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "points", "slopes"),
    [
        ("l1_loss", [0.0, -0.0, 2, -INF, NAN], [0, 0, 1, -1, NAN]),
        ("smooth_l1_loss", [0.0, 0.5, 1, -1, INF, NAN], [0, 0.5, 1, -1, 1, NAN]),
        ("huber_loss", [0.0, 0.5, 1, -1, INF, NAN], [0, 0.5, 1, -1, 1, NAN]),
    ],
)
def test_slopes_at_kinks_and_ends(name, points, slopes):
    for isa in ISAS:
        with setting(isa):
            x = pydp.tensor(points, requires_grad=True)
            getattr(pydp, name)(x, [0.0] * len(points), "sum").backward()
            np.testing.assert_array_equal(x.grad.numpy(), slopes)


def test_no_elements():
    x = pydp.zeros((0, 3))
    assert math.isnan(pydp.mse_loss(x, x).item())
    assert pydp.mse_loss(x, x, "sum").item() == 0
    assert pydp.mse_loss(x, x, "none").shape == (0, 3)


def test_beta_zero_is_l1():
    x, t = real(3), real(3, seed=1)
    assert pydp.smooth_l1_loss(x, t, beta=0).item() == pydp.l1_loss(x, t).item()


X = pydp.ones((3,))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        *[(lambda name=name: getattr(pydp, name)(pydp.ones((3, 1)), X), ValueError,
           f"{name}: x and target must have one shape, got (3, 1) and (3,)") for name in NAMES],
        (lambda: pydp.mse_loss(X, pydp.arange(3)), TypeError,
         "mse_loss: target must be float32 or float64, got int64; use astype"),
        (lambda: pydp.mse_loss(X, np.ones(3)), TypeError,
         "mse_loss: arguments must have one dtype, got x float32, target float64; use astype"),
        (lambda: pydp.mse_loss(X, X, "max"), ValueError,
         'mse_loss: reduction must be "mean", "sum" or "none", got \'max\''),
        (lambda: pydp.smooth_l1_loss(X, X, beta=-1), ValueError,
         "smooth_l1_loss: beta must be finite and at least 0, got -1"),
        (lambda: pydp.huber_loss(X, X, delta=0), ValueError,
         "huber_loss: delta must be finite and above 0, got 0"),
        (lambda: pydp.binary_cross_entropy(2 * X, X), ValueError,
         "binary_cross_entropy: x[0] is 2.0, allowed are 0 … 1"),
        (lambda: pydp.binary_cross_entropy(pydp.tensor([[0.5], [NAN]]), pydp.ones((2, 1))),
         ValueError, "binary_cross_entropy: x[1, 0] is nan, allowed are 0 … 1"),
        (lambda: pydp.binary_cross_entropy(pydp.tensor(-1.0), pydp.tensor(1.0)),
         ValueError, "binary_cross_entropy: x is -1.0, allowed are 0 … 1"),
        (lambda: pydp.binary_cross_entropy(X, X, weight=pydp.ones((2, 3))), ValueError,
         "binary_cross_entropy: weight must broadcast to the shape of x, (3,), got (2, 3)"),
        (lambda: pydp.binary_cross_entropy_with_logits(X, X, pos_weight=pydp.ones(2)), ValueError,
         "binary_cross_entropy_with_logits: pos_weight must broadcast to the shape of x, (3,), "
         "got (2,)"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
