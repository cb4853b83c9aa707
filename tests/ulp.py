"""How exact the functions are in float32: one table, through the public functions, on every ISA.

    python -m tests.ulp          10^6 points in each row

The truth is float64. An error is counted in units of the last place (ulp) of the exact result, a
denormal's being the least denormal; one row counts in |x| instead. The bounds stand in the table
and are asserted by tests/test_ulp.py. The same from C, in float and double and with the special
values, is tests/ktest/vmath_test.c.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import erf, erfc, sqrt
from typing import Any, NamedTuple

import numpy as np

import pydp
from pydp import _kernels

POINTS = 1_000_000


class Row(NamedTuple):
    """`truth` is NumPy's, in float64. `points` takes a generator and a number."""

    name: str
    function: Callable[..., Any]
    truth: Callable[..., np.ndarray]
    points: Callable[..., list[np.ndarray]]
    bound: float
    unit: str = "ulp"


def between(low: float, high: float, *more: float) -> Callable[..., list[np.ndarray]]:
    """Uniform points; where 0 is inside, half of them are of all magnitudes instead. A second
    interval is that of the second argument."""

    def one(rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
        x = rng.uniform(low, high, n)
        if low < 0 < high:
            x[::2] = rng.choice([low, high], n)[::2] * 2.0 ** rng.uniform(-60, 0, n)[::2]
        return x

    def points(rng: np.random.Generator, n: int) -> list[np.ndarray]:
        bounds = [(low, high), *([more] if more else [])]
        return [one(rng, n, *pair).astype(np.float32) for pair in bounds]

    return points


def positive(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    """Every magnitude, denormals too, and many next to 1."""
    spread = 2.0 ** rng.uniform(-149, 128, n - n // 2)
    return [np.concatenate([spread, rng.uniform(0.5, 2, n // 2)]).astype(np.float32)]


def each(function: Callable[[float], float]) -> Callable[[np.ndarray], np.ndarray]:
    """A function of Python's on all elements: NumPy has no erf."""
    return lambda x: np.array([function(v) for v in x.tolist()])


def sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * each(erfc)(x * -sqrt(0.5))


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x * sigmoid(2 * sqrt(2 / np.pi) * (x + 0.044715 * x**3))


# fmt: off
TABLE = [
    # promised
    Row("exp", pydp.exp, np.exp, between(-104, 88.7), 3),
    Row("log", pydp.log, np.log, positive, 4),
    Row("tanh", pydp.tanh, np.tanh, between(-12, 12), 4),
    Row("sigmoid", pydp.sigmoid, sigmoid, between(-100, 100), 4),
    Row("erf", pydp.erf, each(erf), between(-6, 6), 8),
    Row("gelu, x >= -2", pydp.gelu, gelu, between(-2, 20), 8),
    Row("gelu, x < -2", pydp.gelu, gelu, between(-40, -2), 1e-7, "|x|"),
    Row("sin", pydp.sin, np.sin, between(-1000, 1000), 4),
    Row("cos", pydp.cos, np.cos, between(-1000, 1000), 4),
    # measured, and held
    Row("pow", pydp.pow, np.power, between(0.01, 50, -15, 15), 2),
    Row("expm1", pydp.expm1, np.expm1, between(-104, 88.7), 3),
    Row("log1p", pydp.log1p, np.log1p, between(-0.999, 1000), 3),
    Row("log2", pydp.log2, np.log2, positive, 4),
    Row("log10", pydp.log10, np.log10, positive, 4),
    Row("sqrt", pydp.sqrt, np.sqrt, positive, 0.501),
    Row("reciprocal", pydp.reciprocal, np.reciprocal, between(0.001, 1000), 0.501),
    Row("1 / sqrt", lambda x: 1.0 / pydp.sqrt(x), lambda x: 1 / np.sqrt(x), positive, 1.5),
    Row("softplus", pydp.softplus, partial(np.logaddexp, 0), between(-100, 100), 3),
    Row("silu", pydp.silu, lambda x: x * sigmoid(x), between(-80, 80), 4),
    Row("gelu tanh, x >= -2", partial(pydp.gelu, approximate="tanh"), gelu_tanh,
        between(-2, 20), 8),
    Row("tan", pydp.tan, np.tan, between(-1000, 1000), 6),
    Row("asin", pydp.asin, np.asin, between(-1, 1), 4),
    Row("acos", pydp.acos, np.acos, between(-1, 1), 4),
    Row("atan", pydp.atan, np.atan, between(-50, 50), 4),
    Row("atan2", pydp.atan2, np.atan2, between(-5, 5, -5, 5), 4),
    Row("hypot", pydp.hypot, np.hypot, between(-5, 5, -5, 5), 2),
    Row("sinh", pydp.sinh, np.sinh, between(-88, 88), 4),
    Row("cosh", pydp.cosh, np.cosh, between(-88, 88), 4),
    Row("asinh", pydp.asinh, np.asinh, between(-1000, 1000), 4),
    Row("acosh", pydp.acosh, np.acosh, between(1, 1000), 4),
    Row("atanh", pydp.atanh, np.atanh, between(-0.999, 0.999), 4),
]
# fmt: on


def errors(got: np.ndarray, want: np.ndarray, x: np.ndarray, unit: str) -> np.ndarray:
    if unit == "|x|":
        return np.abs(got - want) / np.abs(x)
    _, exponent = np.frexp(want)
    return np.abs(got - want) / np.ldexp(1.0, np.maximum(exponent - 24, -149))


def measure(row: Row, points: int = POINTS) -> Iterator[tuple[str, float, float]]:
    """(ISA, largest error, the first argument there), for every ISA of this processor."""
    inputs = row.points(np.random.default_rng(0), points)
    wide = [a.astype(np.float64) for a in inputs]
    want = row.truth(*wide)
    before = _kernels.selected_isa()
    try:
        for isa in _kernels.usable_isas():
            _kernels.select_isa(isa)
            got = row.function(*map(pydp.tensor, inputs)).numpy()
            assert got.dtype == np.float32
            found = errors(got.astype(np.float64), want, wide[0], row.unit)
            worst = int(np.argmax(found))  # a NaN is the largest
            yield isa, float(found[worst]), float(wide[0][worst])
    finally:
        _kernels.select_isa(before)


def main() -> None:
    isas = _kernels.usable_isas()
    print(f"{'float32':20}{''.join(f'{isa:>10}' for isa in isas)}{'bound':>10}")
    for row in TABLE:
        found = [f"{error:10.3g}" for _, error, _ in measure(row)]
        print(f"{row.name:20}{''.join(found)}{row.bound:10.3g} {row.unit}")


if __name__ == "__main__":
    main()
