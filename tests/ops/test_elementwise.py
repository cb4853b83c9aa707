"""Elementwise functions: every row of the table, in the layouts and broadcasts that matter."""

import math

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, examine, integers, real, setting, torch
from pydp._graph import apply
from pydp.ops import _elementwise as rules


def theirs(name, *more):
    """PyTorch's function of this name, or None without PyTorch."""
    if torch is None:
        return None
    return getattr(torch, name, None) or getattr(torch.nn.functional, name)


def rule(op):
    return lambda *x: apply(op, x)


SMALL = real(3, 4, 5)
POSITIVE = real(3, 4, 5, low=0.1, high=4)

UNARY = [
    ("negative", SMALL, None),
    ("abs", SMALL, None),
    ("sign", SMALL, None),
    ("square", SMALL, None),
    ("sqrt", POSITIVE, None),
    ("reciprocal", POSITIVE, None),
    ("exp", SMALL, None),
    ("expm1", SMALL, None),
    ("log", POSITIVE, None),
    ("log1p", POSITIVE, None),
    ("sin", SMALL, None),
    ("cos", SMALL, None),
    ("tanh", SMALL, None),
    ("erf", SMALL, None),
    ("sigmoid", SMALL, None),
    ("softplus", SMALL, None),
    ("relu", SMALL, None),
    ("gelu", SMALL, None),
]

CASES = [
    *[Case(name, getattr(pydp, name), [x], torch=theirs(name)) for name, x, _ in UNARY],
    Case("copy", pydp.copy, [SMALL]),
    Case("gelu_tanh", lambda x: pydp.gelu(x, "tanh"), [SMALL],
         torch=torch and (lambda x: torch.nn.functional.gelu(x, approximate="tanh"))),
    Case("exp", pydp.exp, [real(70_001)], "several chunks", grad=False),
    Case("tanh", pydp.tanh, [real()], "0-d"),
    Case("tanh", pydp.tanh, [real(0, 3)], "empty"),

    Case("add", pydp.add, [real(3, 4), real(4)], "row broadcast", torch=theirs("add")),
    Case("add", pydp.add, [real(0, 4), real(4)], "empty"),
    Case("add", pydp.add, [real(), real()], "0-d"),
    Case("add", pydp.add, [real(2, 3, 4, 5), real(3, 1, 1)], "a bias for each channel"),
    Case("subtract", pydp.subtract, [real(4, 1), real(5)], "outer", torch=theirs("subtract")),
    Case("multiply", pydp.multiply, [real(3, 1, 4), real(2, 1)], "both", torch=theirs("multiply")),
    Case("multiply", pydp.multiply, [integers(40, 1000), integers(40, 1)], "chunks", exact=True,
         order2=False),
    Case("divide", pydp.divide, [SMALL, POSITIVE], torch=theirs("divide")),
    Case("power", pydp.pow, [POSITIVE, SMALL], torch=theirs("pow")),
    Case("power", pydp.pow, [real(low=0.1), real()], "0-d", torch=theirs("pow")),
    Case("power_slope", rule(rules.POWER_SLOPE), [POSITIVE, SMALL]),
    Case("maximum", pydp.maximum, [SMALL, real(4, 5, seed=1)], torch=theirs("maximum")),
    Case("minimum", pydp.minimum, [SMALL, real(4, 5, seed=1)], torch=theirs("minimum")),
    Case("maximum_share", rule(rules.MAXIMUM_SHARE), [integers(5, 6), integers(5, 6, seed=1)],
         "ties", grad=False, exact=True),
    Case("at_least", pydp.clip, [SMALL, real(4, 5, seed=1)],
         torch=torch and (lambda x, low: torch.clamp(x, min=low))),
    Case("at_most", lambda x, high: pydp.clip(x, None, high), [SMALL, real(4, 5, seed=1)],
         torch=torch and (lambda x, high: torch.clamp(x, max=high))),
    Case("not_below", rule(rules.NOT_BELOW), [integers(5, 6), integers(5, 6, seed=1)],
         "ties", grad=False, exact=True),
    *[Case(name, rule(getattr(rules, name.upper())), [SMALL, real(3, 4, 5, seed=1)])
      for name in ("relu_backward", "tanh_backward", "sigmoid_backward", "gelu_backward",
                   "gelu_tanh_backward")],
    Case("add", lambda a: pydp.add(a, a), [real(3, 4)], "one tensor twice"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


INF, NAN = math.inf, math.nan

# (function, points, what is right there): limits, signs of zero, NaN passing through.
LIMITS = [
    ("exp", [-INF, -1e4, 0, 1e4, INF, NAN], [0, 0, 1, INF, INF, NAN]),
    ("log", [0, 1, INF, -1, NAN], [-INF, 0, INF, NAN, NAN]),
    ("sqrt", [0, INF, -1, NAN], [0, INF, NAN, NAN]),
    ("tanh", [-INF, -1e4, -0.0, 0.0, 1e4, INF, NAN], [-1, -1, -0.0, 0.0, 1, 1, NAN]),
    ("sigmoid", [-INF, -1e4, 0, 1e4, INF, NAN], [0, 0, 0.5, 1, 1, NAN]),
    ("softplus", [-INF, -1e4, 1e4, INF, NAN], [0, 0, 1e4, INF, NAN]),
    ("gelu", [-1e4, 0.0, 1e4, INF, NAN], [-0.0, 0.0, 1e4, INF, NAN]),
    ("relu", [-INF, -1, 0, INF, NAN], [0, 0, 0, INF, NAN]),
    ("erf", [-INF, -0.0, INF, NAN], [-1, -0.0, 1, NAN]),
    ("abs", [-INF, -0.0, NAN], [INF, 0.0, NAN]),
    ("sign", [-INF, -0.0, 3, NAN], [-1, 0, 1, NAN]),
    ("reciprocal", [0.0, -0.0, INF], [INF, -INF, 0]),
]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "points", "right"), LIMITS, ids=[row[0] for row in LIMITS])
def test_limits(name, points, right, dtype, isa):
    with setting(isa):
        got = getattr(pydp, name)(pydp.tensor(points, dtype=dtype)).numpy()
    np.testing.assert_array_equal(got, np.asarray(right, dtype))
    zeros = np.asarray(right) == 0
    if name in ("tanh", "erf"):
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(right)[zeros])


def test_maximum_and_minimum_pass_nan_from_either_side():
    a, b = pydp.tensor([NAN, 1.0, NAN]), pydp.tensor([1.0, NAN, NAN])
    assert np.isnan(pydp.maximum(a, b).numpy()).all()
    assert np.isnan(pydp.minimum(a, b).numpy()).all()


@pytest.mark.parametrize(
    ("name", "points", "slopes"),
    [
        ("relu", [-0.0, 0.0, NAN], [0, 0, 0]),
        ("abs", [0.0], [0]),
        ("sqrt", [0.0], [INF]),
        ("log", [0.0], [INF]),
    ],
)
def test_slopes_at_kinks_and_poles(name, points, slopes):
    x = pydp.tensor(points, requires_grad=True)
    pydp.sum(getattr(pydp, name)(x)).backward()
    np.testing.assert_array_equal(x.grad.numpy(), slopes)


def test_power_of_zero_has_a_finite_slope():
    a, b = [pydp.tensor([0.0, 0.0, 2.0], requires_grad=True) for _ in range(2)]
    y = pydp.pow(a, b + 1.0)
    pydp.sum(y).backward()
    np.testing.assert_allclose(a.grad.numpy(), [1, 1, 12])
    np.testing.assert_allclose(b.grad.numpy(), [0, 0, 8 * math.log(2)], rtol=1e-6)


def test_python_numbers_do_not_widen():
    x = pydp.ones(2)
    for y in (x + 1, 1.5 * x, x / np.float64(3), x - True, x**2, 2**x, x * np.int64(3)):
        assert y.dtype == np.float32
    whole = pydp.tensor([1, 2])
    assert (whole + 1).dtype == np.int64
    assert (whole + 0.5).dtype == np.float32
    assert (whole / 2).dtype == np.float32
    assert (x + pydp.ones(2, dtype="float64")).dtype == np.float64
    assert (pydp.ones(2, dtype="float64") + x).dtype == np.float64
    assert (whole * x).dtype == np.float32


def test_numpy_arrays_on_either_side():
    a, x = np.ones(3, np.float32), pydp.ones(3)
    for y in (a + x, x + a, a - x, a * x, a / x, x + [1.0]):  # noqa: RUF005
        assert isinstance(y, pydp.Tensor)
        assert y.shape == (3,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.ones((2, 3)) + pydp.ones((4,)), ValueError,
         r"add: shapes do not broadcast\n  first   \(2, 3\)\n  second    \(4,\)\n"),
        (lambda: pydp.exp(pydp.tensor([1])), TypeError,
         "exp: x must be float32 or float64, got int64; use astype"),
        (lambda: pydp.ones(2) + "a", TypeError, "add: expected a tensor, array or number, got str"),
        (lambda: pydp.ones(2) * None, TypeError, "multiply: expected .* got NoneType"),
        (lambda: pydp.ones(2) + 1j, TypeError, "add: expected .* got complex"),
        (lambda: pydp.negative(pydp.tensor([True])), TypeError, "negative: x must be a number"),
        (lambda: pydp.gelu(pydp.ones(1), approximate="no"), ValueError,
         'gelu: approximate must be "none" or "tanh", got \'no\''),
        (lambda: pydp.tensor([1], dtype="uint8") + 300, OverflowError,
         "300 does not fit into uint8"),
        (lambda: pydp.where(pydp.ones(2), 1.0, 0.0), TypeError, "where: condition must be bool"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
