"""Truths and bits: every operator against Python's own, on every integer dtype; errors."""

import operator

import numpy as np
import pytest

import pydp

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
BITS = [
    (pydp.bitwise_and, operator.and_),
    (pydp.bitwise_or, operator.or_),
    (pydp.bitwise_xor, operator.xor),
]
TRUTHS = [
    (pydp.logical_and, lambda a, b: a and b),
    (pydp.logical_or, lambda a, b: a or b),
    (pydp.logical_xor, lambda a, b: a != b),
]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(("function", "right"), BITS, ids=lambda f: getattr(f, "__name__", ""))
def test_bits(function, right, dtype):
    a, b = [1, 6, 100, 127, 0], [3, 3, 77, 64, 1]
    x, y = pydp.tensor(a, dtype=dtype), pydp.tensor(b, dtype=dtype)
    got = function(x, y)
    assert got.dtype == x.dtype
    assert got.tolist() == [right(m, n) for m, n in zip(a, b, strict=True)]
    assert function(x, 3).tolist() == [right(m, 3) for m in a]
    assert function(3, x).tolist() == [right(3, m) for m in a]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts_and_inversion(dtype):
    x = pydp.tensor([1, 5, 100], dtype=dtype)
    assert (x << 0).tolist() == [1, 5, 100]
    assert (x >> 2).tolist() == [0, 1, 25]
    assert (pydp.tensor([1, 2], dtype=dtype) << 3).tolist() == [8, 16]
    width = np.iinfo(dtype).bits
    assert (x >> width).tolist() == [0, 0, 0]
    assert (x << width).tolist() == [0, 0, 0]
    assert (~~x).tolist() == x.tolist()
    if dtype.startswith("i"):
        assert (~x).tolist() == [-2, -6, -101]
        assert (-x >> 1).tolist() == [-1, -3, -50]


def test_truths():
    a, b = [True, True, False, False], [True, False, True, False]
    x, y = pydp.tensor(a), pydp.tensor(b)
    for function, right in TRUTHS:
        assert function(x, y).tolist() == [right(m, n) for m, n in zip(a, b, strict=True)]
    assert pydp.logical_not(x).tolist() == [not m for m in a]
    for got, right in ((x & y, 0), (x | y, 1), (x ^ y, 2)):
        assert got.dtype == np.bool_
        assert got.tolist() == [TRUTHS[right][1](m, n) for m, n in zip(a, b, strict=True)]
    assert (~x).tolist() == [not m for m in a]


def test_floats_that_are_none():
    x = pydp.tensor([1.0, -0.0, np.inf, -np.inf, np.nan])
    assert pydp.isinf(x).tolist() == [False, False, True, True, False]
    assert pydp.isnan(x).tolist() == [False, False, False, False, True]
    assert pydp.isfinite(x).tolist() == [True, True, False, False, False]
    assert pydp.signbit(x[:4]).tolist() == [False, True, False, True]
    assert pydp.isinf(pydp.tensor([1, 2])).tolist() == [False, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pydp.ones(2) & 1.0, "bitwise_and: expected integers or bool, got float32"),
        (lambda: ~pydp.ones(2), "bitwise_invert: expected integers or bool, got float32"),
        (lambda: pydp.tensor([True]) << True, "bitwise_left_shift: expected integers, got bool"),
        (lambda: pydp.tensor([1]) >> 1.0, "bitwise_right_shift: expected integers, got float32"),
        (lambda: pydp.logical_and(pydp.tensor([1]), True),
         "logical_and: expected bool, got int64; compare with 0"),
        (lambda: pydp.signbit(pydp.tensor([1])), "signbit: x must be float32 or float64"),
        (lambda: pydp.isinf(pydp.tensor([True])), "isinf: x must be a number, got bool"),
        (lambda: pydp.atan2(pydp.tensor([1]), pydp.tensor([2])),
         "atan2: operands must be float32 or float64, got int64; use astype"),
        (lambda: pydp.nextafter(pydp.tensor([1]), 2), "nextafter: operands must be float32"),
    ],
)  # fmt: skip
def test_other_dtypes_are_refused(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_nextafter():
    x = pydp.tensor([1.0, 0.0, np.inf, np.nan])
    np.testing.assert_array_equal(
        pydp.nextafter(x, 2.0).numpy(), np.nextafter(x.numpy(), np.float32(2.0))
    )
