"""Elements by number: take and take_along_axis, with repeats, every id type, and bad indices."""

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, examine, indices, integers, real, setting, torch


def case(why, call, *inputs, op="take", **more):
    return Case(op, call, inputs, why, exact=True, **more)


CASES = [
    case("rows, repeated", lambda x, i: pydp.take(x, i, axis=0), integers(5, 7),
         indices(9, below=5), torch=lambda x, i: torch.index_select(x, 0, i)),
    case("columns", lambda x, i: pydp.take(x, i, axis=-1), integers(5, 7), indices(3, below=7)),
    case("the middle axis, ids of two axes", lambda x, i: pydp.take(x, i, axis=1),
         integers(2, 4, 3), indices(2, 3, below=4)),
    case("past a task's columns", lambda x, i: pydp.take(x, i, axis=0), integers(6, 150),
         indices(11, below=6)),
    case("one axis, from the end", lambda x: pydp.take(x, pydp.tensor([-1, 0, -2])), integers(4)),
    case("no ids", lambda x: pydp.take(x, [], axis=0), integers(4, 2)),
    case("0-d ids drop the axis", lambda x: pydp.take(x, pydp.tensor(1), axis=0), integers(3, 2)),
    case("a 0-d x", lambda x: pydp.take(x, pydp.tensor([0, -1, 0])), integers()),
    case("along the last", pydp.take_along_axis, integers(4, 5), indices(4, 3, below=5),
         torch=lambda x, i: torch.gather(x, 1, i)),
    case("along the first", lambda x, i: pydp.take_along_axis(x, i, axis=0), integers(4, 70),
         indices(6, 70, below=4)),
    case("along the middle", lambda x, i: pydp.take_along_axis(x, i, 1), integers(2, 4, 3),
         indices(2, 5, 3, below=4)),
    case("x and ids broadcast", pydp.take_along_axis, integers(1, 3, 5), indices(4, 1, 2, below=5)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("dtype", [f"{s}int{n}" for s in ("", "u") for n in (8, 16, 32, 64)])
def test_ids_of_every_type(dtype):
    x, ids = integers(5, 3), np.array([4, 0, 4, 2], dtype)
    np.testing.assert_array_equal(pydp.take(pydp.tensor(x), pydp.tensor(ids), 0).numpy(), x[ids])
    if dtype.startswith("int"):
        np.testing.assert_array_equal(pydp.tensor(x)[pydp.tensor(-ids - 1)].numpy(), x[-ids - 1])


@pytest.mark.parametrize("isa", ISAS)
def test_many_tasks(isa):
    """Sizes that are cut, with the same bits for one thread and two."""
    x, ids = real(40, 333, 5), indices(20_000, below=333)
    dy = real(40, 50, 5)
    with setting(isa, threads=2):
        y = pydp.take(pydp.tensor(x), pydp.tensor(ids[:50]), 1)
        np.testing.assert_array_equal(y.numpy(), x[:, ids[:50]])
    found = []
    for threads in (1, 2):
        with setting(isa, threads):
            t = pydp.tensor(x, requires_grad=True)
            pydp.take(t, pydp.tensor(ids[:50]), 1).backward(pydp.tensor(dy))
            row = pydp.tensor(real(333), requires_grad=True)
            row[pydp.tensor(ids)].sum().backward()
            np.testing.assert_array_equal(row.grad.numpy(), np.bincount(ids, minlength=333))
            found.append(t.grad.numpy())
    want = np.zeros_like(x)
    np.add.at(want, (slice(None), ids[:50]), dy)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], want, rtol=1e-13)


def test_whole_numbers():
    x, ids = np.arange(12).reshape(3, 4), np.array([[3, -4]])
    np.testing.assert_array_equal(pydp.take(pydp.tensor(x), ids[0], axis=1).numpy(), x[:, ids[0]])
    got = pydp.take_along_axis(pydp.tensor(x), pydp.tensor(np.repeat(ids, 3, 0)))
    np.testing.assert_array_equal(got.numpy(), np.take_along_axis(x, np.repeat(ids, 3, 0), 1))


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: pydp.take(x, [0, 3], axis=0), IndexError,
         r"take: indices\[1\] is 3, out of bounds of axis 0: allowed are -3 … 2"),
        (lambda x: pydp.take(x, [[-5]], axis=1), IndexError,
         r"take: indices\[0, 0\] is -5, out of bounds of axis 1: allowed are -4 … 3"),
        (lambda x: pydp.take(x, np.array([2**63], np.uint64), axis=0), IndexError,
         r"is 9223372036854775808, out of bounds"),
        (lambda x: pydp.take(x[:0], [0], axis=0), IndexError, "the axis is empty"),
        (lambda x: pydp.take(x, [0]), ValueError, r"axis must be given for x of shape \(3, 4\)"),
        (lambda x: pydp.take(x, [0.5], axis=0), TypeError, "indices must be integers, got float32"),
        (lambda x: pydp.take(x, [True], axis=0), TypeError, "indices must be integers, got bool"),
        (lambda x: pydp.take(x, [0], axis=2), IndexError, "axis 2 is out of range for 2 axes"),
        (lambda x: pydp.take_along_axis(x, [0]), ValueError,
         r"the same number of axes, at least 1, got shapes \(3, 4\) and \(1,\)"),
        (lambda x: pydp.take_along_axis(x, [[0], [1]]), ValueError,
         r"the axes but 1 of \(3, 4\) and \(2, 1\) do not broadcast"),
    ],
)  # fmt: skip
def test_errors(call, error, message, dtype):
    with pytest.raises(error, match=message):
        call(pydp.ones((3, 4), dtype=dtype))
