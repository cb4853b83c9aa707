"""local_response_norm: every window beside every number of channels; PyTorch's and the paper's."""

import numpy as np
import pytest

import pydp
from harness import Case, examine, real, setting, torch
from pydp import _kernels
from pydp._graph import apply
from pydp._op import registry
from pydp.ops._local_response_norm import Window


def response(shape, size, alpha=1e-4, beta=0.75, k=1.0, why=""):
    return Case(
        "local_response_norm",
        lambda x: pydp.local_response_norm(x, size, alpha, beta, k),
        [real(*shape)],
        why,
        # PyTorch asks for 3 axes
        lambda x: torch.nn.functional.local_response_norm(
            x.reshape(*shape, *[1] * (3 - len(shape))), size, alpha, beta, k
        ).reshape(shape),
        layouts="bound",
    )


def backward_of(shape, *window):
    of = Window(*window)
    rule = registry["local_response_norm_backward"]
    inputs = [real(*shape), real(*shape, seed=1)]
    return Case(rule.name, lambda x, dy: apply(rule, (x, dy), of), inputs, layouts="bound")


CASES = [
    response((2, 7, 3, 2), 5, alpha=5e-4, k=2.0, why="AlexNet"),
    response((2, 7, 3, 2), 5, alpha=1.0, k=0.5, why="strong"),
    response((2, 19, 2, 2), 4, alpha=2.0, why="even, a vector and a tail"),
    response((2, 6, 5), 3, alpha=2.0, beta=0.5, why="sequences"),
    response((4, 5), 3, alpha=2.0, beta=2.0, k=0.1, why="rows"),
    response((2, 3, 2, 2), 1, alpha=2.0, why="each channel alone"),
    response((2, 3, 2, 2), 2, alpha=2.0, why="two"),
    response((2, 3, 2, 2), 50, alpha=2.0, why="more than all channels"),
    response((2, 1, 2, 2), 5, alpha=2.0, why="one channel"),
    response((0, 3, 2, 2), 5, why="no images"),
    response((2, 3, 0, 2), 5, why="no pixels"),
    backward_of((2, 6, 3, 3), 4, 1.0, 0.75, 0.5),
    backward_of((3, 5), 3, 1.0, 0.6, 1.0),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_the_paper():
    """b_i = a_i / (k + α Σ a_j²)^β, j within n / 2 of i; n = 5, α = 1e-4, β = 0.75, k = 2."""
    a = 30 * real(2, 9, 3, 3)
    want = np.empty_like(a)
    for i in range(9):
        near = a[:, max(0, i - 2) : i + 3]
        want[:, i] = a[:, i] / (2 + 1e-4 * np.sum(near**2, axis=1)) ** 0.75
    y = pydp.local_response_norm(pydp.tensor(a), 5, alpha=5e-4, beta=0.75, k=2)
    np.testing.assert_allclose(y.numpy(), want, 1e-12)


@pytest.mark.parametrize("beta", [0.75, 0.7])
def test_widths(beta):
    """Around every vector and task; huge windows cost no more than all channels."""
    for isa in _kernels.usable_isas():
        with setting(isa, threads=2):
            for c in [*range(1, 36), 63, 65, 96]:
                for size in (1, 2, 5, 2**31 - 1):
                    x, dy = (real(30, c, seed=i).astype(np.float32) for i in range(2))
                    window = Window(size, 3.0 * min(size, c), beta, 1.0)
                    given = pydp.tensor(x, requires_grad=True)
                    y = pydp.local_response_norm(given, *window)
                    y.backward(pydp.tensor(dy))
                    want = registry["local_response_norm"].reference(x.astype(float), window)
                    np.testing.assert_allclose(y.detach().numpy(), want, 3e-6, 3e-6)
                    want = registry["local_response_norm_backward"].reference(
                        x.astype(float), dy.astype(float), window
                    )
                    np.testing.assert_allclose(given.grad.numpy(), want, 1e-5, 1e-5)


def test_bad_numbers_stay_in_their_pixel():
    x = real(4, 9).astype(np.float32)
    x[1, 0] = np.nan
    for isa in _kernels.usable_isas():
        with setting(isa):
            y = pydp.local_response_norm(pydp.tensor(x), 3, k=1.0).numpy()
            assert np.isnan(y[1, :2]).all() and np.isfinite(y[1, 2:]).all()
            assert np.isfinite(y[[0, 2, 3]]).all()


X = pydp.zeros((2, 3, 2, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.local_response_norm(pydp.zeros(3), 5), ValueError,
         "local_response_norm: x must have at least 2 axes (n, c, …), got shape (3,)"),
        (lambda: pydp.local_response_norm(X, 0), ValueError,
         "local_response_norm: size must be at least 1, got 0"),
        (lambda: pydp.local_response_norm(X, 5.0), TypeError,
         "local_response_norm: size must be an int, got 5.0"),
        (lambda: pydp.local_response_norm(X, 5, alpha=float("inf")), ValueError,
         "local_response_norm: alpha must be finite, got inf"),
        (lambda: pydp.local_response_norm(X, 5, beta=None), TypeError,
         "local_response_norm: beta must be a number, got None"),
        (lambda: pydp.local_response_norm(pydp.arange(6).reshape(2, 3), 5), TypeError,
         "local_response_norm: x must be float32 or float64, got int64; use astype"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
