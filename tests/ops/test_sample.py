"""Distributions: moments, gradients in the parameters, the same numbers on every ISA, errors."""

import math

import numpy as np
import pytest

import pydp
from harness import ISAS, setting

N = 200_000


def near(values, mean, variance):
    """The sample's mean and variance within five of their deviations (fourth moment <= 9 v^2)."""
    x = values.numpy().astype(np.float64)
    assert abs(x.mean() - mean) < 5 * math.sqrt(variance / x.size)
    assert abs(x.var() - variance) < 5 * math.sqrt(8 * variance**2 / x.size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments(dtype):
    g = pydp.Generator(3)
    near(pydp.normal(5.0, 2.0, (N,), dtype, g), 5.0, 4.0)
    near(pydp.uniform(-1.0, 3.0, (N,), dtype, g), 1.0, 16 / 12)
    near(pydp.exponential(0.5, (N,), dtype, g), 2.0, 4.0)
    near(pydp.bernoulli(0.3, (N,), g), 0.3, 0.21)
    assert pydp.exponential(1.0, (N,), dtype, g).numpy().min() >= 0


def test_exponential_numbers_are_those_of_the_definition():
    u = 1 - pydp.Generator(9).uniform(10_000, "float64")
    got = pydp.Generator(9).exponential(10_000, "float64")
    # e = -log(u') with u' in (0, 1] from the same words: one unit above the uniform's
    want = -np.log(1 - u + 2.0**-53)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


def test_parameters_broadcast_and_have_gradients():
    mean = pydp.tensor([[1.0], [2.0]], requires_grad=True)
    std = pydp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = pydp.normal(mean, std, generator=pydp.Generator(1))
    assert y.shape == (2, 3)
    z = pydp.randn(2, 3, generator=pydp.Generator(1)).numpy()
    y.sum().backward()
    np.testing.assert_allclose(mean.grad.numpy(), [[3.0], [3.0]])
    np.testing.assert_allclose(std.grad.numpy(), z.sum(0), rtol=1e-5)
    assert pydp.normal(mean, 1.0, (4, 2, 3)).shape == (4, 2, 3)
    assert pydp.uniform(pydp.tensor([1.0, 5.0]), 6.0).shape == (2,)
    assert pydp.bernoulli(pydp.tensor([[1.0, 0.0]])).tolist() == [[True, False]]
    assert pydp.randn_like(pydp.zeros(2, dtype="float64")).dtype == np.float64
    assert pydp.rand_like(pydp.zeros((2, 1))).shape == (2, 1)


def test_same_numbers_on_every_isa():
    def all_of_them():
        g = pydp.Generator(5)
        p = pydp.tensor([[0.1, 0.0, 0.6, 0.3]] * 50)
        return [
            pydp.exponential(3.0, (10_001,), generator=g),
            pydp.normal(1.0, 0.1, (999,), generator=g),
            pydp.uniform(-1, 1, (999,), "float64", g), pydp.multinomial(p, 3, generator=g),
            pydp.multinomial(p, 9, True, g), pydp.choice(10, (3, 4), generator=g),
            pydp.permutation(pydp.arange(100), generator=g), pydp.bernoulli(0.5, (99,), g),
        ]  # fmt: skip

    drawn = []
    for isa in ISAS:
        for threads in (1, 2):
            with setting(isa, threads):
                drawn.append([y.numpy() for y in all_of_them()])
    for other in drawn[1:]:
        for a, b in zip(drawn[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_state_is_saved_and_restored():
    g = pydp.Generator(8)
    pydp.normal(0, 1, (3,), generator=g)
    state = g.get_state()
    first = [pydp.choice(100, (9,), generator=g), pydp.exponential(1.0, (9,), generator=g)]
    g.set_state(state)
    again = [pydp.choice(100, (9,), generator=g), pydp.exponential(1.0, (9,), generator=g)]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_multinomial_frequencies():
    p = np.array([1.0, 0.0, 2.0, 5.0])
    y = pydp.multinomial(pydp.tensor(p), 80_000, True, pydp.Generator(1)).numpy()
    counts = np.bincount(y, minlength=4)
    assert counts[1] == 0
    assert np.all(np.abs(counts - 10_000 * p) < 5 * np.sqrt(80_000 * 0.25))
    rows = pydp.multinomial(pydp.tensor(np.tile(p, (20_000, 1))), 2, generator=pydp.Generator(2))
    first, second = rows.numpy().T
    assert np.all(first != second)
    assert abs((first == 3).mean() - 5 / 8) < 5 * math.sqrt(0.25 / 20_000)
    # the second of 3, given the first is 2: 5 / 6
    given = second[first == 2]
    assert abs((given == 3).mean() - 5 / 6) < 5 * math.sqrt(0.25 / given.size)


def test_choice_permutation_and_shuffle():
    x = pydp.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    g = pydp.Generator(4)
    y = pydp.permutation(x, generator=g)
    assert sorted(y.numpy()[:, 0]) == [1, 3, 5]
    pydp.choice(x, (7,), generator=g).sum().backward()
    assert x.grad.numpy().sum() == 14
    assert sorted(pydp.choice(3, (3,), replace=False, generator=g).tolist()) == [0, 1, 2]
    assert pydp.choice(x, (2, 2), axis=1, generator=g).shape == (3, 2, 2)
    assert pydp.choice(5, generator=g).shape == ()
    z = pydp.arange(50)
    assert pydp.shuffle(z, generator=g) is None
    assert z.tolist() != list(range(50))
    assert sorted(z.tolist()) == list(range(50))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.normal(0.0, -1.0, (2,)), ValueError, "std must be finite and at least 0"),
        (lambda: pydp.normal(math.nan, 1.0, (2,)), ValueError, "mean must be finite, got nan"),
        (lambda: pydp.normal(True, 1.0, (2,)), TypeError, "mean must be a number, got True"),
        (lambda: pydp.normal(pydp.tensor([1]), 1.0), TypeError, "mean must be float32 or float64"),
        (lambda: pydp.normal(pydp.ones(3), 1.0, (2,)), ValueError, "does not broadcast to"),
        (lambda: pydp.normal(pydp.ones(3), pydp.ones(2)), ValueError, "do not broadcast"),
        (lambda: pydp.uniform(2.0, 1.0, (1,)), ValueError, "low must be at most high, got 2.0 and"),
        (lambda: pydp.exponential(0.0, (1,)), ValueError, "rate must be above 0, got 0"),
        (lambda: pydp.bernoulli(pydp.tensor([0.5, 1.5])), ValueError, "between 0 and 1 everywhere"),
        (lambda: pydp.bernoulli(math.nan, (1,)), ValueError, "p must be between 0 and 1, got nan"),
        (lambda: pydp.multinomial(pydp.tensor([1.0, 0.0]), 2), ValueError, "at most the 1 weights"),
        (lambda: pydp.multinomial(pydp.tensor([-1.0, 2.0]), 1), ValueError, "finite, at least 0"),
        (lambda: pydp.multinomial(pydp.tensor([0.0, 0.0]), 1), ValueError, "not all 0 in any row"),
        (lambda: pydp.multinomial(pydp.tensor([math.nan]), 1), ValueError, "p must be finite"),
        (lambda: pydp.choice(3, (4,), replace=False), ValueError, "4 of 3 without replacement"),
        (lambda: pydp.choice(3, (4,), p=[1.0]), ValueError, r"p must have shape \(3,\)"),
        (lambda: pydp.choice(0), ValueError, "x must be at least 1, got 0"),
        (lambda: pydp.permutation(2.5), TypeError, "permutation: n must be an int"),
        (lambda: pydp.shuffle([1, 2]), TypeError, "x must be a tensor, got list"),
        (lambda: pydp.normal(0.0, 1.0, (2,), generator=3), TypeError, "must be a pydp.Generator"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
