"""avg_pool1d, which is avg_pool2d's: that views, arguments and errors are those of one axis."""

import pytest

import pydp
from harness import Case, examine, integers, real, torch


def case(x, why, *arguments, exact=False, **keywords):
    def theirs(x):
        return torch.nn.functional.avg_pool1d(x, *arguments, **keywords)

    return Case("avg_pool2d", lambda x: pydp.avg_pool1d(x, *arguments, **keywords), [x], why,
                torch=torch and theirs, exact=exact)  # fmt: skip


CASES = [
    case(integers(2, 3, 8), "halves", 2, exact=True),
    case(real(1, 20, 7), "overlapping, a tuple of one", (3,), stride=(2,), padding=(1,)),
    case(real(1, 2, 7), "padding does not count", 3, stride=2, padding=1, count_include_pad=False),
    case(real(1, 2, 8), "ceil_mode", 3, padding=1, ceil_mode=True),
    case(real(0, 2, 8), "no signal", 3),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


ERRORS = [
    ((1, 1, 4, 4), {}, ValueError, "x must have 3 axes (n, c, l), got shape (1, 1, 4, 4)"),
    ((1, 1, 4), {"stride": (1, 1)}, ValueError,
     "stride must be an int or a tuple of one, got (1, 1)"),
    ((1, 1, 4), {"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
    ((1, 1, 4), {"padding": 2}, ValueError, "padding must be at most half of kernel_size 2, got 2"),
    ((1, 1, 4), {"count_include_pad": 1}, TypeError, "count_include_pad must be a bool, got 1"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "keywords", "error", "message"), ERRORS)
def test_errors(shape, keywords, error, message):
    with pytest.raises(error) as raised:
        pydp.avg_pool1d(pydp.zeros(shape), **{"kernel_size": 2, **keywords})
    assert str(raised.value) == f"avg_pool1d: {message}"
