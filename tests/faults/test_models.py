"""The parts of models, asked for what they cannot do: einsum, attention, recurrences, norms.

A test's first line is the fault. Every refusal comes before any work: text of a megabyte is
refused in no time.
"""

import time

import numpy as np
import pytest

import pydp
from harness import ISAS, setting
from pydp import nn
from refusals import refused, table, zeros

einsum, attention = pydp.einsum, pydp.scaled_dot_product_attention


def mask(*shape, dtype=None):
    return pydp.ones(shape, dtype=dtype or pydp.bool)


@table(
    (lambda: einsum("ij,jk->iz", zeros(2, 3), zeros(3, 4)), ValueError,
     "einsum: output letter 'z' of 'ij,jk->iz' is in no operand"),
    (lambda: einsum("ij,jk->ii", zeros(2, 3), zeros(3, 4)), ValueError,
     "einsum: output letter 'i' of 'ij,jk->ii' stands twice"),
    (lambda: einsum("ij,jα->iα", zeros(2, 3), zeros(3, 4)), ValueError,
     "einsum: 'jα' in 'ij,jα->iα' must be letters a-z and A-Z, and at most one '...'"),
    (lambda: einsum("i1,1k->ik", zeros(2, 3), zeros(3, 4)), ValueError,
     "einsum: 'i1' in 'i1,1k->ik' must be letters a-z and A-Z"),
    (lambda: einsum("ij->i->j", zeros(2, 3)), ValueError, "einsum: 'i->j' in 'ij->i->j' must be"),
    (lambda: einsum("..ij->ij", zeros(2, 3)), ValueError, "einsum: '..ij' in '..ij->ij' must be"),
    (lambda: einsum("ij,jk->ik", zeros(2, 3)), ValueError,
     "einsum: 'ij,jk->ik' names 2 operands, 1 are given"),
    (lambda: einsum("ij,ik->jk", zeros(2, 3), zeros(3, 4)), ValueError,
     "einsum: letter 'i' of 'ij,ik->jk' is 3 in operand 1, 2 before"),
    (lambda: einsum("ijk->i", zeros(2, 3)), ValueError,
     "einsum: operand 0 has 2 axes, 'ijk' in 'ijk->i' names 3"),
    (lambda: einsum(None, zeros(2, 3)), TypeError, "einsum: subscripts must be text, got NoneType"),
)  # fmt: skip
def test_subscripts_without_meaning(call, error, words):
    """22. einsum: unknown letters, a repeated output, other alphabets, other ranks and sizes."""
    refused(call, error, words)


@pytest.mark.parametrize("text", ["i" * 10**6, "," * 10**6, "ij->" + "ij" * 10**6, "." * 10**6])
def test_subscripts_of_a_megabyte(text):
    """22. einsum: a megabyte of subscripts is refused in less than a tenth of a second."""
    begin = time.perf_counter()
    refused(lambda: einsum(text, zeros(2, 3)), ValueError, "characters; at most 4096")
    assert time.perf_counter() - begin < 0.1


Q, K = (2, 4, 5, 8), (2, 4, 6, 8)


def attend(q=Q, k=K, v=K, **options):
    return attention(zeros(*q), zeros(*k), zeros(*v), **options)


@table(
    (lambda: attend(k=(2, 4, 6, 7)), ValueError,
     "k must have q's last size, 8, got q (2, 4, 5, 8), k (2, 4, 6, 7), v (2, 4, 6, 8)"),
    (lambda: attend(v=(2, 4, 7, 8)), ValueError,
     "v must be as long as k, 6, got q (2, 4, 5, 8), k (2, 4, 6, 8), v (2, 4, 7, 8)"),
    (lambda: attend(q=(8,)), ValueError,
     "q, k and v must be [..., t, d], [..., s, d], [..., s, e], got q (8,)"),
    (lambda: attend(k=(2, 3, 6, 8), v=(2, 3, 6, 8)), ValueError, "k (2, 3, 6, 8)"),
    (lambda: attend(k=(3, 4, 6, 8), v=(3, 4, 6, 8)), ValueError, "k (3, 4, 6, 8)"),
    (lambda: attend(mask=mask(5, 7)), ValueError, "mask"),
    (lambda: attend(mask=mask(3, 1, 5, 6)), ValueError, "mask"),
    (lambda: attend(mask=mask(5, 6, dtype=pydp.int64)), TypeError, "int64"),
    (lambda: attend(mask=mask(5, 6, dtype=pydp.float64)), TypeError, "float64"),
    (lambda: attend(dropout=1.5), ValueError, "dropout must be"),
    (lambda: attend(dropout=float("nan")), ValueError, "dropout must be"),
    (lambda: attend(scale=float("inf")), ValueError, "scale must be finite, got inf"),
    (lambda: nn.MultiheadAttention(10, 3), ValueError,
     "MultiheadAttention: embed_dim must be a multiple of num_heads, got 10 and 3"),
    (lambda: nn.MultiheadAttention(12, 3)(zeros(2, 5, 10), zeros(2, 5, 10), zeros(2, 5, 10)),
     ValueError, "MultiheadAttention: query must be [n, t, 12] or [t, 12], got shape (2, 5, 10)"),
)  # fmt: skip
def test_attention_of_what_does_not_fit(call, error, words):
    """23. Attention: lengths, sizes and heads that differ; masks of other shapes and dtypes."""
    refused(call, error, words)


def lstm(*state, x=(5, 2, 3), layers=2, **options):
    """A call of nn.LSTM(3, 4) on [n, t, 3]."""
    return nn.LSTM(3, 4, num_layers=layers)(zeros(*x), *state, **options)


@table(
    (lambda: lstm((zeros(1, 5, 4), zeros(1, 5, 4))), ValueError,
     "LSTM: state[0] must be (2, 5, 4) (layers and directions, batch, hidden_size), got (1, 5, 4)"),
    (lambda: lstm((zeros(2, 3, 4), zeros(2, 3, 4))), ValueError, "got (2, 3, 4)"),
    (lambda: lstm((zeros(2, 5, 4), zeros(2, 5, 3))), ValueError, "LSTM: state[1] must be"),
    (lambda: lstm(zeros(2, 5, 4)), TypeError, "LSTM: state must be a tuple (h, c), got Tensor"),
    (lambda: lstm((zeros(2, 5, 4),)), ValueError, "state must be a tuple (h, c), got 1 parts"),
    (lambda: lstm(x=(5, 2, 4)), ValueError,
     "LSTM: lstm: weight_ih must be (16, 4) for x (5, 2, 4) and weight_hh (16, 4), got (16, 3)"),
    (lambda: lstm(x=(5, 0, 3)), ValueError, "with at least one step"),
    (lambda: lstm(lengths=[3, 1, 1, 1, 1]), ValueError, "lengths[0] is 3, allowed are 0 … 2"),
    (lambda: lstm(lengths=[-1, 1, 1, 1, 1]), ValueError, "lengths[0] is -1, allowed are 0 … 2"),
    (lambda: lstm(lengths=[1, 1]), ValueError, "lengths must have shape (5,)"),
    (lambda: lstm(lengths=[1.0] * 5), TypeError, "lengths must be integers, got float"),
    (lambda: nn.LSTM(3, 0), ValueError, "LSTM: hidden_size must be at least 1, got 0"),
    (lambda: nn.LSTM(3, 4, num_layers=0), ValueError, "LSTM: num_layers must be at least 1, got 0"),
    (lambda: nn.GRU(3, 4)(zeros(5, 2, 3), zeros(2, 2, 4)), ValueError,
     "GRU: state must be (1, 5, 4) (layers and directions, batch, hidden_size), got (2, 2, 4)"),
    (lambda: nn.RNN(3, 4)(zeros(5, 2, 3), zeros(1, 2, 5)), ValueError, "got (1, 2, 5)"),
)  # fmt: skip
def test_recurrences_of_what_does_not_fit(call, error, words):
    """24. LSTM, GRU, RNN: states of other layers, batches, sizes; lengths; no time; no units."""
    refused(call, error, words)


NAN = float("nan")


@table(
    (lambda: pydp.layer_norm(zeros(2, 3), zeros(4)), ValueError,
     "layer_norm: weight's shape must be the last axes of x (2, 3), got (4,)"),
    (lambda: pydp.layer_norm(zeros(2, 3), zeros(2, 2, 3)), ValueError, "got (2, 2, 3)"),
    (lambda: pydp.layer_norm(zeros(2, 3), zeros(3), zeros(2)), ValueError, "layer_norm: bias"),
    (lambda: pydp.layer_norm(zeros(2, 3), normalized_shape=(2,)), ValueError, "(2,)"),
    (lambda: pydp.layer_norm(zeros(2, 3), eps=0), ValueError, "eps must be above 0, got 0"),
    (lambda: pydp.layer_norm(zeros(2, 3), eps=-1), ValueError, "eps must be above 0, got -1"),
    (lambda: pydp.layer_norm(zeros(2, 3), eps=NAN), ValueError, "eps must be finite, got nan"),
    (lambda: pydp.rms_norm(zeros(2, 3), zeros(4)), ValueError, "rms_norm: weight's shape must be"),
    (lambda: pydp.rms_norm(zeros(2, 3), eps=NAN), ValueError, "rms_norm: eps must be finite"),
    (lambda: nn.LayerNorm(3, eps=-1), ValueError, "LayerNorm: eps must be above 0, got -1"),
    (lambda: nn.BatchNorm1d(3, eps=NAN), ValueError, "BatchNorm1d: eps must be finite, got nan"),
    (lambda: nn.GroupNorm(3, 6, eps=-1), ValueError, "GroupNorm: eps must be above 0, got -1"),
    (lambda: nn.GroupNorm(4, 6), ValueError,
     "GroupNorm: num_channels must be a multiple of num_groups 4, got 6"),
)  # fmt: skip
def test_norms_of_what_does_not_fit(call, error, words):
    """25. Norms: a shape that is not x's last axes, eps of 0, below 0 and NaN."""
    refused(call, error, words)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_keys_that_are_masked_out(bad):
    """47. What a masked key and its value hold does not come through, forward or backward."""
    hidden = np.arange(6) == 4
    outcomes = []
    for content in (1.0, bad):
        rows = np.random.default_rng(0).standard_normal((6, 8))
        rows[4] = content
        q, k, v = (pydp.tensor(x).requires_grad_() for x in (rows[:3], rows, rows))
        for isa in ISAS:
            with setting(isa):
                q.grad = None
                y = attention(q, k, v, mask=pydp.tensor(~hidden))
                pydp.sum(y * y).backward()
                outcomes.append((isa, y.numpy(), q.grad.numpy()))
    for isa, y, dq in outcomes:
        first = next(outcome for outcome in outcomes if outcome[0] == isa)
        np.testing.assert_allclose(y, first[1], rtol=1e-13)
        np.testing.assert_allclose(dq, first[2], rtol=1e-13, atol=1e-15)
        assert np.isfinite(y).all()


def test_the_first_nan_is_named():
    """57. `pydp.debug` stops at the operation that made the first NaN: module, op and index."""
    model = nn.Sequential(nn.ReLU(), nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 2)))
    with pydp.no_grad():
        model[1][1].bias[1] = float("nan")
    with pytest.raises(FloatingPointError) as raised, pydp.debug():
        model(zeros(3, 2))
    assert "Sequential/1.1: Linear: linear: the result is nan at [0, 1]" in str(raised.value)
