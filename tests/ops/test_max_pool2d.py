"""max_pool2d and the two ops of its gradients."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, indices, integers, real, setting, tensors, torch
from pydp._graph import apply
from pydp.ops._max_pool2d import MaxPool2dBackward, MaxPool2dGather
from pydp.ops._pool2d import pool2d


def distinct(*shape):
    """Values at least 0.01 apart, so that a difference quotient meets no tie."""
    order = np.random.default_rng(3).permutation(int(np.prod(shape)))
    return (order * 0.01 - 1).reshape(shape)


def case(x, why, *arguments, **keywords):
    def theirs(x):
        return torch.nn.functional.max_pool2d(x, *arguments, **keywords)

    return Case("max_pool2d", lambda x: pydp.max_pool2d(x, *arguments, **keywords), [x], why,
                torch=torch and theirs)  # fmt: skip


CASES = [
    case(distinct(2, 3, 6, 8), "halves", 2),
    case(distinct(1, 20, 7, 7), "overlapping, a vector and a tail of channels", 3, stride=2),
    case(distinct(2, 2, 6, 5), "padding", 3, stride=2, padding=1),
    case(distinct(1, 2, 5, 7), "ceil_mode reaches over the end", 2, ceil_mode=True),
    case(distinct(1, 2, 5, 5), "ceil_mode drops a window in the padding", 3, stride=3, padding=1,
         ceil_mode=True),
    case(distinct(1, 2, 9, 8), "dilation", 3, stride=1, padding=1, dilation=(2, 3)),
    case(distinct(1, 3, 4, 9), "one for each axis", (1, 4), stride=(3, 2), padding=(0, 2)),
    case(distinct(1, 2, 7, 7), "gaps between the windows", 2, stride=3),
    case(distinct(1, 1, 17, 17), "a window of 289 entries needs a wider index", 17, stride=1,
         padding=8),
    case(distinct(1, 2, 15, 17), "a window of 255 entries does not", (15, 17)),
    case(distinct(0, 3, 4, 4), "no image", 2),
    case(distinct(2, 1, 40, 300), "several tasks", 3, stride=2),
]  # fmt: skip


def places_case(x, why, **keywords):
    def theirs(x):
        return torch.nn.functional.max_pool2d(x, **keywords)

    def ours(x):
        return pydp.max_pool2d(x, return_indices=True, **keywords)[0]

    return Case("max_pool2d_places", ours, [x], why, torch=torch and theirs)


PLACES = [
    places_case(distinct(2, 20, 9, 8), "padding", kernel_size=3, stride=2, padding=1),
    places_case(distinct(2, 3, 9, 8), "dilation", kernel_size=(2, 3), padding=1, dilation=(2, 3)),
]

WINDOW = pool2d("test", np.empty((2, 20, 7, 6)), 3, 2, 1, 1, False)
INDEX = indices(2, 4, 3, 20, below=9).astype(np.uint8)
LARGE = pool2d("test", np.empty((1, 3, 20, 20)), 17, 1, 0, 1, False)
LARGE_INDEX = indices(1, 4, 4, 3, below=289).astype(np.int32)


def gradient_case(op, shape, pool, index, why):
    def call(x, index):
        return apply(op, (x, index), pool)

    return Case(op.name, call, [integers(*shape), index], why, exact=True)


GRADIENTS = [
    gradient_case(MaxPool2dBackward, WINDOW.y_shape, WINDOW, INDEX, "bytes"),
    gradient_case(MaxPool2dGather, WINDOW.x_shape, WINDOW, INDEX, "bytes"),
    gradient_case(MaxPool2dBackward, LARGE.y_shape, LARGE, LARGE_INDEX, "words"),
    gradient_case(MaxPool2dGather, LARGE.x_shape, LARGE, LARGE_INDEX, "words"),
]


@pytest.mark.parametrize("case", [*CASES, *PLACES, *GRADIENTS], ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.skipif(torch is None, reason="compares with PyTorch")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("padding", [0, 1])
def test_nan_infinity_and_ties_are_as_in_pytorch(dtype, padding):
    """Values and gradients where several entries are equal, NaN or infinite."""
    kinds = np.array([np.nan, -np.inf, np.inf, 0.0, -0.0, 1.0], dtype)
    x = np.random.default_rng(5).choice(kinds, (3, 20, 9, 9), p=[0.1, 0.5, 0.05, 0.1, 0.1, 0.15])
    x[0] = -np.inf
    x[1, 0] = np.nan
    dy = real(3, 20, *[(9 + 2 * padding - 3) // 2 + 1] * 2).astype(dtype)

    t = torch.from_numpy(x.copy()).requires_grad_()
    theirs = torch.nn.functional.max_pool2d(t, 3, 2, padding)
    theirs.backward(torch.from_numpy(dy))
    with setting():
        (ours_x,) = tensors([x], grad=True)
        ours = pydp.max_pool2d(ours_x, 3, 2, padding)
        ours.backward(pydp.tensor(dy))
    np.testing.assert_array_equal(ours.numpy(), theirs.detach().numpy())
    np.testing.assert_allclose(ours_x.grad.numpy(), t.grad.numpy(), rtol=1e-6)


@pytest.mark.skipif(torch is None, reason="compares with PyTorch")
@pytest.mark.parametrize(
    "more",
    [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0), "dilation": (3, 2)},
        {"kernel_size": 17, "stride": 1, "padding": 8},
    ],
    ids=str,
)
def test_indices_are_as_in_pytorch(more):
    x = np.round(real(2, 5, 17, 18), 1)  # with ties
    x[0, 0, 3:6] = np.nan
    y, places = pydp.max_pool2d(pydp.tensor(x), **more, return_indices=True)
    peer = torch.from_numpy(x)
    want, where = torch.nn.functional.max_pool2d(peer, **more, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), want.numpy())
    np.testing.assert_array_equal(places.numpy(), where.numpy())


def test_indices_want_no_gradient():
    x = pydp.tensor(real(1, 2, 4, 4), requires_grad=True)
    y, places = pydp.max_pool2d(x, 2, return_indices=True)
    assert y.requires_grad and not places.requires_grad
    assert places.dtype == np.int64 and places.shape == y.shape
    y.sum().backward()
    taken = x.grad.numpy().reshape(1, 2, 16)
    assert np.take_along_axis(taken, places.numpy().reshape(1, 2, 4), -1).all()
    assert taken.sum() == 8


def test_results_are_channels_last():
    x = pydp.tensor(real(2, 3, 8, 8), requires_grad=True)
    y = pydp.max_pool2d(x, 2)
    assert y.numpy().transpose(0, 2, 3, 1).flags.c_contiguous
    (dx,) = y._node.backward(y.detach())
    assert dx.numpy().transpose(0, 2, 3, 1).flags.c_contiguous


ERRORS = [
    ((2, 2), {}, ValueError, "max_pool2d: x must have 4 axes (n, c, h, w), got shape (2, 2)"),
    ((1, 1, 4, 4), {"kernel_size": 0}, ValueError,
     "max_pool2d: kernel_size must be at least 1, got 0"),
    ((1, 1, 4, 4), {"kernel_size": True}, TypeError,
     "max_pool2d: kernel_size must be an int, got True"),
    ((1, 1, 4, 4), {"kernel_size": 2.0}, TypeError,
     "max_pool2d: kernel_size must be an int, got 2.0"),
    ((1, 1, 4, 4), {"kernel_size": ()}, ValueError,
     "max_pool2d: kernel_size must be an int or two, got ()"),
    ((1, 1, 4, 4), {"stride": 0}, ValueError, "max_pool2d: stride must be at least 1, got 0"),
    ((1, 1, 4, 4), {"stride": 2**31}, ValueError,
     "max_pool2d: stride must be below 2**31, got 2147483648"),
    ((1, 1, 4, 4), {"dilation": 0}, ValueError, "max_pool2d: dilation must be at least 1, got 0"),
    ((1, 1, 4, 4), {"padding": -1}, ValueError, "max_pool2d: padding must be at least 0, got -1"),
    ((1, 1, 4, 4), {"kernel_size": 3, "padding": 2}, ValueError,
     "max_pool2d: padding must be at most half of kernel_size 3, got 2"),
    ((1, 1, 4, 4), {"kernel_size": 5}, ValueError,
     "max_pool2d: a window that reaches over 5 does not fit into height 4 with padding 0: the "
     "output would have size 0"),
    ((1, 1, 0, 4), {"padding": 1}, ValueError,
     "max_pool2d: height of x must be at least 1, got 0"),
    ((1, 1, 2, 2), {"dilation": 3, "padding": 1}, ValueError,
     "max_pool2d: with dilation 3 and padding 1 a window has no entry inside height 2"),
    ((1, 1, 4, 4), {"return_indices": None}, TypeError,
     "max_pool2d: return_indices must be a bool, got None"),
    ((1, 1, 4, 4), {"ceil_mode": 1}, TypeError, "max_pool2d: ceil_mode must be a bool, got 1"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "keywords", "error", "message"), ERRORS)
def test_errors(shape, keywords, error, message):
    with pytest.raises(error) as raised:
        pydp.max_pool2d(pydp.tensor(np.zeros(shape)), **{"kernel_size": 2, **keywords})
    assert str(raised.value) == message


def test_integers_are_refused():
    with pytest.raises(TypeError, match="max_pool2d: x must be float32 or float64, got int64"):
        pydp.max_pool2d(pydp.tensor(np.zeros((1, 1, 4, 4), np.int64)), 2)
