"""linear_cross_entropy: the loss and gradients of cross_entropy(linear(…)), chunk by chunk."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, indices, real, setting, torch
from pydp._op import registry


def of(rows, i, c, why="", bias=True, smoothing=0.0, reduction="mean", ignore=None, **more):
    """A case; `rows` is the shape of the targets."""
    t = indices(*rows, below=c)
    if ignore is not None:
        t.flat[::3] = ignore
    options = {"label_smoothing": smoothing, "reduction": reduction}
    if ignore is not None:
        options["ignore_index"] = ignore

    def call(x, weight, t, *b):
        return pydp.linear_cross_entropy(x, weight, t, *b, **options)

    def peer(x, weight, t, *b):
        logits = torch.nn.functional.linear(x, weight, *b).reshape(-1, c)
        loss = torch.nn.functional.cross_entropy(logits, t.reshape(-1), **options)
        return loss.reshape(t.shape) if reduction == "none" else loss

    inputs = [real(*rows, i), real(c, i, seed=1), t]
    inputs += [real(c)] if bias else []
    return Case("linear_cross_entropy", call, inputs, why, peer, layouts="bound", **more)


CASES = [
    of((4,), 3, 10, why="ten classes"),
    of((3,), 5, 40, why="no bias", bias=False),
    of((1,), 1, 1, why="one of each"),
    of((2, 3), 4, 5, why="two leading axes"),
    of((2, 3), 4, 5, why="of each row", reduction="none"),
    of((5,), 3, 4, why="summed", reduction="sum", smoothing=0.2),
    of((7,), 2, 5, why="ignored rows", ignore=2, smoothing=0.3),
    of((7,), 2, 5, why="ignored by row", ignore=-1, reduction="none", bias=False),
    of((0,), 3, 4, why="no rows", reduction="sum"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_chunks(reduction):
    """More rows than a chunk holds; every number of threads gives the same bits."""
    rows, i, c = 300, 3, 40_000
    arrays = [real(rows, i), real(c, i, seed=1), real(c)]
    x, weight, bias = [a.astype(np.float32) for a in arrays]
    t = indices(rows, below=c)
    found = []
    for threads in (1, 2, 4):
        with setting(None, threads):
            leaves = [pydp.tensor(a, requires_grad=True) for a in (x, weight, bias)]
            loss = pydp.linear_cross_entropy(*leaves[:2], t, leaves[2], reduction=reduction)
            pydp.sum(3.0 * loss).backward()
            found.append([loss.detach().numpy(), *[p.grad.numpy() for p in leaves]])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    leaves = [pydp.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    loss = pydp.cross_entropy(pydp.linear(*leaves), t, reduction=reduction)
    pydp.sum(3.0 * loss).backward()
    for a, b in zip(
        found[0], [loss.detach().numpy(), *[p.grad.numpy() for p in leaves]], strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6 * np.abs(b).max())


def test_only_what_is_wanted():
    """A gradient that nobody asks for is not computed, and no logits are kept."""
    x, weight = pydp.tensor(real(4, 3)), pydp.tensor(real(5, 3), requires_grad=True)
    loss = pydp.linear_cross_entropy(x, weight, [0, 1, 2, 3])
    shapes = [np.shape(item[0] if type(item) is list else item) for item in loss._node.saved]
    assert shapes == [(4, 3), (5, 3), (), (4,), (), (5, 3), ()]
    loss.backward()
    assert weight.grad.shape == (5, 3)


def test_bad_target_in_backward():
    """Where backward goes through the rows again, it checks for itself."""
    x, w, t = real(2, 3), real(4, 3), np.array([0, 4])
    with pytest.raises(IndexError) as caught:
        registry["linear_cross_entropy_backward"].forward(
            None, x, w, None, t, None, None, None, np.ones(2), -100, 0.0, "none", (True,) * 3
        )
    assert str(caught.value) == (
        "linear_cross_entropy_backward: target[1] is 4, allowed are 0 … 3 and ignore_index -100"
    )


def test_all_rows_ignored():
    weight = pydp.tensor(real(4, 3), requires_grad=True)
    loss = pydp.linear_cross_entropy(real(2, 3), weight, [-100, -100])
    loss.backward()
    assert np.isnan(loss.item())
    assert not weight.grad.numpy().any()


X, W = real(2, 3), real(4, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f(X, W, [0, 4]), IndexError,
         "target[1] is 4, allowed are 0 … 3 and ignore_index -100"),
        (lambda f: f(X[None], W, [[-1, 0]]), IndexError,
         "target[0, 0] is -1, allowed are 0 … 3 and ignore_index -100"),
        (lambda f: f(X, W[:, :2], [0, 1]), ValueError,
         "x must be [..., i] and weight [c, i], got (2, 3) and (4, 2)"),
        (lambda f: f(X, W[:0], [0, 1]), ValueError,
         "weight must have at least one class, got shape (0, 3)"),
        (lambda f: f(X, W, [0, 1], X[0]), ValueError, "bias must be [4], got (3,)"),
        (lambda f: f(X, W, [0]), ValueError, "target must have shape (2,), got (1,)"),
        (lambda f: f(X, W, [0.0, 1.0]), TypeError, "target must be integers, got float32"),
        (lambda f: f(X, W.astype(np.float32), [0, 1]), TypeError,
         "arguments must have one dtype, got x float64, weight float32; use astype"),
        (lambda f: f(X, W, [0, 1], label_smoothing=1.5), ValueError,
         "label_smoothing must be from 0 to 1, got 1.5"),
        (lambda f: f(X, W, [0, 1], reduction="max"), ValueError,
         'reduction must be "mean", "sum" or "none", got \'max\''),
        (lambda f: f(X, W, [0, 1], ignore_index=1.0), TypeError,
         "ignore_index must be an int, got 1.0"),
        (lambda f: f(X, W, np.array([0, 1 << 63], np.uint64)), IndexError,
         "target[1] is 9223372036854775808, allowed are 0 … 3 and ignore_index -100"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call(pydp.linear_cross_entropy)
    assert str(caught.value) == f"linear_cross_entropy: {message}"


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
def test_target_dtypes(dtype):
    t = indices(2, below=4)
    want = pydp.linear_cross_entropy(X, W, t).item()
    assert pydp.linear_cross_entropy(X, W, pydp.tensor(t.astype(dtype))).item() == want
