"""Cross entropy: weights, smoothing, ignored rows, forms of target; PyTorch to the last digit."""

import itertools

import numpy as np
import pytest

import pydp
from harness import Case, examine, indices, real, setting, torch
from pydp import _graph, _kernels
from pydp._graph import apply
from pydp._op import registry


def of(shape, axis=-1, weight=None, why="", smoothing=0.0, reduction="mean", ignore=None, **more):
    """A case; the peer is PyTorch with its class axis moved to where it wants it."""
    x = real(*shape, low=-4, high=4)
    n = shape[axis]
    rows = [k for i, k in enumerate(shape) if i != axis % len(shape)]
    t = indices(*rows, below=n)
    if ignore is not None and t.ndim:
        t.flat[::3] = ignore
    options = {"label_smoothing": smoothing, "reduction": reduction}
    if ignore is not None:
        options["ignore_index"] = ignore
    w = None if weight is None else real(n, low=0.5, high=2.0)

    def call(x, t):
        weights = None if w is None else pydp.tensor(w.astype(x.dtype))
        return pydp.cross_entropy(x, t, axis=axis, weight=weights, **options)

    def peer(x, t):
        moved = torch.movedim(x, axis, min(1, x.ndim - 1))
        weights = None if w is None else torch.from_numpy(w)
        return torch.nn.functional.cross_entropy(moved, t, weight=weights, **options)

    return Case("cross_entropy", call, [x, t], why, peer, layouts="bound", **more)


CASES = [
    of((4, 10), why="a layer of ten classes"),
    of((3, 40), why="more than two vectors"),
    of((5,), why="one row"),
    of((1, 1), why="one class"),
    of((2, 5, 3), axis=1, why="PyTorch's form"),
    of((2, 3, 2, 5), why="several leading axes", reduction="none"),
    of((4, 3), axis=0, why="classes outermost", reduction="sum"),
    of((3, 7), why="weights", weight=True),
    of((3, 7), why="smoothing", smoothing=0.1),
    of((7, 5), why="everything", weight=True, smoothing=0.3, ignore=2),
    of((2, 5, 4), axis=1, why="everything by row", weight=True, smoothing=1.0, ignore=-1,
       reduction="none"),
    of((7, 20), why="ignored rows", ignore=-100),
    of((0, 4), why="no rows", reduction="sum"),
]  # fmt: skip


def backward_of(reduction, dloss):
    """The backward kernel, with what the forward one keeps of these logits."""
    t = indices(3, 2, below=5)
    t[0, 1] = -100
    arguments = (-2, -100, 0.2, reduction)
    code = _kernels.loss_reductions[reduction]

    def call(x, dloss):
        w = np.array([1.0, 0.5, 2.0, 1.5, 1.0], x.dtype)
        _, _, lse, total = _kernels.cross_entropy_forward(x._array, t, w, -2, -100, 0.2, code)
        fixed = [_graph.wrap(a) for a in (t, w, lse, total)]
        return apply(registry["cross_entropy_backward"], (x, *fixed, dloss), *arguments)

    return Case("cross_entropy_backward", call, [real(3, 5, 2), dloss], reduction, layouts="bound")


CASES += [backward_of("mean", real()), backward_of("none", real(3, 2))]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
@pytest.mark.parametrize("weighted", [False, True])
def test_probabilities(axis, reduction, smoothing, weighted):
    x, p = real(3, 4, 5), real(3, 4, 5, low=0, high=1)
    w = real((3, 4, 5)[axis], low=0.5) if weighted else None
    mine = pydp.tensor(x, requires_grad=True)
    y = pydp.cross_entropy(
        mine,
        pydp.tensor(p),
        axis=axis,
        label_smoothing=smoothing,
        reduction=reduction,
        weight=None if w is None else pydp.tensor(w),
    )
    pydp.sum(y).backward()
    theirs = torch.tensor(x, requires_grad=True)
    want = torch.nn.functional.cross_entropy(
        torch.movedim(theirs, axis, 1), torch.movedim(torch.tensor(p), axis, 1),
        label_smoothing=smoothing, reduction=reduction,
        weight=None if w is None else torch.tensor(w))  # fmt: skip
    want.sum().backward()
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-10, atol=1e-13)


def test_all_rows_ignored():
    x = pydp.tensor(real(2, 3), requires_grad=True)
    for reduction, want in (("mean", np.nan), ("sum", 0.0)):
        x.grad = None
        y = pydp.cross_entropy(x, [-100, -100], reduction=reduction)
        assert np.array_equal(y.item(), want, equal_nan=True)
        y.backward()
        assert x.grad.numpy().tolist() == [[0] * 3] * 2
    assert np.isnan(pydp.cross_entropy(pydp.zeros((0, 3)), np.zeros(0, int)).item())


def test_large_logits():
    """The loss is logsumexp − x_t to a few ulp, and so is the gradient."""
    row = np.array([[1e4, 1e4 - 1, -1e4], [3e38, -3e38, 0], [-1e4, -1e4, -1e4]], np.float32)
    target = np.array([1, 0, 2])
    want = registry["cross_entropy"].reference(
        row.astype(np.float64), target, None, 1, -1, 0, "none"
    )
    for isa in _kernels.usable_isas():
        with setting(isa):
            x = pydp.tensor(row, requires_grad=True)
            y = pydp.cross_entropy(x, target, reduction="none")
            pydp.sum(y).backward()
            np.testing.assert_allclose(y.numpy(), want, rtol=1e-6)
            p = registry["softmax"].reference(row.astype(np.float64), 1)
            np.testing.assert_allclose(x.grad.numpy(), p - np.eye(3)[target], rtol=1e-6, atol=1e-7)


def test_lengths_and_threads():
    for n, isa in itertools.product([1, 7, 16, 17, 33, 1023, 1025, 9001], _kernels.usable_isas()):
        x, t = real(6, n).astype(np.float32), indices(6, below=n)
        found = []
        for threads in (1, 2, 4):
            with setting(isa, threads):
                mine = pydp.tensor(x, requires_grad=True)
                y = pydp.cross_entropy(mine, t, label_smoothing=0.1)
                y.backward()
                found.append((y.item(), mine.grad.numpy().tobytes()))
        assert found[0] == found[1] == found[2]
        want = registry["cross_entropy"].reference(x.astype(float), t, None, 1, -100, 0.1, "mean")
        assert abs(found[0][0] - want) <= 3e-6 * (1 + want)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint64", "int64"])
def test_target_dtypes(dtype):
    x, t = pydp.tensor(real(4, 5)), indices(4, below=5)
    want = pydp.cross_entropy(x, t).item()
    assert pydp.cross_entropy(x, pydp.tensor(t.astype(dtype))).item() == want


def test_bad_target_in_backward():
    """The backward kernel checks for itself."""
    x, t = real(2, 3), np.array([0, 3])
    with pytest.raises(IndexError) as caught:
        registry["cross_entropy_backward"].forward(
            None, x, t, None, np.zeros((2, 2)), np.ones(()), np.ones(()), -1, -100, 0.0, "mean"
        )
    assert str(caught.value) == (
        "cross_entropy_backward: target[1] is 3, allowed are 0 … 2 and ignore_index -100"
    )


X = real(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.cross_entropy(X, [0, 3]), IndexError,
         "cross_entropy: target[1] is 3, allowed are 0 … 2 and ignore_index -100"),
        (lambda: pydp.cross_entropy(X[0], -1), IndexError,
         "cross_entropy: target is -1, allowed are 0 … 2 and ignore_index -100"),
        (lambda: pydp.cross_entropy(real(2, 3, 4), [[0, 0, 0, 0], [0, 2, 7, 9]], axis=1),
         IndexError, "cross_entropy: target[1, 2] is 7, allowed are 0 … 2 and ignore_index -100"),
        (lambda: pydp.cross_entropy(X, [0, 1, 2]), ValueError,
         "cross_entropy: target must have shape (2,), that of the logits (2, 3) without axis 1, "
         "got (3,)"),
        (lambda: pydp.cross_entropy(X, [True, False]), TypeError,
         "cross_entropy: target must be integers or probabilities, got bool"),
        (lambda: pydp.cross_entropy(X, X[:1]), ValueError,
         "cross_entropy: target of probabilities must have the logits' shape (2, 3), got (1, 3)"),
        (lambda: pydp.cross_entropy(np.arange(3), 0), TypeError,
         "cross_entropy: logits must be float32 or float64, got int64; use astype"),
        (lambda: pydp.cross_entropy(1.0, 0), ValueError,
         "cross_entropy: logits must have an axis of classes, got a 0-d tensor"),
        (lambda: pydp.cross_entropy(np.zeros((2, 0)), [0, 0]), ValueError,
         "cross_entropy: logits must have at least one class, got shape (2, 0)"),
        (lambda: pydp.cross_entropy(X, [0, 0], weight=X[0, :2]), ValueError,
         "cross_entropy: weight must have shape (3,), got (2,)"),
        (lambda: pydp.cross_entropy(X, [0, 0], weight=np.ones(3, np.float32)), TypeError,
         "cross_entropy: arguments must have one dtype, got logits float64, weight float32; "
         "use astype"),
        (lambda: pydp.cross_entropy(X, [0, 0], weight=pydp.tensor(X[0], requires_grad=True)),
         NotImplementedError, "cross_entropy: weight gets no gradient; pass weight.detach()"),
        (lambda: pydp.cross_entropy(X, [0, 0], label_smoothing=1.5), ValueError,
         "cross_entropy: label_smoothing must be from 0 to 1, got 1.5"),
        (lambda: pydp.cross_entropy(X, [0, 0], label_smoothing=float("nan")), ValueError,
         "cross_entropy: label_smoothing must be from 0 to 1, got nan"),
        (lambda: pydp.cross_entropy(X, [0, 0], ignore_index=1.0), TypeError,
         "cross_entropy: ignore_index must be an int, got 1.0"),
        (lambda: pydp.cross_entropy(X, [0, 0], reduction="avg"), ValueError,
         'cross_entropy: reduction must be "mean", "sum" or "none", got \'avg\''),
        (lambda: pydp.cross_entropy(X, [0, 0], axis=2), IndexError,
         "cross_entropy: axis 2 is out of range for 2 axes"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
