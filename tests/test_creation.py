"""Creation functions against NumPy's; what they refuse."""

import numpy as np
import pytest

import pydp


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 1000])
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (1.5, -7), (3, 3), (-1e30, 1e30), (0.1, 0.7)])
def test_linspace(start, stop, n, endpoint):
    want = np.linspace(start, stop, n, endpoint=endpoint)
    got = pydp.linspace(start, stop, n, endpoint=endpoint)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got.numpy(), want.astype(np.float32))
    got = pydp.linspace(start, stop, n, dtype="float64", endpoint=endpoint)
    np.testing.assert_array_equal(got.numpy(), want)


def test_linspace_of_integers():
    got = pydp.linspace(0, 10, 5, dtype="int32")
    assert got.dtype == np.int32
    assert got.tolist() == [0, 2, 5, 7, 10]


def test_likes():
    x = pydp.tensor([[1, 2]], dtype="int16")
    for like, value in ((pydp.empty_like, 0), (pydp.zeros_like, 0), (pydp.ones_like, 1)):
        assert like(x).tolist() == [[value, value]]
        assert like(x).dtype == np.int16
        assert like(x, dtype="float64").dtype == np.float64


@pytest.mark.parametrize("shape", [(3, None), (2, 4), (4, 2), (0, 3)], ids=str)
@pytest.mark.parametrize("k", [0, 1, -1, 3, -7, 2**31, -(2**80)])
def test_eye(shape, k):
    want = np.eye(shape[0], shape[1], max(-100, min(k, 100)), dtype=np.float32)
    np.testing.assert_array_equal(pydp.eye(*shape, k).numpy(), want)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.linspace(0, 1, -1), ValueError, "linspace: num must be at least 0, got -1"),
        (lambda: pydp.linspace(0, 1, 2.0), TypeError, "linspace: num must be an int, got 2.0"),
        (lambda: pydp.linspace("a", 1, 2), TypeError, "linspace: start must be a number, got 'a'"),
        (lambda: pydp.linspace(0, True, 2), TypeError, "linspace: stop must be a number, got True"),
        (lambda: pydp.linspace(0, 1000, 3, dtype="int8"), OverflowError, "does not fit into int8"),
        (lambda: pydp.linspace(0, float("nan"), 3, dtype="int8"), OverflowError, "nan does not"),
        (lambda: pydp.linspace(0, 1, 3, dtype="float16"), TypeError, "linspace: dtype must be"),
        (lambda: pydp.eye(2, k=1.0), TypeError, "eye: k must be an int, got 1.0"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
