"""max_pool1d, which is max_pool2d's: that views, arguments and errors are those of one axis."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, torch


def distinct(*shape):
    """Values at least 0.01 apart, so that a difference quotient meets no tie."""
    order = np.random.default_rng(3).permutation(int(np.prod(shape)))
    return (order * 0.01 - 1).reshape(shape)


def case(x, why, *arguments, **keywords):
    def theirs(x):
        return torch.nn.functional.max_pool1d(x, *arguments, **keywords)

    return Case("max_pool2d", lambda x: pydp.max_pool1d(x, *arguments, **keywords), [x], why,
                torch=torch and theirs)  # fmt: skip


CASES = [
    case(distinct(2, 3, 8), "halves", 2),
    case(distinct(1, 20, 7), "overlapping, a tuple of one", (3,), stride=(2,), padding=(1,)),
    case(distinct(1, 2, 9), "dilation", 3, stride=1, padding=1, dilation=3),
    case(distinct(1, 2, 8), "ceil_mode", 3, ceil_mode=True),
    case(distinct(0, 2, 8), "no signal", 3),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.skipif(torch is None, reason="compares with PyTorch")
def test_indices_are_as_in_pytorch():
    x = np.round(real(2, 5, 17), 1)
    y, places = pydp.max_pool1d(pydp.tensor(x), 3, 2, 1, 2, return_indices=True)
    peer = torch.from_numpy(x)
    want, where = torch.nn.functional.max_pool1d(peer, 3, 2, 1, 2, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), want.numpy())
    np.testing.assert_array_equal(places.numpy(), where.numpy())


ERRORS = [
    ((1, 1, 4, 4), {}, ValueError, "x must have 3 axes (n, c, l), got shape (1, 1, 4, 4)"),
    ((1, 1, 4), {"kernel_size": (2, 2)}, ValueError,
     "kernel_size must be an int or a tuple of one, got (2, 2)"),
    ((1, 1, 4), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    ((1, 1, 4), {"padding": 2}, ValueError, "padding must be at most half of kernel_size 2, got 2"),
    ((1, 1, 0), {"padding": 1}, ValueError, "length of x must be at least 1, got 0"),
    ((1, 1, 4), {"kernel_size": 5}, ValueError,
     "a window that reaches over 5 does not fit into length 4 with padding 0: the output would "
     "have size 0"),
    ((1, 1, 4), {"dilation": None}, TypeError, "dilation must be an int, got None"),
    ((1, 1, 4), {"return_indices": 1}, TypeError, "return_indices must be a bool, got 1"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "keywords", "error", "message"), ERRORS)
def test_errors(shape, keywords, error, message):
    with pytest.raises(error) as raised:
        pydp.max_pool1d(pydp.zeros(shape), **{"kernel_size": 2, **keywords})
    assert str(raised.value) == f"max_pool1d: {message}"
