"""The activations of straight pieces: slopes at kinks are PyTorch's."""

import math

import numpy as np
import pytest

import pydp
from harness import ISAS, Case, examine, real, setting, torch
from pydp._graph import apply
from pydp._op import registry

INF, NAN = math.inf, math.nan
WIDE = real(3, 4, 5, low=-6, high=6)
DY = real(3, 4, 5, seed=1)


def pieces(name, *constants, why="", op=None):
    peer = torch and (lambda x: getattr(torch.nn.functional, name)(x, *constants))
    return Case(op or name, lambda x: getattr(pydp, name)(x, *constants), [WIDE], why, peer)


def backward_of(name, *constants):
    rule = registry[f"{name}_backward"]
    return Case(rule.name, lambda x, dy: apply(rule, (x, dy), *constants), [WIDE, DY])


def rule(name):
    return lambda *x: apply(registry[name], x)


CASES = [
    pieces("leaky_relu"),
    pieces("leaky_relu", -0.5, why="negative slope"),
    pieces("hardtanh"),
    pieces("hardtanh", -0.5, 2.0, why="bounds"),
    pieces("relu6", op="hardtanh"),
    pieces("hardsigmoid"),
    pieces("hardswish"),
    pieces("softshrink", 1.5),
    pieces("hardshrink", 1.5),
    pieces("threshold", 0.5, -2.0),
    backward_of("leaky_relu", 0.25),
    backward_of("hardtanh", -1.0, 2.0),
    backward_of("hardsigmoid"),
    backward_of("hardswish"),
    backward_of("softshrink", 1.0),
    backward_of("hardshrink", 1.0),
    backward_of("threshold", 1.0, 5.0),
    Case("prelu", pydp.prelu, [WIDE, real(1)], "one slope",
         torch and (lambda x, w: torch.nn.functional.prelu(x, w))),
    Case("prelu", pydp.prelu, [WIDE, real(4)], "a slope for each channel",
         torch and (lambda x, w: torch.nn.functional.prelu(x, w))),
    Case("prelu", pydp.prelu, [real(4), real()], "one axis"),
    Case("prelu_slope", rule("prelu_slope"), [WIDE, real(4, 1)]),
    Case("prelu_backward_slope", rule("prelu_backward_slope"), [WIDE, DY]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


# At the kinks and ends: (name, constants, points, value, slope).
KINKS = [
    ("leaky_relu", (0.25,), [-INF, -0.0, 0.0, INF, NAN], [-INF, 0, 0, INF, NAN],
     [0.25, 0.25, 0.25, 1, 0.25]),
    ("relu6", (), [-INF, 0.0, 3, 6, INF, NAN], [0, 0, 3, 6, 6, NAN], [0, 0, 1, 0, 0, 0]),
    ("hardtanh", (), [-INF, -1, 0, 1, INF, NAN], [-1, -1, 0, 1, 1, NAN], [0, 0, 1, 0, 0, 0]),
    ("hardsigmoid", (), [-INF, -3, 3, INF, NAN], [0, 0, 1, 1, NAN], [0, 0, 0, 0, 0]),
    ("hardswish", (), [-3, 0, 3, INF], [0, 0, 3, INF], [0, 0.5, 1, 1]),
    ("softshrink", (0.5,), [-INF, -0.5, 0, 0.5, INF, NAN], [-INF, 0, 0, 0, INF, NAN],
     [1, 0, 0, 0, 1, 0]),
    ("softshrink", (0.0,), [-1, 0, 1], [-1, 0, 1], [1, 0, 1]),
    ("hardshrink", (0.5,), [-INF, -0.5, 0, 0.5, INF, NAN], [-INF, 0, 0, 0, INF, NAN],
     [1, 0, 0, 0, 1, 0]),
    ("threshold", (1.0, 7.0), [-INF, 1, 2, INF, NAN], [7, 7, 2, INF, NAN], [0, 0, 1, 1, 1]),
]  # fmt: skip


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "constants", "points", "value", "slope"), KINKS)
def test_kinks_and_ends(name, constants, points, value, slope, dtype, isa):
    with setting(isa):
        x = pydp.tensor(points, dtype=dtype, requires_grad=True)
        y = getattr(pydp, name)(x, *constants)
        pydp.sum(y).backward()
    np.testing.assert_array_equal(y.numpy(), value)
    np.testing.assert_array_equal(x.grad.numpy(), slope)
    if torch is not None:
        t = torch.tensor(points, dtype=getattr(torch, dtype), requires_grad=True)
        getattr(torch.nn.functional, name)(t, *constants).sum().backward()
        known = ~np.isnan(points)  # at NaN its vectors and its remainders differ
        np.testing.assert_array_equal(t.grad.numpy()[known], np.asarray(slope)[known])


def test_hardswish_far_below_is_its_limit():
    x = pydp.tensor([-INF, -1e30, NAN], requires_grad=True)
    y = pydp.hardswish(x)
    pydp.sum(y).backward()
    np.testing.assert_array_equal(y.numpy(), [0, 0, NAN])
    np.testing.assert_array_equal(x.grad.numpy(), [0, 0, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.hardtanh(pydp.ones(2), 1.0, 1.0), ValueError,
         "hardtanh: min_val must be below max_val, got 1.0 and 1.0"),
        (lambda: pydp.softshrink(pydp.ones(2), -1), ValueError,
         "softshrink: lambd must be at least 0, got -1"),
        (lambda: pydp.hardshrink(pydp.ones(2), NAN), ValueError,
         "hardshrink: lambd must be at least 0, got nan"),
        (lambda: pydp.leaky_relu(pydp.ones(2), None), TypeError,
         "leaky_relu: negative_slope must be a number, got None"),
        (lambda: pydp.prelu(pydp.ones((2, 3)), pydp.ones(2)), ValueError,
         "prelu: weight must have shape (1,) or (3,), one for each channel of x (2, 3), got (2,)"),
        (lambda: pydp.prelu(pydp.ones((2, 3)), np.ones(3)), TypeError,
         "prelu: arguments must have one dtype, got x float32, weight float64; use astype"),
        (lambda: pydp.relu6(pydp.arange(3)), TypeError,
         "relu6: x must be float32 or float64, got int64; use astype"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
