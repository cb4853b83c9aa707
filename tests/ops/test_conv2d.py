"""Convolution: strides, padding, dilation, groups, and the sizes where kernels change method."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, torch
from pydp._graph import apply
from pydp.ops._conv2d import Conv2dBackwardData, Conv2dBackwardWeight, Conv2dGeometry


def case(why, x, weight, bias=None, exact=False, grad=True, order2=False, **arguments):
    activation = arguments.pop("activation", None)

    def ours(x, weight, bias=None):
        return pydp.conv2d(x, weight, bias, activation=activation, **arguments)

    peers = dict(arguments)
    mode, mode_padding = peers.pop("padding_mode", None), ()
    if mode:  # PyTorch's function has no modes: pad first
        high, wide = peers.pop("padding")
        mode_padding = (wide, wide, high, high)

    def theirs(x, weight, bias=None):
        x = torch.nn.functional.pad(x, mode_padding, mode) if mode else x
        y = torch.nn.functional.conv2d(x, weight, bias, **peers)
        return getattr(torch, activation)(y) if activation else y

    inputs = [x, weight] if bias is None else [x, weight, bias]
    terms = weight[0].size
    return Case("conv2d", ours, inputs, why, torch=torch and theirs, exact=exact, grad=grad,
                order2=order2, layouts="bound", bound=max(4e-6, terms * 2.0**-24))  # fmt: skip


def backward_case(rule, why, *inputs, **arguments):
    """The gradient kernels as ops of their own; x and weight give the geometry's shapes."""
    x, weight = arguments.pop("x"), arguments.pop("weight")
    stride, dilation, groups = [arguments.get(n, 1) for n in ("stride", "dilation", "groups")]
    sides = ((arguments.get("padding", 0),) * 2,) * 2
    conv = Conv2dGeometry.of(x, weight, (stride,) * 2, sides, (dilation,) * 2, groups)
    more = (False,) if rule is Conv2dBackwardWeight else ()

    def call(*tensors):
        y = apply(rule, tensors, conv, *more)
        return y[0] if more else y

    return Case(rule.name, call, inputs, why, layouts="bound", bound=1e-5)


CASES = [
    case("1x1 is a matrix product", real(2, 3, 4, 5), real(4, 3, 1, 1), real(4), order2=True),
    case("3x3", real(2, 3, 6, 5), real(4, 3, 3, 3), real(4), order2=True),
    case("padded", real(2, 3, 5, 5), real(4, 3, 3, 3), padding=1),
    case("strided", real(2, 3, 8, 7), real(4, 3, 3, 3), stride=2, padding=1, order2=True),
    case("uneven stride, padding, dilation", real(1, 2, 9, 11), real(3, 2, 3, 2), real(3),
         stride=(2, 3), padding=(2, 1), dilation=(1, 2)),
    case("dilated", real(1, 2, 9, 9), real(3, 2, 3, 3), dilation=2, padding=2),
    case("stride larger than the kernel", real(1, 2, 9, 9), real(3, 2, 2, 2), stride=3),
    case("one channel, LeNet's first", real(2, 1, 12, 12), real(8, 1, 5, 5), real(8), padding=2),
    case("few channels, a long window", real(2, 7, 7, 20), real(18, 7, 2, 16), real(18),
         stride=(1, 2), padding=(1, 3), dilation=(2, 1)),
    case("many channels", real(1, 20, 6, 6), real(37, 20, 3, 3), real(37), padding=1),
    case("groups", real(2, 6, 5, 5), real(4, 3, 3, 3), real(4), groups=2, padding=1, order2=True),
    case("wide groups", real(1, 34, 4, 4), real(40, 17, 3, 3), groups=2, padding=1),
    case("depthwise", real(2, 5, 6, 6), real(5, 1, 3, 3), real(5), groups=5, padding=1),
    case("depthwise, strided", real(2, 20, 7, 7), real(20, 1, 3, 3), groups=20, stride=2),
    case("first layer, strided", real(2, 3, 40, 37), real(4, 3, 7, 7), stride=2, padding=3),
    case("depthwise, tiles", real(2, 19, 7, 15), real(19, 1, 3, 3), real(19), groups=19, padding=1),
    case("depthwise, strided tiles", real(2, 19, 7, 21), real(19, 1, 3, 3), groups=19, stride=2,
         padding=1),
    case("depthwise, parts of the channels", real(1, 150, 4, 3), real(150, 1, 3, 3), groups=150,
         padding=1),
    case("depthwise, 5 wide", real(1, 20, 5, 6), real(20, 1, 5, 5), groups=20, padding=2),
    case("depthwise, two outputs each", real(1, 3, 5, 5), real(6, 1, 3, 3), groups=3),
    case("kernel as large as the input", real(2, 3, 4, 4), real(5, 3, 4, 4)),
    case("padding larger than the kernel", real(1, 1, 2, 2), real(2, 1, 2, 2), padding=3),
    case("same", real(2, 3, 5, 6), real(4, 3, 3, 5), padding="same", dilation=(2, 1)),
    case("same, an odd total: one more behind", real(2, 3, 5, 6), real(4, 3, 4, 2), real(4),
         padding="same", order2=True),
    case("same, an odd total, depthwise", real(2, 5, 6, 4), real(5, 1, 2, 4), groups=5,
         padding="same"),
    case("same, an odd total, many channels", real(1, 20, 6, 6), real(37, 20, 2, 2),
         padding="same"),
    case("valid", real(1, 2, 5, 5), real(3, 2, 3, 3), padding="valid"),
    case("reflect", real(1, 2, 5, 6), real(3, 2, 3, 3), padding=(2, 1), padding_mode="reflect"),
    case("replicate", real(1, 2, 3, 4), real(3, 2, 3, 3), padding=(4, 0), stride=2,
         padding_mode="replicate", order2=True),
    case("circular", real(1, 2, 3, 4), real(3, 2, 3, 3), padding=(3, 2), padding_mode="circular"),
    case("relu", real(2, 3, 5, 5), real(4, 3, 3, 3), real(4), activation="relu"),
    case("tanh", real(1, 2, 5, 5), real(4, 2, 3, 3), real(4), activation="tanh", order2=True),
    case("exact", integers(2, 8, 9, 9), integers(16, 8, 3, 3), integers(16), exact=True, padding=1),
    # From 16 channels and 32 tiles of 2x2 outputs on, 3x3 and 5x5 go another way (winograd.h).
    case("few products, 3x3", real(2, 17, 9, 8), real(19, 17, 3, 3), real(19), padding=1),
    case("few products, 5x5", real(3, 16, 7, 8), real(33, 16, 5, 5) / 40, padding=2,
         activation="tanh"),
    case("few products, uneven padding", real(1, 18, 12, 11), real(16, 18, 3, 3), real(16),
         padding=(2, 0), order2=True),
    case("few products, groups", real(2, 34, 8, 8), real(32, 17, 3, 3), groups=2, padding=1),
    case("exact, few products, 3x3", integers(2, 40, 13, 13), integers(36, 40, 3, 3), integers(36),
         exact=True, padding=1),
    case("exact, few products, 5x5", integers(2, 33, 14, 9), integers(17, 33, 5, 5), exact=True,
         padding=2),
    case("few products, images for lanes", real(16, 17, 6, 5), real(18, 17, 3, 3), real(18),
         padding=1),
    case("few products, images for lanes, 5x5", real(15, 16, 4, 5), real(20, 16, 5, 5), padding=2),
    case("images for lanes, one channel in", real(16, 1, 9, 8), real(18, 1, 5, 5), padding=2),
    case("images for lanes, three channels out", real(16, 18, 6, 5), real(3, 18, 3, 3), real(3),
         padding=1, activation="relu"),
    case("exact, strided", integers(2, 33, 9, 9), integers(5, 33, 3, 3), exact=True, stride=2),
    case("exact, depthwise, strided", integers(2, 19, 9, 9), integers(19, 1, 3, 3), exact=True,
         groups=19, stride=2, padding=1),
    case("exact, depthwise", integers(2, 19, 9, 9), integers(19, 1, 3, 3), exact=True, groups=19),
    backward_case(Conv2dBackwardData, "", real(2, 4, 4, 4), real(4, 3, 3, 3),
                  x=(2, 3, 6, 6), weight=(4, 3, 3, 3)),
    backward_case(Conv2dBackwardData, "strided, with inputs that no window covers",
                  real(1, 4, 2, 2), real(4, 3, 3, 3), x=(1, 3, 8, 8), weight=(4, 3, 3, 3),
                  stride=4),
    backward_case(Conv2dBackwardWeight, "", real(2, 3, 6, 6), real(2, 4, 4, 4),
                  x=(2, 3, 6, 6), weight=(4, 3, 3, 3)),
    backward_case(Conv2dBackwardWeight, "grouped", real(1, 4, 5, 5), real(1, 6, 5, 5),
                  x=(1, 4, 5, 5), weight=(6, 2, 3, 3), padding=1, groups=2),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_results_lie_channels_last():
    y = pydp.conv2d(pydp.ones((2, 3, 5, 6)), pydp.ones((4, 3, 3, 3)))
    assert y.shape == (2, 4, 3, 4)
    assert np.moveaxis(y.numpy(), 1, -1).flags.c_contiguous


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize(
    ("n", "c", "o"), [(2, 16, 16), (16, 17, 17), (16, 3, 18), (16, 18, 3)]
)  # lanes are channels in the first, and images in the others
def test_a_value_that_is_not_finite_stays_where_it_is_seen(n, c, o, bad):
    """The tiles of winograd.h would spread it; only the windows that hold it may show it."""
    x = np.ones((n, c, 8, 8), np.float32)
    x[1, 2, 2, 5] = bad
    w, dy = np.full((o, c, 3, 3), 0.25, np.float32), np.ones((n, o, 8, 8), np.float32)
    x, w = pydp.tensor(x, requires_grad=True), pydp.tensor(w, requires_grad=True)
    y = pydp.conv2d(x, w, padding=1)
    seen = np.zeros((8, 8), bool)
    seen[1:4, 4:7] = True
    assert (y.numpy()[0] < 41).all()
    assert (np.abs(y.numpy()[1] - y.numpy()[0]) < 1)[:, ~seen].all()
    assert not (np.abs(y.numpy()[1] - y.numpy()[0]) < 1)[:, seen].any()
    dy[1, 2, 2, 5] = bad
    y.backward(pydp.tensor(dy))
    dx = x.grad.numpy()
    assert (dx[0] < 41).all()
    assert (np.abs(dx[1] - dx[0]) < 1)[:, ~seen].all()
    assert not (np.abs(dx[1] - dx[0]) < 1)[:, seen].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_stays_with_the_pixels_it_reaches(bad):
    """The blocks of conv2d_blocks.h have zeros for weights where a pixel sees nothing."""
    x = pydp.tensor(np.ones((3, 3, 64, 64), np.float32), requires_grad=True)
    dy = np.ones((3, 8, 32, 32), np.float32)
    dy[1, 2, 5, 7] = bad
    y = pydp.conv2d(x, pydp.ones((8, 3, 3, 3)), stride=2, padding=1)
    y.backward(pydp.tensor(dy))
    reached = np.zeros((3, 3, 64, 64), bool)
    reached[1, :, 9:12, 13:16] = True
    np.testing.assert_array_equal(~np.isfinite(x.grad.numpy()), reached)


def test_images_of_a_large_batch_are_those_of_a_small_one():
    """Images that are lanes (conv2d_winograd_images.h) are turned some blocks at a time."""
    x, w = pydp.tensor(integers(37, 17, 44, 44)), pydp.tensor(integers(18, 17, 3, 3))
    x, w = x.astype("float32"), w.astype("float32")
    y, part = pydp.conv2d(x, w, padding=1).numpy(), pydp.conv2d(x[34:], w, padding=1).numpy()
    np.testing.assert_array_equal(y[34:], part)


def test_an_empty_batch_gives_zero_gradients():
    w = pydp.tensor(real(4, 3, 3, 3), requires_grad=True)
    b = pydp.tensor(real(4), requires_grad=True)
    y = pydp.conv2d(pydp.zeros((0, 3, 5, 5), dtype="float64"), w, b)
    assert y.shape == (0, 4, 3, 3)
    y.sum().backward()
    assert not w.grad.numpy().any()
    assert not b.grad.numpy().any()
    assert w.grad.shape == w.shape


def test_gelu_epilogue_is_gelu_of_conv2d():
    x, w = pydp.tensor(real(1, 2, 5, 5)), pydp.tensor(real(3, 2, 3, 3))
    fused = pydp.conv2d(x, w, activation="gelu").numpy()
    np.testing.assert_allclose(fused, pydp.gelu(pydp.conv2d(x, w)).numpy(), rtol=1e-12, atol=1e-14)


X, W = (1, 3, 8, 8), (4, 3, 3, 3)


@pytest.mark.parametrize(
    ("x", "weight", "arguments", "error", "message"),
    [
        (X, W, {"stride": 0}, ValueError, "conv2d: stride must be at least 1, got 0"),
        (X, W, {"stride": -1}, ValueError, "conv2d: stride must be at least 1, got -1"),
        (X, W, {"dilation": 0}, ValueError, "conv2d: dilation must be at least 1, got 0"),
        (X, W, {"padding": -1}, ValueError, "conv2d: padding must be at least 0, got -1"),
        (X, W, {"padding": 2**31}, ValueError, r"conv2d: padding must be below 2\*\*31"),
        (X, W, {"stride": 2**63 - 1}, ValueError, r"conv2d: stride must be below 2\*\*31"),
        (X, W, {"stride": 1.0}, TypeError, "conv2d: stride must be an int, got 1.0"),
        (X, W, {"stride": True}, TypeError, "conv2d: stride must be an int, got True"),
        (X, W, {"stride": ()}, ValueError, r"conv2d: stride must be an int or two, got \(\)"),
        (X, W, {"padding": (1, 1, 1)}, ValueError, "conv2d: padding must be an int or two"),
        (X, W, {"groups": 2}, ValueError, r"weight .* with groups=2 needs 6 input channels"),
        (X, W, {"groups": 0}, ValueError, "conv2d: groups must be at least 1, got 0"),
        (X, (4, 2, 3, 3), {}, ValueError, r"needs 2 input channels .* has 3 channels"),
        (X, (4, 3, 9, 3), {}, ValueError, "a kernel of height 9 with dilation 1 covers 9, which is "
         "more than the input's 8 with padding 0"),
        (X, (4, 3, 3, 3), {"dilation": 4}, ValueError, "covers 9"),
        (X, (4, 3, 0, 3), {}, ValueError, "a kernel of height 0"),
        ((3, 8, 8), W, {}, ValueError, r"conv2d: x must be \[n, c, h, w\]"),
        (X, (4, 3, 3), {}, ValueError, r"weight \[o, c/groups, kh, kw\], got shapes"),
        (X, W, {"bias": pydp.ones(3)}, ValueError, r"conv2d: bias must be \(4,\), got \(3,\)"),
        (X, W, {"padding": "full"}, ValueError, 'padding must be an int, two, "same" or "valid", '
         "got 'full'"),
        (X, W, {"padding": "same", "stride": (1, 2)}, ValueError,
         r'conv2d: padding "same" needs stride 1, got \(1, 2\)'),
        (X, W, {"padding_mode": "constant"}, ValueError, "conv2d: padding_mode must be one of "
         "'zeros', 'reflect', 'replicate', 'circular', got 'constant'"),
        (X, W, {"padding_mode": None}, ValueError, "got None"),
        (X, W, {"padding_mode": "reflect", "padding": (8, 0)}, ValueError,
         "pad: mode 'reflect' pads axis 2 of length 8 by at most 7"),
        (X, W, {"activation": "no"}, ValueError, "conv2d: activation must be one of"),
        (X, W, {"bias": pydp.ones(4, dtype="float64")}, TypeError, "bias float64; use astype"),
        ((1, 1, 2, 2), (1, 1, 1, 1), {"padding": 2**30}, (MemoryError, ValueError), "large|memory"),
    ],
)  # fmt: skip
def test_errors(x, weight, arguments, error, message):
    with pytest.raises(error, match=message):
        pydp.conv2d(pydp.ones(x), pydp.ones(weight), **arguments)
