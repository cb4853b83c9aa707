"""pad and its gradient: every mode, cuts, layouts, dtypes, and what is refused."""

import numpy as np
import pytest

import pydp
from harness import Case, assert_bits, examine, integers, real, torch

MODES = ["constant", "reflect", "replicate", "circular"]


def case(why, x, padding, mode="constant", value=0.0):
    def call(x):
        return pydp.pad(x, padding, mode, value)

    def theirs(x):
        if mode == "constant":
            return torch.nn.functional.pad(x, padding, mode, value)
        return torch.nn.functional.pad(x, padding, mode)

    # PyTorch has the other modes for 1 to 3 axes with 1 or 2 before them
    peer = torch and (mode == "constant" or 0 < x.ndim - len(padding) // 2 <= 2)
    return Case("pad", call, [x], f"{why}, {mode}", exact=True, torch=theirs if peer else None)


CASES = [
    case(why, x, padding, mode)
    for mode in MODES
    for why, x, padding in [
        ("before and after a line", integers(2, 7), (2, 3)),
        ("an image, four widths", integers(2, 3, 5, 6), (1, 2, 3, 0)),
        ("the last axis cut, the one before padded", integers(2, 3, 6, 5), (-1, -2, 1, 2)),
        ("cut here, padded there", integers(2, 2, 6, 7), (-2, 3, 2, -1)),
        ("an inner axis alone", integers(3, 4, 9), (0, 0, 2, 1)),
        ("three axes", integers(1, 2, 3, 4, 5), (1, 2, 0, 1, 2, 1)),
        ("every axis of a line", integers(6), (4, 1)),
        ("rows of more than a vector", integers(2, 5, 70), (3, 4, 1, 1)),
        ("nothing is padded", integers(3, 4), (0, 0)),
    ]
] + [
    case("a value", integers(2, 3, 4), (1, 1, 0, 2), value=7.0),
    case("from nothing", integers(2, 0, 3), (1, 1, 1, 2), value=-1.0),
    case("to nothing", integers(2, 4), (-1, -3)),
    case("a 0-d tensor", integers(), ()),
    case("reflected by all but one place", integers(2, 4), (3, 3), "reflect"),
    case("once around on both sides", integers(2, 4), (4, 4), "circular"),
    case("far beyond", integers(2, 3), (9, 11), "replicate"),
    case("beyond what is left", integers(1, 2, 3), (-5, 4), "replicate"),
    case("one place", integers(2, 1), (2, 1), "replicate"),
    case("one place", integers(2, 1), (1, 1), "circular"),
    case("units of many bytes", integers(3, 4, 2100), (0, 0, 1, 2), "reflect"),
    case("several tasks", real(40, 3, 30, 31), (1, 1, 2, 2), "reflect"),
    case("several tasks", real(40, 3, 30, 31), (1, 1, 2, 2)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("mode", MODES)
def test_the_result_lies_as_x_does(mode):
    """Channels-last images stay so, and their gradients."""
    image = integers(2, 5, 6, 4)
    x = pydp.tensor(image, requires_grad=True).permute_dims((0, 3, 1, 2))
    x.retain_grad()
    y = pydp.pad(x, (1, 2, 3, 1), mode)
    assert y.numpy().transpose(0, 2, 3, 1).flags.c_contiguous
    want = pydp.pad(pydp.tensor(np.ascontiguousarray(x.numpy())), (1, 2, 3, 1), mode)
    assert_bits(y.numpy(), want.numpy(), mode)
    y.sum().backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int32", "int64", "uint64"])
def test_every_dtype(dtype, mode):
    x = integers(3, 4, low=0).astype(dtype)
    got = pydp.pad(pydp.tensor(x), (2, 1, 1, 0), mode).numpy()
    names = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    assert_bits(got, np.pad(x, [(1, 0), (2, 1)], names.get(mode, mode)), f"{dtype}, {mode}")


def test_values():
    x = pydp.tensor([1, 2])
    assert pydp.pad(x, (0, 1), value=-100).tolist() == [1, 2, -100]
    assert pydp.pad(x > 1, (1, 0), value=True).tolist() == [True, False, True]
    assert np.isnan(pydp.pad(pydp.tensor([1.0]), (1, 0), value=np.nan).numpy()[0])
    assert pydp.pad([1.0], [0, 1], value=np.inf).tolist() == [1.0, np.inf]


ERRORS = [
    (((1,),), ValueError, "pad: padding must hold two ints for each of the last axes, of which x "
     "of shape (3, 4) has 2, got (1,)"),
    (((1, 1, 1, 1, 1, 1),), ValueError, "pad: padding must hold two ints for each of the last "
     "axes, of which x of shape (3, 4) has 2, got (1, 1, 1, 1, 1, 1)"),
    ((1,), TypeError, "pad: padding must be a tuple or list, got 1"),
    (((1.0, 1),), TypeError, "pad: padding must be an int, got 1.0"),
    (((True, 1),), TypeError, "pad: padding must be an int, got True"),
    (((2**31, 0),), ValueError, "pad: padding must be below 2**31, got 2147483648"),
    (((-2, -3),), ValueError,
     "pad: padding (-2, -3) leaves less than nothing of axis 1 of length 4"),
    (((0, 1), "edge"), ValueError,
     "pad: mode must be one of 'constant', 'reflect', 'replicate', 'circular', got 'edge'"),
    (((0, 1), []), ValueError,
     "pad: mode must be one of 'constant', 'reflect', 'replicate', 'circular', got []"),
    (((4, 0), "reflect"), ValueError,
     "pad: mode 'reflect' pads axis 1 of length 4 by at most 3, got (4, 0)"),
    (((0, 0, 0, 4), "circular"), ValueError,
     "pad: mode 'circular' pads axis 0 of length 3 by at most 3, got (0, 4)"),
    (((3, -2), "circular"), ValueError,
     "pad: mode 'circular' pads axis 1 of length 2 by at most 2, got (3, 0)"),
    (((9, -9), "circular"), ValueError,
     "pad: mode 'circular' needs an element to repeat, axis 1 has none"),
    (((1, 1), "reflect", 2.0), ValueError,
     "pad: value is for mode 'constant', got 2.0 for 'reflect'"),
    (((1, 1), "reflect", float("nan")), ValueError,
     "pad: value is for mode 'constant', got nan for 'reflect'"),
    (((1, 1), "constant", "0"), TypeError, "pad: expected a real number, got '0'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "message"), ERRORS)
def test_errors(arguments, error, message):
    with pytest.raises(error) as raised:
        pydp.pad(pydp.zeros((3, 4)), *arguments)
    assert str(raised.value) == message


def test_values_that_an_integer_has_not():
    x = pydp.tensor(np.zeros(3, np.int8))
    with pytest.raises(ValueError, match=r"pad: value must be whole for x of int8, got 0\.5"):
        pydp.pad(x, (1, 1), value=0.5)
    with pytest.raises(OverflowError, match="pad: 300 does not fit into int8"):
        pydp.pad(x, (1, 1), value=300)


def test_more_than_memory():
    with pytest.raises(MemoryError):
        pydp.pad(pydp.zeros((2, 2, 2, 2)), (2**30, 0) * 4)
