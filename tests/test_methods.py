"""Methods are the functions of their names, and take the same arguments in the same order."""

import inspect

import numpy as np
import pytest

import pydp
from pydp._methods import Methods

NAMES = sorted(name for name in vars(Methods) if not name.startswith("_"))
# What differs on purpose: a shape may be given as several ints, and rarely used arguments are the
# function's alone.
SHAPES = {"broadcast_to"}
FUNCTIONS_ALONE = {"sort": {"stable"}, "argsort": {"stable"}, "diff": {"prepend", "append"},
                   "trace": {"dtype"}}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_same_arguments(name):
    if name in SHAPES:
        return
    method = list(inspect.signature(getattr(Methods, name)).parameters.values())[1:]
    function = list(inspect.signature(getattr(pydp, name)).parameters.values())[1:]
    alone = FUNCTIONS_ALONE.get(name, set())
    function = [p for p in function if p.name not in alone]
    theirs = {"x2": "other", "w": "other"}  # the second operand
    assert [(p.name, p.default) for p in method] == [
        (theirs.get(p.name, p.name), p.default) for p in function
    ]


X = np.array([[3.0, 0.0, 2.0], [1.0, 5.0, 4.0]])
ARGUMENTS = {
    "broadcast_to": ((2, 2, 3),), "moveaxis": (0, 1), "roll": (1,), "repeat": (2,),
    "tile": ((2,),), "take": ([1], 0), "take_along_axis": (np.array([[0], [1]]),), "topk": (2,),
    "cumulative_sum": (0,), "cumulative_prod": (1,), "matmul": (X.T,), "vecdot": (X,),
    "tensordot": (X,), "swapaxes": (0, 1), "unflatten": (1, (3, 1)), "chunk": (2,),
    "flatten": (0, 1), "cumsum": (0,), "cumprod": (1,),
}  # fmt: skip


def arrays(result):
    return [t.numpy() for t in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize("name", NAMES)
def test_same_result(name):
    x, given = pydp.tensor(X), ARGUMENTS.get(name, ())
    got, want = getattr(x, name)(*given), getattr(pydp, name)(x, *given)
    for a, b in zip(arrays(got), arrays(want), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_shape_in_several_ints():
    x = pydp.zeros((2, 3))
    assert x.broadcast_to(4, 2, 3).shape == (4, 2, 3)
    assert x.reshape(3, 2).shape == x.reshape((3, 2), copy=True).shape == (3, 2)
    assert x.sum(0, dtype="float64").dtype == np.float64


def test_flatten_joins_all_axes():
    x = pydp.zeros((2, 3, 4))
    assert x.flatten().shape == (24,) and x.flatten(1).shape == (2, 12)
