"""Sizes at their ends: nothing, one, more than there is memory for, more than can be counted.

A test's first line is the fault. What is too large is refused before any memory is asked for.
"""

import math
import resource
import sys
import time

import numpy as np
import pytest

import pydp
from harness import setting
from pydp import _kernels, nn
from refusals import BINARY, REDUCTIONS, UNARY, leaf, refused, table, zeros

INF, NAN = math.inf, math.nan
X = (2, 4, 8, 8)

# ---- nothing, and one --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda w: pydp.conv2d(zeros(0, 4, 8, 8), w), (0, 4, 5, 5)),
        (lambda w: pydp.max_pool2d(w[:0], 2), (0, 4, 2, 2)),
        (lambda w: pydp.avg_pool2d(w[:0], 2), (0, 4, 2, 2)),
        (lambda w: pydp.linear(zeros(0, 4), w[0, 0]), (0, 4)),
        (lambda w: pydp.matmul(zeros(0, 4), w[0, 0]), (0, 4)),
        (lambda w: pydp.embedding(pydp.zeros((0, 3), "int64"), w[0, 0]), (0, 3, 4)),
        (lambda w: pydp.softmax(w[:0]), (0, 4, 4, 4)),
        (lambda w: pydp.log_softmax(w[:0]), (0, 4, 4, 4)),
        (lambda w: pydp.flatten(w[:0], 1), (0, 64)),
        (lambda w: pydp.dropout(w[:0], 0.5), (0, 4, 4, 4)),
        (lambda w: pydp.relu(w[:0]) + w[0], (0, 4, 4, 4)),
        (lambda w: pydp.cross_entropy(w[:0], pydp.zeros((0, 4, 4), "int64"), reduction="none"),
         (0, 4, 4)),
        (lambda w: pydp.concat([w[:0], w[:0]], axis=1), (0, 8, 4, 4)),
    ],
)  # fmt: skip
def test_an_empty_batch(call, shape):
    """A batch of nothing gives nothing of the right shape, and gradients of zeros."""
    w = leaf(4, 4, 4, 4)
    with setting():
        y = call(w)
        pydp.sum(y).backward()
    assert y.shape == shape
    assert w.grad.shape == w.shape
    assert not w.grad.numpy().any()


@pytest.mark.parametrize(
    ("name", "value"),
    [("sum", 0), ("prod", 1), ("mean", NAN), ("var", NAN), ("std", NAN), ("logsumexp", -INF),
     ("all", True), ("any", False)],
)  # fmt: skip
def test_reducing_nothing(name, value):
    """A reduction over an axis of length 0 has the value of doing nothing, without a warning."""
    with setting():
        y = getattr(pydp, name)(zeros(3, 0), axis=1).numpy()
    np.testing.assert_array_equal(y, [value] * 3)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_no_largest_of_nothing(name):
    """Nothing has no largest element; no rows of something have none to ask for."""
    words = f"{name}: x of shape (3, 0) has no elements along axis 1"
    refused(lambda: getattr(pydp, name)(zeros(3, 0), axis=1), ValueError, words)
    assert getattr(pydp, name)(zeros(0, 3), axis=1).shape == (0,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_over_nothing(dtype):
    """Matrices that meet in an axis of length 0 give zeros (and the bias), not what lay there."""
    x, w = [pydp.ones(shape, dtype).requires_grad_() for shape in ((3, 0), (0, 5))]
    bias = pydp.full((5,), 7.0, dtype)
    with setting():
        y = pydp.matmul(x, w)
        z = pydp.linear(x, pydp.zeros((5, 0), dtype), bias, activation="relu")
        (pydp.sum(y) + pydp.sum(z)).backward()
    np.testing.assert_array_equal(y.numpy(), np.zeros((3, 5)))
    np.testing.assert_array_equal(z.numpy(), np.full((3, 5), 7.0))
    assert (x.grad.shape, w.grad.shape) == ((3, 0), (0, 5))


def test_softmax_over_none_and_one():
    """Softmax over an empty axis is empty, over one element it is 1."""
    with setting():
        assert pydp.softmax(zeros(3, 0)).shape == (3, 0)
        assert pydp.log_softmax(zeros(3, 0)).shape == (3, 0)
        assert pydp.softmax(pydp.full((3, 1), -1e30)).tolist() == [[1.0]] * 3
        assert pydp.log_softmax(pydp.full((3, 1), 1e30)).tolist() == [[0.0]] * 3


def test_single_numbers():
    """A 0-d tensor is an argument like others; its axis may be called 0 or -1, but not 1."""
    x = pydp.tensor(0.5)
    for name in UNARY:
        assert getattr(pydp, name)(x).shape == (), name
    for name in BINARY:
        assert getattr(pydp, name)(x, x).shape == (), name
        assert getattr(pydp, name)(x, zeros(2, 3)).shape == (2, 3), name
    assert pydp.where(x > 0, x, 1.0).shape == ()
    for name in [*REDUCTIONS, "softmax", "log_softmax"]:
        for axis in (0, -1):
            assert getattr(pydp, name)(x, axis=axis).shape == (), name
        for axis in (1, -2):
            words = f"{name}: axis {axis} is out of range for 0 axes"
            refused(lambda n=name, a=axis: getattr(pydp, n)(x, axis=a), IndexError, words)


# ---- too much ----------------------------------------------------------------------------------

HUGE, FAR = 2**32, 2**42
# One number seen 2^42 times: a tensor that costs nothing until something is computed from it.
ONE = pydp.broadcast_to(pydp.tensor(1.0), (FAR,))
ROW, COLUMN = ONE[: 2**21].reshape(1, 2**21), ONE[: 2**21].reshape(2**21, 1)
PICTURE = pydp.broadcast_to(pydp.tensor(1.0), (1, 1, 2**21, 2**21))


@table(
    (lambda: zeros(HUGE, HUGE), ValueError, "zeros: shape (4294967296, 4294967296) has too many"),
    (lambda: pydp.ones((HUGE, HUGE)), ValueError, "ones: shape (4294967296, 4294967296)"),
    (lambda: pydp.full((HUGE, HUGE), 1.0), ValueError, "full: shape (4294967296, 4294967296)"),
    (lambda: pydp.empty((0, 2**63)), ValueError, "empty: shape (0, 9223372036854775808) has too"),
    (lambda: pydp.eye(HUGE), ValueError, "eye: shape (4294967296, 4294967296) has too many"),
    (lambda: pydp.arange(0, 1, 1e-300), ValueError, "arange: 0, 1, 1e-300 makes too many elements"),
    (lambda: pydp.reshape(zeros(6), (HUGE, HUGE)), ValueError, "reshape: shape (4294967296, 42949"),
    (lambda: pydp.broadcast_to(zeros(), (HUGE, HUGE)), ValueError, "broadcast_to: shape (4294967"),
    (lambda: pydp.tile(zeros(8), (2**31 - 1,) * 2), ValueError, "tile: shape (2147483647, 171798"),
    (lambda: pydp.rand(HUGE, HUGE), ValueError, "rand: shape (4294967296, 4294967296) has too"),
    (lambda: pydp.randn(HUGE, HUGE), ValueError, "randn: shape (4294967296, 4294967296) has too"),
    (lambda: pydp.randint(0, 2, (HUGE, HUGE)), ValueError, "randint: shape (4294967296, 42949"),
    (lambda: pydp.bernoulli(0.5, (HUGE, HUGE)), ValueError, "bernoulli: shape (4294967296, 4294"),
    (lambda: nn.Conv2d(2**31 - 1, 2**31 - 1, 2**15), ValueError, "has too many elements"),
    (lambda: nn.Linear(2**31 - 1, 2**31 - 1), ValueError, "has too many elements"),
    (lambda: pydp.max_pool2d(zeros(*X), 2**31 - 1, padding=2**30 - 1), ValueError,
     "max_pool2d: the number of entries of a window must be below 2**31"),
)  # fmt: skip
def test_more_elements_than_can_be_counted(call, error, words):
    """Sizes whose product is beyond 64 bits are refused, not wrapped around."""
    refused(call, error, words)


@pytest.mark.parametrize(
    "call",
    [
        *[lambda n=name: getattr(pydp, n)(ONE) for name in UNARY],
        *[lambda n=name: getattr(pydp, n)(ONE, ONE) for name in BINARY],
        *[lambda n=name: getattr(pydp, n)(ONE[:HUGE].reshape(HUGE, 1), ONE[:HUGE])
          for name in (*BINARY, "clip")],
        lambda: pydp.where(pydp.broadcast_to(pydp.tensor(True), (HUGE, 1)), 1.0, ONE[:HUGE]),
        lambda: pydp.where(True, ONE, ONE),
        lambda: pydp.broadcast_to(pydp.tensor(1), (FAR,)) * 2,
        lambda: -pydp.broadcast_to(pydp.tensor(1), (FAR,)),
        lambda: pydp.argmax(ONE),
        lambda: pydp.tensor(np.broadcast_to(np.float32(1), (FAR,))),
        lambda: ONE.astype("float64"),
        lambda: ONE.astype("bool"),
        lambda: pydp.concat([ONE, ONE]),
        lambda: pydp.stack([ONE, ONE]),
        lambda: pydp.flatten(ONE[: 2**40].reshape(2**20, 2**20), 0),
        lambda: pydp.matmul(COLUMN, ROW),
        lambda: pydp.linear(COLUMN, COLUMN),
        lambda: pydp.embedding(pydp.broadcast_to(pydp.tensor(0), (FAR,)), zeros(3, 4)),
        lambda: pydp.embedding([0], pydp.broadcast_to(pydp.tensor(1.0), (1, FAR))),
        lambda: pydp.conv2d(PICTURE, zeros(1, 1, 1, 1)),
        lambda: pydp.conv2d(zeros(1, 1, 1, 1), zeros(1, 1, 1, 1), padding=2**31 - 1),
        lambda: pydp.max_pool2d(PICTURE, 2),
        lambda: pydp.avg_pool2d(PICTURE, 2),
        lambda: pydp.dropout(ONE, 0.5),
        lambda: zeros(FAR),
        lambda: pydp.eye(2**21),
        lambda: pydp.arange(2**39),
        lambda: pydp.tile(zeros(2**11), (2**31 - 1,)),
        lambda: pydp.rand(FAR),
        lambda: pydp.randint(0, 2, FAR),
        lambda: nn.Linear(2**21, 2**21),
        lambda: nn.Embedding(2**31 - 1, 2**20),
    ],
)  # fmt: skip
def test_more_memory_than_there_is(call):
    """What no machine holds is a MemoryError at once: no memory is taken, no number drawn."""
    state = pydp.manual_seed(5).get_state()
    in_use, _ = _kernels.memory()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    with pytest.raises(MemoryError):
        call()
    assert time.process_time() - begin < 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert grown < (100_000_000 if sys.platform == "darwin" else 100_000)  # bytes there, else kB
    assert _kernels.memory()[0] <= in_use
    np.testing.assert_array_equal(pydp._random.default_generator.get_state(), state)


def test_indices_beyond_32_bits():
    """Elements that lie more than 2**31 from the first are read where they are."""
    step, n = 2**27, 17
    try:
        memory = np.zeros(step * n + 1, np.float32)  # all but 18 pages stay untouched
    except MemoryError:
        pytest.skip("the system does not promise 9 GB")
    memory[::step] = np.arange(n + 1)
    x = pydp.asarray(memory)[::step]
    want = np.arange(n + 1.0)
    with setting(threads=2):
        np.testing.assert_array_equal(pydp.copy(x).numpy(), want)
        np.testing.assert_array_equal((x + x).numpy(), 2 * want)
        assert pydp.sum(x).item() == want.sum()
        np.testing.assert_array_equal(pydp.matmul(x, pydp.eye(n + 1)).numpy(), want)
        np.testing.assert_allclose(pydp.softmax(x).numpy()[-1], 1 - math.exp(-1), rtol=1e-6)
        rows = pydp.asarray(memory.reshape(-1, 1))
        assert pydp.embedding([step * 16], rows).item() == 16
    assert x[17].item() == 17
    refused(lambda: pydp.embedding([step * n + 1], rows), IndexError, f"allowed are 0 … {step * n}")


def test_a_window_matrix_beyond_32_bits():
    """Windows of a convolution hold more than 2**31 numbers together; nobody counts in 32 bits."""
    channels, height, width, high = 128, 8, 64, 520
    x = np.arange(channels * height * width).reshape(1, channels, height, width) % 3
    weight = pydp.ones((2, channels, high, 1))
    y = pydp.conv2d(pydp.tensor(x, "float32"), weight, padding=(high - 1, 0)).numpy()
    assert y.shape[2] * width * channels * high > 2**31
    rows = x.sum(axis=(0, 1))
    want = [rows[max(0, i - high + 1) : i + 1].sum(axis=0) for i in range(y.shape[2])]
    np.testing.assert_array_equal(y[0, 0], want)
    np.testing.assert_array_equal(y[0, 1], want)
