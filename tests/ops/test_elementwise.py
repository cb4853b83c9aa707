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
WITHIN = real(3, 4, 5, low=-0.9, high=0.9)

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
    ("log2", POSITIVE, None),
    ("log10", POSITIVE, None),
    ("floor", SMALL, None),
    ("ceil", SMALL, None),
    ("trunc", SMALL, None),
    ("round", SMALL, None),
    ("sin", SMALL, None),
    ("cos", SMALL, None),
    ("tan", WITHIN, None),
    ("asin", WITHIN, None),
    ("acos", WITHIN, None),
    ("atan", SMALL, None),
    ("sinh", SMALL, None),
    ("cosh", SMALL, None),
    ("asinh", SMALL, None),
    ("acosh", POSITIVE + 1, None),
    ("atanh", WITHIN, None),
    ("tanh", SMALL, None),
    ("erf", SMALL, None),
    ("sigmoid", SMALL, None),
    ("softsign", SMALL, None),
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
    Case("hypot", pydp.hypot, [SMALL, real(4, 5, seed=1)], torch=theirs("hypot")),
    Case("atan2", pydp.atan2, [SMALL, real(4, 5, seed=1)], "every quadrant",
         torch=theirs("atan2")),
    Case("copysign", pydp.copysign, [SMALL, real(4, 5, seed=1)], torch=theirs("copysign")),
    Case("logaddexp", pydp.logaddexp, [SMALL, real(4, 5, seed=1)], torch=theirs("logaddexp")),
    Case("logaddexp_share", rule(rules.LOGADDEXP_SHARE), [SMALL, real(4, 5, seed=1)]),
    Case("one_for_zero", rule(rules.ONE_FOR_ZERO), [integers(5, 6)], "zeros", grad=False,
         exact=True),
    Case("round", pydp.round, [integers(5, 60) / 2], "ties go to the even one", exact=True,
         grad=False),
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
    ("softsign", [-INF, -3, -0.0, 0.0, 1, INF, NAN], [-1, -0.75, -0.0, 0.0, 0.5, 1, NAN]),
    ("gelu", [-1e4, 0.0, 1e4, INF, NAN], [-0.0, 0.0, 1e4, INF, NAN]),
    ("relu", [-INF, -1, 0, INF, NAN], [0, 0, 0, INF, NAN]),
    ("erf", [-INF, -0.0, INF, NAN], [-1, -0.0, 1, NAN]),
    ("abs", [-INF, -0.0, NAN], [INF, 0.0, NAN]),
    ("sign", [-INF, -0.0, 0.0, 3, NAN], [-1, 0, 0, 1, NAN]),
    ("reciprocal", [0.0, -0.0, INF], [INF, -INF, 0]),
    ("log2", [0, 1, 8, 2.0**-100, INF, -1, NAN], [-INF, 0, 3, -100, INF, NAN, NAN]),
    ("log10", [0, 1, 10, 100, 1000, 1e10, INF, -1, NAN], [-INF, 0, 1, 2, 3, 10, INF, NAN, NAN]),
    ("tan", [-0.0, 0.0, INF, NAN], [-0.0, 0.0, NAN, NAN]),
    ("asin", [-0.0, 0.0, 2, -INF, NAN], [-0.0, 0.0, NAN, NAN, NAN]),
    ("acos", [1, 2, -INF, NAN], [0, NAN, NAN, NAN]),
    ("atan", [-0.0, 0.0, NAN], [-0.0, 0.0, NAN]),
    ("sinh", [-INF, -1e4, -0.0, 0.0, 1e4, NAN], [-INF, -INF, -0.0, 0.0, INF, NAN]),
    ("cosh", [-INF, -1e4, 0.0, 1e4, NAN], [INF, INF, 1, INF, NAN]),
    ("asinh", [-INF, -0.0, 0.0, INF, NAN], [-INF, -0.0, 0.0, INF, NAN]),
    ("acosh", [0.5, 1, INF, -INF, NAN], [NAN, 0, INF, NAN, NAN]),
    ("atanh", [-1, -0.0, 0.0, 1, 2, INF, NAN], [-INF, -0.0, 0.0, INF, NAN, NAN, NAN]),
    ("floor", [-INF, -0.5, -0.0, 0.5, 1e30, NAN], [-INF, -1, -0.0, 0, 1e30, NAN]),
    ("ceil", [-INF, -0.5, -0.0, 0.5, 1e30, NAN], [-INF, -0.0, -0.0, 1, 1e30, NAN]),
    ("trunc", [-INF, -0.5, -0.0, 0.5, 1e30, NAN], [-INF, -0.0, -0.0, 0, 1e30, NAN]),
    ("round", [-INF, -0.5, -0.0, 2.5, 1e30, NAN], [-INF, -0.0, -0.0, 2, 1e30, NAN]),
]
ODD = {"tanh", "erf", "tan", "asin", "atan", "sinh", "asinh", "atanh", "floor", "ceil", "trunc",
       "round", "sign", "softsign"}  # fmt: skip


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "points", "right"), LIMITS, ids=[row[0] for row in LIMITS])
def test_limits(name, points, right, dtype, isa):
    with setting(isa):
        got = getattr(pydp, name)(pydp.tensor(points, dtype=dtype)).numpy()
    np.testing.assert_array_equal(got, np.asarray(right, dtype))
    zeros = np.asarray(right) == 0
    if name in ODD:
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(right)[zeros])


PLACES = [0.0, -0.0, 1.0, -1.0, 1e30, -1e30, INF, -INF, NAN, 1e-40, 3e38]


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["atan2", "hypot", "copysign", "logaddexp"])
def test_two_special_numbers(name, dtype, isa):
    """NumPy, which has them of C, decides over every pair; the sign of a zero counts."""
    a = np.repeat(np.array(PLACES, dtype), len(PLACES))
    b = np.tile(np.array(PLACES, dtype), len(PLACES))
    with setting(isa):
        got = getattr(pydp, name)(pydp.tensor(a), pydp.tensor(b)).numpy()
    with np.errstate(all="ignore"):
        want = getattr(np, name)(a.astype(np.float64), b.astype(np.float64)).astype(dtype)
    np.testing.assert_allclose(got, want, rtol=1e-6)
    defined = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got)[defined], np.signbit(want)[defined])


def test_maximum_and_minimum_pass_nan_from_either_side():
    a, b = pydp.tensor([NAN, 1.0, NAN]), pydp.tensor([1.0, NAN, NAN])
    assert np.isnan(pydp.maximum(a, b).numpy()).all()
    assert np.isnan(pydp.minimum(a, b).numpy()).all()


@pytest.mark.parametrize(
    ("name", "points", "slopes"),
    [
        ("relu", [-0.0, 0.0, NAN], [0, 0, 1]),
        ("abs", [0.0], [0]),
        ("sqrt", [0.0], [INF]),
        ("log", [0.0], [INF]),
    ],
)
def test_slopes_at_kinks_and_poles(name, points, slopes):
    x = pydp.tensor(points, requires_grad=True)
    pydp.sum(getattr(pydp, name)(x)).backward()
    np.testing.assert_array_equal(x.grad.numpy(), slopes)


@pytest.mark.parametrize(
    ("name", "a", "b", "slopes"),
    [
        ("hypot", 0.0, 0.0, (0, 0)),
        ("atan2", 0.0, 0.0, (0, 0)),
        ("atan2", 2.0**100, 0.0, (0, -(2.0**-100))),
        ("copysign", 0.0, -1.0, (0, None)),
        ("logaddexp", -INF, -INF, (0.5, 0.5)),
        ("logaddexp", INF, -INF, (1, 0)),
    ],
)
def test_slopes_of_two_at_the_edges(name, a, b, slopes):
    x, y = [pydp.tensor(v, requires_grad=True) for v in (a, b)]
    getattr(pydp, name)(x, y).backward()
    for value, slope in zip((x, y), slopes, strict=True):
        assert (value.grad is None) == (slope is None)
        assert slope is None or value.grad.item() == pytest.approx(slope, abs=0)


def test_power_of_zero_has_a_finite_slope():
    a, b = [pydp.tensor([0.0, 0.0, 2.0], requires_grad=True) for _ in range(2)]
    y = pydp.pow(a, b + 1.0)
    pydp.sum(y).backward()
    np.testing.assert_allclose(a.grad.numpy(), [1, 1, 12])
    np.testing.assert_allclose(b.grad.numpy(), [0, 0, 8 * math.log(2)], rtol=1e-6)


@pytest.mark.parametrize("op", ["add", "multiply", "maximum", "pow"])
@pytest.mark.parametrize(
    ("a", "b"), [((1,), (1, 1)), ((), (1, 1)), ((1, 1, 1), (1,)), ((0,), (0, 0)), ((0, 1), (1, 0))]
)
def test_gradients_of_broadcast_operands_of_one_size(op, a, b):
    """As many elements are not yet the same shape."""
    x, y = pydp.ones(a).requires_grad_(), pydp.ones(b).requires_grad_()
    getattr(pydp, op)(x, y).sum().backward()
    assert (x.grad.shape, y.grad.shape) == (a, b)


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
