"""Shapes brought together: views, gradients, errors."""

import numpy as np
import pytest

import pydp


@pytest.mark.parametrize(
    "shapes",
    [
        [], [()], [(3,)], [(3, 1), (4,)], [(1,), (0,)], [(2, 1, 5), (3, 1), ()], [(0, 3), (1, 1)],
    ],
    ids=str,
)  # fmt: skip
def test_broadcast_shapes_is_numpys(shapes):
    assert pydp.broadcast_shapes(*shapes) == np.broadcast_shapes(*shapes)


def test_broadcast_arrays_are_views_with_gradients():
    a = pydp.tensor([[1.0], [2.0]], requires_grad=True)
    b = pydp.tensor([10.0, 20.0, 30.0], requires_grad=True)
    x, y = pydp.broadcast_arrays(a, b)
    assert x.shape == y.shape == (2, 3)
    assert np.shares_memory(x.numpy(), a.numpy())
    pydp.sum(x * y).backward()
    np.testing.assert_array_equal(a.grad.numpy(), [[60], [60]])
    np.testing.assert_array_equal(b.grad.numpy(), [3, 3, 3])
    assert pydp.broadcast_arrays() == []


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sizes", [(3,), (3, 2), (3, 2, 4), (0, 2), (2, 3, 1, 2)], ids=str)
def test_meshgrid_is_numpys(sizes, indexing):
    arrays = [np.arange(n) * 10**i for i, n in enumerate(sizes)]
    got = pydp.meshgrid(*map(pydp.asarray, arrays), indexing=indexing)
    want = np.meshgrid(*arrays, indexing=indexing)
    assert len(got) == len(want)
    for x, y in zip(got, want, strict=True):
        np.testing.assert_array_equal(x.numpy(), y)


def test_meshgrid_has_gradients():
    a = pydp.tensor([1.0, 2.0], requires_grad=True)
    x, y = pydp.meshgrid(a, pydp.arange(3.0))
    pydp.sum(x * y).backward()
    np.testing.assert_array_equal(a.grad.numpy(), [3, 3])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.broadcast_shapes((2, 3), (4,)), ValueError,
         r"broadcast_shapes: shapes \(2, 3\), \(4,\) do not broadcast"),
        (lambda: pydp.broadcast_shapes((2, -1)), ValueError, "sizes must not be negative"),
        (lambda: pydp.broadcast_arrays(pydp.ones(2), pydp.ones(3)), ValueError,
         "broadcast_arrays: shapes .* do not broadcast"),
        (lambda: pydp.meshgrid(pydp.ones((2, 2))), ValueError,
         r"meshgrid: arrays must have one axis, got shape \(2, 2\)"),
        (lambda: pydp.meshgrid(pydp.ones(2), indexing="yx"), ValueError,
         'meshgrid: indexing must be "xy" or "ij", got \'yx\''),
        (lambda: pydp.meshgrid(*[pydp.ones(1)] * 40), ValueError, "meshgrid: at most 32 axes"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
