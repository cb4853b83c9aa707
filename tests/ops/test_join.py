"""Joining and repeating, against NumPy and PyTorch, by differences, and in every layout."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, torch


def case(op, call, *inputs, why="", **more):
    return Case(op, call, inputs, why, exact=True, **more)


X = integers(2, 3, 4)

CASES = [
    case("concat", lambda a, b: pydp.concat([a, b], axis=1), integers(2, 3), integers(2, 5),
         torch=lambda a, b: torch.cat([a, b], 1)),
    case("concat", lambda a, b: pydp.concat([a, b], axis=None), integers(2, 3), integers(4),
         why="flattened"),
    case("concat", lambda a, b, c: pydp.concat([a, b, c]), integers(2, 3), integers(0, 3),
         integers(1, 3), why="three, one empty"),
    case("concat", lambda a: pydp.concat([a, a]), integers(3), why="twice the same"),
    case("concat", lambda a, b: pydp.stack([a, b], axis=-1), integers(2, 3), integers(2, 3, seed=1),
         why="stack", torch=lambda a, b: torch.stack([a, b], -1)),
    case("reshape", lambda x: pydp.tile(x, (2, 3)), integers(2, 2), why="tile",
         torch=lambda x: torch.tile(x, (2, 3))),
    case("reshape", lambda x: pydp.tile(x, (2,)), integers(2, 2), why="tile, fewer than axes"),
    case("reshape", lambda x: pydp.tile(x, (2, 0)), integers(3), why="tile, none"),
    case("reshape", lambda x: pydp.repeat(x, 2, axis=1), X, why="repeat",
         torch=lambda x: torch.repeat_interleave(x, 2, 1)),
    case("reshape", lambda x: pydp.repeat(x, 3), X, why="repeat, flattened"),
    case("reshape", lambda x: pydp.repeat(x, 3), integers(), why="repeat a number"),
    case("take", lambda x: pydp.repeat(x, [2, 0, 3], axis=1), X, why="repeat, each its number",
         torch=lambda x: torch.repeat_interleave(x, torch.tensor([2, 0, 3]), 1)),
    case("take", lambda x: pydp.repeat(x, pydp.tensor([2])), integers(3), why="repeat, one number"),
    case("concat", lambda x: pydp.roll(x, 1, axis=1), X, why="roll",
         torch=lambda x: torch.roll(x, 1, 1)),
    case("concat", lambda x: pydp.roll(x, (-1, 5), axis=(0, 2)), X, why="roll two axes",
         torch=lambda x: torch.roll(x, (-1, 5), (0, 2))),
    case("concat", lambda x: pydp.roll(x, (1, 1), axis=(0, 0)), integers(3, 2), why="twice"),
    case("concat", lambda x: pydp.roll(x, 5), X, why="roll, flattened",
         torch=lambda x: torch.roll(x, 5)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_unstack_is_the_inverse_of_stack(axis):
    x = pydp.tensor(X)
    parts = pydp.unstack(x, axis)
    np.testing.assert_array_equal(pydp.stack(parts, axis).numpy(), X)


def test_types_are_promoted():
    y = pydp.concat([pydp.tensor([1, 2]), pydp.tensor([0.5])])
    assert y.dtype == np.float32
    assert y.tolist() == [1.0, 2.0, 0.5]
    assert pydp.concat([pydp.tensor([True]), pydp.tensor([False])]).dtype == np.bool_


def test_what_moves_nothing_is_a_copy():
    x = pydp.tensor([1.0, 2.0])
    for y in (pydp.roll(x, 0), pydp.roll(x, 2, 0), pydp.concat([x])):
        assert not np.shares_memory(x.numpy(), y.numpy())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: pydp.concat([x, pydp.zeros((2, 3))]), ValueError,
         r"concat: \(2, 3\) does not fit \(2, 3, 4\) along axis 0"),
        (lambda x: pydp.concat([]), ValueError, "at least one tensor"),
        (lambda x: pydp.concat([x, x], axis=3), IndexError, "axis 3 is out of range for 3 axes"),
        (lambda x: pydp.concat([pydp.tensor(1.0)]), ValueError, "does not fit"),
        (lambda x: pydp.stack([x, pydp.zeros((2, 3, 5))]), ValueError, "shapes must be equal"),
        (lambda x: pydp.unstack(pydp.tensor(1.0)), IndexError, "x must have an axis"),
        (lambda x: pydp.tile(x, (-1,)), ValueError, "repetitions must be at least 0, got -1"),
        (lambda x: pydp.tile(x, (1.5,)), TypeError, "repetitions must be an int, got 1.5"),
        (lambda x: pydp.tile(x, (2**22, 2**20)), MemoryError, "no memory|too large"),
        (lambda x: pydp.repeat(x, -1), ValueError, "repeats must be at least 0, got -1"),
        (lambda x: pydp.repeat(x, [1, -1], 0), ValueError, r"at least 0 .* got \[1, -1\]"),
        (lambda x: pydp.repeat(x, [1, 2, 3], 0), ValueError, "one for each of 2 elements"),
        (lambda x: pydp.repeat(x, [2**62, 2**62], 0), ValueError, "below 2.* in all"),
        (lambda x: pydp.repeat(x, 0.5), TypeError, "repeat: "),
        (lambda x: pydp.roll(x, (1, 2), 0), ValueError, "must have the same length"),
        (lambda x: pydp.roll(x, (1, 2)), ValueError, "has several numbers, axis is None"),
        (lambda x: pydp.roll(x, 1.0, 0), TypeError, "shift must be an int, got 1.0"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(pydp.zeros((2, 3, 4)))


@pytest.mark.parametrize(("chunks", "axis"), [(1, 0), (2, 0), (3, 0), (4, -1), (7, 1), (99, 0)])
def test_chunk(chunks, axis):
    x = pydp.tensor(integers(7, 12), requires_grad=True)
    parts = pydp.chunk(x, chunks, axis)
    np.testing.assert_array_equal(pydp.concat(parts, axis).numpy(), x.numpy())
    assert all(np.shares_memory(part.numpy(), x.numpy()) for part in parts)
    if torch is not None:
        theirs = torch.chunk(torch.zeros(7, 12), chunks, axis)
        assert [part.shape for part in parts] == [tuple(part.shape) for part in theirs]
    (parts[-1] * 3.0).sum().backward()
    assert x.grad.numpy().sum() == 3.0 * parts[-1].size


def test_chunks_of_nothing():
    assert [part.shape for part in pydp.chunk(pydp.zeros((0, 2)), 3)] == [(0, 2)] * 3
    with pytest.raises(IndexError, match="chunk: x must have an axis, got a 0-d tensor"):
        pydp.chunk(pydp.tensor(1.0), 2)
    with pytest.raises(ValueError, match="chunk: chunks must be at least 1, got 0"):
        pydp.chunk(pydp.zeros(3), 0)
