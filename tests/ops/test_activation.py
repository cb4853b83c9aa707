"""The activations: values, slopes and curves; PyTorch's; limits; what they refuse."""

import math

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, examine, real, setting, torch
from pydp._graph import apply
from pydp._op import registry

INF, NAN = math.inf, math.nan
WIDE = real(3, 4, 5, low=-6, high=6)


def smooth(name, *constants, why="", op=None):
    """A case of an activation; the peer is PyTorch's function with the same constants."""
    peer = torch and (lambda x: getattr(torch.nn.functional, name)(x, *constants))
    return Case(op or name, lambda x: getattr(pydp, name)(x, *constants), [WIDE], why, peer)


def backward_of(name, *constants):
    rule = registry[f"{name}_backward"]
    return Case(rule.name, lambda x, dy: apply(rule, (x, dy), *constants),
                [WIDE, real(3, 4, 5, seed=1)])  # fmt: skip


CASES = [
    smooth("softplus"),
    smooth("softplus", 2.0, 1.0, why="beta, threshold"),
    smooth("softplus", -1.5, 20.0, why="negative beta"),
    smooth("logsigmoid"),
    smooth("silu"),
    smooth("mish"),
    smooth("elu"),
    smooth("elu", 0.5, why="alpha"),
    smooth("selu", op="elu"),
    smooth("celu", 2.0, why="alpha", op="elu"),
    backward_of("softplus", 2.0, 1.0),
    backward_of("logsigmoid"),
    backward_of("silu"),
    backward_of("mish"),
    backward_of("elu", 1.0, 0.5, 2.0),
    Case("silu", pydp.silu, [real(70_001)], "several chunks", grad=False),
    Case("silu", pydp.silu, [real()], "0-d"),
    Case("mish", pydp.mish, [real(0, 3)], "empty"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda x: pydp.glu(x), lambda x: torch.nn.functional.glu(x)),
        (lambda x: pydp.glu(x, 0), lambda x: torch.nn.functional.glu(x, 0)),
        (lambda x: pydp.softmin(x, 1), lambda x: torch.nn.functional.softmin(x, 1)),
        (lambda x: pydp.tanhshrink(x), lambda x: torch.nn.functional.tanhshrink(x)),
    ],
)
def test_compositions(ours, theirs):
    a = real(4, 3, 6)
    x, t = pydp.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    y, want = ours(x), theirs(t)
    pydp.sum(y * y).backward()
    (want * want).sum().backward()
    np.testing.assert_allclose(y.numpy(), want.detach().numpy(), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-12, atol=1e-14)


# (function, points, value, slope): the limits; where PyTorch has NaN for inf − inf or 0 · inf, ours
# are the limits all the same.
ENDS = [-INF, -1e4, -0.0, 0.0, 1e4, INF, NAN]
LIMITS = {
    "softplus": ([0, 0, math.log(2), math.log(2), 1e4, INF, NAN], [0, 0, 0.5, 0.5, 1, 1, NAN]),
    "logsigmoid": ([-INF, -1e4, -math.log(2), -math.log(2), 0, 0, NAN],
                   [1, 1, 0.5, 0.5, 0, 0, NAN]),
    "silu": ([0, 0, 0, 0, 1e4, INF, NAN], [0, 0, 0.5, 0.5, 1, 1, NAN]),
    "mish": ([0, 0, 0, 0, 1e4, INF, NAN], [0, 0, 0.6, 0.6, 1, 1, NAN]),
    "elu": ([-1, -1, 0, 0, 1e4, INF, NAN], [0, 0, 1, 1, 1, 1, 1]),
    "celu": ([-1, -1, 0, 0, 1e4, INF, NAN], [0, 0, 1, 1, 1, 1, 1]),
    "softsign": ([-1, -1e4 / 10001, 0, 0, 1e4 / 10001, 1, NAN], [0, 1e-8, 1, 1, 1e-8, 0, NAN]),
}  # fmt: skip


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LIMITS)
def test_limits(name, dtype, isa):
    value, slope = LIMITS[name]
    with setting(isa):
        x = pydp.tensor(ENDS, dtype=dtype, requires_grad=True)
        y = getattr(pydp, name)(x)
        pydp.sum(y).backward()
    np.testing.assert_allclose(y.numpy(), value, rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), slope, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("name", ["silu", "mish", "logsigmoid"])
def test_tails_keep_their_digits(name):
    """Far from 0 what is small is small with all its digits."""
    points = np.array([-80.0, -30, -10, -1, -1e-6, 1e-6, 1, 10, 30, 80])
    tail = points if name == "logsigmoid" else -points[::-1]
    e = np.exp(-np.abs(tail))
    want = {
        "silu": tail * np.where(tail < 0, e, 1) / (1 + e),
        "mish": tail * np.tanh(np.where(tail < 0, np.log1p(e), tail + np.log1p(e))),
        "logsigmoid": np.minimum(tail, 0) - np.log1p(e),
    }[name]
    for isa in ISAS:
        with setting(isa):
            for dtype, rtol in (("float32", 2e-6), ("float64", 2e-15)):
                y = getattr(pydp, name)(pydp.tensor(tail, dtype=dtype)).numpy()
                np.testing.assert_allclose(y, want, rtol=rtol)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.silu(pydp.arange(3)), TypeError,
         "silu: x must be float32 or float64, got int64; use astype"),
        (lambda: pydp.softplus(pydp.ones(2), beta=0), ValueError,
         "softplus: beta must not be 0, got 0"),
        (lambda: pydp.softplus(pydp.ones(2), threshold="x"), TypeError,
         "softplus: threshold must be a number, got 'x'"),
        (lambda: pydp.celu(pydp.ones(2), 0.0), ValueError, "celu: alpha must not be 0, got 0.0"),
        (lambda: pydp.elu(pydp.ones(2), True), TypeError, "elu: alpha must be a number, got True"),
        (lambda: pydp.glu(pydp.ones((2, 3))), ValueError,
         "glu: the size along axis -1 must be even, got shape (2, 3)"),
        (lambda: pydp.glu(pydp.ones((2, 3)), 2), IndexError,
         "glu: axis 2 is out of range for 2 axes"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
