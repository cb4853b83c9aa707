"""avg_pool2d and its gradient, which are each other's."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, torch
from pydp._graph import apply
from pydp.ops._avg_pool2d import AvgPool2dBackward
from pydp.ops._pool2d import pool2d


def case(x, why, *arguments, exact=False, **keywords):
    def theirs(x):
        return torch.nn.functional.avg_pool2d(x, *arguments, **keywords)

    return Case("avg_pool2d", lambda x: pydp.avg_pool2d(x, *arguments, **keywords), [x], why,
                torch=torch and theirs, exact=exact)  # fmt: skip


CASES = [
    case(integers(2, 3, 6, 8), "halves", 2, exact=True),
    case(real(1, 20, 7, 7), "overlapping, a vector and a tail of channels", 3, stride=2),
    case(real(2, 2, 6, 5), "padding counts", 3, stride=2, padding=1),
    case(real(2, 2, 6, 5), "padding does not", 3, stride=2, padding=1, count_include_pad=False),
    case(real(1, 2, 5, 7), "ceil_mode reaches over the end", 3, stride=2, padding=1,
         ceil_mode=True),
    case(real(1, 2, 6, 6), "ceil_mode without padding", 3, stride=2, padding=1, ceil_mode=True,
         count_include_pad=False),
    case(real(1, 3, 4, 9), "one for each axis", (1, 4), stride=(3, 2), padding=(0, 2)),
    case(real(1, 2, 7, 7), "gaps between the windows", 2, stride=3),
    case(real(1, 2, 5, 4), "the whole image", (5, 4)),
    case(real(1, 3, 5, 6), "a divisor of its own", 3, stride=2, padding=1, divisor_override=2),
    case(integers(1, 3, 5, 6), "a divisor of its own, exact", 3, divisor_override=1, exact=True),
    case(real(1, 2, 6, 6), "a divisor of its own, padding not counted", 3, stride=2, padding=1,
         ceil_mode=True, count_include_pad=False, divisor_override=7),
    case(real(0, 3, 4, 4), "no image", 2),
    case(real(2, 1, 40, 300), "several tasks", 3, stride=2),
]  # fmt: skip

WINDOW = pool2d("test", np.empty((2, 20, 7, 6)), 4, 2, 1, 1, True, True)
CASES += [
    Case("avg_pool2d_backward", lambda dy: apply(AvgPool2dBackward, (dy,), WINDOW),
         [integers(*WINDOW.y_shape)], "the inverse"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


ERRORS = [
    ((4, 4), {}, ValueError, "avg_pool2d: x must have 4 axes (n, c, h, w), got shape (4, 4)"),
    ((1, 1, 4, 4), {"stride": -1}, ValueError, "avg_pool2d: stride must be at least 1, got -1"),
    ((1, 1, 4, 4), {"padding": 2}, ValueError,
     "avg_pool2d: padding must be at most half of kernel_size 2, got 2"),
    ((1, 1, 4, 4), {"divisor_override": 0}, ValueError,
     "avg_pool2d: divisor_override must be at least 1, got 0"),
    ((1, 1, 4, 4), {"divisor_override": 2.0}, TypeError,
     "avg_pool2d: divisor_override must be an int, got 2.0"),
    ((1, 1, 4, 4), {"count_include_pad": None}, TypeError,
     "avg_pool2d: count_include_pad must be a bool, got None"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "keywords", "error", "message"), ERRORS)
def test_errors(shape, keywords, error, message):
    with pytest.raises(error) as raised:
        pydp.avg_pool2d(pydp.tensor(np.zeros(shape)), **{"kernel_size": 2, **keywords})
    assert str(raised.value) == message
