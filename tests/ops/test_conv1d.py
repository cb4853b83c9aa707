"""Convolution of signals, conv2d's kernels: the views, and arguments and errors of one axis."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, torch


def case(why, x, weight, bias=None, exact=False, **arguments):
    activation = arguments.pop("activation", None)
    peers = dict(arguments)
    mode = peers.pop("padding_mode", None)
    wide = (peers.pop("padding"),) * 2 if mode else ()

    def ours(x, weight, bias=None):
        return pydp.conv1d(x, weight, bias, activation=activation, **arguments)

    def theirs(x, weight, bias=None):
        x = torch.nn.functional.pad(x, wide, mode) if mode else x
        y = torch.nn.functional.conv1d(x, weight, bias, **peers)
        return getattr(torch, activation)(y) if activation else y

    inputs = [x, weight] if bias is None else [x, weight, bias]
    return Case("conv2d", ours, inputs, why, torch=torch and theirs, exact=exact,
                layouts="bound", bound=max(4e-6, weight[0].size * 2.0**-24))  # fmt: skip


CASES = [
    case("plain", real(2, 3, 9), real(4, 3, 3), real(4)),
    case("a window of one", real(2, 3, 5), real(4, 3, 1)),
    case("stride, padding, dilation", real(2, 3, 11), real(4, 3, 3), stride=2, padding=3,
         dilation=2),
    case("tuples of one", real(1, 2, 9), real(3, 2, 2), stride=(2,), padding=(1,), dilation=(3,)),
    case("groups", real(2, 4, 8), real(6, 2, 3), real(6), groups=2),
    case("depthwise", real(2, 5, 8), real(5, 1, 3), groups=5, padding=1),
    case("same, an odd total: one more behind", real(1, 2, 7), real(3, 2, 4), padding="same"),
    case("valid", real(1, 2, 7), real(3, 2, 4), padding="valid"),
    case("reflect", real(1, 2, 5), real(3, 2, 3), padding=4, padding_mode="reflect"),
    case("circular", real(1, 2, 5), real(3, 2, 3), padding=2, padding_mode="circular", stride=2),
    case("tanh", real(1, 2, 7), real(3, 2, 3), real(3), activation="tanh"),
    case("no signal", real(0, 2, 5), real(3, 2, 3)),
    case("exact", integers(2, 33, 9), integers(16, 33, 3), integers(16), exact=True),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_results_lie_channels_last():
    y = pydp.conv1d(pydp.ones((2, 3, 6)), pydp.ones((4, 3, 3)))
    assert np.moveaxis(y.numpy(), 1, -1).flags.c_contiguous


def test_gelu_epilogue_is_gelu_of_conv1d():
    x, w = pydp.tensor(real(1, 2, 5)), pydp.tensor(real(3, 2, 3), requires_grad=True)
    want = pydp.gelu(pydp.conv1d(x, w)).numpy()
    for weight in (w, w.detach()):
        fused = pydp.conv1d(x, weight, activation="gelu").numpy()
        np.testing.assert_allclose(fused, want, rtol=1e-12, atol=1e-14)


X, W = (1, 3, 8), (4, 3, 3)


@pytest.mark.parametrize(
    ("x", "weight", "arguments", "error", "message"),
    [
        (X, W, {"stride": 0}, ValueError, "conv1d: stride must be at least 1, got 0"),
        (X, W, {"padding": -1}, ValueError, "conv1d: padding must be at least 0, got -1"),
        (X, W, {"dilation": 1.0}, TypeError, "conv1d: dilation must be an int, got 1.0"),
        (X, W, {"stride": (1, 2)}, ValueError,
         "conv1d: stride must be an int or a tuple of one, got (1, 2)"),
        (X, W, {"padding": ()}, ValueError,
         "conv1d: padding must be an int or a tuple of one, got ()"),
        (X, W, {"padding": "full"}, ValueError,
         "conv1d: padding must be an int or a tuple of one, \"same\" or \"valid\", got 'full'"),
        (X, W, {"padding": "same", "stride": 2}, ValueError,
         'conv1d: padding "same" needs stride 1, got 2'),
        (X, W, {"padding_mode": "reflect", "padding": 8}, ValueError,
         "pad: mode 'reflect' pads axis 2 of length 8 by at most 7, got (8, 8)"),
        (X, W, {"groups": 2}, ValueError, "conv1d: weight (4, 3, 3) with groups=2 needs 6 input "
         "channels and outputs divisible by groups; x (1, 3, 8) has 3 channels"),
        (X, (4, 3, 9), {}, ValueError, "conv1d: a kernel of length 9 with dilation 1 covers 9, "
         "which is more than the input's 8 with padding 0 on each side"),
        ((1, 3, 8, 8), W, {}, ValueError, "conv1d: x must be [n, c, l] and weight "
         "[o, c/groups, k], got shapes (1, 3, 8, 8) and (4, 3, 3)"),
        ((1, 3, 1, 8), (4, 3, 1, 3), {}, ValueError, "conv1d: x must be [n, c, l] and weight "
         "[o, c/groups, k], got shapes (1, 3, 1, 8) and (4, 3, 1, 3)"),
        (X, W, {"bias": pydp.ones(3)}, ValueError, "conv1d: bias must be (4,), got (3,)"),
        (X, W, {"activation": "no"}, ValueError, "conv1d: activation must be one of "
         "None, 'relu', 'gelu', 'tanh', 'sigmoid', got 'no'"),
    ],
)  # fmt: skip
def test_errors(x, weight, arguments, error, message):
    with pytest.raises(error) as raised:
        pydp.conv1d(pydp.ones(x), pydp.ones(weight), **arguments)
    assert str(raised.value) == message
