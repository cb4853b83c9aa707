"""Tensors from data and back: dtypes, memory, printing."""

import copy
import pickle

import numpy as np
import pytest

import pydp


def test_python_floats_make_float32_and_arrays_keep_theirs():
    assert pydp.tensor([1.0, 2.0]).dtype == np.float32
    assert pydp.tensor(1.5).dtype == np.float32
    assert pydp.tensor([1, 2]).dtype == np.int64
    assert pydp.tensor(True).dtype == np.bool_
    assert pydp.tensor(np.ones(2)).dtype == np.float64
    assert pydp.tensor(np.float64(1)).dtype == np.float64
    assert pydp.tensor([1, 2], dtype="float64").dtype == np.float64
    assert pydp.tensor([0.1], dtype="float64").item() == 0.1
    assert pydp.tensor([]).shape == (0,)


@pytest.mark.parametrize(
    "data",
    [
        np.ones(2, np.float16),
        np.ones(2, np.complex64),
        np.ones(2, np.longdouble),
        np.array(["a"]),
        np.array([object()]),
        np.zeros(2, "datetime64[s]"),
        np.zeros(2, [("a", "f4")]),
        object(),
        None,
        "text",
        [1.0, None],
        1j,
    ],
    ids=repr,
)
def test_other_dtypes_are_refused(data):
    with pytest.raises(TypeError, match=r"tensor: dtype must be one of bool, int8, .* got"):
        pydp.tensor(data)


@pytest.mark.parametrize("dtype", ["float16", "complex128", object, "nonsense", "f4,i4"])
def test_other_dtype_arguments_are_refused(dtype):
    with pytest.raises(TypeError, match="dtype must be one of"):
        pydp.zeros(2, dtype=dtype)


def test_ragged_lists_and_too_many_axes():
    with pytest.raises(ValueError, match="tensor: data does not make an array"):
        pydp.tensor([[1.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="tensor: at most 32 axes, got 33"):
        pydp.tensor(np.zeros((1,) * 33))


def test_foreign_byte_order_and_alignment_are_converted():
    big = np.arange(3, dtype=">f4")
    assert pydp.zeros(2, dtype=">f4").dtype.isnative
    np.testing.assert_array_equal((pydp.tensor(big) + 1).numpy(), [1, 2, 3])
    np.testing.assert_array_equal((pydp.asarray(big) * 2).numpy(), [0, 2, 4])
    raw = np.frombuffer(b"x" + np.arange(4, dtype=np.float64).tobytes(), np.float64, 4, offset=1)
    assert not raw.flags.aligned
    np.testing.assert_array_equal((pydp.asarray(raw) + 0.0).numpy(), [0, 1, 2, 3])


def test_liars_are_refused():
    class Liar:
        def __array__(self, dtype=None, copy=None):
            return "not an array"

    class Raises:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no")

    with pytest.raises(TypeError, match="tensor: data does not make an array"):
        pydp.tensor(Liar())
    with pytest.raises(TypeError, match="tensor: Raises does not make an array: no"):
        pydp.tensor(Raises())


def test_tensor_copies_and_asarray_shares():
    a = np.zeros(2, np.float32)
    copied, shared = pydp.tensor(a), pydp.asarray(a)
    a[0] = 5
    assert copied.numpy()[0] == 0
    assert shared.numpy()[0] == 5
    with pytest.raises(ValueError, match="copy=False, but this data needs a copy"):
        pydp.asarray(a, dtype="float64", copy=False)
    with pytest.raises(ValueError, match="needs a copy"):
        pydp.asarray([1.0], copy=False)
    assert pydp.asarray(shared) is shared
    assert pydp.asarray(shared, copy=True) is not shared


def test_the_source_may_go_while_it_is_shared():
    a = np.arange(1000, dtype=np.float32)
    t = pydp.asarray(a)
    del a
    assert t.sum().item() == 499500


def test_conversions():
    t = pydp.tensor([[1.5]])
    assert float(t) == 1.5
    assert int(t) == 1
    assert bool(t)
    assert t.item() == 1.5
    assert t.tolist() == [[1.5]]
    assert [0, 1, 2][pydp.tensor(2)] == 2
    assert f"{t:.2f}" == "1.50"
    assert np.asarray(t).dtype == np.float32
    assert np.array(t, dtype=np.float64).dtype == np.float64
    assert len(pydp.zeros((3, 2))) == 3
    assert [row.shape for row in pydp.zeros((3, 2))] == [(2,)] * 3
    for call in (float, int, bool, pydp.Tensor.item):
        with pytest.raises(ValueError, match="must have one element"):
            call(pydp.zeros(2))
    with pytest.raises(TypeError, match="0-d tensor has no length"):
        len(pydp.tensor(1.0))
    with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
        iter(pydp.tensor(1.0))
    with pytest.raises(TypeError, match="make tensors with"):
        pydp.Tensor([1.0])


def test_a_gradient_is_asked_for_and_no_longer():
    x = pydp.tensor([1.0, 2.0])
    x.requires_grad = True
    pydp.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0])
    x.requires_grad = False  # as those freeze parameters who come from PyTorch
    assert not x.requires_grad and not (x * x).requires_grad
    with pytest.raises(RuntimeError, match="only leaves"):
        (x.requires_grad_() * 2.0).requires_grad = False
    with pytest.raises(TypeError, match="float32 or float64, got int64"):
        pydp.tensor([1]).requires_grad = True


def test_copies():
    x = pydp.tensor([1.0, 2.0], requires_grad=True)
    y = copy.deepcopy(x)
    assert y.requires_grad
    assert not np.shares_memory(x.numpy(), y.numpy())
    z = pickle.loads(pickle.dumps(x))
    np.testing.assert_array_equal(z.numpy(), x.numpy())
    with pytest.raises(RuntimeError, match="only leaves"):
        copy.deepcopy(x * 1.0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: pydp.tensor(1.0), "tensor(1.)"),
        (lambda: pydp.tensor([1, 2]), "tensor([1, 2])"),
        (lambda: pydp.zeros((0, 3)), "tensor([], shape=(0, 3))"),
        (lambda: pydp.tensor([1.0], dtype="float64"), "tensor([1.], dtype=float64)"),
        (lambda: pydp.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
    ],
)
def test_printing(make, text):
    assert repr(make()) == text


def test_creation():
    np.testing.assert_array_equal(pydp.arange(2, 8, 3).numpy(), [2, 5])
    np.testing.assert_array_equal(pydp.arange(3, 0, -1).numpy(), [3, 2, 1])
    assert pydp.arange(0.0, 1.0, 0.25).dtype == np.float32
    np.testing.assert_array_equal(pydp.eye(2, 3, 1).numpy(), np.eye(2, 3, 1))
    np.testing.assert_array_equal(pydp.eye(3, 2, -5).numpy(), np.eye(3, 2, -5))
    assert not pydp.empty((2, 2)).numpy().any()
    assert pydp.full(2, True).dtype == np.bool_
    for call, error in (
        (lambda: pydp.arange(1, 2, 0), ValueError),
        (lambda: pydp.arange(0, 1e30), ValueError),
        (lambda: pydp.arange(0, float("nan")), ValueError),
        (lambda: pydp.arange("a"), TypeError),
        (lambda: pydp.zeros(2.0), TypeError),
        (lambda: pydp.full(2, "a"), (TypeError, ValueError)),
        (lambda: pydp.eye(-1), ValueError),
    ):
        with pytest.raises(error):
            call()
