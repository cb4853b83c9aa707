"""Shapes: views and copies, and their gradients."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, torch


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
    case("flip", lambda x: pydp.flip(x, axis=(0, 2)), X),
    case("concat", lambda a, b: pydp.concat([a, b], axis=1), integers(2, 3), integers(2, 5)),
    case("concat", lambda a, b: pydp.stack([a, b], axis=-1), integers(2, 3), integers(2, 3, seed=1),
         why="stack"),
    case("reshape", lambda x: pydp.tile(x, (2, 3)), integers(2, 2), why="tile"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_unstack_is_the_inverse_of_stack(axis):
    x = pydp.tensor(X)
    parts = pydp.unstack(x, axis)
    np.testing.assert_array_equal(pydp.stack(parts, axis).numpy(), X)


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
        (lambda x: pydp.broadcast_to(x, (2, 3, 5)), ValueError,
         r"broadcast_to: shape \(2, 3, 4\) does not broadcast to \(2, 3, 5\)"),
        (lambda x: pydp.squeeze(x, 0), ValueError, "squeeze: axis 0 of shape .* has length 2"),
        (lambda x: pydp.concat([x, pydp.zeros((2, 3))]), ValueError, "concat: .* does not fit"),
        (lambda x: pydp.concat([]), ValueError, "at least one tensor"),
        (lambda x: pydp.stack([x, pydp.zeros((2, 3, 5))]), ValueError, "shapes must be equal"),
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


def test_concat_against_torch():
    if torch is None:
        pytest.skip("PyTorch is not installed")
    parts = [real(2, n) for n in (1, 0, 4)]
    want = torch.cat([torch.from_numpy(a) for a in parts], 1).numpy()
    np.testing.assert_array_equal(pydp.concat([pydp.tensor(a) for a in parts], 1).numpy(), want)
