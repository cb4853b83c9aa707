"""Dtypes: data of other kinds, numbers that do not fit, and objects that lie about their data.

A test's first line is the fault. Bytes are never read as what they are not.
"""

import numpy as np
import pytest

import pydp
from harness import real
from pydp import _kernels, nn, optim
from pydp._arrays import DTYPES
from refusals import leaf, refused, table, zeros

LISTED = (
    "dtype must be one of bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float"
)
INTEGERS = [name for name in DTYPES if "int" in name]
TABLE = real(3, 4).astype(np.float32)
NAN = float("nan")

# ---- data of other kinds -----------------------------------------------------------------------

FOREIGN = {
    "float16": np.ones(4, np.float16),
    "complex64": np.ones(4, np.complex64),
    "complex128": np.ones(4, np.complex128),
    "longdouble": np.ones(4, np.longdouble),
    "datetime64": np.zeros(4, "datetime64[s]"),
    "timedelta64": np.zeros(4, "timedelta64[s]"),
    "text": np.array(["1", "2"]),
    "bytes": np.array([b"1", b"2"]),
    "structured": np.zeros(4, [("a", "f4"), ("b", "f4")]),
    "void": np.zeros(4, "V4"),
    "objects": np.array([1.0, None]),
    "tensors in an object array": np.array([object(), pydp.ones(1)], dtype=object),
}
TAKERS = {
    "tensor": pydp.tensor,
    "asarray": pydp.asarray,
    "Parameter": nn.Parameter,
    "add": lambda data: pydp.ones(4) + data,
    "maximum": lambda data: pydp.maximum(data, 1.0),
    "relu": pydp.relu,
    "sum": pydp.sum,
    "reshape": lambda data: pydp.reshape(data, -1),
    "concat": lambda data: pydp.concat([pydp.ones(4), data]),
    "linear": lambda data: pydp.linear(data, zeros(2, 4)),
    "matmul": lambda data: pydp.matmul(data, zeros(4, 2)),
    "conv2d": lambda data: pydp.conv2d(zeros(1, 1, 4, 4), data),
    "max_pool2d": lambda data: pydp.max_pool2d(data, 2),
    "softmax": pydp.softmax,
    "embedding": lambda data: pydp.embedding(data, TABLE),
    "cross_entropy": lambda data: pydp.cross_entropy(zeros(4, 3), data),
    "Batches": lambda data: pydp.data.Batches(data, batch_size=2),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("name", TAKERS)
def test_data_of_other_dtypes(name, kind):
    """An array of half, complex or long double numbers, dates, texts, records or Python objects:
    whoever is given it lists what is taken instead; its bytes are never read as something else."""
    refused(lambda: TAKERS[name](FOREIGN[kind]), TypeError, f"{name}: {LISTED}")


@pytest.mark.parametrize(
    "dtype", ["float16", "complex64", "longdouble", object, str, "M8[s]", None]
)
def test_other_dtypes_asked_for(dtype):
    """A dtype that tensors do not have, given as the one wanted."""
    x = pydp.ones(2)
    layer = nn.Linear(2, 2)
    calls = {
        "astype": lambda: x.astype(dtype),
        "rand": lambda: pydp.rand(2, dtype=dtype),
        "tensor": lambda: pydp.tensor([1.0], dtype=dtype),
        "zeros": lambda: pydp.zeros(2, dtype=dtype),
        "arange": lambda: pydp.arange(2, dtype=dtype),
    }
    for name in calls if dtype is not None else ("astype",):  # None is the default elsewhere
        refused(calls[name], TypeError, f"{name}: {LISTED}")
    refused(lambda: layer.astype(dtype), TypeError, f"astype: {LISTED}")
    assert layer.weight.dtype == np.float32


@table(
    (lambda: pydp.relu(pydp.arange(3)), TypeError, "relu: x must be float32 or float64, got int64"),
    (lambda: pydp.ones(2) + 1j, TypeError, "add: expected a tensor, array or number, got complex"),
    (lambda: pydp.ones(2) * "a", TypeError, "multiply: expected a tensor, array or number, got st"),
    (lambda: pydp.ones(2) - None, TypeError, "subtract: expected a tensor, array or number, got N"),
    (lambda: pydp.ones(2) / np.complex64(1), TypeError, "divide: expected a real number, got np.c"),
    (lambda: pydp.ones(2) + np.datetime64(1, "s"), TypeError, "add: expected a real number, got n"),
    (lambda: pydp.conv2d(zeros(1, 1, 2, 2), pydp.zeros((1, 1, 1, 1), "float64")), TypeError,
     "conv2d: arguments must have one dtype, got x float32, weight float64; use astype"),
    (lambda: pydp.linear(zeros(1, 2), zeros(2, 2), pydp.zeros(2, "float64")), TypeError,
     "linear: arguments must have one dtype, got x float32, weight float32, bias float64"),
    (lambda: pydp.matmul(pydp.eye(2, dtype="bool"), pydp.eye(2, dtype="bool")), TypeError,
     "matmul: x and w must be numbers, got bool; use astype"),
    (lambda: pydp.where(pydp.ones(2), 1.0, 0.0), TypeError, "where: condition must be bool, got f"),
    (lambda: pydp.negative(pydp.tensor([True])), TypeError, "negative: x must be a number, got bo"),
    (lambda: pydp.max(pydp.tensor([True])), TypeError, "max: x must be a number, got bool; use an"),
    (lambda: pydp.tensor([1], requires_grad=True), TypeError, "requires_grad_: dtype must be floa"),
    (lambda: nn.Parameter([1, 2]), TypeError, "Parameter: data must be float32 or float64, got in"),
    (lambda: nn.init.zeros_(pydp.arange(3)), TypeError, "constant_: tensor must be float32 or flo"),
    (lambda: optim.SGD([leaf(1), pydp.ones(1, "float64").requires_grad_()], 0.1), TypeError,
     "SGD: parameters must have one dtype, got float32 and float64"),
)  # fmt: skip
def test_dtypes_that_an_op_does_not_take(call, error, words):
    """Integers for a function of reals, mixed floats for a kernel, bool for arithmetic."""
    refused(call, error, words)


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", ">u8"])
def test_foreign_byte_order(dtype):
    """Big-endian data is converted, whoever is given it."""
    a = np.arange(6, dtype=dtype).reshape(2, 3)
    want = np.arange(6).reshape(2, 3)
    for x in (pydp.tensor(a), pydp.asarray(a), pydp.reshape(a, (2, 3)), pydp.tensor(a)[...],
              pydp.zeros_like(pydp.tensor(a), dtype=dtype) + a,
              next(iter(pydp.data.Batches(a, batch_size=2)))[0]):  # fmt: skip
        assert x.dtype.isnative
        np.testing.assert_array_equal(x.numpy(), want)
    np.testing.assert_array_equal((pydp.asarray(a) + a).numpy(), 2 * want)
    refused(lambda: pydp.asarray(a, copy=False), ValueError, "asarray: copy=False, but this data")


# ---- numbers of mixed and narrow types ---------------------------------------------------------

PROMOTED = {
    ("float32", "float64"): "float64",
    **{("float32", name): "float32" for name in (*INTEGERS, "bool")},
    **{("float64", name): "float64" for name in (*INTEGERS, "bool")},
    ("int8", "int16"): "int16", ("int32", "int64"): "int64", ("uint8", "uint32"): "uint32",
    ("uint8", "int8"): "int16", ("uint16", "int8"): "int32", ("uint32", "int32"): "int64",
    ("bool", "int8"): "int8", ("bool", "uint64"): "uint64", ("bool", "bool"): "bool",
}  # fmt: skip


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "where"])
def test_mixed_dtypes(name):
    """Operands of two dtypes give one that does not depend on their order: of floats the wider, a
    float beside an integer, the integer that holds both; if there is none, a TypeError."""
    call = getattr(pydp, name)
    if name == "where":
        call = lambda a, b: pydp.where(pydp.tensor([True, False]), a, b)  # noqa: E731
    for (first, second), want in PROMOTED.items():
        a, b = pydp.ones(2, first), pydp.ones(2, second)
        assert call(a, b).dtype == call(b, a).dtype == want, (first, second)
    for pair in (("uint64", "int64"), ("int8", "uint64")):
        a, b = [pydp.ones(2, dtype) for dtype in pair]
        words = "no integer dtype holds both"
        refused(lambda a=a, b=b: call(a, b), TypeError, f"{name}: {words}")
        refused(lambda a=a, b=b: call(b, a), TypeError, f"{name}: {words}")


def test_integers_that_overflow():
    """Sums and products of integers are made in 64 bits and wrap there; elementwise they wrap in
    their own dtype; a number from outside that does not fit is refused."""
    bytes_ = pydp.full((1000,), 127, "int8")
    assert (pydp.sum(bytes_).item(), pydp.sum(bytes_).dtype) == (127_000, np.int64)
    assert pydp.mean(bytes_).item() == 127.0
    assert pydp.prod(pydp.full((3,), 200, "uint8")).item() == 8_000_000
    largest = pydp.full((2,), 2**63 - 1)
    assert pydp.sum(largest).item() == -2
    assert pydp.mean(largest).item() == np.float32(2**63)
    assert (bytes_[:1] + 1).item() == -128
    assert (-pydp.tensor([-128], "int8")).item() == -128


@table(
    (lambda: pydp.tensor([1], "uint8") + 300, OverflowError, "add: 300 does not fit into uint8"),
    (lambda: pydp.tensor([1], "uint8") + np.int64(300), OverflowError, "add: 300 does not fit int"),
    (lambda: pydp.arange(3) * 2**70, OverflowError, "multiply: 1180591620717411303424 does not fi"),
    (lambda: pydp.full(2, -1, "uint8"), OverflowError, "full: -1 does not fit into uint8"),
    (lambda: pydp.full(2, NAN, "int64"), OverflowError, "full: nan does not fit into int64"),
    (lambda: pydp.arange(250, 260, dtype="uint8"), OverflowError, "arange: 259 does not fit into"),
    (lambda: pydp.tensor([1, 2**64]), OverflowError, "tensor: an int of data fits into neither in"),
    (lambda: pydp.tensor([300], dtype="int8"), OverflowError, "tensor: 300 does not fit into int8"),
    (lambda: pydp.tensor([0.5, NAN], dtype="int64"), OverflowError, "tensor: nan does not fit int"),
    (lambda: pydp.asarray(np.array([1e300]), dtype="int32"), OverflowError, "asarray: 1e+300 does"),
    (lambda: pydp.tensor(np.array([-np.inf]), dtype="uint8"), OverflowError, "tensor: -inf does n"),
    (lambda: pydp.tensor([2**31], dtype="int32"), OverflowError, "tensor: 2147483648 does not fit"),
    (lambda: pydp.arange(3) ** -1, ValueError,
     "pow: an integer's exponent must not be negative, got -1; use astype"),
)  # fmt: skip
def test_numbers_that_an_integer_does_not_hold(call, error, words):
    """NaN, infinity or a number that is too large, on its way into an integer dtype."""
    refused(call, error, words)


def test_converting_what_an_integer_does_not_hold():
    """astype gives some integer for NaN and for what is too large, and the right one for the rest;
    a float64 beyond float32 becomes infinite. Nothing warns."""
    x = pydp.tensor([NAN, 1e300, -7.9, 3.0], dtype="float64")
    for dtype in INTEGERS:
        y = x.astype(dtype)
        assert y.dtype == dtype
        if "u" not in dtype:
            assert y.tolist()[2:] == [-7, 3]
    assert x.astype("float32").tolist()[1:] == [np.inf, np.float32(-7.9), 3]
    assert (pydp.ones(1) * 1e300).tolist() == pydp.full(1, 10**400, "float64").tolist() == [np.inf]


# ---- objects that lie --------------------------------------------------------------------------


def liar(answer):
    class Liar:
        def __array__(self, dtype=None, copy=None):
            if isinstance(answer, Exception):
                raise answer
            return answer

    return Liar()


class Larger(np.ndarray):
    """An array that says it has a million elements."""

    shape, size, strides, nbytes = (10**6,), 10**6, (8,), 8 * 10**6


@pytest.mark.parametrize("call", [pydp.tensor, pydp.asarray, nn.Parameter, pydp.relu, pydp.sum])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "data does not make an array"),
        ("text", "data does not make an array"),
        (RuntimeError("not now"), "Liar does not make an array: not now"),
        (ValueError("not now"), "data does not make an array: not now"),
        (np.array([None]), LISTED),
        (np.ones(2, np.complex64), LISTED),
    ],
)
def test_an_array_method_that_lies(call, answer, words):
    """An __array__ that gives nothing, another kind of thing, or raises."""
    if call is pydp.sum:
        refused(
            lambda: call(liar(answer)),
            TypeError,
            "sum: expected a tensor, array or number, got Liar",
        )
    else:
        refused(lambda: call(liar(answer)), TypeError, words)


def test_a_subclass_that_lies():
    """A subclass of ndarray that claims another shape: its memory is what counts."""
    a = np.arange(3.0).view(Larger)
    assert pydp.tensor(a).tolist() == pydp.asarray(a).tolist() == [0, 1, 2]
    assert (pydp.ones(3) + a).tolist() == [1, 2, 3]
    in_use = _kernels.memory()[0]
    for _ in range(100):
        refused(lambda: pydp.tensor(liar(None)), TypeError, "tensor: data does not make an array")
    assert _kernels.memory()[0] <= in_use
