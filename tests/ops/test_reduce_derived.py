"""Reductions without a kernel: products with zeros, variances, extreme logits, positions."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, torch

ZEROS = np.array([[1.5, 0.0, -2.0, 3.0], [0.0, 2.0, 0.0, 1.0], [1.0, 2.0, -1.0, 0.5]])

CASES = [
    Case("prod", pydp.prod, [real(3, 4)], "all axes", torch and torch.prod, layouts="bound"),
    Case("prod", lambda x: pydp.prod(x, axis=1), [ZEROS], "none, one and two zeros in a row",
         lambda x: torch.prod(x, dim=1)),
    Case("prod", lambda x: pydp.prod(x, axis=(0, 2), keepdims=True), [real(2, 3, 4)], "two axes",
         layouts="bound"),
    Case("prod", pydp.prod, [real(0)], "nothing"),
    Case("sum", lambda x: pydp.var(x, axis=1), [real(3, 5)], "var",
         lambda x: torch.var(x, dim=1, correction=0), layouts="bound"),
    Case("sum", lambda x: pydp.var(x, correction=1), [real(3, 5)], "var of a sample",
         lambda x: torch.var(x, correction=1), layouts="bound"),
    Case("sum", lambda x: pydp.std(x, axis=(0, 2), keepdims=True), [real(3, 5, 2)], "std",
         lambda x: torch.std(x, dim=(0, 2), correction=0, keepdim=True), layouts="bound"),
    Case("sum", lambda x: pydp.logsumexp(x, axis=1), [real(3, 5)], "logsumexp",
         lambda x: torch.logsumexp(x, dim=1), layouts="bound"),
    Case("sum", lambda x: pydp.logsumexp(x, axis=(0, 2)), [100 * real(3, 5, 2)], "large logits",
         lambda x: torch.logsumexp(x, dim=(0, 2)), layouts="bound"),
]  # fmt: skip


@pytest.mark.parametrize("case", [c for c in CASES if c.op == "prod"], ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("case", [c for c in CASES if c.op == "sum"], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_composed(case, dtype):
    """Functions made of examined ops: value and gradient as PyTorch's."""
    (data,) = case.inputs
    x = pydp.tensor(data.astype(dtype), requires_grad=True)
    y = case.call(x)
    assert y.dtype == dtype
    pydp.sum(y * y).backward()
    if torch is None:
        pytest.skip("PyTorch is not installed")
    t = torch.tensor(data, requires_grad=True)
    want = case.torch(t)
    (want * want).sum().backward()
    bound = {"rtol": 2e-5, "atol": 1e-5} if dtype is np.float32 else {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), **bound)
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), **bound)


def test_variance_of_a_large_mean():
    """Two passes, so nothing cancels and nothing is negative."""
    x = (1e6 + np.arange(1000) % 7).astype(np.float32)
    assert abs(pydp.var(pydp.tensor(x)).item() / np.var(x.astype(np.float64)) - 1) < 1e-5
    assert pydp.var(pydp.full((100,), 0.1)).item() >= 0


def test_std_of_a_constant():
    x = pydp.tensor([[3.0] * 4] * 2, requires_grad=True)
    y = pydp.std(x, axis=1)
    pydp.sum(y).backward()
    assert y.numpy().tolist() == [0, 0]
    assert x.grad.numpy().tolist() == [[0] * 4] * 2


def test_too_few_for_the_correction():
    assert np.isnan(pydp.var(pydp.tensor([2.0]), correction=1).item())


def test_logsumexp_of_infinities():
    """All −inf, one +inf, and a length of 0."""
    inf = np.inf
    x = pydp.tensor([[-inf, -inf], [inf, 1.0], [-inf, 2.0]], requires_grad=True)
    y = pydp.logsumexp(x, axis=1)
    assert y.numpy().tolist() == [-inf, inf, 2.0]
    y.backward(pydp.tensor([1.0, 0.0, 1.0]))
    assert x.grad.numpy()[[0, 2]].tolist() == [[0, 0], [0, 1]]
    assert pydp.logsumexp(pydp.zeros((2, 0)), axis=1).numpy().tolist() == [-inf, -inf]


def test_positions():
    x = pydp.tensor([[1.0, 5.0, 5.0], [np.nan, 0.0, 9.0]])
    assert pydp.argmax(x, axis=1).numpy().tolist() == [1, 0]
    assert pydp.argmin(x, axis=0, keepdims=True).numpy().tolist() == [[1, 1, 0]]
    assert pydp.argmax(x[:1]).item() == 1
    assert pydp.argmax(pydp.tensor(3.0), axis=-1).item() == 0
    assert pydp.argmax(x).dtype == np.int64


def test_truth():
    x = pydp.tensor([[1, 0], [2, 3]])
    assert pydp.all(x, axis=1).numpy().tolist() == [False, True]
    assert pydp.any(x, axis=(0, 1)).item() is True
    assert pydp.all(pydp.zeros((0,))).item() is True
    assert pydp.any(pydp.zeros((2, 0)), axis=1).numpy().tolist() == [False, False]


@pytest.mark.parametrize("dtype", ["bool", "int32", "uint8"])
def test_products_of_integers(dtype):
    y = pydp.prod(pydp.tensor(np.array([1, 1, 1]).astype(dtype)))
    assert y.item() == 1
    assert y.dtype == (np.uint64 if dtype == "uint8" else np.int64)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.argmax(pydp.zeros((2, 0)), axis=1), ValueError,
         "argmax: x of shape (2, 0) has no elements along axis 1"),
        (lambda: pydp.argmin(pydp.ones((2,)), axis=(0,)), TypeError,
         "argmin: axis must be an int, got (0,)"),
        (lambda: pydp.var(pydp.arange(3)), TypeError,
         "var: x must be float32 or float64, got int64; use astype"),
        (lambda: pydp.std(pydp.ones((3,)), correction=True), TypeError,
         "std: correction must be a number, got True"),
        (lambda: pydp.prod(pydp.ones((3,)), axis=1), IndexError,
         "prod: axis 1 is out of range for 1 axes"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
