"""Reductions: both loops (rows, columns), their cuts, and every layout."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, setting, torch
from pydp import _kernels


def of(name, *shape, axis=None, keepdims=False, why="", data=real, **more):
    """A case of one reduction; PyTorch's max over several axes is amax."""
    theirs = {"max": "amax", "min": "amin"}.get(name, name)
    dims = axis if axis is not None else tuple(range(len(shape)))

    def peer(x):
        return getattr(torch, theirs)(x, dim=dims, keepdim=keepdims)

    def call(x):
        return getattr(pydp, name)(x, axis=axis, keepdims=keepdims)

    return Case(name, call, [data(*shape)], why, peer, layouts="bound", **more)


CASES = [
    of("sum", 3, 4, why="all axes"),
    of("sum", 3, 4, 5, axis=1, why="the middle axis"),
    of("sum", 3, 4, 5, axis=(0, -1), keepdims=True, why="around a kept axis"),
    of("sum", 2, 5, 3, 3, axis=(0, 2, 3), why="the bias of a convolution"),
    of("sum", 7, 10, axis=0, why="the bias of a layer"),
    of("sum", 0, 3, axis=0, why="nothing", grad=False),
    of("sum", 3, 0, axis=0, why="no results", grad=False),
    of("mean", 3, 4, why="all axes"),
    of("mean", 2, 3, 4, axis=(1, 2), why="a plane"),
    of("mean", 6, 5, axis=0, keepdims=True, why="columns"),
    of("max", 3, 4, why="all axes"),
    of("max", 3, 4, 5, axis=1, keepdims=True, why="columns"),
    of("max", 4, 5, axis=1, data=integers, why="ties", order2=False, grad=False),
    of("min", 3, 4, 5, axis=(0, 2), why="around a kept axis"),
    of("min", 2, 9, axis=-1, why="rows"),
    Case("sum", lambda x: pydp.sum(x, axis=0), [real()], "0-d, axis 0"),
    Case("max", lambda x: pydp.max(x, axis=-1), [real()], "0-d, axis -1"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


# Lengths next to every cut of the kernel: vectors, blocks, cascades, tiles, parts.
LENGTHS = [1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 257, 1023, 1024, 1025, 4097, 70001]


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_lengths_are_exact(name, n):
    """Small integers in float32: one element too many or too few would show."""
    x = integers(n, 3, low=1, high=5)
    x[n // 2, 1] = 9.0
    x[-1, 2] = -9.0
    shapes = [(x, 0), (np.asfortranarray(x), 0), (x, None), (x[:, 1:2], 0), (x.T, 1), (x[::-1], 0)]
    for isa in _kernels.usable_isas():
        with setting(isa, threads=2):
            for array, axis in shapes:
                values = np.array(array, np.float32, order="K")
                got = getattr(pydp, name)(pydp.asarray(values, copy=False), axis=axis)
                want = getattr(np, name)(array, axis=axis).astype(np.float32)
                assert np.array_equal(got.numpy(), want), (isa, array.strides, axis)


@pytest.mark.parametrize("shape", [(10_000_000,), (100_000, 64), (64, 100_000), (300, 40, 700)])
def test_threads_do_not_change_bits(shape):
    x = pydp.tensor(np.random.default_rng(0).random(shape, dtype=np.float32))
    for axis in [None, 0, -1]:
        results = []
        for threads in (1, 2, 4):
            with setting(threads=threads):
                results.append(pydp.sum(x, axis=axis).numpy())
        assert np.array_equal(results[0], results[1])
        assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize("data", ["uniform", "constant"])
def test_ten_million_float32(data):
    """A constant is the hard case: its rounding errors all have one sign."""
    rng = np.random.default_rng(0)
    x = rng.random(10_000_000, np.float32) if data == "uniform" else np.full(10**7, 0.1, np.float32)
    exact = float(np.sum(x, dtype=np.float64))
    for isa in _kernels.usable_isas():
        with setting(isa):
            rows = float(pydp.sum(pydp.asarray(x, copy=False)).item())
            columns = pydp.sum(pydp.asarray(x.reshape(-1, 2), copy=False), axis=0).numpy()
        assert abs(rows / exact - 1) < 1e-6
        assert abs(columns.astype(np.float64).sum() / exact - 1) < 1e-6


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("name", ["max", "min", "sum", "mean"])
def test_nan_propagates_from_everywhere(name, axis):
    for n in (3, 20, 300, 3000):
        for at in (0, n // 2, n - 1):
            x = real(n, 2).astype(np.float32)
            x[at, 1] = np.nan
            for array in (x, np.asfortranarray(x)):
                got = getattr(pydp, name)(pydp.asarray(array, copy=False), axis=axis).numpy()
                want = getattr(np, name)(x, axis=axis)
                assert np.array_equal(np.isnan(got), np.isnan(want)), (n, at)


def test_infinities():
    x = pydp.tensor([[-np.inf, -np.inf], [np.inf, 1.0], [np.inf, -np.inf]])
    assert pydp.max(x, axis=1).numpy().tolist() == [-np.inf, np.inf, np.inf]
    assert pydp.min(x, axis=1).numpy().tolist() == [-np.inf, 1.0, -np.inf]
    assert np.isnan(pydp.sum(x, axis=1).numpy()).tolist() == [False, False, True]


def test_ties_share_the_gradient():
    x = pydp.tensor([[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0]], requires_grad=True)
    pydp.max(x, axis=1).backward(pydp.tensor([6.0, 8.0]))
    assert x.grad.numpy().tolist() == [[0, 3, 3, 0], [2, 2, 2, 2]]
    y = pydp.tensor([np.nan, 1.0], requires_grad=True)
    pydp.max(y).backward()
    assert np.all(np.isnan(y.grad.numpy()))


def test_nothing():
    assert pydp.sum(pydp.zeros((0,))).item() == 0
    assert np.isnan(pydp.mean(pydp.zeros((0, 3)), axis=0).numpy()).all()
    assert pydp.max(pydp.zeros((0, 3)), axis=1).shape == (0,)


@pytest.mark.parametrize(
    ("dtype", "sums"),
    [("bool", "int64"), ("int8", "int64"), ("int64", "int64"), ("uint8", "uint64")],
)
def test_integers(dtype, sums):
    x = np.array([[1, 0, 1], [1, 1, 0]]).astype(dtype)
    y = pydp.sum(pydp.tensor(x), axis=1)
    assert y.dtype == sums
    assert y.numpy().tolist() == [2, 2]
    average = pydp.mean(pydp.tensor(x))
    assert average.dtype == np.float32
    assert average.item() == np.float32(2 / 3)
    if dtype != "bool":
        assert pydp.max(pydp.tensor(x), axis=0).dtype == dtype


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: pydp.sum(x, axis=2), IndexError, "sum: axis 2 is out of range for 2 axes"),
        (lambda x: pydp.sum(x, axis=2**70), IndexError, f"sum: axis {2**70} is out of range"),
        (
            lambda x: pydp.mean(x, axis=(0, -2)),
            ValueError,
            "mean: axis (0, -2) names an axis twice",
        ),
        (lambda x: pydp.sum(x, axis=True), TypeError, "sum: axis must be an int, got True"),
        (lambda x: pydp.sum(x, axis=1.0), TypeError, "sum: axis must be an int, got 1.0"),
        (
            lambda x: pydp.max(x[:0]),
            ValueError,
            "max: x of shape (0, 3) has no elements along axis 0",
        ),
        (lambda x: pydp.min(x > 0), TypeError, "min: x must be a number, got bool; use any or all"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call(pydp.ones((2, 3)))
    assert str(caught.value).startswith(message)
