"""Attention whose heads lie in one array: as splitting, attending and joining; nothing copied."""

import itertools
import math

import numpy as np
import pytest

import pydp
from harness import ISAS, TYPES, Case, assert_bits, examine, real, setting
from pydp import _kernels
from pydp._graph import apply
from pydp.ops._heads import join_heads, split_heads
from pydp.ops._packed_attention import PackedAttention, packed_attention

DROPPED = np.array([5, 77], np.uint64).view(np.int64)


def case(why, heads, x, mask=None, causal=False, p=0.0, bound=4e-6, **more):
    """A case of the rule; its inputs are x and the mask."""
    added = mask is not None and mask.dtype.kind == "f"
    key = pydp.tensor(DROPPED) if p else None

    def call(x, mask=None):
        scale = 1 / math.sqrt(max(x.shape[-1] // (3 * heads), 1))
        return apply(PackedAttention, (x, mask, key), heads, causal, scale, p, added)

    inputs = [x] if mask is None else [x, mask]
    return Case("packed_attention", call, inputs, why, layouts="bound", bound=bound, **more)


def seen(*shape):
    return np.random.default_rng([0, *shape]).random(shape) < 0.7


CASES = [
    case("plain", 2, real(2, 5, 24)),
    case("no batch", 2, real(5, 24)),
    case("two leading axes", 1, real(2, 1, 3, 9)),
    case("causal", 2, real(2, 5, 24), causal=True),
    case("mask", 2, real(2, 5, 24), seen(2, 2, 5, 5)),
    case("mask, causal", 2, real(1, 5, 24), seen(1, 2, 5, 5), causal=True),
    case("added", 2, real(1, 4, 24), real(1, 2, 4, 4)),
    case("dropout", 2, real(1, 5, 24), p=0.4, order2=False),
    case("whole vectors", 2, real(1, 6, 96), bound=1e-5, order2=False),
    case("one number", 1, real(1, 1, 3)),
    case("no steps", 2, real(2, 0, 24)),
    case("no batch at all", 2, real(0, 4, 24)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


# ---- where it reads and writes -------------------------------------------------------------------

SHAPES = [(2, 3, 130, 32), (1, 2, 300, 24), (3, 1, 64, 16), (20, 1, 40, 7)]


def split(x, heads, causal):
    y = pydp.scaled_dot_product_attention(*split_heads(x, 3, heads), causal=causal)
    return join_heads(y)


def packed(x, heads, causal):
    return packed_attention(x, heads, None, causal, 0.0)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_of_splitting_and_joining(shape, causal):
    """In one array or in several, by one thread or by two: dense or not, no bit differs. Few heads
    are shared out among tasks, narrow ones are copied."""
    n, heads, t, d = shape
    x, dy = real(n, t, 3 * heads * d), real(n, t, heads * d, seed=1)
    for isa, dtype in itertools.product(ISAS, TYPES):
        found = []
        for function, threads in ((packed, 1), (packed, 2), (split, 2)):
            with setting(isa, threads=threads):
                leaf = pydp.tensor(x.astype(dtype), requires_grad=True)
                y = function(leaf, heads, causal)
                y.backward(pydp.tensor(dy.astype(dtype)))
            assert y.numpy().flags.c_contiguous and leaf.grad.numpy().flags.c_contiguous
            found.append((y.numpy(), leaf.grad.numpy()))
        for other in found[1:]:
            for a, b in zip(found[0], other, strict=True):
                assert_bits(a, b, f"{isa} {dtype}")


def test_second_derivative_through_an_input_that_is_copied():
    """Rows that do not follow each other: the gradient still belongs to the input."""

    def slope(function):
        leaf = pydp.tensor(real(2, 4, 40), requires_grad=True)
        x = leaf[..., 3:27]
        first = pydp.grad(lambda x: (function(x, 2, False) ** 2).sum())(x)
        (first**2).sum().backward()
        return leaf.grad.numpy()

    np.testing.assert_allclose(slope(packed), slope(split), rtol=1e-10, atol=1e-12)


def test_nothing_is_copied():
    """Forward and backward are a kernel call each."""
    x = pydp.tensor(real(2, 5, 24).astype(np.float32), requires_grad=True)
    dy = pydp.tensor(real(2, 5, 8).astype(np.float32))
    calls = _kernels.record()
    try:
        packed(x, 2, False).backward(dy)
    finally:
        _kernels.stop_recording()
    assert [call.name for call in calls] == ["attention_forward", "attention_backward"]
