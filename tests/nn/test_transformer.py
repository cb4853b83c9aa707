"""Transformer against PyTorch's TransformerEncoder; positions, masks, its state."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn
from sequence_peer import BLOCK, compare, dtypes, filled, loaded, pairs

D, H, L, N, T = 12, 3, 2, 2, 6
MASK = np.arange(T) < np.array([[6], [4]])
POSITIONS = ["sinusoidal", "learned", "rotary", None]


@needs_torch
@dtypes
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("positions", [None, "learned"])
def test_against_torch(positions, norm_first, causal, masked, dtype):
    model = filled(
        nn.Transformer(D, H, L, 20, "gelu", 0.1, causal, norm_first, positions=positions), dtype
    )
    layer = torch.nn.TransformerEncoderLayer(
        D, H, 20, 0.1, "gelu", batch_first=True, norm_first=norm_first
    )
    norm = torch.nn.LayerNorm(D) if norm_first else None
    theirs = torch.nn.TransformerEncoder(layer, L, norm, enable_nested_tensor=False)
    theirs.positions = torch.nn.Embedding(512, D) if positions else None
    peers = loaded(theirs, model, [*BLOCK, ("blocks.", "layers.")])
    ((x, z),) = inputs = pairs(real(N, T, D), dtype=dtype)
    later = torch.triu(torch.ones(T, T, dtype=torch.bool), 1) if causal else None
    padding = torch.from_numpy(~MASK) if masked else None
    with_positions = z + theirs.positions(torch.arange(T)) if positions else z
    t = theirs(with_positions, later, padding)
    compare(model, model(x, MASK if masked else None), t, peers, inputs, dtype)


@pytest.mark.parametrize("positions", POSITIONS)
def test_padding_never_changes_the_others(positions):
    model = filled(nn.Transformer(D, H, L, positions=positions))
    x = real(N, T, D)
    clean = model(pydp.tensor(x), MASK).numpy()
    x[1, 4:] = 1e3
    again = model(pydp.tensor(x), MASK).numpy()
    np.testing.assert_array_equal(again[MASK], clean[MASK])
    x[1, 4:] = np.nan
    again = model(pydp.tensor(x), MASK).numpy()
    assert_close(again[MASK], clean[MASK], 1e-12, "NaN")
    alone = model(pydp.tensor(x[1:, :4])).numpy()
    assert_close(alone, clean[1:, :4], 1e-12, "without the padding")


@pytest.mark.parametrize("positions", POSITIONS)
def test_order_counts_where_there_are_positions(positions):
    """Without them a transformer treats a sequence as a set."""
    model = filled(nn.Transformer(D, H, L, positions=positions))
    x, order = pydp.tensor(real(T, D)), [3, 1, 0, 5, 4, 2]
    same = np.allclose(model(x[order]).numpy(), model(x).numpy()[order], atol=1e-10)
    assert same == (positions is None)


def test_a_step_costs_one_token():
    """A step multiplies one vector by each weight, and the state grows by one key a head."""
    model, shapes = nn.Transformer(D, H, L, causal=True), []
    for part in model.modules():
        if isinstance(part, nn.Linear):
            part.register_forward_pre_hook(lambda _, args: shapes.append(args[0].shape))
    x = pydp.zeros((N, 20, D))
    _, state = model.read(x, model.initial_state(N))
    shapes.clear()
    _, state = model.step(x[:, 0], state)
    assert shapes and set(shapes) <= {(N, 1, D), (N, 1, 4 * D)}
    assert [k.shape for k, _ in state] == [(N, H, 21, D // H)] * L


def test_dropout_of_the_positions():
    model = filled(nn.Transformer(D, H, L, dropout=1.0)).train()
    x = pydp.tensor(real(T, D))
    np.testing.assert_allclose(model(x).numpy(), model(x + 5.0).numpy(), atol=1e-12)


def test_blocks_differ():
    first, second = nn.Transformer(D, H, 2).blocks
    assert (
        first.feed_forward.f.linear1.weight.numpy() != second.feed_forward.f.linear1.weight.numpy()
    ).any()


def test_text_and_errors():
    assert str(nn.Transformer(8, 2, 1).signature) == (
        "(real[..., t, 8], bool[..., t]?) -> real[..., t, 8]"
    )
    for words, error, message in (
        ({"num_layers": 0}, ValueError, "Transformer: num_layers must be at least 1, got 0"),
        ({"positions": "no"}, ValueError, "Transformer: positions must be one of 'sinusoidal'"),
        ({"positions": 3}, ValueError, "Transformer: positions must be one of 'sinusoidal'"),
        ({"d": 7, "num_heads": 1}, ValueError, "SinusoidalPositions: d must be even, got 7"),
        ({"dropout": -0.1}, ValueError, r"Transformer: dropout must be in \[0, 1\], got -0.1"),
    ):
        with pytest.raises(error, match=message):
            nn.Transformer(**({"d": 8, "num_heads": 2, "num_layers": 1} | words))
    model = nn.Transformer(8, 2, 1, causal=True, positions="learned", max_length=4)
    with pytest.raises(ValueError, match=r"LearnedPositions: there are 4 positions, .* has 5"):
        model(pydp.zeros((5, 8)))
    with pytest.raises(ValueError, match=r"Transformer: x must be \[..., t, 8\], got \(5, 4\)"):
        model(pydp.zeros((5, 4)))


@needs_torch
def test_pytorchs_checkpoints_load_and_are_saved():
    theirs = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(D, H, 4 * D, batch_first=True),
        L,
        torch.nn.LayerNorm(D),
        enable_nested_tensor=False,
    )
    state = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    model = nn.Transformer(D, H, L, norm_first=True, positions="learned")
    model.load_foreign(state)
    saved = model.foreign_state_dict()
    assert saved.keys() == state.keys()
    for name, tensor in saved.items():
        np.testing.assert_array_equal(tensor.numpy(), state[name])
