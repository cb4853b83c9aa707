"""Scans: sums and products from one end on, their gradients (scans back), zeros, and lengths."""

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, examine, integers, real, setting, torch
from pydp._graph import apply
from pydp.ops._scan import Scan


def of(name, *shape, axis=-1, why="", data=real, initial=False, **more):
    def call(x):
        return getattr(pydp, f"cumulative_{name}")(x, axis=axis, include_initial=initial)

    peer = None if initial or not shape else lambda x: getattr(torch, f"cum{name}")(x, dim=axis)
    return Case("concat" if initial else "scan", call, [data(*shape)], why or name, peer, **more)


def scan(reverse, shifted, *shape, axis=0, why=""):
    return Case("scan", lambda a, x: apply(Scan, (a, x), axis, reverse, shifted),
                [real(*shape), real(*shape, seed=1)], why)  # fmt: skip


def with_zeros(*shape):
    x = integers(*shape, low=1, high=4)
    x.reshape(-1)[[1, -2]] = 0
    return x


CASES = [
    of("sum", 7, why="one row"),
    of("sum", 3, 5, axis=0, why="columns"),
    of("sum", 2, 5, 19, axis=1, why="past a block of columns"),
    of("sum", 4, 5, data=integers, exact=True, why="exact"),
    of("sum", 3, 4, initial=True, why="from nothing on"),
    of("sum", 0, why="nothing", grad=False),
    of("sum", 3, 0, axis=0, why="no columns", grad=False),
    of("prod", 6),
    of("prod", 3, 5, axis=0, why="columns"),
    of("prod", 2, 6, data=with_zeros, exact=True, why="zeros, where dividing would fail"),
    of("prod", 2, 3, axis=0, initial=True, why="from nothing on"),
    scan(False, False, 5, why="a recurrence"),
    scan(True, False, 5, 2, why="a recurrence from the end"),
    scan(False, True, 2, 5, axis=1, why="shifted"),
    scan(True, True, 2, 5, 3, axis=1, why="shifted from the end"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("shape", "axis"), [((3, 40_001), 1), ((300, 129), 0), ((7, 99, 33), 1)])
def test_many_tasks(isa, shape, axis):
    x = real(*shape).astype(np.float32)
    with setting(isa, threads=2):
        two = pydp.cumulative_sum(pydp.tensor(x), axis).numpy()
    with setting(isa, threads=1):
        np.testing.assert_array_equal(pydp.cumulative_sum(pydp.tensor(x), axis).numpy(), two)
    # added in float64, rounded once: half a unit in the last place
    np.testing.assert_allclose(two, np.cumsum(x.astype(float), axis), rtol=2**-24, atol=1e-12)


@pytest.mark.parametrize("view", [lambda x: x[::2], lambda x: x[::-2]], ids=["sliced", "reversed"])
def test_second_derivatives_of_a_view(view):
    """The kernel reads a copy of a view, and the gradient's gradient still finds the view."""
    memory = np.array([1.5, 0.0, -0.5, 0.0, 2.0])

    def slope(x):
        return (pydp.grad(lambda x: pydp.cumulative_prod(x).sum())(x) * v).sum()

    v = pydp.tensor(np.array([1.0, -2.0, 3.0]))
    x = pydp.from_dlpack(view(memory))
    assert not x.numpy().flags.c_contiguous
    want = pydp.grad(slope)(pydp.tensor(x.numpy().copy()))
    np.testing.assert_allclose(pydp.grad(slope)(x).numpy(), want.numpy(), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float32", "float64"])
@pytest.mark.parametrize("wanted", [None, "int32", "float64", "uint8"])
def test_types_are_numpys(dtype, wanted):
    x = np.array([1, 0, 1, 1]).astype(dtype)
    got = pydp.cumulative_sum(pydp.tensor(x), dtype=wanted)
    want = np.cumulative_sum(x, dtype=wanted)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: pydp.cumulative_sum(x), ValueError,
         r"cumulative_sum: axis must be given for x of shape \(2, 3\)"),
        (lambda x: pydp.cumulative_prod(x, 2), IndexError, "axis 2 is out of range for 2 axes"),
        (lambda x: pydp.cumulative_sum(pydp.tensor(1.0), 0), ValueError, "x must have an axis"),
        (lambda x: pydp.cumulative_sum(x, 0, dtype="bool"), TypeError, "must be a number's"),
        (lambda x: pydp.cumulative_sum(x, 0, dtype="str"), TypeError, "dtype must be one of"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(pydp.ones((2, 3)))


def test_the_short_names():
    assert pydp.cumsum is pydp.cumulative_sum and pydp.cumprod is pydp.cumulative_prod
