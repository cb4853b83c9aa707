"""where: a choice, in every layout and broadcast."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, setting, torch
from pydp import _kernels

MASK = real(3, 4, seed=5) > 0
CHOICE = torch and torch.where

CASES = [
    Case("where", pydp.where, [MASK, real(3, 4), real(4)], "broadcast", torch=CHOICE),
    Case("where", pydp.where, [real(3, 1) > 0, real(3, 4), real(3, 4, seed=1)],
         "a mask for each row", torch=CHOICE),
    Case("where", pydp.where, [real(5, 1, 7) > 0, real(3, 1), real(7)], "all three", torch=CHOICE),
    Case("where", lambda c, a: pydp.where(c, a, 0.0), [MASK, real(3, 4)], "a number"),
    Case("where", pydp.where, [real(70_001) > 0, integers(70_001), integers(1)], "chunks",
         exact=True, order2=False),
    Case("where", pydp.where, [np.array(True), real(), real(seed=1)], "0-d"),
    Case("where", pydp.where, [np.zeros((0, 3), bool), real(0, 3), real(3)], "empty"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_where_does_not_leak_what_was_not_chosen():
    x = pydp.tensor([1.0, float("nan")], requires_grad=True)
    pydp.sum(pydp.where(pydp.tensor([True, False]), x, 0.0)).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1, 0])


def test_any_byte_but_0_is_true():
    """NumPy makes such bool arrays by a view."""
    c = np.array([0, 1, 2, 255, 0, 128, 3], np.uint8).view(bool)
    got = pydp.where(pydp.asarray(c), 1.0, pydp.zeros(7))
    assert got.tolist() == [0, 1, 1, 1, 0, 1, 1]


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint64", "bool"])
def test_other_dtypes(dtype):
    a, b = np.array([1, 0, 1, 1], dtype), np.array([0, 0, 1, 0], dtype)
    c = np.array([True, True, False, False])
    got = pydp.where(pydp.asarray(c), pydp.asarray(a), pydp.asarray(b))
    assert got.dtype == a.dtype
    np.testing.assert_array_equal(got.numpy(), np.where(c, a, b))


def test_a_choice_can_be_replayed():
    c, x = pydp.tensor([True, False]), pydp.tensor([1.0, 2.0])
    with setting():
        calls = _kernels.record()
        y = pydp.where(c, x, -x)
        _kernels.stop_recording()
        np.testing.assert_array_equal(y.numpy(), [1, -2])
        with pydp.no_grad():
            x += 1.0
        _kernels.replay(calls)
    np.testing.assert_array_equal(y.numpy(), [2, -3])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.where(pydp.ones(2), 1.0, 0.0), TypeError, "where: condition must be bool"),
        (lambda: pydp.where(pydp.tensor([True] * 3), pydp.ones(2), 0.0), ValueError,
         r"where: shapes do not broadcast\n  first   \(3,\)\n  second  \(2,\)"),
        (lambda: pydp.where(pydp.tensor(True), pydp.ones(2), pydp.ones(3)), ValueError,
         "where: shapes do not broadcast"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
