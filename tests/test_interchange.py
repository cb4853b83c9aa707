"""A tensor among other libraries' arrays: NumPy's operators and functions, DLPack, devices."""

import operator

import numpy as np
import pytest

import pydp
from harness import torch

ARITHMETIC = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
IN_PLACE = [
    (operator.iadd, operator.add), (operator.isub, operator.sub), (operator.imul, operator.mul),
    (operator.itruediv, operator.truediv), (operator.ifloordiv, operator.floordiv),
    (operator.imod, operator.mod), (operator.ipow, operator.pow),
]  # fmt: skip
BITS_IN_PLACE = [
    (operator.iand, operator.and_), (operator.ior, operator.or_), (operator.ixor, operator.xor),
    (operator.ilshift, operator.lshift), (operator.irshift, operator.rshift),
]  # fmt: skip


def name(op):
    return getattr(op, "__name__", None)


# ---- operators -----------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ARITHMETIC, ids=name)
def test_operators_of_floats(op):
    a, b = np.array([1.5, -2.0, 3.0], np.float32), np.array([2.0, 1.5, -1.0], np.float32)
    x, y = pydp.asarray(a), pydp.asarray(b)
    with np.errstate(invalid="ignore"):
        want = op(a, b)
        want_number = op(a, np.float32(2)), op(np.float32(2), a)
    for got in (op(x, y), op(a, y), op(x, b), op(x, b.tolist())):
        assert type(got) is pydp.Tensor
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-6)
    for two in (2, 2.0, np.float64(2), np.int8(2), np.float32(2)):
        np.testing.assert_allclose(op(x, two).numpy(), want_number[0], rtol=1e-6)
        np.testing.assert_allclose(op(two, x).numpy(), want_number[1], rtol=1e-6)
        assert op(two, x).dtype == op(x, two).dtype == want.dtype


@pytest.mark.parametrize("op", ARITHMETIC + BITS, ids=name)
@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "uint32"])
def test_operators_of_integers(op, dtype):
    a, b = np.array([5, 6, 7], dtype), np.array([1, 2, 3], dtype)
    x, y = pydp.asarray(a), pydp.asarray(b)
    want = op(a, b)
    if op is operator.truediv:
        want = want.astype(np.float32)
    for got in (op(x, y), op(a, y), op(x, b)):
        assert type(got) is pydp.Tensor
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got.numpy(), want)
    np.testing.assert_array_equal(op(x, 2).numpy(), op(a, 2).astype(want.dtype))
    np.testing.assert_array_equal(op(2, x).numpy(), op(np.array(2, dtype), a).astype(want.dtype))


@pytest.mark.parametrize("pair", IN_PLACE + BITS_IN_PLACE, ids=lambda pair: pair[0].__name__)
def test_in_place_operators_write_into_the_memory(pair):
    in_place, op = pair
    dtype = np.float32 if pair in IN_PLACE else np.int32
    a, b = np.array([5, 6, 7], dtype), np.array([1, 2, 3], dtype)
    x = pydp.tensor(a)
    view, version = x[:], x._version[0]
    y = in_place(x, pydp.asarray(b))
    assert y is x
    assert x._version[0] == version + 1
    np.testing.assert_allclose(view.numpy(), op(a, b), rtol=1e-6)


def test_matrix_products_with_numpy_and_in_place():
    a, x = np.ones((2, 2), np.float32), pydp.ones((2, 2))
    for y in (a @ x, x @ a, np.matmul(a, x)):
        assert type(y) is pydp.Tensor
        np.testing.assert_array_equal(y.numpy(), [[2, 2], [2, 2]])
    x @= a
    np.testing.assert_array_equal(x.numpy(), [[2, 2], [2, 2]])


def test_in_place_results_must_fit():
    x = pydp.tensor([1, 2])
    for call in (lambda: operator.itruediv(x, 2), lambda: operator.iadd(x, 0.5)):
        with pytest.raises(ValueError, match="which does not go into"):
            call()
    with pytest.raises(ValueError, match="which does not go into"):
        operator.iadd(x, pydp.ones((2, 2), dtype="int64"))
    assert x.tolist() == [1, 2]


def test_divmod_and_signs():
    x = pydp.tensor([7, -7])
    assert [part.tolist() for part in divmod(x, 2)] == [[3, -4], [1, 1]]
    assert [part.tolist() for part in divmod(9, x)] == [[1, -2], [2, -5]]
    assert (+x).tolist() == [7, -7]
    assert (+x) is not x
    assert abs(x).tolist() == [7, 7]


def test_what_is_no_number_equals_nothing():
    x = pydp.ones(2)
    for other in (None, "a", {}, object()):
        assert (x == other) is False
        assert (x != other) is True
    assert None not in [x]
    with pytest.raises(TypeError):
        x < None  # noqa: B015


def test_operators_with_numpy_keep_the_gradient():
    x = pydp.tensor([1.0, 2.0], requires_grad=True)
    a = np.array([3.0, 4.0], np.float32)
    pydp.sum(a * x + np.sin(x) + np.float32(2) * x).backward()
    np.testing.assert_allclose(x.grad.numpy(), a + np.cos([1.0, 2.0]) + 2, rtol=1e-6)


# ---- NumPy's functions ---------------------------------------------------------------------------

UNARY = [
    "absolute", "arccos", "arcsin", "arctan", "arcsinh", "arctanh", "ceil", "cos", "cosh", "exp",
    "expm1", "floor", "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "negative",
    "positive", "reciprocal", "rint", "sign", "signbit", "sin", "sinh", "sqrt", "square", "tan",
    "tanh", "trunc",
]  # fmt: skip
BINARY = ["arctan2", "copysign", "hypot", "logaddexp", "maximum", "minimum", "nextafter", "power"]


@pytest.mark.parametrize("ufunc", UNARY + BINARY)
def test_numpys_functions_of_tensors_are_pydps(ufunc):
    a = np.array([0.25, 0.5, 0.75], np.float32)
    arguments = (a,) if ufunc in UNARY else (a, a[::-1])
    function = getattr(np, ufunc)
    got = function(*[pydp.asarray(x) for x in arguments])
    assert type(got) is pydp.Tensor
    np.testing.assert_allclose(got.numpy(), function(*arguments), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.heaviside(x, 1.0), r"np.heaviside: not for tensors; use a function of pydp"),
        (lambda x: np.cbrt(x), "np.cbrt: not for tensors"),
        (lambda x: np.add.reduce(x), r"np.add.reduce: not for tensors"),
        (lambda x: np.multiply.outer(x, x), r"np.multiply.outer: not for tensors"),
        (lambda x: np.add(x, x, dtype="float64"), "np.add: with a tensor there is no dtype="),
        (lambda x: np.add(x, x, where=True), "np.add: with a tensor there is no where="),
        (lambda x: np.add(x, x, out=x), "np.add: out must be a NumPy array"),
    ],
)
def test_other_functions_of_numpy_say_what_to_do(call, message):
    with pytest.raises(TypeError, match=message):
        call(pydp.ones(2))


def test_an_array_takes_a_tensor_in_place():
    a = np.zeros(2, np.float32)
    kept = a
    a += pydp.tensor([1.0, 2.0])
    assert a is kept
    np.testing.assert_array_equal(a, [1, 2])
    with pytest.raises(TypeError, match="a NumPy array has no gradient"):
        a += pydp.tensor([1.0, 2.0], requires_grad=True)
    whole = np.zeros(2, np.int64)
    with pytest.raises(TypeError, match=r"np\.add"):
        whole += pydp.tensor([0.5, 0.5])
    with pytest.raises(ValueError, match=r"np\.add"):
        a += pydp.ones((3, 2))
    np.testing.assert_array_equal(a, [1, 2])


def test_another_library_may_answer_first():
    class Answers:
        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            return "mine"

    assert np.add(pydp.ones(2), Answers()) == "mine"


# ---- DLPack --------------------------------------------------------------------------------------

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "float32", "float64"]


@pytest.mark.parametrize("dtype", [*DTYPES, "uint16", "uint32", "uint64"])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3, 4)], ids=str)
def test_dlpack_there_and_back(shape, dtype):
    a = (np.arange(np.prod(shape, dtype=int)) % 2).reshape(shape).astype(dtype)
    x = pydp.tensor(a)
    y = np.from_dlpack(x)
    np.testing.assert_array_equal(y, a, strict=True)
    assert a.size == 0 or np.shares_memory(y, x.numpy())
    z = pydp.from_dlpack(y)
    assert (z.shape, z.dtype) == (x.shape, x.dtype)
    assert a.size == 0 or np.shares_memory(z.numpy(), x.numpy())


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_with_pytorch(dtype):
    x = pydp.tensor([[0, 1], [1, 0]], dtype=dtype)
    theirs = torch.from_dlpack(x)
    np.testing.assert_array_equal(theirs.numpy(), x.numpy(), strict=True)
    theirs[0, 0] = 1
    assert x.tolist()[0][0] == 1
    ours = pydp.from_dlpack(theirs.T)
    theirs[1, 1] = 1
    assert ours.tolist() == theirs.T.tolist()
    ours[0, 1] = False
    assert theirs[1, 0] == 0


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.ones(2, dtype=torch.bfloat16),
        lambda: torch.ones(2, dtype=torch.float16),
        lambda: torch.ones(2, dtype=torch.complex64),
        lambda: torch.ones(2, requires_grad=True),
        lambda: torch.ones(2).to_sparse(),
    ],
)
def test_what_cannot_be_had_from_pytorch(make):
    with pytest.raises(BufferError):
        pydp.from_dlpack(make())


def test_memory_outlives_its_maker():
    y = np.from_dlpack(pydp.arange(1000))
    x = pydp.from_dlpack(np.arange(1000))
    assert y.sum() == x.sum().item() == 499500


def test_read_only_memory_stays_so():
    a = np.ones(2, np.float32)
    a.flags.writeable = False
    x = pydp.from_dlpack(a)
    with pytest.raises(ValueError, match="read-only"):
        x += 1.0
    assert not np.from_dlpack(x).flags.writeable
    with pytest.raises(BufferError, match="readonly"):
        x.__dlpack__()  # a consumer that knows no flag
    assert x.__dlpack__(max_version=(1, 0)) is not None


def test_memory_in_another_order_is_copied():
    x = pydp.tensor([[1.0, 2.0], [3.0, 4.0]])
    for view in (x.T, x[:, ::2], pydp.broadcast_to(x, (3, 2, 2))):
        y = np.from_dlpack(view)
        assert y.flags.c_contiguous
        np.testing.assert_array_equal(y, view.numpy())
        with pytest.raises(BufferError, match="not in C order"):
            view.__dlpack__(copy=False)


def test_copies():
    x = pydp.tensor([1.0, 2.0])
    assert not np.shares_memory(np.from_dlpack(x, copy=True), x.numpy())
    assert np.shares_memory(np.from_dlpack(x, copy=False), x.numpy())
    a = np.ones(2, np.float32)
    assert not np.shares_memory(pydp.from_dlpack(a, copy=True).numpy(), a)
    assert np.shares_memory(pydp.from_dlpack(a, copy=False).numpy(), a)
    crooked = np.frombuffer(b"x" + a.tobytes(), np.float32, 2, offset=1)
    np.testing.assert_array_equal(pydp.from_dlpack(crooked).numpy(), a)
    with pytest.raises(BufferError, match="not aligned"):
        pydp.from_dlpack(crooked, copy=False)


def test_a_tensors_own_memory_keeps_its_version_counter():
    x = pydp.tensor([1.0, 2.0])
    y = pydp.from_dlpack(x)
    y += 1.0
    assert x._version[0] == 1
    assert x.tolist() == [2, 3]
    assert pydp.from_dlpack(x, copy=True)._version[0] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.__dlpack__(stream=1), "the cpu has no streams, got 1"),
        (lambda x: x.__dlpack__(dl_device=(2, 0)), r"tensors are on \(1, 0\), the cpu, not on"),
        (lambda x: pydp.ones(2).requires_grad_().__dlpack__(), "requires grad; use detach"),
        (lambda x: pydp.from_dlpack(pydp.ones(2).requires_grad_()), "requires grad; use detach"),
        (lambda x: pydp.from_dlpack(np.ones(2, np.float16)), "from_dlpack: dtype must be one of"),
        (lambda x: pydp.from_dlpack(np.ones((1,) * 33)), "from_dlpack: at most 32 axes, got 33"),
    ],
)
def test_buffer_errors(call, message):
    with pytest.raises(BufferError, match=message):
        call(pydp.ones(2))


@pytest.mark.parametrize("capsule", [None, 5, "capsule", b"", object()], ids=repr)
def test_liars_are_refused(capsule):
    class Liar:
        def __dlpack__(self, **_):
            return capsule

        def __dlpack_device__(self):
            return (1, 0)

    with pytest.raises(BufferError, match="from_dlpack: "):
        pydp.from_dlpack(Liar())


def test_a_capsule_is_used_once():
    class Twice:
        capsule = np.ones(2).__dlpack__()

        def __dlpack__(self, **_):
            return self.capsule

        def __dlpack_device__(self):
            return (1, 0)

    pydp.from_dlpack(Twice())
    with pytest.raises(BufferError):
        pydp.from_dlpack(Twice())


def test_what_has_no_dlpack():
    with pytest.raises(TypeError, match="x must have __dlpack__ and __dlpack_device__, got list"):
        pydp.from_dlpack([1.0])


# ---- the namespace -------------------------------------------------------------------------------


def test_devices():
    x = pydp.ones(2)
    assert x.device == "cpu"
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="to_device: device must be \"cpu\", got 'cuda'"):
        x.to_device("cuda")
    with pytest.raises(ValueError, match="the cpu has no streams"):
        x.to_device("cpu", stream=1)
    for make in (pydp.zeros, pydp.ones, pydp.empty, pydp.arange, pydp.eye, pydp.asarray):
        assert make(2, device="cpu").device == "cpu"
        with pytest.raises(ValueError, match=f'{make.__name__}: device must be "cpu", got 0'):
            make(2, device=0)
    for like in (pydp.zeros_like, pydp.ones_like, pydp.empty_like):
        with pytest.raises(ValueError, match=f'{like.__name__}: device must be "cpu"'):
            like(x, device="gpu")


def test_namespace():
    x = pydp.ones(2)
    assert x.__array_namespace__() is pydp
    assert x.__array_namespace__(api_version="2024.12") is pydp
    with pytest.raises(ValueError, match=r"api_version must be one of 2021.12, .* got '1999.12'"):
        x.__array_namespace__(api_version="1999.12")
    assert pydp.__array_api_version__ == "2024.12"
    info = pydp.__array_namespace_info__()
    assert info.default_device() == "cpu"
    assert info.devices() == ["cpu"]
    assert info.capabilities()["max dimensions"] == 32
    assert info.default_dtypes()["integral"] == pydp.int64
    assert info.dtypes(kind="real floating") == {"float32": pydp.float32, "float64": pydp.float64}
    assert len(info.dtypes()) == 11
    assert info.dtypes(kind="complex floating") == {}
