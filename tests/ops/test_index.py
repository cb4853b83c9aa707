"""Indexing and index assignment, against NumPy and by differences."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers
from pydp._graph import apply
from pydp.ops._index import Scatter

X = integers(4, 5, 6)
ROWS = np.array([3, 0, 3])
MASK = integers(4, 5, seed=3) > 0

INDICES = {
    "an integer": 2,
    "slices": (slice(1, 3), slice(None, None, -2)),
    "ellipsis and None": (Ellipsis, None, 1),
    "an array with a repeat": ROWS,
    "two arrays": (ROWS, np.array([1, 2, 4])),
    "a mask": MASK,
    "a list": [0, 2],
    "nothing": slice(2, 2),
}


def assigned(x, v):
    y = x * 1.0
    y[1:3] = v
    return y


CASES = [
    Case("setitem", assigned, [X, integers(6)], "a row broadcast", exact=True),
    *[Case("getitem", lambda x, i=index: x[i], [X], why, exact=True)
      for why, index in INDICES.items()],
    Case("scatter", lambda x: apply(Scatter, (x,), (ROWS,), (4, 5)), [integers(3, 5)],
         "repeated rows are added", exact=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
def test_assignment_and_its_gradient(index):
    x = pydp.tensor(X, requires_grad=True)
    v = pydp.tensor(np.full(X[index].shape[-1:], 7.0), requires_grad=True)
    y = x * 1.0
    y[index] = v
    want = X.copy()
    want[index] = 7.0
    np.testing.assert_array_equal(y.numpy(), want)
    (y * pydp.tensor(X)).sum().backward()
    kept = np.ones_like(X)
    kept[index] = 0
    np.testing.assert_array_equal(x.grad.numpy(), X * kept)
    assert v.grad.shape == v.shape


def test_assignment_through_a_view_counts_versions():
    x = pydp.zeros((3, 3))
    x[0][1] = 5.0
    assert x.numpy()[0, 1] == 5
    assert x._version[0] == 1


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (9, IndexError, "index 9 is out of bounds"),
        ((0, 0, 0, 0), IndexError, "too many indices"),
        (1.5, TypeError, "1.5 is not an index"),
        (np.array([0.5]), TypeError, "index arrays must be integer or bool, got float64"),
        (np.ones((3, 3), bool), IndexError, "boolean index did not match"),
        (np.array([0, 9]), IndexError, "out of bounds"),
        ("a", TypeError, "'a' is not an index"),
    ],
)
def test_errors(index, error, message):
    x = pydp.tensor(X)
    with pytest.raises(error, match=message):
        x[index]
    with pytest.raises(error, match=message):
        x[index] = 0.0


def test_assignment_errors_leave_the_tensor_alone():
    x = pydp.zeros((2, 3))
    for value, error in ((pydp.zeros(4), ValueError), ("a", TypeError)):
        with pytest.raises(error):
            x[0] = value
    with pytest.raises(TypeError, match="does not go into a tensor of int64"):
        pydp.arange(3)[0] = pydp.tensor([1.5])
    assert not x.numpy().any()
    frozen = np.zeros(3, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        pydp.asarray(frozen)[0] = 1.0
