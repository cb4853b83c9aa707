"""Types of numbers: what they hold, how they mix, against array-api-strict and NumPy."""

import itertools
import math

import numpy as np
import pytest

import pydp

try:
    import array_api_strict as strict
except ImportError:  # the oracle is optional
    strict = None

FLOATS = ["float32", "float64"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
NAMES = ["bool", *INTEGERS, *FLOATS]


def test_dtypes_are_numpys():
    for name in NAMES:
        dtype = getattr(pydp, name)
        assert dtype == np.dtype(name)
        assert pydp.zeros(1, dtype=dtype).dtype == dtype


@pytest.mark.skipif(strict is None, reason="array-api-strict is not installed")
@pytest.mark.parametrize(("a", "b"), list(itertools.product(NAMES, NAMES)))
def test_promotion_is_the_standards(a, b):
    """Where the standard leaves it open (no result in array-api-strict), our own rule."""
    try:
        want = np.dtype(
            str(strict.result_type(getattr(strict, a), getattr(strict, b))).split(".")[1]
        )
    except TypeError:
        mixed = {a, b}
        if mixed & set(FLOATS):
            want = np.dtype((mixed & set(FLOATS)).pop())
        elif "bool" in mixed:
            want = np.dtype((mixed - {"bool"}).pop())
        else:  # uint64 with a signed integer
            with pytest.raises(TypeError, match="no integer dtype holds both"):
                pydp.result_type(a, b)
            return
    assert pydp.result_type(a, b) == want
    x, y = pydp.zeros(1, dtype=a), pydp.zeros(1, dtype=b)
    assert pydp.result_type(x, y) == want
    assert pydp.maximum(x, y).dtype == want


def test_python_numbers_in_result_type():
    assert pydp.result_type("int8", 5) == np.int8
    assert pydp.result_type("int8", 5.0) == np.float32
    assert pydp.result_type("float64", 5.0, "float32") == np.float64
    assert pydp.result_type("float32", np.float64(5)) == np.float32
    assert pydp.result_type("bool", 5) == np.int64
    assert pydp.result_type(1, 2.0) == np.float32
    assert pydp.result_type("uint8", 1000) == np.uint8
    with pytest.raises(ValueError, match="result_type: at least one array or dtype"):
        pydp.result_type()
    with pytest.raises(TypeError, match="result_type: dtype must be one of"):
        pydp.result_type("float16")


@pytest.mark.parametrize("name", FLOATS)
def test_finfo(name):
    found, want = pydp.finfo(name), np.finfo(name)
    for field in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(found, field) == getattr(want, field)
    assert type(found.eps) is float
    assert found.dtype == name
    assert pydp.finfo(pydp.ones(1, dtype=name)) == found
    with pytest.raises(TypeError, match="finfo: type must be float32 or float64, got int8"):
        pydp.finfo("int8")


@pytest.mark.parametrize("name", INTEGERS)
def test_iinfo(name):
    found, want = pydp.iinfo(name), np.iinfo(name)
    assert (found.bits, found.min, found.max) == (want.bits, want.min, want.max)
    assert pydp.iinfo(pydp.zeros(1, dtype=name)) == found
    for other in ("float32", "bool"):
        with pytest.raises(TypeError, match="iinfo: type must be an integer dtype"):
            pydp.iinfo(other)


@pytest.mark.parametrize("name", NAMES)
def test_isdtype(name):
    kinds = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "numeric"]
    for kind in [*kinds, "complex floating"]:
        want = np.isdtype(np.dtype(name), kind)
        assert pydp.isdtype(name, kind) is bool(want)
    assert pydp.isdtype(name, getattr(pydp, name))
    assert pydp.isdtype(name, ("complex floating", getattr(pydp, name)))
    assert not pydp.isdtype(name, ())


def test_isdtype_errors():
    with pytest.raises(ValueError, match=r"isdtype: kind must be one of bool, .* got 'real'"):
        pydp.isdtype("int8", "real")
    with pytest.raises(TypeError, match="isdtype: dtype must be one of"):
        pydp.isdtype("int8", 5)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(NAMES, NAMES)))
def test_can_cast_is_numpys(a, b):
    assert pydp.can_cast(a, b) is np.can_cast(a, b, "safe")
    assert pydp.can_cast(pydp.zeros(1, dtype=a), b) is np.can_cast(a, b, "safe")


def test_constants():
    assert (pydp.e, pydp.pi, pydp.inf) == (math.e, math.pi, math.inf)
    assert math.isnan(pydp.nan)
    assert pydp.ones(2)[pydp.newaxis].shape == (1, 2)


# ---- the same functions in array-api-strict ------------------------------------------------------

PLACES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -7.25, 100.0, np.inf, -np.inf, np.nan]
REAL_UNARY = [
    "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "expm1", "log",
    "log1p", "log2", "log10", "reciprocal", "signbit", "sin", "sinh", "sqrt", "tan", "tanh",
]  # fmt: skip
NUMERIC_UNARY = [
    "abs", "ceil", "floor", "isfinite", "isinf", "isnan", "negative", "positive", "round", "sign",
    "square", "trunc",
]  # fmt: skip
REAL_BINARY = ["atan2", "copysign", "divide", "hypot", "logaddexp", "nextafter"]
NUMERIC_BINARY = [
    "add", "equal", "floor_divide", "greater", "greater_equal", "less", "less_equal", "maximum",
    "minimum", "multiply", "not_equal", "remainder", "subtract",
]  # fmt: skip
BITWISE = ["bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"]
LOGICAL = ["logical_and", "logical_or", "logical_xor"]


def compare(name, *arrays):
    with np.errstate(all="ignore"):
        want = getattr(strict, name)(*[strict.asarray(a) for a in arrays])
    got = getattr(pydp, name)(*[pydp.asarray(a) for a in arrays]).numpy()
    want = np.asarray(want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if got.dtype.kind == "f":
        np.testing.assert_allclose(got, want, rtol=8 * np.finfo(got.dtype).eps)
        numbers = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got)[numbers], np.signbit(want)[numbers])
    else:
        np.testing.assert_array_equal(got, want)


@pytest.mark.skipif(strict is None, reason="array-api-strict is not installed")
@pytest.mark.parametrize("dtype", NAMES)
def test_elementwise_functions_are_the_standards(dtype):
    if dtype in FLOATS:
        a = np.array(PLACES, dtype)
        one, two = REAL_UNARY + NUMERIC_UNARY, REAL_BINARY + NUMERIC_BINARY
        pairs = [np.repeat(a, a.size), np.tile(a, a.size)]
    elif dtype == "bool":
        a = np.array([False, True])
        one, two = ["logical_not", "bitwise_invert"], [*LOGICAL, *BITWISE[:3], "equal", "not_equal"]
        pairs = [np.repeat(a, 2), np.tile(a, 2)]
    else:
        a = np.array([1, 2, 3, 7, 100] + ([] if dtype.startswith("u") else [-1, -5]), dtype)
        one, two = [*NUMERIC_UNARY, "bitwise_invert"], NUMERIC_BINARY + BITWISE[:3]
        pairs = [np.repeat(a, a.size), np.tile(a, a.size)]
        for name in BITWISE[3:]:
            compare(name, a, np.full_like(a, 3))
    for name in one:
        compare(name, a)
    for name in two:
        if name in ("floor_divide", "remainder") and dtype in FLOATS:
            continue  # the standard's infinities are not NumPy's: below
        compare(name, *pairs)


@pytest.mark.parametrize("dtype", FLOATS)
def test_division_by_and_of_infinities_is_the_standards(dtype):
    inf, nan = np.inf, np.nan
    table = [  # a, b, floor_divide, remainder
        (inf, 2, inf, nan), (inf, -2, -inf, nan), (-inf, 2, -inf, nan), (-inf, -2, inf, nan),
        (1, inf, 0.0, 1), (1, -inf, -0.0, -inf), (-1, inf, -0.0, inf), (-1, -inf, 0.0, -1),
        (inf, inf, nan, nan), (nan, 1, nan, nan), (1, nan, nan, nan), (0, 0, nan, nan),
        (1, 0.0, inf, nan), (1, -0.0, -inf, nan), (0.0, 3, 0.0, 0.0), (-0.0, 3, -0.0, 0.0),
    ]  # fmt: skip
    for a, b, quotient, rest in table:
        x, y = pydp.tensor(float(a), dtype=dtype), pydp.tensor(float(b), dtype=dtype)
        for got, want in ((x // y, quotient), (x % y, rest)):
            np.testing.assert_array_equal(got.numpy(), want, err_msg=f"{a}, {b}")
            if want == 0:
                assert np.signbit(got.item()) == np.signbit(want), (a, b)
