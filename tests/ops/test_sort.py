"""Order and sets: against NumPy, PyTorch, and by what they promise (ties, NaN, gradients)."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, torch


def with_nan(*shape):
    x = real(*shape)
    x.reshape(-1)[1::5] = np.nan
    return x


CASES = [
    Case("take", lambda x: pydp.sort(x), [real(3, 7)], "sort", torch and (lambda x: x.sort()[0])),
    Case("take", lambda x: pydp.sort(x, axis=0, descending=True), [real(5, 3)], "falling, columns",
         torch and (lambda x: x.sort(0, descending=True)[0])),
    Case("take", lambda x: pydp.topk(x, 2).values, [real(3, 9)], "topk",
         torch and (lambda x: x.topk(2)[0])),
    Case("take", lambda x: pydp.topk(x, 3, axis=0, largest=False).values, [real(17, 2)],
         "smallest, columns", torch and (lambda x: x.topk(3, 0, largest=False)[0])),
    Case("take", lambda x: pydp.unique_values(x), [np.array([3.0, 1.0, 0.0, 2.0])], "unique values",
         exact=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES[2:], ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_sorting_with_a_gradient_is_sorting(case):
    """Without a gradient NumPy sorts; with one the sorted places are taken."""
    (x,) = case.inputs
    recorded = case.call(pydp.tensor(x, requires_grad=True))
    np.testing.assert_array_equal(recorded.numpy(), case.call(pydp.tensor(x)).numpy())
    weights = pydp.tensor(real(*x.shape, seed=3))
    t = pydp.tensor(x, requires_grad=True)
    (case.call(t) ** 2 * weights).sum().backward()
    if torch is not None:
        peer = torch.tensor(x, requires_grad=True)
        (case.torch(peer) ** 2 * torch.tensor(weights.numpy())).sum().backward()
        np.testing.assert_allclose(t.grad.numpy(), peer.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float32", "float64"])
@pytest.mark.parametrize(("shape", "axis"), [((4, 6), -1), ((4, 6), 0), ((0, 3), 0), ((2, 0), 1)])
def test_sorted_places_are_stable(dtype, shape, axis):
    x = integers(*shape, low=0, high=3).astype(dtype)
    order = np.argsort(x, axis, kind="stable")
    np.testing.assert_array_equal(pydp.argsort(pydp.tensor(x), axis).numpy(), order)
    np.testing.assert_array_equal(pydp.sort(pydp.tensor(x), axis).numpy(), np.sort(x, axis))
    falling = pydp.argsort(pydp.tensor(x), axis, descending=True).numpy()
    keys = -x.astype(float)
    np.testing.assert_array_equal(falling, np.argsort(keys, axis, kind="stable"))
    back = pydp.sort(pydp.tensor(x), axis, descending=True).numpy()
    np.testing.assert_array_equal(back, np.flip(np.sort(x, axis), axis))


def test_nan_is_largest_and_0d_is_sorted():
    x = pydp.tensor(with_nan(3, 11))
    assert np.isnan(pydp.sort(x).numpy()[0, -2:]).all()
    assert np.isnan(pydp.topk(x, 2).values.numpy()[0]).all()
    assert not np.isnan(pydp.topk(x, 2, largest=False).values.numpy()).any()
    assert pydp.sort(pydp.tensor(2.0)).item() == 2.0
    assert pydp.argsort(pydp.tensor(2.0)).item() == 0


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [0, 1, 3, 20, 100])
@pytest.mark.parametrize("dtype", ["float64", "uint8", "int64"])
def test_topk_takes_the_first_of_equals(k, largest, dtype):
    """Also where the partition cuts between equal elements."""
    x = integers(3, 100, low=0, high=6).astype(dtype)
    values, places = pydp.topk(pydp.tensor(x), k, largest=largest)
    keys = -x.astype(float) if largest else x
    want = np.argsort(keys, -1, kind="stable")[:, :k]
    np.testing.assert_array_equal(places.numpy(), want)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, want, -1))


def test_searchsorted():
    x, y = np.sort(real(20)), real(3, 4, seed=1)
    y[0] = x[3:7]
    for side in ("left", "right"):
        got = pydp.searchsorted(pydp.tensor(x), pydp.tensor(y), side=side)
        np.testing.assert_array_equal(got.numpy(), np.searchsorted(x, y, side=side))
    mixed = pydp.tensor(x[::-1])
    got = pydp.searchsorted(mixed, pydp.tensor(y), sorter=pydp.argsort(mixed))
    np.testing.assert_array_equal(got.numpy(), np.searchsorted(x, y))


@pytest.mark.parametrize("dtype", ["bool", "int64", "float64"])
def test_nonzero(dtype):
    x = integers(3, 4, 5, low=-1, high=2).astype(dtype)
    for got, want in zip(pydp.nonzero(pydp.tensor(x)), np.nonzero(x), strict=True):
        np.testing.assert_array_equal(got.numpy(), want)
    for axis in (None, 0, (1, -1)):
        got = pydp.count_nonzero(pydp.tensor(x), axis, keepdims=True)
        np.testing.assert_array_equal(got.numpy(), np.count_nonzero(x, axis, keepdims=True))
        assert got.dtype == np.int64


@pytest.mark.parametrize("x", [integers(4, 5), integers(0), with_nan(3, 4), integers()],
                         ids=["integers", "empty", "nan", "0-d"])  # fmt: skip
def test_sets(x):
    t = pydp.tensor(x)
    for name in ("unique_all", "unique_counts", "unique_inverse"):
        got, want = getattr(pydp, name)(t), getattr(np, name)(x)
        assert got._fields == want._fields
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a.numpy(), b)
    np.testing.assert_array_equal(pydp.unique_values(t).numpy(), np.unique(x, equal_nan=False))


X = pydp.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.topk(X, 4), ValueError, "k must be at most the size 3 of axis 1, got 4"),
        (lambda: pydp.topk(X, -1), ValueError, "k must be at least 0, got -1"),
        (lambda: pydp.topk(X, 1.0), TypeError, "topk: k must be an int, got 1.0"),
        (lambda: pydp.topk(pydp.tensor(1.0), 0), ValueError, "x must have an axis"),
        (lambda: pydp.sort(X, axis=2), IndexError, "sort: axis 2 is out of range for 2 axes"),
        (lambda: pydp.searchsorted(X, X), ValueError, r"x1 must have one axis, got shape \(2, 3\)"),
        (lambda: pydp.searchsorted(X[0], X, side="up"), ValueError, "must be 'left' or 'right'"),
        (lambda: pydp.searchsorted(X[0], X, sorter=[0]), ValueError, r"must have shape \(3,\)"),
        (lambda: pydp.searchsorted(X[0], X, sorter=[0, 1, 7]), IndexError, "is 7, out of bounds"),
        (lambda: pydp.nonzero(pydp.tensor(1.0)), ValueError, "x must have an axis"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
