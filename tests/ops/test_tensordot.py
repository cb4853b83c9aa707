"""tensordot and vecdot: against NumPy's, gradients of order 1 and 2 by differences."""

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, assert_close, examine_gradients, real, value

X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        (((2, 3, 4), (3, 4, 5)), 2), (((2, 3), (3, 5)), 1), (((2, 3), (4,)), 0),
        (((2, 3, 4), (4, 2)), ((2, 0), (0, 1))), (((2, 3), (5, 3)), ((-1,), (-1,))),
        (((2, 3), (2, 3)), 2), (((3, 2), (5, 3)), (0, 1)), (((0, 3), (3, 2)), 1),
    ],
)  # fmt: skip
def test_tensordot(shapes, axes):
    inputs = [real(*shape, seed=k) for k, shape in enumerate(shapes)]
    case = Case("matmul", lambda a, b: pydp.tensordot(a, b, axes), inputs, str(axes))
    assert_close(value(case, inputs), np.tensordot(*inputs, axes), 1e-13, "tensordot")
    examine_gradients(case, ISAS[0])


@pytest.mark.parametrize(
    ("shapes", "axis"),
    [(((4,), (4,)), -1), (((2, 4), (4,)), -1), (((3, 1, 4), (5, 4)), -1), (((4, 2), (4, 2)), -2),
     (((3, 4, 2), (4, 1)), -2), (((2, 0), (2, 0)), -1), (((4, 2), (4, 2)), 0)],
)  # fmt: skip
def test_vecdot(shapes, axis):
    inputs = [real(*shape, seed=k) for k, shape in enumerate(shapes)]
    case = Case("matmul", lambda a, b: pydp.vecdot(a, b, axis=axis), inputs, str(axis))
    want = np.vecdot(*[np.moveaxis(a, axis, -1) for a in inputs])
    assert_close(value(case, inputs), want, 1e-13, "vecdot")
    examine_gradients(case, ISAS[0])


def test_outer():
    a, b = real(3), real(4, seed=1)
    case = Case("multiply", pydp.outer, [a, b], "outer")
    assert_close(value(case, [a, b]), np.outer(a, b), 1e-13, "outer")
    examine_gradients(case, ISAS[0])
    assert pydp.outer([1, 2], [3]).tolist() == [[3], [6]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: pydp.tensordot(x, x, 1), ValueError,
         r"axis 1 of \(2, 3\) and axis 0 of \(2, 3\) differ in size"),
        (lambda x: pydp.tensordot(x, x, 3), ValueError, "axes must be at most the number of axes"),
        (lambda x: pydp.tensordot(x, x, ((0, 0), (0, 1))), ValueError, "do not pair axes one to"),
        (lambda x: pydp.tensordot(x, x, ((0,), (0, 1))), ValueError, "do not pair axes one to one"),
        (lambda x: pydp.tensordot(x, x, (1,)), ValueError, "an int or two sequences"),
        (lambda x: pydp.tensordot(x, x, -1), ValueError, "axes must be at least 0, got -1"),
        (lambda x: pydp.tensordot(x, x, 1.0), TypeError, "axes must be an int"),
        (lambda x: pydp.outer(x, x[0]), ValueError,
         r"outer: x1 and x2 must have one axis, got \(2, 3\) and \(3,\)"),
        (lambda x: pydp.vecdot(x, x.mT), ValueError, r"\(2, 3\) and \(3, 2\) differ in size"),
        (lambda x: pydp.vecdot(x, x[0], axis=-2), IndexError, "it must be -1 … -1"),
        (lambda x: pydp.vecdot(x, pydp.ones((4, 3))), ValueError, "do not broadcast"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(pydp.tensor(X))
