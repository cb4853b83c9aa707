"""The functions over the table of elementwise rules: choices, comparisons, conversions."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real

CASES = [Case("astype", lambda x: pydp.astype(x, x.dtype), [real(3, 4)], "to its own dtype")]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_astype_passes_the_gradient_between_floats():
    x = pydp.tensor([1.0, 2.0], requires_grad=True)
    y = x.astype("float64")
    assert y.dtype == np.float64
    (y * y).sum().backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])
    assert not x.astype("int64").requires_grad


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_converting_what_does_not_fit_gives_some_integer(value):
    y = pydp.tensor([value], dtype="float64").astype("int32")
    assert y.dtype == np.int32
    assert y.shape == (1,)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("equal", [False, True, False, False]),
        ("not_equal", [True, False, True, True]),
        ("less", [True, False, False, False]),
        ("less_equal", [True, True, False, False]),
        ("greater", [False, False, True, False]),
        ("greater_equal", [False, True, True, False]),
    ],
)
def test_comparisons(name, right):
    x = pydp.tensor([1.0, 2.0, 3.0, float("nan")])
    got = getattr(pydp, name)(x, 2)
    assert got.dtype == np.bool_
    np.testing.assert_array_equal(got.numpy(), right)


def test_clip_keeps_nan_and_open_sides():
    x = pydp.tensor([-2.0, 0.5, 3.0, float("nan")])
    np.testing.assert_array_equal(pydp.clip(x, 0.0, 1.0).numpy(), [0, 0.5, 1, np.nan])
    np.testing.assert_array_equal(pydp.clip(x, min=0.0).numpy(), [0, 0.5, 3, np.nan])
    np.testing.assert_array_equal(pydp.clip(x, max=0.0).numpy(), [-2, 0, 0, np.nan])
