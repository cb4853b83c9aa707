"""Triangles of matrices."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, torch

CASES = [
    Case("tril", pydp.tril, [real(4, 4)], "square", torch=torch and torch.tril),
    Case("tril", pydp.triu, [real(4, 4)], "upper", torch=torch and torch.triu),
    Case("tril", lambda x: pydp.tril(x, -1), [real(2, 3, 5)], "wide, below the diagonal"),
    Case("tril", lambda x: pydp.triu(x, 2), [real(2, 5, 3)], "tall, above the diagonal"),
    Case("tril", lambda x: pydp.triu(x, -2), [real(5, 3)], "k below the diagonal"),
    Case("tril", pydp.tril, [real(0, 3)], "empty"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float64"])
def test_every_dtype(dtype):
    x = pydp.ones((3, 3), dtype=dtype)
    assert pydp.tril(x).dtype == x.dtype
    np.testing.assert_array_equal(pydp.tril(x).numpy(), np.tril(np.ones((3, 3), dtype)))


def test_diagonals_beyond_the_matrix():
    x = pydp.ones((2, 3))
    for k in (3, 100, 2**31, 2**80):
        assert pydp.sum(pydp.tril(x, k)).item() == 6
        assert pydp.sum(pydp.triu(x, k)).item() == 0
        assert pydp.sum(pydp.tril(x, -k)).item() == 0
        assert pydp.sum(pydp.triu(x, -k)).item() == 6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.tril(pydp.ones(3)), ValueError,
         r"tril: x must have at least 2 axes, got shape \(3,\)"),
        (lambda: pydp.triu(pydp.tensor(1.0)), ValueError, "triu: x must have at least 2 axes"),
        (lambda: pydp.triu(pydp.ones((2, 2)), 1.0), TypeError, "triu: k must be an int, got 1.0"),
        (lambda: pydp.tril(pydp.ones((2, 2)), True), TypeError, "tril: k must be an int, got True"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
