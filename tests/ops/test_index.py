"""Indexing and index assignment, against NumPy and by differences."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers
from pydp import _kernels
from pydp._graph import apply
from pydp.ops._index import Scatter

X = integers(4, 5, 6)
ROWS = np.array([3, 0, 3])
MASK = integers(4, 5, seed=3) > 0

BASIC = {
    "an integer": 2,
    "slices": (slice(1, 3), slice(None, None, -2)),
    "an open slice": (slice(1, None), slice(None, -2)),
    "ellipsis and None": (Ellipsis, None, 1),
    "nothing": slice(2, 2),
    "everything": (),
}
ARRAYS = {
    "an array with a repeat": ROWS,
    "two arrays": (ROWS, np.array([1, 2, 4])),
    "arrays that broadcast": (ROWS[:, None], np.array([[1, -1]])),
    "a mask": MASK,
    "a mask of the last axes": (slice(None), integers(5, 6, seed=4) > 0),
    "a mask of one axis": (Ellipsis, np.array([True, False, True, False, False, True])),
    "a list": [0, 2],
    "an array behind slices": (slice(1, 3), slice(None, None, -2), ROWS),
    "an array before a slice": (ROWS, slice(1, 4)),
    "arrays apart go to the front": (ROWS, slice(None), np.array([1, 2, 4])),
    "arrays around None": (slice(None), ROWS, None, np.array([1, 2, 4])),
    "an int beside an array": (slice(None), 1, ROWS),
    "an int apart from an array": (1, slice(1, 3), ROWS),
    "an int before a mask": (-1, integers(5, 6, seed=4) > 0),
    "no element": np.array([], int),
    "a truth": True,
    "a truth of NumPy": np.array(True),
    "a mask of everything": integers(4, 5, 6, seed=7) > 1,
    "a mask without elements": np.zeros((4, 0), bool),
    "a mask and an array": (MASK[:, 0], ROWS[:2], slice(None)),
    "a falsehood before a slice": (False, slice(1, 3)),
    "small integers": np.array([3, 0], np.uint8),
}
INDICES = BASIC | ARRAYS


def assigned(x, v):
    y = x * 1.0
    y[1:3] = v
    return y


CASES = [
    Case("setitem", assigned, [X, integers(6)], "a row broadcast", exact=True),
    *[Case("getitem", lambda x, i=index: x[i], [X], why, exact=True)
      for why, index in BASIC.items()],
    *[Case("take", lambda x, i=index: x[i], [X], why, exact=True)
      for why, index in ARRAYS.items()],
    Case("scatter", lambda x: apply(Scatter, (x,), (slice(1, 4),), (5, 5)), [integers(3, 5)],
         "rows among zeros", exact=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
def test_index_is_numpys(index):
    np.testing.assert_array_equal(pydp.tensor(X)[index].numpy(), X[index])
    whole = X.astype(np.int64)
    np.testing.assert_array_equal(pydp.tensor(whole)[index].numpy(), whole[index])


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
@pytest.mark.parametrize("broadcast", [True, False])
def test_assignment_and_its_gradient(index, broadcast):
    """By the definition: element k of y was x's, or that of v which NumPy leaves there."""
    shape = X[index].shape
    v_data = integers(*(shape[-1:] if broadcast else shape), seed=9)
    x = pydp.tensor(X, requires_grad=True)
    v = pydp.tensor(v_data, requires_grad=True)
    y = x * 1.0
    y[index] = v
    want = X.copy()
    want[index] = v_data
    np.testing.assert_array_equal(y.numpy(), want)
    weights = integers(*X.shape, seed=5)
    (y * pydp.tensor(weights)).sum().backward()
    kept = np.ones_like(X)
    kept[index] = 0
    np.testing.assert_array_equal(x.grad.numpy(), weights * kept)
    source = np.full(X.shape, -1)  # which element of v went there
    source[index] = np.broadcast_to(np.arange(v_data.size).reshape(v_data.shape), shape)
    dv = np.zeros(v_data.size)
    np.add.at(dv, source[source >= 0], weights[source >= 0])
    np.testing.assert_array_equal(v.grad.numpy(), dv.reshape(v_data.shape))


def test_assignment_is_differentiable_twice():
    def f(x, v):
        y = x * x
        y[1:] = v * v * x[:2]
        return (y * y).sum()

    x, v = pydp.tensor([1.0, 2.0, 3.0]), pydp.tensor([4.0, 5.0])
    first = pydp.grad(lambda x: (pydp.grad(f)(x, v) * pydp.tensor([1.0, 1.0, 1.0])).sum())(x)

    # f = x0^4 + (v0^2 x0)^2 + (v1^2 x1)^2
    np.testing.assert_allclose(first.numpy(), [12.0 + 2 * 4.0**4, 2 * 5.0**4, 0.0])


def test_a_written_nan_leaves_no_trace():
    x = pydp.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1.0
    y[0] = 0.0
    (1 / y).backward(pydp.tensor([1.0, 1.0]))
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, -0.25])


def test_a_recorded_write_into_a_view_is_refused():
    base = pydp.zeros((2, 2))
    v = pydp.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="index assignment: this tensor is a view of another"):
        base[0][...] = v
    row = base[0]
    with pytest.raises(RuntimeError, match="this tensor is a view of another"):
        row += v
    assert not base.numpy().any()
    base[0] = v
    assert base.requires_grad


def test_an_integer_tensor_is_read_again():
    """In backward (so a change is an error), and when a recorded step is replayed."""
    x = pydp.tensor(X, requires_grad=True)
    ids = pydp.tensor([0, 2])
    y = x[ids]
    ids[0] = 1
    with pytest.raises(RuntimeError, match=r"take: a tensor saved for backward.* was modified"):
        y.sum().backward()
    calls = _kernels.record()
    y = pydp.tensor(X)[ids]
    _kernels.stop_recording()
    ids[0] = 3
    _kernels.replay(calls)
    np.testing.assert_array_equal(y.numpy(), X[[3, 2]])


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
