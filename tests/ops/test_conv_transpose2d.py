"""Transposed convolution: each size that a convolution may have had, and its refusals."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, torch


def case(why, x, weight, bias=None, exact=False, order2=True, **arguments):
    def ours(x, weight, bias=None):
        return pydp.conv_transpose2d(x, weight, bias, **arguments)

    def theirs(x, weight, bias=None):
        return torch.nn.functional.conv_transpose2d(x, weight, bias, **arguments)

    inputs = [x, weight] if bias is None else [x, weight, bias]
    bound = max(4e-6, weight.size * 2.0**-24)
    return Case("conv_transpose2d", ours, inputs, why, torch=torch and theirs, exact=exact,
                order2=order2, layouts="bound", bound=bound)  # fmt: skip


CASES = [
    case("1x1 is a matrix product", real(2, 3, 4, 5), real(3, 4, 1, 1), real(4)),
    case("3x3", real(2, 3, 4, 3), real(3, 4, 3, 3), real(4)),
    case("doubles, DCGAN's", real(1, 3, 3, 4), real(3, 2, 4, 4), stride=2, padding=1),
    case("pixels that nothing reaches", real(1, 2, 3, 3), real(2, 2, 1, 2), real(2), stride=3),
    case("output_padding", real(2, 2, 3, 4), real(2, 3, 3, 3), real(3), stride=2, padding=1,
         output_padding=1),
    case("uneven in everything", real(1, 2, 4, 3), real(2, 3, 3, 2), real(3), stride=(2, 3),
         padding=(2, 1), output_padding=(1, 0), dilation=(1, 2)),
    case("output_padding above stride, below dilation", real(1, 2, 3, 3), real(2, 2, 2, 2),
         dilation=3, output_padding=2),
    case("padding crops all but the middle", real(1, 1, 2, 2), real(1, 2, 4, 4), padding=2),
    case("groups", real(2, 4, 3, 3), real(4, 3, 3, 3), real(6), groups=2, stride=2),
    case("depthwise", real(1, 5, 3, 4), real(5, 1, 3, 3), real(5), groups=5, padding=1),
    case("many channels", real(1, 37, 3, 3), real(37, 20, 2, 2), stride=2, order2=False),
    case("no image", real(0, 2, 3, 3), real(2, 3, 3, 3), real(3)),
    case("exact", integers(2, 8, 4, 4), integers(8, 16, 3, 3), integers(16), exact=True, stride=2),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("groups", [1, 2])
def test_it_is_the_transpose_of_conv2d(groups):
    """<conv2d(y), x> = <y, conv_transpose2d(x)> for the same weight and sizes."""
    settings = {"stride": 2, "padding": 1, "dilation": 1, "groups": groups}
    w = pydp.tensor(real(6, 4 // groups, 3, 3))
    y, x = pydp.tensor(real(2, 4, 7, 5)), pydp.tensor(real(2, 6, 4, 3))
    one = (pydp.conv2d(y, w, **settings) * x).sum().item()
    two = (pydp.conv_transpose2d(x, w, **settings) * y).sum().item()
    assert abs(one - two) < 1e-10 * abs(one)


def test_results_lie_channels_last():
    for bias in (None, pydp.ones(4)):
        y = pydp.conv_transpose2d(pydp.ones((2, 3, 5, 6)), pydp.ones((3, 4, 3, 3)), bias)
        assert y.shape == (2, 4, 7, 8)
        assert np.moveaxis(y.numpy(), 1, -1).flags.c_contiguous


def test_an_empty_batch_gives_zero_gradients():
    w = pydp.tensor(real(3, 4, 3, 3), requires_grad=True)
    y = pydp.conv_transpose2d(pydp.zeros((0, 3, 5, 5), dtype="float64"), w)
    y.sum().backward()
    assert w.grad.shape == w.shape and not w.grad.numpy().any()


X, W = (1, 4, 8, 8), (4, 3, 3, 3)


@pytest.mark.parametrize(
    ("x", "weight", "arguments", "error", "message"),
    [
        (X, W, {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        (X, W, {"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
        (X, W, {"padding": -1}, ValueError, "padding must be at least 0, got -1"),
        (X, W, {"output_padding": -1}, ValueError, "output_padding must be at least 0, got -1"),
        (X, W, {"output_padding": (0, 1.0)}, TypeError, "output_padding must be an int, got 1.0"),
        (X, W, {"output_padding": 1}, ValueError,
         "output_padding must be below stride 1 or dilation 1, got 1"),
        (X, W, {"output_padding": (1, 3), "stride": 2, "dilation": 3}, ValueError,
         "output_padding must be below stride 2 or dilation 3, got 3"),
        (X, W, {"stride": (1, 2, 3)}, ValueError, "stride must be an int or two, got (1, 2, 3)"),
        (X, W, {"groups": True}, TypeError, "groups must be an int, got True"),
        (X, W, {"groups": 3}, ValueError,
         "weight (4, 3, 3, 3) with groups=3 needs 4 input channels, divisible by groups; "
         "x (1, 4, 8, 8) has 4 channels"),
        (X, (3, 4, 3, 3), {}, ValueError,
         "weight (3, 4, 3, 3) with groups=1 needs 3 input channels, divisible by groups; "
         "x (1, 4, 8, 8) has 4 channels"),
        (X, (4, 3, 0, 3), {}, ValueError, "height of x and weight must be at least 1, got 8 and 0"),
        ((1, 4, 8, 0), W, {}, ValueError, "width of x and weight must be at least 1, got 0 and 3"),
        (X, W, {"padding": (0, 5)}, ValueError,
         "padding 5 takes all of width 10: the output would have size 0"),
        (X, (4, 3, 3), {}, ValueError, "x must be [n, c, h, w] and weight [c, o/groups, kh, kw], "
         "got shapes (1, 4, 8, 8) and (4, 3, 3)"),
        (X, W, {"groups": 2, "bias": pydp.ones(3)}, ValueError, "bias must be (6,), got (3,)"),
        (X, W, {"bias": pydp.ones(3, dtype="float64")}, TypeError,
         "arguments must have one dtype, got x float32, weight float32, bias float64; use astype"),
    ],
)  # fmt: skip
def test_errors(x, weight, arguments, error, message):
    with pytest.raises(error) as raised:
        pydp.conv_transpose2d(pydp.ones(x), pydp.ones(weight), **arguments)
    assert str(raised.value) == f"conv_transpose2d: {message}"


def test_an_output_beyond_memory():
    x, w = pydp.ones((1, 1, 2**15, 2)), pydp.ones((1, 1, 1, 1))
    with pytest.raises((MemoryError, ValueError), match=r"large|memory"):
        pydp.conv_transpose2d(x, w, stride=2**31 - 1)
