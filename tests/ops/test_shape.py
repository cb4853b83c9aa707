"""Shapes: views and copies, and their gradients."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers


def case(op, call, *inputs, why=""):
    return Case(op, call, inputs, why, exact=True)


X = integers(2, 3, 4)

CASES = [
    case("reshape", lambda x: pydp.reshape(x, (4, -1)), X),
    case("reshape", lambda x: pydp.reshape(x, -1), integers(0, 3), why="empty"),
    case("reshape", lambda x: pydp.reshape(x, ()), integers(1, 1), why="to 0-d"),
    case("reshape", lambda x: pydp.reshape(pydp.permute_dims(x, (2, 0, 1)), -1), X,
         why="of a transposed one"),
    case("broadcast_to", lambda x: pydp.broadcast_to(x, (2, 3, 4)), integers(3, 1)),
    case("permute_dims", lambda x: pydp.permute_dims(x, (2, 0, 1)), X),
    case("permute_dims", pydp.matrix_transpose, X, why="matrix_transpose"),
    case("permute_dims", lambda x: pydp.moveaxis(x, 0, -1), X, why="moveaxis"),
    case("reshape", lambda x: pydp.reshape(x, (3, 8), copy=True), X, why="a copy"),
    case("reshape", lambda x: pydp.expand_dims(x, (0, -1)), integers(2, 3), why="expand_dims"),
    case("reshape", lambda x: pydp.squeeze(x, (0, 2)), integers(1, 3, 1), why="squeeze"),
    case("permute_dims", lambda x: pydp.moveaxis(x, (0, 1), (-1, 0)), X, why="moveaxis, two"),
    case("permute_dims", lambda x: pydp.swapaxes(x, 0, -1), X, why="swapaxes"),
    case("flip", pydp.flip, X, why="all axes"),
    case("flip", lambda x: pydp.flip(x, axis=(0, 2)), X),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_copy_says_whether_memory_is_shared():
    x = pydp.tensor(X)
    assert np.shares_memory(pydp.reshape(x, (6, 4), copy=False).numpy(), x.numpy())
    assert not np.shares_memory(pydp.reshape(x, (6, 4), copy=True).numpy(), x.numpy())
    with pytest.raises(ValueError, match=r"reshape: copy=False, but .* needs a copy"):
        pydp.reshape(x.mT, (2, 12), copy=False)


def test_a_view_shares_memory_and_version():
    x = pydp.zeros((2, 3))
    for view in (x.reshape(3, 2), x.mT, x[1:], pydp.flip(x), pydp.expand_dims(x, 0)):
        assert np.shares_memory(view.numpy(), x.numpy())
        assert view._version is x._version


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: pydp.reshape(x, (5, -1)), ValueError,
         r"reshape: \(2, 3, 4\) has 24 elements; they do not fill \(5, -1\)"),
        (lambda x: pydp.reshape(x, (5, 5)), ValueError,
         r"reshape: \(2, 3, 4\) has 24 elements, the new shape \(5, 5\) has 25"),
        (lambda x: pydp.reshape(x, (-1, -1)), ValueError, "but for one -1; got"),
        (lambda x: pydp.reshape(x, (2.0, 12)), TypeError, "reshape: shape must hold ints, got 2.0"),
        (lambda x: pydp.reshape(x, (True, 24)), TypeError, "got True"),
        (lambda x: pydp.reshape(pydp.zeros((0,)), (-1, 0)), ValueError, "do not fill"),
        (lambda x: pydp.permute_dims(x, (0, 0, 1)), ValueError,
         r"permute_dims: axes \(0, 0, 1\) must name each of 3 axes once"),
        (lambda x: pydp.permute_dims(x, (0, 1, 3)), IndexError,
         "permute_dims: axis 3 is out of range for 3 axes"),
        (lambda x: pydp.swapaxes(x, 0, 3), IndexError,
         "swapaxes: axis 3 is out of range for 3 axes"),
        (lambda x: pydp.broadcast_to(x, (2, 3, 5)), ValueError,
         r"broadcast_to: shape \(2, 3, 4\) does not broadcast to \(2, 3, 5\)"),
        (lambda x: pydp.squeeze(x, 0), ValueError, "squeeze: axis 0 of shape .* has length 2"),
        (lambda x: pydp.expand_dims(x, 2**70), IndexError, "expand_dims: axis .* out of range"),
        (lambda x: pydp.broadcast_to(x, (1,) * 33), ValueError, "at most 32 axes, got 33"),
        (lambda x: pydp.zeros((2**32, 2**32)), (ValueError, MemoryError), "too many elements"),
        (lambda x: pydp.zeros((2**40,)), MemoryError, "no memory for"),
        (lambda x: pydp.zeros((-1,)), ValueError, "sizes must not be negative"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(pydp.zeros((2, 3, 4)))
