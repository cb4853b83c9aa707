"""flatten, its gradient, and the copy kernel under both."""

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, examine, integers, real, setting, tensors, torch
from pydp import _kernels


def case(x, why, *axes):
    return Case("flatten", lambda x: pydp.flatten(x, *axes), [x], why, exact=True,
                torch=torch and (lambda x: torch.flatten(x, *axes)))  # fmt: skip


def channels_last(a):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


CASES = [
    case(integers(3, 4, 5), "C order", 1),
    case(channels_last(integers(2, 5, 3, 4)), "channels last", 1),
    case(channels_last(integers(2, 70, 6, 11)), "channels last, several tiles", 1),
    case(integers(2, 3, 4, 5), "two axes in the middle", 1, 2),
    case(integers(2, 3, 4), "all axes"),
    case(integers(5), "one axis", 0),
    case(integers(0, 3, 4), "empty", 1),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_c_order_is_a_view():
    (x,) = tensors([real(2, 3, 4)])
    assert np.shares_memory(pydp.flatten(x).numpy(), x.numpy())


def test_gradient_has_the_layout_of_x():
    x = channels_last(real(2, 5, 3, 4))
    (t,) = tensors([x], grad=True)
    y = pydp.flatten(t, 1)
    (dx,) = y._node.backward(y.detach())
    assert dx.numpy().strides == x.strides


def test_0d():
    assert pydp.flatten(pydp.tensor(3.0)).shape == (1,)


def test_errors():
    x = pydp.tensor(np.zeros((2, 3, 4)))
    with pytest.raises(IndexError, match="flatten: axis 3 is out of range for 3 axes"):
        pydp.flatten(x, 3)
    with pytest.raises(ValueError, match=r"flatten: start_axis 2 comes after end_axis 1 in shape"):
        pydp.flatten(x, 2, 1)


@pytest.mark.parametrize("sizes", [(3, 4), (-1, 2), (2, -1, 3), (12,), [1, 12, 1]], ids=str)
def test_unflatten(sizes):
    x = integers(2, 12, 5)
    want = x.reshape(2, *sizes, 5)
    case = Case("reshape", lambda x: pydp.unflatten(x, 1, sizes), [x], exact=True)
    examine(case)
    np.testing.assert_array_equal(pydp.unflatten(x, -2, sizes).numpy(), want)
    assert pydp.unflatten(pydp.zeros((2, 0)), 1, (0, 4)).shape == (2, 0, 4)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((3, 5), "unflatten: sizes (3, 5) do not make up axis 1 of length 12"),
        ((-1, 5), "unflatten: sizes (-1, 5) do not make up axis 1 of length 12"),
        ((-1, 0), "unflatten: sizes (-1, 0) do not make up axis 1 of length 12"),
        ((-1, -1), "unflatten: sizes must not be negative, but for one -1; got (-1, -1)"),
        ((-2, -6), "unflatten: sizes must not be negative, but for one -1; got (-2, -6)"),
        ((), "unflatten: sizes () do not make up axis 1 of length 12"),
    ],
)
def test_unflatten_errors(sizes, message):
    with pytest.raises(ValueError) as raised:
        pydp.unflatten(pydp.zeros((2, 12)), 1, sizes)
    assert str(raised.value) == message


DTYPES = [np.bool_, np.int8, np.uint16, np.int32, np.float32, np.int64, np.float64]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 7, 5), (70, 3, 65), (2, 129, 100), (1, 9000), (3, 1, 2, 1)])
def test_copy_between_all_layouts(isa, dtype, shape):
    """Every order of the axes to every other one, reversed axes too."""
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    orders = [np.random.default_rng(i).permutation(len(shape)) for i in range(5)]
    with setting(isa, threads=2):
        for a in orders:
            source = np.ascontiguousarray(x.transpose(a)).transpose(np.argsort(a))
            for b in orders:
                target = np.full_like(x.transpose(b), 1, order="C").transpose(np.argsort(b))
                np.testing.assert_array_equal(_kernels.copy_to(source, target), x)
                reverse = np.empty_like(target)[::-1]
                np.testing.assert_array_equal(_kernels.copy_to(source[::-1], reverse), x[::-1])
            np.testing.assert_array_equal(_kernels.contiguous(source), x)
        spread = np.broadcast_to(x[:, :1], shape)
        np.testing.assert_array_equal(_kernels.contiguous(spread), spread)
