"""Matrix products: sizes around the tiles, transposes, batches, and the linear layer."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, integers, real, torch


def transposed(a):
    """The same values, stored column by column."""
    return np.ascontiguousarray(a.T).T


def dot_bound(k):
    """float32's error of a dot product of k terms of size 1: k unit roundoffs (Higham, 3.1), and
    never below what one rounding of y costs."""
    return max(4e-6, k * 2.0**-24)


def product(why, x, w, **more):
    return Case("matmul", pydp.matmul, [x, w], why, torch=torch and torch.matmul,
                layouts="bound", bound=dot_bound(x.shape[-1]), **more)  # fmt: skip


def layer(why, activation, *inputs, **more):
    def ours(x, weight, bias=None):
        return pydp.linear(x, weight, bias, activation)

    def theirs(*args):
        y = torch.nn.functional.linear(*args)
        return getattr(torch, activation)(y) if activation else y

    return Case("linear", ours, inputs, why, torch=torch and theirs, layouts="bound",
                bound=dot_bound(inputs[0].shape[-1]), **more)  # fmt: skip


CASES = [
    product("one element", real(1, 1), real(1, 1)),
    product("small", real(3, 5), real(5, 4)),
    product("past the tile", real(15, 33), real(33, 35)),
    product("a transposed first", transposed(real(20, 17)), real(17, 9)),
    product("a transposed second", real(6, 17), transposed(real(17, 40))),
    product("one row", real(1, 50), real(50, 33)),
    product("one column", real(33, 50), real(50, 1)),
    product("depth past a block", real(7, 900), real(900, 5), order2=False),
    product("no depth gives zeros", real(3, 0), real(0, 4)),
    product("no rows", real(0, 3), real(3, 4)),
    product("batches", real(3, 4, 5), real(3, 5, 2)),
    product("batch broadcast", real(2, 1, 4, 5), real(3, 5, 2)),
    product("one matrix for all", real(2, 3, 4, 5), real(5, 6)),
    product("vector times matrix", real(5), real(5, 3)),
    product("matrix times vector", real(4, 5), real(5)),
    product("vector times vector", real(5), real(5)),
    product("exact", integers(65, 130), integers(130, 70), exact=True, order2=False),
    product("exact, few rows", integers(6, 400), integers(400, 410), exact=True, order2=False),
    product("exact, one row, a long matrix", integers(1, 910), integers(910, 901), exact=True,
            order2=False),
    product("exact, many rows", integers(400, 40), integers(40, 33), exact=True, order2=False),
    layer("no bias", None, real(3, 5), real(4, 5)),
    layer("bias", None, real(3, 5), real(4, 5), real(4)),
    layer("relu", "relu", real(9, 5), real(33, 5), real(33)),
    layer("tanh", "tanh", real(2, 3, 5), real(4, 5), real(4)),
    layer("sigmoid", "sigmoid", real(6), real(4, 6), real(4)),
    layer("exact", None, integers(64, 100), integers(50, 100), integers(50), exact=True,
          order2=False),
    layer("exact relu, whose kinks have no differences", "relu", integers(64, 100),
          integers(50, 100), integers(50), exact=True, grad=False),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("shape", [(3, 5), (40, 64)])
def test_gelu_epilogue_is_gelu_of_linear(shape):
    rows, i = shape
    x, w, b = [pydp.tensor(a) for a in (real(rows, i), real(7, i), real(7))]
    fused = pydp.linear(x, w, b, "gelu").numpy()
    np.testing.assert_allclose(fused, pydp.gelu(pydp.linear(x, w, b)).numpy(), rtol=1e-12)


@pytest.mark.parametrize("dtypes", [("int64", "int64"), ("int8", "int32"), ("uint8", "uint8")])
def test_whole_numbers_are_numpys(dtypes):
    x, w = np.arange(24).reshape(2, 3, 4).astype(dtypes[0]), np.arange(8).reshape(4, 2)
    want = x @ w.astype(dtypes[1])
    got = pydp.matmul(pydp.tensor(x), pydp.tensor(w.astype(dtypes[1])))
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.matmul(pydp.ones((2, 3)), pydp.ones((4, 5))), ValueError,
         r"matmul: \(2, 3\) times \(4, 5\): the last size of the first, 3, must equal the last but "
         r"one of the second, 4"),
        (lambda: pydp.matmul(pydp.ones((2, 3, 4)), pydp.ones((3, 4, 5))), ValueError,
         "matmul: the batch axes of .* do not broadcast"),
        (lambda: pydp.matmul(pydp.tensor(1.0), pydp.ones(3)), ValueError, "need an axis"),
        (lambda: pydp.matmul(pydp.tensor([[True]]), pydp.tensor([[True]])), TypeError,
         "matmul: x and w must be numbers, got bool; use astype"),
        (lambda: pydp.linear(pydp.ones((2, 3)), pydp.ones((4, 5))), ValueError,
         r"linear: x must be \[..., i\] and weight \[o, i\], got \(2, 3\) and \(4, 5\)"),
        (lambda: pydp.linear(pydp.ones((2, 3)), pydp.ones((4, 3)), pydp.ones(5)), ValueError,
         r"linear: bias must be \[4\], got \(5,\)"),
        (lambda: pydp.linear(pydp.ones((2, 3)), pydp.ones((4, 3), dtype="float64")), TypeError,
         "linear: arguments must have one dtype, got x float32, weight float64; use astype"),
        (lambda: pydp.linear(pydp.ones((2, 3)), pydp.ones((4, 3)), None, "swish"), ValueError,
         "linear: activation must be one of None, 'relu', 'gelu', 'tanh', 'sigmoid', got 'swish'"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
