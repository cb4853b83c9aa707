"""Decoders: against PyTorch's cells and functions, and step by step."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn
from sequence_peer import compare, dtypes, filled, pairs, torch_weights

N, S, T, D, H, E = 2, 5, 4, 4, 6, 8
MASK = np.arange(S) < np.array([[5], [3]])
MODELS = {
    "Bahdanau": lambda: nn.BahdanauDecoder(D, H, E),
    "Luong, general": lambda: nn.LuongDecoder(D, H, E),
    "Luong, concat": lambda: nn.LuongDecoder(D, H, E, "concat"),
    "Transformer": lambda: nn.TransformerDecoder(E, 2, 2),
    "Transformer, rotary": lambda: nn.TransformerDecoder(
        E, 2, 2, norm_first=True, positions="rotary"
    ),
    "Transformer, learned": lambda: nn.TransformerDecoder(E, 2, 1, positions="learned"),
}
each = pytest.mark.parametrize("name", MODELS)


def make(name, dtype="float64"):
    return filled(MODELS[name](), dtype)


def gru(w, x, h):
    """One step, by the formula of PyTorch's GRUCell."""
    i = (x @ w["cell.weight_ih"].T + w["cell.bias_ih"]).chunk(3, -1)
    g = (h @ w["cell.weight_hh"].T + w["cell.bias_hh"]).chunk(3, -1)
    r, z = torch.sigmoid(i[0] + g[0]), torch.sigmoid(i[1] + g[1])
    return (1 - z) * torch.tanh(i[2] + r * g[2]) + z * h


def lstm(w, x, h, c):
    i, f, g, o = (
        x @ w["cell.weight_ih"].T + w["cell.bias_ih"]
        + h @ w["cell.weight_hh"].T + w["cell.bias_hh"]
    ).chunk(4, -1)  # fmt: skip
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def look(scores, memory):
    hidden = torch.from_numpy(~MASK)
    return (scores.masked_fill(hidden, -torch.inf).softmax(-1)[:, None] @ memory)[:, 0]


@needs_torch
@dtypes
def test_bahdanau_against_torch(dtype):
    model = make("Bahdanau", dtype)
    w = torch_weights(model)
    (x, a), (memory, m) = inputs = pairs(real(N, T, D), real(N, S, E, seed=1), dtype=dtype)
    first = "begin.1.linear1"
    h, ys = torch.tanh(m[:, 0] @ w[f"{first}.weight"].T + w[f"{first}.bias"]), []
    for i in range(T):
        query = h @ w["attention.query.weight"].T + w["attention.query.bias"]
        both = torch.tanh(query[:, None] + m @ w["attention.key.weight"].T)
        context = look(both @ w["attention.score.weight"][0], m)
        h = gru(w, torch.cat([a[:, i], context], -1), h)
        ys.append(h)
    compare(model, model(x, memory, MASK), torch.stack(ys, 1), w, inputs, dtype)


@needs_torch
@dtypes
def test_luong_against_torch(dtype):
    model = make("Luong, general", dtype)
    w = torch_weights(model)
    (x, a), (memory, m) = inputs = pairs(real(N, T, D), real(N, S, E, seed=1), dtype=dtype)
    last = torch.stack([m[0, 4], m[1, 2]])
    h = torch.tanh(last @ w["begin.linear1.weight"].T + w["begin.linear1.bias"])
    c, y, ys = torch.zeros_like(h), torch.zeros_like(h), []
    for i in range(T):
        h, c = lstm(w, torch.cat([a[:, i], y], -1), h, c)
        keys = m @ w["attention.key.weight"].T
        context = look((keys @ h[:, :, None])[..., 0], m)
        both = torch.cat([context, h], -1)
        y = torch.tanh(both @ w["join.linear1.weight"].T + w["join.linear1.bias"])
        ys.append(y)
    compare(model, model(x, memory, MASK), torch.stack(ys, 1), w, inputs, dtype)


def inputs_of(model):
    return pydp.tensor(real(N, T, model.d)), pydp.tensor(real(N, S, model.e, seed=1))


@each
def test_forward_is_step_by_step(name):
    model = make(name)
    x, memory = inputs_of(model)
    for mask in (None, MASK):
        state, ys = model.start(memory, None if mask is None else pydp.tensor(mask)), []
        for i in range(T):
            y, state = model.step(x[:, i], state)
            ys.append(y)
        want = model(x, memory, mask).numpy()
        assert_close(pydp.stack(ys, axis=1).numpy(), want, 1e-12, name)
        assert model.causal and want.shape == (N, T, model.hidden)


@each
def test_reorder(name):
    model = make(name)
    x, memory = inputs_of(model)
    rows = pydp.tensor([1, 0, 1])
    _, state = model.read(x[:, :3], model.start(memory, pydp.tensor(MASK)))
    y, _ = model.step(pydp.take(x[:, 3], rows, axis=0), model.reorder(state, rows))
    want = model(x, memory, MASK).numpy()[:, 3][rows.numpy()]
    assert_close(y.numpy(), want, 1e-12, name)


@each
def test_no_output_depends_on_what_follows(name):
    model = make(name)
    for i in range(T):
        x, memory = [pydp.tensor(z.numpy(), requires_grad=True) for z in inputs_of(model)]
        (model(x, memory, MASK)[:, i] * pydp.tensor(real(N, model.hidden))).sum().backward()
        assert not x.grad.numpy()[:, i + 1 :].any()
        assert x.grad.numpy()[:, : i + 1].any(axis=-1).all()
        assert not memory.grad.numpy()[~MASK].any()
        assert memory.grad.numpy()[MASK].any(axis=-1).all()


@each
def test_padding_never_changes_anything(name):
    model = make(name)
    x, memory = inputs_of(model)
    want, other = model(x, memory, MASK).numpy(), memory.numpy().copy()
    other[~MASK] = 1e3
    np.testing.assert_array_equal(model(x, pydp.tensor(other), MASK).numpy(), want)
    alone = model(x[1:], memory[1:, :3]).numpy()
    assert_close(alone, want[1:], 1e-12, "without the padding")


@each
def test_type_and_errors(name):
    model = make(name)
    kind = type(model).__name__
    assert str(model.signature) == (
        f"(real[..., t, {model.d}], real[..., s, 8], bool[..., s]?) -> real[..., t, {model.hidden}]"
    )
    with pytest.raises(ValueError, match=rf"{kind}: x must be \[..., t, {model.d}\], got"):
        model(pydp.zeros((3, 3)), pydp.zeros((3, E)))
    with pytest.raises(ValueError, match=rf"{kind}: memory must be \[..., s, 8\], got \(3, 3\)"):
        model(pydp.zeros((3, model.d)), pydp.zeros((3, 3)))
