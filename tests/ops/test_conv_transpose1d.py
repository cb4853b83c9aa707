"""Transposed convolution of signals, which is conv_transpose2d's of images of height 1."""

import pytest

import pydp
from harness import Case, examine, integers, real, torch


def case(why, x, weight, bias=None, exact=False, **arguments):
    def ours(x, weight, bias=None):
        return pydp.conv_transpose1d(x, weight, bias, **arguments)

    def theirs(x, weight, bias=None):
        return torch.nn.functional.conv_transpose1d(x, weight, bias, **arguments)

    inputs = [x, weight] if bias is None else [x, weight, bias]
    return Case("conv_transpose2d", ours, inputs, why, torch=torch and theirs, exact=exact,
                layouts="bound", bound=max(4e-6, weight.size * 2.0**-24))  # fmt: skip


CASES = [
    case("plain", real(2, 3, 5), real(3, 4, 3), real(4)),
    case("stride, padding, output_padding", real(2, 3, 5), real(3, 4, 3), stride=2, padding=1,
         output_padding=1),
    case("dilation, tuples of one", real(1, 2, 4), real(2, 3, 3), stride=(2,), padding=(1,),
         output_padding=(2,), dilation=(3,)),
    case("groups", real(2, 4, 5), real(4, 3, 2), real(6), groups=2, stride=2),
    case("no signal", real(0, 2, 5), real(2, 3, 3)),
    case("exact", integers(2, 8, 9), integers(8, 17, 3), integers(17), exact=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


X, W = (1, 4, 8), (4, 3, 3)


@pytest.mark.parametrize(
    ("x", "weight", "arguments", "error", "message"),
    [
        (X, W, {"stride": (2, 2)}, ValueError,
         "stride must be an int or a tuple of one, got (2, 2)"),
        (X, W, {"output_padding": 1}, ValueError,
         "output_padding must be below stride 1 or dilation 1, got 1"),
        (X, W, {"padding": 5}, ValueError,
         "padding 5 takes all of length 10: the output would have size 0"),
        ((1, 4, 0), W, {}, ValueError, "length of x and weight must be at least 1, got 0 and 3"),
        (X, (3, 4, 3), {}, ValueError,
         "weight (3, 4, 3) with groups=1 needs 3 input channels, divisible by groups; "
         "x (1, 4, 8) has 4 channels"),
        (X, (4, 3, 1, 3), {}, ValueError, "x must be [n, c, l] and weight [c, o/groups, k], got "
         "shapes (1, 4, 8) and (4, 3, 1, 3)"),
        (X, W, {"bias": pydp.ones(4)}, ValueError, "bias must be (3,), got (4,)"),
    ],
)  # fmt: skip
def test_errors(x, weight, arguments, error, message):
    with pytest.raises(error) as raised:
        pydp.conv_transpose1d(pydp.ones(x), pydp.ones(weight), **arguments)
    assert str(raised.value) == f"conv_transpose1d: {message}"
