"""unfold and fold, which are each other's gradient: windows of every kind, and what is refused."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, torch

WINDOWS = [
    ("halves", (6, 8), {"kernel_size": 2, "stride": 2}),
    ("every place", (5, 6), {"kernel_size": 3}),
    ("padded", (5, 6), {"kernel_size": 3, "padding": 1}),
    ("one for each axis", (7, 9), {"kernel_size": (2, 3), "dilation": (2, 1), "padding": (0, 2),
                                   "stride": (1, 2)}),
    ("dilated", (9, 8), {"kernel_size": 3, "dilation": 2, "padding": 1, "stride": 2}),
    ("gaps", (8, 8), {"kernel_size": 2, "stride": 3}),
    ("windows in the padding", (2, 3), {"kernel_size": 2, "padding": 3}),
    ("the whole image", (4, 5), {"kernel_size": (4, 5)}),
    ("one pixel", (3, 4), {"kernel_size": 1}),
    ("several tasks", (60, 70), {"kernel_size": 3, "padding": 1}),
]  # fmt: skip


def unfolds(why, x, arguments):
    def theirs(x):
        return torch.nn.functional.unfold(x, **arguments)

    return Case("unfold", lambda x: pydp.unfold(x, **arguments), [x], why, exact=True,
                torch=torch and theirs)  # fmt: skip


def folds(why, size, arguments, batch=(2,), channels=3):
    x = integers(*batch, *pydp.unfold(pydp.zeros((channels, *size)), **arguments).shape)

    def theirs(x):
        return torch.nn.functional.fold(x, size, **arguments)

    return Case("fold", lambda x: pydp.fold(x, size, **arguments), [x], why, exact=True,
                torch=torch and theirs)  # fmt: skip


CASES = [unfolds(why, integers(2, 3, *size), given) for why, size, given in WINDOWS]
CASES += [folds(why, size, given) for why, size, given in WINDOWS]
CASES += [
    unfolds("an image alone", integers(3, 5, 6), {"kernel_size": 3}),
    folds("columns alone", (5, 6), {"kernel_size": 3}, batch=()),
    Case("unfold", lambda x: pydp.unfold(x, 2), [integers(0, 3, 4, 4)], "no image"),
    Case("fold", lambda x: pydp.fold(x, 4, 2), [integers(0, 8, 9)], "no image"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_a_convolution_is_a_product_with_the_columns():
    x, weight = pydp.tensor(integers(2, 3, 7, 8)), pydp.tensor(integers(5, 3, 3, 2))
    columns = pydp.unfold(x, (3, 2), dilation=2, padding=1, stride=2)
    want = pydp.conv2d(x, weight, None, 2, 1, 2)
    got = (weight.reshape(5, -1) @ columns).reshape(want.shape)
    np.testing.assert_array_equal(got.numpy(), want.numpy())


def unfold(shape, **arguments):
    return lambda: pydp.unfold(pydp.zeros(shape), **{"kernel_size": 2, **arguments})


def fold(shape, **arguments):
    given = {"output_size": (4, 4), "kernel_size": 2, **arguments}
    return lambda: pydp.fold(pydp.zeros(shape), **given)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (unfold((4, 4)), ValueError,
         "unfold: x must have axes (n, c, h, w) or (c, h, w), got shape (4, 4)"),
        (unfold((1, 1, 4, 4), kernel_size=0), ValueError,
         "unfold: kernel_size must be at least 1, got 0"),
        (unfold((1, 1, 4, 4), kernel_size=(1, 2, 3)), ValueError,
         "unfold: kernel_size must be an int or two, got (1, 2, 3)"),
        (unfold((1, 1, 4, 4), stride=1.0), TypeError, "unfold: stride must be an int, got 1.0"),
        (unfold((1, 1, 4, 4), padding=-1), ValueError,
         "unfold: padding must be at least 0, got -1"),
        (unfold((1, 1, 4, 4), dilation=4), ValueError, "unfold: a window that reaches over 5 does "
         "not fit into height 4 with padding 0"),
        (unfold((1, 1, 4, 4), dilation=2**31 - 1), ValueError, "unfold: a window that reaches over "
         "2147483648 does not fit into height 4 with padding 0"),
        (unfold((1, 1, 4, 0), padding=2), ValueError, "unfold: width must be at least 1, got 0"),
        (fold((4,)), ValueError, "fold: x must have axes (n, c * kh * kw, oh * ow) or "
         "(c * kh * kw, oh * ow), got shape (4,)"),
        (fold((1, 6, 9)), ValueError,
         "fold: x must have a multiple of kernel_size 2 * 2 rows, got 6"),
        (fold((1, 8, 8)), ValueError, "fold: x must have 3 * 3 columns, one for each window of an "
         "image of 4 x 4, got 8"),
        (fold((1, 8, 9), output_size=0), ValueError, "fold: output_size must be at least 1, got 0"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message


def test_more_than_memory():
    with pytest.raises(MemoryError):
        pydp.unfold(pydp.zeros((1, 1, 2, 2)), 1, padding=2**22)
    with pytest.raises(ValueError, match=r"unfold: shape .* has too many elements"):
        pydp.unfold(pydp.zeros((1, 1, 2, 2)), 1, padding=2**31 - 1)
