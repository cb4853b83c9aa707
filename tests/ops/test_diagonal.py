"""Diagonals, and the matrices that have them."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, torch


def of(offset, *shape, why=""):
    peer = torch and (lambda x: torch.diagonal(x, offset, -2, -1))
    return Case("diagonal", lambda x: pydp.diagonal(x, offset), [integers(*shape)],
                why or f"offset {offset}", peer, exact=True)  # fmt: skip


CASES = [
    of(0, 4, 4),
    of(0, 2, 3, 5, why="wide, a batch"),
    of(0, 5, 3, why="tall"),
    of(2, 4, 5),
    of(-3, 4, 5),
    of(9, 4, 5, why="beyond"),
    of(0, 0, 3, why="empty"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_trace():
    x = integers(3, 4, 5)
    np.testing.assert_array_equal(
        pydp.trace(pydp.tensor(x), 1).numpy(), np.trace(x, 1, axis1=-2, axis2=-1)
    )
    assert pydp.trace(pydp.ones((2, 2), dtype="int8")).dtype == np.int64


def test_a_diagonal_is_a_view():
    x = pydp.zeros((3, 3))
    pydp.diagonal(x)[...] = 1.0
    np.testing.assert_array_equal(x.numpy(), np.eye(3))
    assert x._version[0] == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.diagonal(pydp.ones(3)), ValueError, r"at least 2 axes, got shape \(3,\)"),
        (lambda: pydp.diagonal(pydp.ones((3, 3)), 1.0), TypeError, "offset must be an int"),
        (lambda: pydp.diagonal(pydp.ones((3, 3)), 2**40), ValueError, "offset must be below"),
        (lambda: pydp.trace(pydp.ones(3)), ValueError, "trace: x must have at least 2 axes"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
