"""dropout: the mask is a function of the generator alone."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, setting


def case(x, p, why, seed=2**63 + 5):
    def call(x):
        return pydp.dropout(x, p, generator=pydp.Generator(seed))

    return Case("dropout", call, [x], why)


CASES = [
    case(real(3, 5, 7), 0.3, "a group and a tail"),
    case(real(64), 0.5, "whole groups"),
    case(real(200, 100), 0.9, "several tasks"),
    case(real(4, 5), 1.0, "all drop"),
    case(real(0, 5), 0.5, "empty"),
    case(real(), 0.5, "0-d"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_share_of_zeros():
    y = pydp.dropout(pydp.ones(1_000_000), 0.3, generator=pydp.Generator(1)).numpy()
    assert abs(np.mean(y == 0) - 0.3) < 4 * np.sqrt(0.21 / 1e6)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}


def test_each_call_draws_anew_and_backward_uses_the_same_mask():
    x = pydp.ones(1000).requires_grad_()
    first, second = pydp.dropout(x, 0.5), pydp.dropout(x, 0.5)
    assert (first.numpy() != second.numpy()).any()
    first.backward(pydp.ones(1000))
    np.testing.assert_array_equal(x.grad.numpy(), first.numpy())


def test_what_drops_is_zero_whatever_it_was():
    bad = np.full(1000, np.nan, np.float32)
    bad[::2] = np.inf
    with setting():
        y = pydp.dropout(pydp.tensor(bad), 0.5, generator=pydp.Generator(3)).numpy()
        mask = pydp.dropout(pydp.ones(1000), 0.5, generator=pydp.Generator(3)).numpy()
    np.testing.assert_array_equal(y == 0, mask == 0)
    x = pydp.tensor(bad, requires_grad=True)
    y = pydp.dropout(x, 1.0)
    y.backward(pydp.tensor(bad))
    assert not y.numpy().any()
    assert not x.grad.numpy().any()


def test_identity():
    x = pydp.tensor([1.0, 2.0])
    before = pydp._random.default_generator.get_state()
    assert pydp.dropout(x, 0.5, training=False) is x
    assert pydp.dropout(x, 0) is x
    np.testing.assert_array_equal(pydp._random.default_generator.get_state(), before)


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan"), float("inf")])
def test_probability_is_checked(p):
    with pytest.raises(ValueError, match="dropout: p must be between 0 and 1, got"):
        pydp.dropout(pydp.ones(3), p)


def test_types_are_checked():
    with pytest.raises(TypeError, match="dropout: p must be a number, got True"):
        pydp.dropout(pydp.ones(3), True)
    with pytest.raises(TypeError, match=r"generator must be a pydp\.Generator, got int"):
        pydp.dropout(pydp.ones(3), 0.5, generator=3)
    with pytest.raises(TypeError, match="dropout: x must be float32 or float64, got int64"):
        pydp.dropout(pydp.tensor([1, 2]), 0.5)
