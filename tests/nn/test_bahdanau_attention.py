"""BahdanauAttention and LuongAttention against PyTorch's functions; masks."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn
from sequence_peer import compare, dtypes, filled, pairs, torch_weights

N, S, T, E, D = 2, 6, 3, 5, 4
MASK = np.arange(S) < np.array([[6], [4]])


def bahdanau(w, xs, y, prefix=""):
    """Scores [n, t, s], one pair after the other."""
    of_y = y @ w[f"{prefix}query.weight"].T + w.get(f"{prefix}query.bias", 0.0)
    of_xs = xs @ w[f"{prefix}key.weight"].T
    v = w[f"{prefix}score.weight"][0]
    rows = [
        torch.stack([torch.tanh(of_y[:, i] + of_xs[:, j]) @ v for j in range(xs.shape[1])], -1)
        for i in range(y.shape[1])
    ]
    return torch.stack(rows, 1)


KINDS = {
    "bahdanau": (lambda: nn.BahdanauAttention(E, D, 7), E, bahdanau),
    "dot": (lambda: nn.LuongAttention(D, D, "dot"), D, lambda w, xs, y: y @ xs.transpose(1, 2)),
    "general": (
        lambda: nn.LuongAttention(E, D), E,
        lambda w, xs, y: y @ (xs @ w["key.weight"].T).transpose(1, 2),
    ),
    "concat": (
        lambda: nn.LuongAttention(E, D, "concat"), E,
        lambda w, xs, y: bahdanau(w, xs, y, "key."),
    ),
}  # fmt: skip
each = pytest.mark.parametrize("kind", KINDS)


@needs_torch
@dtypes
@pytest.mark.parametrize("masked", [False, True])
@each
def test_against_torch(kind, masked, dtype):
    make, e, scores = KINDS[kind]
    model = filled(make(), dtype)
    w = torch_weights(model)
    (xs, a), (y, b) = inputs = pairs(real(N, S, e), real(N, T, D, seed=1), dtype=dtype)
    wanted = scores(w, a, b)
    if masked:
        wanted = wanted.masked_fill(torch.from_numpy(~MASK)[:, None], -torch.inf)
    t = wanted.softmax(-1) @ a
    compare(model, model(xs, y, MASK if masked else None), t, w, inputs, dtype)


@each
def test_one_is_the_first_of_many(kind):
    make, e, _ = KINDS[kind]
    model = filled(make())
    xs, y = pydp.tensor(real(N, S, e)), pydp.tensor(real(N, T, D, seed=1))
    many = model(xs, y, MASK).numpy()
    for i in range(T):
        assert_close(model(xs, y[:, i], MASK).numpy(), many[:, i], 1e-13, "one")
        known = model(xs, y[:, i], MASK, model.keys(xs))
        assert_close(known.numpy(), many[:, i], 1e-13, "with keys")


@each
def test_padding_takes_no_part(kind):
    make, e, _ = KINDS[kind]
    model, xs, y = filled(make()), real(N, S, e), pydp.tensor(real(N, D, seed=1))
    clean = model(pydp.tensor(xs), y, MASK).numpy()
    xs[~MASK] = np.nan
    given = pydp.tensor(xs, requires_grad=True)
    assert_close(model(given, y, MASK).numpy(), clean, 1e-14, "NaN")
    (model(given, y, MASK) ** 2.0).sum().backward()
    assert not given.grad.numpy()[~MASK].any() and given.grad.numpy()[MASK].all()
    for parameter in model.parameters():
        assert np.isfinite(parameter.grad.numpy()).all()
    assert_close(model(pydp.tensor(xs[1:, :4]), y[1:]).numpy(), clean[1:], 1e-13, "shorter")
    nothing = model(pydp.tensor(real(N, S, e)), y, np.zeros((N, S), bool)).numpy()
    assert not nothing.any()


@each
def test_type_and_errors(kind):
    make, e, _ = KINDS[kind]
    model = make()
    name = "BahdanauAttention" if kind in ("bahdanau", "concat") else "LuongAttention"
    assert str(model.signature) == (
        f"(real[..., s, {e}], real[..., t, 4], bool[..., s]?) -> real[..., t, {e}]"
    )
    with pytest.raises(ValueError, match=rf"{name}: xs must be \[..., s, {e}\], got \(6, 3\)"):
        model(pydp.zeros((6, 3)), pydp.zeros((4,)))
    with pytest.raises(ValueError, match=rf"{name}: y must be \[..., 4\], got \(3,\)"):
        model(pydp.zeros((6, e)), pydp.zeros((3,)))
    with pytest.raises(ValueError, match=rf"{name}: mask must be \(6,\), got \(5,\)"):
        model(pydp.zeros((6, e)), pydp.zeros((4,)), np.ones(5, bool))


def test_arguments():
    with pytest.raises(ValueError, match="LuongAttention: with score 'dot' e and d must be equal"):
        nn.LuongAttention(5, 4, "dot")
    with pytest.raises(ValueError, match="LuongAttention: score must be one of 'dot', 'general'"):
        nn.LuongAttention(5, 4, "cosine")
    with pytest.raises(ValueError, match="BahdanauAttention: hidden must be at least 1, got 0"):
        nn.BahdanauAttention(5, 4, 0)
    assert nn.LuongAttention(5, 4).extra_repr() == "5, 4, 'general'"
