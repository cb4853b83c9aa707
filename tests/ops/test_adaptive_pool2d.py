"""Pools into an image of a given size: windows that differ, overlap, repeat; refusals."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, torch


def distinct(*shape):
    """Values at least 0.01 apart, so that a difference quotient meets no tie."""
    order = np.random.default_rng(3).permutation(int(np.prod(shape)))
    return (order * 0.01 - 1).reshape(shape)


def case(kind, x, why, size, **more):
    def ours(x):
        return getattr(pydp, f"adaptive_{kind}_pool2d")(x, size)

    def theirs(x):
        return getattr(torch.nn.functional, f"adaptive_{kind}_pool2d")(x, size)

    return Case(f"{kind}_pool2d", ours, [x], why, torch=torch and theirs, **more)


CASES = [
    case(kind, make(*shape), why, size)
    for kind, make in (("avg", real), ("max", distinct))
    for shape, why, size in [
        ((2, 3, 6, 8), "parts of whole entries", (3, 2)),
        ((1, 20, 7, 10), "windows that differ, a vector and a tail of channels", (3, 4)),
        ((2, 2, 7, 8), "one axis only", (3, 4)),
        ((1, 2, 5, 7), "the whole image", 1),
        ((1, 2, 5, 7), "every pixel", (5, 7)),
        ((1, 2, 5, 7), "None keeps a size", (None, 3)),
        ((1, 2, 5, 7), "None keeps both", (None, None)),
        ((1, 2, 3, 4), "enlarging: entries repeat", (7, 8)),
        ((1, 1, 1, 1), "one entry for all", (2, 3)),
        ((0, 2, 5, 4), "no image", 3),
        ((2, 1, 40, 301), "several tasks", (20, 33)),
    ]
]
CASES += [
    case("avg", integers(2, 19, 8, 8), "exact", 4, exact=True),
    case("max", distinct(1, 1, 50, 35), "windows of more than 255 entries", (3, 2)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.skipif(torch is None, reason="compares with PyTorch")
@pytest.mark.parametrize("shape", [(7, 10), (6, 8), (2, 3), (50, 40)], ids=str)
@pytest.mark.parametrize("size", [(3, 4), (1, 1), (5, 2)], ids=str)
def test_indices_are_as_in_pytorch(shape, size):
    x = np.round(real(2, 5, *shape), 1)  # with ties
    y, places = pydp.adaptive_max_pool2d(pydp.tensor(x), size, return_indices=True)
    want, where = torch.nn.functional.adaptive_max_pool2d(torch.from_numpy(x), size, True)
    np.testing.assert_array_equal(y.numpy(), want.numpy())
    np.testing.assert_array_equal(places.numpy(), where.numpy())


@pytest.mark.skipif(torch is None, reason="compares with PyTorch")
@pytest.mark.parametrize("size", [(4, 3), (3, 3)], ids=str)
def test_nan_infinity_and_ties_are_as_in_pytorch(size):
    kinds = np.array([np.nan, -np.inf, np.inf, 0.0, -0.0, 1.0])
    x = np.random.default_rng(5).choice(kinds, (3, 20, 9, 9), p=[0.1, 0.5, 0.05, 0.1, 0.1, 0.15])
    x[0], x[1, 0] = -np.inf, np.nan
    dy = real(3, 20, *size)
    peer = torch.from_numpy(x.copy()).requires_grad_()
    want = torch.nn.functional.adaptive_max_pool2d(peer, size)
    want.backward(torch.from_numpy(dy))
    ours = pydp.tensor(x, requires_grad=True)
    y = pydp.adaptive_max_pool2d(ours, size)
    y.backward(pydp.tensor(dy))
    np.testing.assert_array_equal(y.numpy(), want.detach().numpy())
    np.testing.assert_allclose(ours.grad.numpy(), peer.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("size", range(1, 20))
def test_windows_cover_every_entry_in_order(size):
    """Of ones each window's average is one; what all windows give back sums to their number."""
    for out in range(1, 20):
        x = pydp.tensor(np.ones((1, 1, 1, size)), requires_grad=True)
        y = pydp.adaptive_avg_pool2d(x, (1, out))
        y.sum().backward()
        assert (y.numpy() == 1).all()
        assert (x.grad.numpy() > 0).all()
        assert abs(x.grad.numpy().sum() - out) < 1e-12


ERRORS = [
    ((2, 2), 1, ValueError, "x must have 4 axes (n, c, h, w), got shape (2, 2)"),
    ((1, 1, 4, 4), 0, ValueError, "output_size must be at least 1, got 0"),
    ((1, 1, 4, 4), (2, -1), ValueError, "output_size must be at least 1, got -1"),
    ((1, 1, 4, 4), 2.0, TypeError, "output_size must be an int, got 2.0"),
    ((1, 1, 4, 4), (True, 2), TypeError, "output_size must be an int, got True"),
    ((1, 1, 4, 4), (2,), ValueError, "output_size must be an int or two, got (2,)"),
    ((1, 1, 4, 4), (2, 2, 2), ValueError, "output_size must be an int or two, got (2, 2, 2)"),
    ((1, 1, 4, 4), 2**31, ValueError, "output_size must be below 2**31, got 2147483648"),
    ((1, 1, 0, 4), 1, ValueError, "height of x must be at least 1, got 0"),
    ((1, 1, 4, 0), (None, None), ValueError, "width of x must be at least 1, got 0"),
]


@pytest.mark.parametrize("name", ["adaptive_avg_pool2d", "adaptive_max_pool2d"])
@pytest.mark.parametrize(("shape", "size", "error", "message"), ERRORS)
def test_errors(name, shape, size, error, message):
    with pytest.raises(error) as raised:
        getattr(pydp, name)(pydp.zeros(shape), size)
    assert str(raised.value) == f"{name}: {message}"


def test_an_output_beyond_memory():
    with pytest.raises((MemoryError, ValueError), match=r"large|memory"):
        pydp.adaptive_avg_pool2d(pydp.zeros((1, 1, 1, 1)), 2**31 - 1)
