"""Random numbers: Philox's published words, the same bits everywhere, and what they look like."""

import math

import numpy as np
import pytest

import pydp
from harness import ISAS, setting
from pydp import _kernels
from pydp.ops._dropout import philox


def test_philox_has_the_published_words():
    """The known answers of the authors' library (Random123, kat_vectors)."""
    top, pi = 2**64 - 1, [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]
    zeros = philox(np.array([0, 0], np.uint64), 0)
    assert zeros == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    ones = philox(np.array([top, top], np.uint64), top)
    assert ones == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    seed = 0x299F31D0 << 32 | 0xA4093822
    key = np.array([seed, pi[3] << 32 | pi[2]], np.uint64)
    assert philox(key, pi[1] << 32 | pi[0]) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def words_of(key, groups):
    """Philox in NumPy, in the order of core/philox.h: 16 words of 64 bits per group."""
    blocks = np.array([philox(key, b) for b in range(8 * groups)], np.uint64).reshape(groups, 8, 4)
    pairs = blocks[..., ::2] | blocks[..., 1::2] << np.uint64(32)
    return pairs.transpose(0, 2, 1).reshape(-1)


SEED = 2**60 + 3


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("n", [0, 1, 7, 32, 100, 40000])
def test_numbers_are_those_of_the_definition(isa, n):
    """Uniform: exactly; normal: within rounding of Box and Muller in float64."""
    groups = min(-(-n // 16), 40)
    m = min(n, 16 * groups)
    key = np.array([SEED, 0], np.uint64)
    words = words_of(key, max(groups, 1))
    with setting(isa, threads=2):
        double = pydp.Generator(SEED).uniform(n, "float64")
        single = pydp.Generator(SEED).uniform(n, "float32")
        normal = pydp.Generator(SEED).normal(n, "float64")
    np.testing.assert_array_equal(double[:m], (words >> np.uint64(11))[:m] * 2.0**-53)
    halves = words.view(np.uint32)
    np.testing.assert_array_equal(single[:m], (halves >> np.uint32(8))[:m] * 2.0**-24)
    a, b = words.reshape(-1, 2, 8).transpose(1, 0, 2)
    radius = np.sqrt(-2 * np.log(((a >> np.uint64(11)) + np.uint64(1)) * 2.0**-53))
    quarter = b >> np.uint64(62)
    part = (b << np.uint64(2) >> np.uint64(11)) * 2.0**-53 - 0.5
    angle = (quarter.astype(float) + part) * (math.pi / 2)
    want = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)
    np.testing.assert_allclose(normal[:m], want[:m], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_on_every_isa_and_for_every_number_of_threads(dtype):
    drawn = []
    for isa in ISAS:
        for threads in (1, 2):
            with setting(isa, threads):
                source = pydp.Generator(5)
                drawn.append([
                    source.uniform(100_003, dtype), source.normal(100_003, dtype),
                    source.integers(-5, 7, 1000), source.permutation(1000),
                ])  # fmt: skip
    for other in drawn[1:]:
        for a, b in zip(drawn[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments(dtype):
    """Mean, variance, third and fourth moments within four of their deviations."""
    n = 1_000_000
    source = pydp.Generator(11)
    u = source.uniform(n, dtype).astype(np.float64)
    assert 0 <= u.min() < 1e-4
    assert 1 - 1e-4 < u.max() < 1
    assert abs(u.mean() - 0.5) < 4 * math.sqrt(1 / 12 / n)
    assert abs(u.var() - 1 / 12) < 4 * math.sqrt(1 / 180 / n)
    z = source.normal(n, dtype).astype(np.float64)
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - mean) < 4 * math.sqrt(variance / n)
    assert abs(np.corrcoef(z[:-1], z[1:])[0, 1]) < 4 / math.sqrt(n)


def test_integers():
    y = pydp.randint(-3, 4, (70_000,), generator=pydp.Generator(1)).numpy()
    values, counts = np.unique(y, return_counts=True)
    assert values.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert np.all(np.abs(counts - 10_000) < 4 * math.sqrt(10_000))
    low = -(2**63)
    assert np.all(pydp.randint(low, 0, (100,)).numpy() < 0)


def test_permutations_are_all_alike():
    source = pydp.Generator(2)
    orders = [tuple(source.permutation(3)) for _ in range(6000)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert all(abs(n - 1000) < 4 * math.sqrt(1000) for n in counts)
    assert np.array_equal(np.sort(source.permutation(10_000)), np.arange(10_000))


def test_seed_and_state():
    pydp.manual_seed(3)
    first, second = pydp.randn(5).numpy(), pydp.randn(5).numpy()
    assert (first != second).any()
    pydp.manual_seed(3)
    np.testing.assert_array_equal(pydp.randn((5,)).numpy(), first)
    source = pydp.Generator(1)
    state = source.get_state()
    a = source.permutation(10)
    source.set_state(state)
    np.testing.assert_array_equal(source.permutation(10), a)


def test_a_recorded_draw_is_fresh_at_each_replay():
    source = pydp.Generator(4)
    calls = _kernels.record()
    y = source.uniform(8)
    _kernels.stop_recording()
    first = y.copy()
    _kernels.replay(calls)
    again = pydp.Generator(4)
    np.testing.assert_array_equal(again.uniform(8), first)
    np.testing.assert_array_equal(again.uniform(8), y)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pydp.Generator(-1), ValueError, "seed must be at least 0 and below 2"),
        (lambda: pydp.Generator(True), TypeError, "seed must be an int, got True"),
        (lambda: pydp.manual_seed(1.0), TypeError, "seed must be an int, got 1.0"),
        (lambda: pydp.rand(-1), ValueError, "rand: sizes must not be negative, got shape (-1,"),
        (lambda: pydp.randn(2, dtype="int64"), TypeError, "dtype must be float32 or float64"),
        (lambda: pydp.randint(3, 3, (1,)), ValueError, "low must be below high, got 3 and 3"),
        (lambda: pydp.randint(0, 2**64, (1,)), ValueError, "high must fit into int64"),
        (lambda: pydp.permutation(2.0), TypeError, "permutation: n must be an int, got 2.0"),
        (lambda: pydp.bernoulli(2, (1,)), ValueError, "p must be between 0 and 1, got 2.0"),
        (lambda: pydp.Generator(1).set_state([1, 2]), ValueError, "state must be a uint64 array"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message.replace("(", r"\(")):
        call()
