"""Losses with a margin, cosines and distances: PyTorch's, at their kinks too."""

import math

import numpy as np
import pytest

import pydp
from harness import real, torch

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
REDUCTIONS = ["mean", "sum", "none"]
SIGNS = np.array([1.0, -1, 1, -1, -1])


def compare(ours, theirs, *arrays, order=2):
    xs = [pydp.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, want = ours(*xs), theirs(*ts)
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), rtol=1e-12)
    pydp.sum(y * y).backward()
    (want * want).sum().backward()
    for x, t in zip(xs, ts, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-9, atol=1e-12)
    if order:
        pydp.check_gradients(ours, *xs, order=order)


def theirs(name, *more, **options):
    return lambda *x: getattr(torch.nn.functional, name)(*x, *map(torch.tensor, more), **options)


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("margin", [1.0, 0.25])
def test_hinge_embedding_loss(margin, reduction):
    options = {"margin": margin, "reduction": reduction}
    compare(
        lambda x: pydp.hinge_embedding_loss(x, SIGNS, **options),
        theirs("hinge_embedding_loss", SIGNS, **options),
        real(5, low=0),
    )


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_margin_ranking_loss(margin, reduction):
    options = {"margin": margin, "reduction": reduction}
    compare(
        lambda x, y: pydp.margin_ranking_loss(x, y, SIGNS, **options),
        theirs("margin_ranking_loss", SIGNS, **options),
        real(5),
        real(5, seed=1),
    )


@needs_torch
@pytest.mark.parametrize("axis", [-1, 1])
def test_cosine_similarity(axis):
    compare(
        lambda x, y: pydp.cosine_similarity(x, y, axis),
        theirs("cosine_similarity", dim=axis),
        real(3, 4, 5),
        real(4, 5, seed=1)[None],
    )


def test_cosine_of_zero():
    """The zero vector has no direction: 0, and no slope that is not finite."""
    x = pydp.tensor([[0.0, 0.0], [3e15, 4e15]], requires_grad=True)
    y = pydp.cosine_similarity(x, pydp.tensor([[1.0, 0.0], [1.0, 0.0]]))
    pydp.sum(y).backward()
    np.testing.assert_allclose(y.numpy(), [0, 0.6], rtol=1e-6)
    assert np.isfinite(x.grad.numpy()).all()


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_cosine_embedding_loss(margin, reduction):
    options = {"margin": margin, "reduction": reduction}
    compare(
        lambda x, y: pydp.cosine_embedding_loss(x, y, SIGNS, **options),
        theirs("cosine_embedding_loss", SIGNS, **options),
        real(5, 3),
        real(5, 3, seed=1),
    )


@needs_torch
@pytest.mark.parametrize("p", [1.0, 2.0, 3.5, math.inf])
@pytest.mark.parametrize("keepdims", [False, True])
def test_pairwise_distance(p, keepdims):
    compare(
        lambda x, y: pydp.pairwise_distance(x, y, p, keepdims=keepdims),
        theirs("pairwise_distance", p=p, keepdim=keepdims),
        real(4, 5),
        real(4, 5, seed=1),
    )


@needs_torch
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "options", [{}, {"swap": True}, {"p": 1.0, "margin": 0.25}, {"p": 3.0}], ids=str
)
def test_triplet_margin_loss(options, reduction):
    options = {**options, "reduction": reduction}
    compare(
        lambda *x: pydp.triplet_margin_loss(*x, **options),
        theirs("triplet_margin_loss", **options),
        real(6, 3),
        real(6, 3, seed=1),
        real(6, 3, seed=2),
    )


@needs_torch
@pytest.mark.parametrize(
    ("ours", "peer", "points"),
    [
        (lambda x: pydp.hinge_embedding_loss(x, [-1], reduction="none"),
         theirs("hinge_embedding_loss", [-1], reduction="none"), [1.0]),
        (lambda x: pydp.margin_ranking_loss(x, pydp.zeros(1), [1], reduction="none"),
         lambda x: torch.nn.functional.margin_ranking_loss(x, torch.zeros(1), torch.ones(1)),
         [0.0]),
    ],
)  # fmt: skip
def test_slopes_at_kinks(ours, peer, points):
    x, t = pydp.tensor(points, requires_grad=True), torch.tensor(points, requires_grad=True)
    pydp.sum(ours(x)).backward()
    peer(t).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), t.grad.numpy())


X = pydp.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.hinge_embedding_loss(X, X[0]), ValueError,
         "hinge_embedding_loss: target must have shape (2, 3), got (3,)"),
        (lambda: pydp.hinge_embedding_loss(X, 0 * X), ValueError,
         "hinge_embedding_loss: target must be 1 or -1 in each place"),
        (lambda: pydp.margin_ranking_loss(X, X[:1], X), ValueError,
         "margin_ranking_loss: x1 and x2 must have one shape, got (2, 3) and (1, 3)"),
        (lambda: pydp.cosine_embedding_loss(X, X, [1, 1, 1]), ValueError,
         "cosine_embedding_loss: target must have shape (2,), got (3,)"),
        (lambda: pydp.cosine_embedding_loss(X, X, [1, 1], margin="0"), TypeError,
         "cosine_embedding_loss: margin must be a number, got '0'"),
        (lambda: pydp.cosine_similarity(X, X, 2), IndexError,
         "cosine_similarity: axis 2 is out of range for 2 axes"),
        (lambda: pydp.cosine_similarity(X, X[0], 0), IndexError,
         "cosine_similarity: axis 0 must be an axis of both, got (2, 3), (3,)"),
        (lambda: pydp.pairwise_distance(X, X, p=0), ValueError,
         "pairwise_distance: p must be above 0, got 0"),
        (lambda: pydp.triplet_margin_loss(X, X, X[:1]), ValueError,
         "triplet_margin_loss: anchor, positive and negative must have one shape, got (2, 3), "
         "(2, 3) and (1, 3)"),
        (lambda: pydp.triplet_margin_loss(X, X, X, reduction=""), ValueError,
         'triplet_margin_loss: reduction must be "mean", "sum" or "none", got \'\''),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
