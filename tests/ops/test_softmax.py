"""softmax and log_softmax: every axis, every length next to a vector, extreme rows."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, setting, torch
from pydp import _kernels
from pydp._graph import apply
from pydp._op import registry


def of(name, *shape, axis=-1, why="", low=-2.0, high=2.0):
    return Case(
        name,
        lambda x: getattr(pydp, name)(x, axis=axis),
        [real(*shape, low=low, high=high)],
        why,
        lambda x: getattr(torch, name)(x, dim=axis),
        layouts="bound",
    )


CASES = [
    case
    for name in ("softmax", "log_softmax")
    for case in [
        of(name, 3, 10, why="a layer of ten classes"),
        of(name, 2, 70, why="several vectors and a tail"),
        of(name, 4, 3, 2, axis=1, why="the middle axis"),
        of(name, 5, 3, axis=0, why="the outer axis"),
        of(name, 3, 70, axis=0, why="rows side by side: a group of vectors and a tail"),
        of(name, 40, why="one row", low=-30, high=30),
        of(name, 3, 1, why="rows of one"),
        of(name, 2, 0, why="empty rows"),
        of(name, 0, 4, why="no rows"),
        of(name, why="0-d"),
    ]
]


def backward_of(name, axis):
    """With a y that no softmax gave."""
    inputs = [real(3, 4, 5), real(3, 4, 5, seed=1)]
    rule = registry[name]
    return Case(name, lambda y, dy: apply(rule, (y, dy), axis), inputs, layouts="bound")


CASES += [
    backward_of(name, axis)
    for name in ("softmax_backward", "log_softmax_backward")
    for axis in (0, 1, 2)
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_long_row_whose_largest_elements_come_late_or_whose_first_ones_are_masked(dtype):
    """Long rows are taken in parts; the first ones here are much smaller than later ones."""
    n = 20_000
    rows = np.tile(np.sin(np.arange(n)), (4, 1))
    rows[0] += np.arange(n) // 3000
    rows[1, :9000] = -np.inf
    rows[2, 9000:] = -np.inf
    rows[3, 19_999] = 50
    rows = rows.astype(dtype)
    wide = rows.astype(np.float64)
    want = np.exp(wide - wide.max(-1, keepdims=True))
    total = want.sum(-1, keepdims=True)
    got = pydp.softmax(pydp.tensor(rows)).numpy()
    rtol = 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(got, want / total, rtol, np.finfo(dtype).tiny)
    got = pydp.log_softmax(pydp.tensor(rows)).numpy()
    want = wide - wide.max(-1, keepdims=True) - np.log(total)
    np.testing.assert_allclose(got, want, rtol)


def test_long_rows_that_are_no_distribution():
    rows = np.zeros((4, 9000), np.float32)
    rows[0] = -np.inf
    rows[1, 8000] = np.inf
    rows[2, 100] = np.nan
    rows[3, :5000], rows[3, 0] = -np.inf, np.nan
    for f in (pydp.softmax, pydp.log_softmax):
        y = f(pydp.tensor(rows)).numpy()
        assert np.isnan(y[[0, 2, 3]]).all() and np.isnan(y[1, 8000])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_lengths(name):
    """Around every vector, block and task; as rows and as columns."""
    atol = 0 if name == "softmax" else 3e-7  # log s is known to an ulp of 1
    for isa in _kernels.usable_isas():
        with setting(isa, threads=2):
            for n in [*range(1, 36), 63, 65, 1023, 1025, 4097, 9001]:
                x = real(3, n, low=-8, high=8).astype(np.float32)
                want = registry[name].reference(x.astype(np.float64), 1)
                for y in (
                    getattr(pydp, name)(pydp.tensor(x)).numpy(),
                    getattr(pydp, name)(pydp.asarray(np.asfortranarray(x), copy=False)).numpy(),
                    getattr(pydp, name)(pydp.tensor(np.ascontiguousarray(x.T)), axis=0).numpy().T,
                ):
                    np.testing.assert_allclose(y, want, rtol=3e-6, atol=atol, err_msg=f"{isa} {n}")


def test_extreme_rows():
    """Large logits are exact, NaN stays in its row."""
    inf, nan, big = np.inf, np.nan, 3e38
    rows = [[1e4, -1e4, 1e4], [big, -big, 0], [-big, -big, -big], [0, -inf, 0]]
    bad = [[inf, 0, 1], [-inf, -inf, -inf], [nan, 0, 1], [1, 0, nan]]
    for isa in _kernels.usable_isas():
        with setting(isa):
            y = pydp.softmax(pydp.tensor(rows + bad)).numpy()
            assert y[0].tolist() == [0.5, 0, 0.5]
            assert y[1].tolist() == [1, 0, 0]
            assert np.allclose(y[2], 1 / 3)
            assert y[3].tolist() == [0.5, 0, 0.5]
            assert np.isnan(y[4:]).all()
            z = pydp.log_softmax(pydp.tensor(rows + bad)).numpy()
            half = np.float32(np.log(0.5))
            assert np.allclose(z[0], [half, -2e4 + half, half])
            assert z[1].tolist() == [0, -inf, np.float32(-big)]
            assert z[3].tolist() == [half, -inf, half]
            assert np.isnan(z[4:]).all()


def test_a_million_in_a_row():
    x = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)
    y = pydp.softmax(pydp.tensor(x)).numpy()
    want = registry["softmax"].reference(x.astype(np.float64), 0)
    np.testing.assert_allclose(y, want, rtol=3e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.softmax(pydp.arange(3)), TypeError,
         "softmax: x must be float32 or float64, got int64; use astype"),
        (lambda: pydp.softmax(pydp.ones((2, 3)), axis=2), IndexError,
         "softmax: axis 2 is out of range for 2 axes"),
        (lambda: pydp.log_softmax(pydp.ones((2, 3)), axis=(0, 1)), TypeError,
         "log_softmax: axis must be an int, got (0, 1)"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
