"""Taking heads apart: views, and a gradient that lies as the array lay."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real
from pydp._arrays import FLOAT64
from pydp._graph import apply
from pydp.ops._heads import Together, apart, join_heads, split_heads


def mixed(x):
    """A function of all parts but the second."""
    parts = apart(x)
    return parts[0] * parts[2] + parts[-1]


CASES = [
    Case("apart", lambda x: apart(x)[0], [real(3, 4, 5)]),
    Case("apart", lambda x: apart(x)[0], [real(2, 3)], "one axis left"),
    Case("apart", lambda x: apart(x)[0], [real(1)], "numbers"),
    Case("apart", lambda x: apart(x)[0], [real(2, 0, 3)], "empty"),
    Case("together", lambda a, b: apply(Together, (a, b), (1, 0, 2), (2, 3, 4), a.dtype),
         [integers(3, 4), integers(3, 4, seed=1)], "another order", exact=True),
    Case("together", lambda a: apply(Together, (a, None), (0, 1), (2, 3), a.dtype),
         [real(3)], "a part is absent"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_gradient():
    x = pydp.tensor(real(3, 2, 4), requires_grad=True)
    y = mixed(x)
    first = pydp.grad(lambda x: mixed(x).sum())(x)
    a, _, c = x.numpy()
    np.testing.assert_array_equal(first.numpy(), [c, np.zeros((2, 4)), a + 1])
    second = pydp.grad(lambda x: (pydp.grad(lambda x: mixed(x).sum())(x) ** 2).sum())(x)
    np.testing.assert_allclose(second.numpy(), [2 * a + 2, np.zeros((2, 4)), 2 * c])
    assert y.shape == (2, 4)


def test_views_and_the_way_back():
    """Nothing is copied on the way in; the gradient of the packed array is dense in its order."""
    packed = pydp.tensor(real(2, 5, 3 * 4 * 6), requires_grad=True)
    q, k, v = split_heads(packed, 3, 4)
    assert q.shape == (2, 4, 5, 6) and np.shares_memory(v.numpy(), packed.numpy())
    assert q._version is packed._version
    flat = packed.numpy().reshape(2, 5, 3, 4, 6)
    np.testing.assert_array_equal(k.numpy(), flat[:, :, 1].transpose(0, 2, 1, 3))
    np.testing.assert_array_equal(join_heads(k).numpy(), flat[:, :, 1].reshape(2, 5, 24))
    (q * 2 + v).backward(pydp.ones(q.shape, dtype=FLOAT64))
    want = np.broadcast_to(np.array([2.0, 0, 1]).reshape(3, 1, 1), flat.shape)
    np.testing.assert_array_equal(packed.grad.numpy().reshape(flat.shape), want)
    assert packed.grad.numpy().flags.c_contiguous
