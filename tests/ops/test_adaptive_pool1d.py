"""adaptive_avg_pool1d, adaptive_max_pool1d, which are those of images of height 1."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, torch


def distinct(*shape):
    """Values at least 0.01 apart, so that a difference quotient meets no tie."""
    order = np.random.default_rng(3).permutation(int(np.prod(shape)))
    return (order * 0.01 - 1).reshape(shape)


def case(kind, x, why, size):
    def ours(x):
        return getattr(pydp, f"adaptive_{kind}_pool1d")(x, size)

    def theirs(x):
        return getattr(torch.nn.functional, f"adaptive_{kind}_pool1d")(x, size)

    return Case(f"{kind}_pool2d", ours, [x], why, torch=torch and theirs)


CASES = [
    case(kind, make(*shape), why, size)
    for kind, make in (("avg", real), ("max", distinct))
    for shape, why, size in [
        ((2, 3, 8), "parts of whole entries", 4),
        ((1, 20, 10), "windows that differ, a tuple of one", (3,)),
        ((2, 2, 3), "enlarging", 7),
    ]
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_none_keeps_the_length():
    x = pydp.tensor(real(2, 3, 5))
    for size in (None, (None,)):
        np.testing.assert_array_equal(pydp.adaptive_max_pool1d(x, size).numpy(), x.numpy())


@pytest.mark.skipif(torch is None, reason="compares with PyTorch")
def test_indices_are_as_in_pytorch():
    x = np.round(real(2, 5, 17), 1)
    y, places = pydp.adaptive_max_pool1d(pydp.tensor(x), 5, return_indices=True)
    want, where = torch.nn.functional.adaptive_max_pool1d(torch.from_numpy(x), 5, True)
    np.testing.assert_array_equal(y.numpy(), want.numpy())
    np.testing.assert_array_equal(places.numpy(), where.numpy())


ERRORS = [
    ((1, 1, 4, 4), 1, ValueError, "x must have 3 axes (n, c, l), got shape (1, 1, 4, 4)"),
    ((1, 1, 4), (2, 2), ValueError, "output_size must be an int or a tuple of one, got (2, 2)"),
    ((1, 1, 4), 0, ValueError, "output_size must be at least 1, got 0"),
    ((1, 1, 4), 2.0, TypeError, "output_size must be an int, got 2.0"),
    ((1, 1, 0), 1, ValueError, "length of x must be at least 1, got 0"),
]


@pytest.mark.parametrize("name", ["adaptive_avg_pool1d", "adaptive_max_pool1d"])
@pytest.mark.parametrize(("shape", "size", "error", "message"), ERRORS)
def test_errors(name, shape, size, error, message):
    with pytest.raises(error) as raised:
        getattr(pydp, name)(pydp.zeros(shape), size)
    assert str(raised.value) == f"{name}: {message}"
