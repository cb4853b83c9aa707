"""Attention against plain PyTorch functions: one y and many, heads, masks, dropout."""

import math

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import assert_uniform, needs_torch
from pydp import nn
from sequence_peer import compare, dtypes, filled, pairs, torch_weights

D, N, S, T = 12, 2, 7, 5
MASK = np.arange(S) < np.array([[7], [3]])
SEEN = np.random.default_rng(0).random((N, T, S)) < 0.6
SEEN[:, :, 0] = True


def attention(w, xs, y, heads, added=None):
    """softmax(q kᵀ / √d) v, head by head. `added` is [n, t, s]."""
    wq, wk, wv = w["in_proj_weight"].chunk(3)
    bq, bk, bv = w["in_proj_bias"].chunk(3) if "in_proj_bias" in w else (0.0, 0.0, 0.0)
    q, k, v = y @ wq.T + bq, xs @ wk.T + bk, xs @ wv.T + bv
    out, size = [], D // heads
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        scores = q[..., part] @ k[..., part].transpose(-1, -2) / math.sqrt(size)
        if added is not None:
            scores = scores + added
        out.append(scores.softmax(-1) @ v[..., part])
    return torch.cat(out, -1) @ w["out_proj.weight"].T + w.get("out_proj.bias", 0.0)


def hidden(seen, dtype):
    """A boolean mask as numbers to add."""
    return torch.from_numpy(np.where(seen, 0.0, -np.inf).astype(dtype))


@needs_torch
@dtypes
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("heads", [1, 3])
def test_many(heads, bias, dtype):
    model = filled(nn.Attention(D, heads, bias=bias), dtype)
    w = torch_weights(model)
    (xs, a), (y, b) = inputs = pairs(real(N, S, D), real(N, T, D, seed=1), dtype=dtype)
    compare(model, model(xs, y), attention(w, a, b, heads), w, inputs, dtype)


@needs_torch
@dtypes
def test_one(dtype):
    """The lecture's form: one y for each sequence."""
    model = filled(nn.Attention(D, 3), dtype)
    w = torch_weights(model)
    (xs, a), (y, b) = inputs = pairs(real(N, S, D), real(N, D, seed=1), dtype=dtype)
    compare(model, model(xs, y), attention(w, a, b[:, None], 3)[:, 0], w, inputs, dtype)


@needs_torch
def test_one_without_a_batch():
    model = filled(nn.Attention(D))
    w = torch_weights(model)
    (xs, a), (y, b) = inputs = pairs(real(S, D), real(D, seed=1))
    compare(model, model(xs, y), attention(w, a, b[None], 1)[0], w, inputs)


@needs_torch
@dtypes
@pytest.mark.parametrize("kind", ["mask", "pairs", "both", "added", "mask and added"])
def test_masks(kind, dtype):
    model = filled(nn.Attention(D, 3), dtype)
    w = torch_weights(model)
    (xs, a), (y, b) = inputs = pairs(real(N, S, D), real(N, T, D, seed=1), dtype=dtype)
    mask = MASK if "mask" in kind or kind == "both" else None
    scores = real(N, T, S, seed=4).astype(dtype)
    given = scores if "added" in kind else None if kind == "mask" else SEEN
    added = torch.zeros(N, T, S)
    if mask is not None:
        added = added + hidden(mask[:, None], dtype)
    if given is not None:
        added = added + (torch.from_numpy(scores) if "added" in kind else hidden(SEEN, dtype))
    compare(model, model(xs, y, mask, given), attention(w, a, b, 3, added), w, inputs, dtype)


def test_padding_takes_no_part():
    """Whatever stands in it, a NaN too; and the mask of one y."""
    model = filled(nn.Attention(D, 3))
    xs, y = real(N, S, D), pydp.tensor(real(N, D, seed=1))
    clean = model(pydp.tensor(xs), y, MASK)
    xs[~MASK] = 1e3
    np.testing.assert_array_equal(model(pydp.tensor(xs), y, MASK).numpy(), clean.numpy())
    xs[~MASK] = np.nan
    assert_close(model(pydp.tensor(xs), y, MASK).numpy(), clean.numpy(), 1e-12, "NaN")
    short = model(pydp.tensor(xs[1:, :3]), y[1:])
    assert_close(short.numpy(), clean.numpy()[1:], 1e-12, "without the padding")


def test_where_nothing_may_be_seen():
    model = filled(nn.Attention(D, 3))
    y = model(pydp.tensor(real(S, D)), pydp.tensor(real(D)), np.zeros(S, bool))
    np.testing.assert_array_equal(y.numpy(), model.out_proj.bias.numpy())


def test_dropout_in_training_alone():
    model = filled(nn.Attention(D, dropout=0.5))
    xs, y = pydp.tensor(real(S, D)), pydp.tensor(real(T, D))
    still = model(xs, y).numpy()
    np.testing.assert_array_equal(model(xs, y).numpy(), still)
    model.train()
    pydp.manual_seed(3)
    one = model(xs, y).numpy()
    pydp.manual_seed(3)
    np.testing.assert_array_equal(model(xs, y).numpy(), one)
    assert (one != still).any() and (model(xs, y).numpy() != one).any()


def test_initial_values():
    model = nn.Attention(96, 4)
    assert_uniform(model.in_proj_weight, np.sqrt(6 / (4 * 96)))
    assert_uniform(model.out_proj.weight, 96**-0.5)
    assert not model.in_proj_bias.numpy().any() and not model.out_proj.bias.numpy().any()


def test_text():
    model = nn.Attention(8, 2, dropout=0.1, bias=False)
    assert model.extra_repr() == "8, num_heads=2, dropout=0.1, bias=False"
    assert str(model.signature) == (
        "(real[..., s, 8], real[..., t, 8], bool[..., s]?, any[..., t, s]?) -> real[..., t, 8]"
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((10, 3), ValueError, "d must be a multiple of num_heads, got 10 and 3"),
        ((8, 0), ValueError, "num_heads must be at least 1, got 0"),
        ((8.0, 2), TypeError, "d must be an int, got 8.0"),
        ((8, 2, 1.5), ValueError, r"dropout must be in \[0, 1\], got 1.5"),
        ((8, 2, 0.0, 1), TypeError, "bias must be True or False, got 1"),
    ],
)
def test_arguments(arguments, error, message):
    with pytest.raises(error, match=f"Attention: {message}"):
        nn.Attention(*arguments)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f, x: f(x[..., :4], x), ValueError, r"xs must be \[..., s, 12\], got \(2, 7, 4\)"),
        (lambda f, x: f(x, x[..., :4]), ValueError, r"y must be \[..., 12\], got \(2, 7, 4\)"),
        (lambda f, x: f(x[0, 0], x[0, 0]), ValueError, r"xs must be \[..., s, 12\], got \(12,\)"),
        (lambda f, x: f(x, x, np.ones((2, 5), bool)), ValueError,
         r"mask must be \(2, 7\), got \(2, 5\)"),
        (lambda f, x: f(x, x, np.ones((2, 7))), TypeError,
         r"mask must be bool \(True: may be seen\), got float64"),
        (lambda f, x: f(x, x, None, np.ones((2, 5, 7), bool)), ValueError,
         r"pairs must be \(2, 7, 7\), got \(2, 5, 7\)"),
        (lambda f, x: f(x, x, None, np.ones((2, 7, 7))), TypeError,
         r"pairs must be bool \(True: may be seen\) or float32, got float64"),
        (lambda f, x: f(pydp.ones((2, 7, 12), dtype="int64"), x), TypeError, "xs must be float32"),
    ],
)  # fmt: skip
def test_errors_of_a_call(call, error, message):
    with pytest.raises(error, match=f"Attention: {message}"):
        call(nn.Attention(D, 3), pydp.zeros((2, 7, D)))
