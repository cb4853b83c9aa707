"""TransformerDecoder against PyTorch's; CrossAttention and the block by themselves."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn
from sequence_peer import BLOCK, compare, dtypes, filled, loaded, pairs

D, H, L, N, S, T = 12, 3, 2, 2, 6, 4
MASK = np.arange(S) < np.array([[6], [4]])
RENAME = [
    ("cross.f.", "multihead_attn."), ("cross.norm", "norm2"), ("feed_forward.norm", "norm3"),
    *BLOCK, ("blocks.", "layers."),
]  # fmt: skip


@needs_torch
@dtypes
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_against_torch(norm_first, masked, dtype):
    model = filled(
        nn.TransformerDecoder(D, H, L, 20, "gelu", 0.1, norm_first, positions=None), dtype
    )
    layer = torch.nn.TransformerDecoderLayer(
        D, H, 20, 0.1, "gelu", batch_first=True, norm_first=norm_first
    )
    norm = torch.nn.LayerNorm(D) if norm_first else None
    theirs = torch.nn.TransformerDecoder(layer, L, norm)
    peers = loaded(theirs, model, RENAME)
    (x, a), (memory, m) = inputs = pairs(real(N, T, D), real(N, S, D, seed=1), dtype=dtype)
    later = torch.triu(torch.ones(T, T, dtype=torch.bool), 1)
    padding = torch.from_numpy(~MASK) if masked else None
    t = theirs(a, m, tgt_mask=later, memory_key_padding_mask=padding)
    compare(model, model(x, memory, MASK if masked else None), t, peers, inputs, dtype)


def test_cross_attention_is_attention_the_other_way_round():
    model, attend = filled(nn.CrossAttention(D, H)), nn.Attention(D, H).astype("float64")
    attend.load_state_dict(model.state_dict())
    y, memory = pydp.tensor(real(N, T, D)), pydp.tensor(real(N, S, D, seed=1))
    want = attend(memory, y, MASK).numpy()
    assert_close(model(y, memory, MASK).numpy(), want, 1e-14, "a memory")
    assert_close(model(y, model.keys(memory), MASK).numpy(), want, 1e-14, "its keys")
    assert_close(model(y).numpy(), attend(y, y).numpy(), 1e-14, "y itself")
    assert str(model.signature) == (
        "(real[..., t, 12], real[..., s, 12]?, bool[..., s]?) -> real[..., t, 12]"
    )
    with pytest.raises(ValueError, match=r"CrossAttention: mask must be \(2, 6\), got \(2, 4\)"):
        model(y, memory, np.ones((N, T), bool))
    with pytest.raises(ValueError, match=r"CrossAttention: memory must be \[..., s, 12\], got"):
        model(y, memory[..., :3])


def test_the_block_by_its_parts():
    model = filled(nn.TransformerDecoderBlock(D, H))
    x, memory = pydp.tensor(real(N, T, D)), pydp.tensor(real(N, S, D, seed=1))
    y = model.attention.norm(x + model.attention.f(x))
    y = model.cross.norm(y + model.cross.f(y, memory, MASK))
    y = model.feed_forward.norm(y + model.feed_forward.f(y))
    np.testing.assert_array_equal(model(x, memory, MASK).numpy(), y.numpy())
    assert model.feed_forward.f.linear1.out_features == 4 * D


def test_dropout_in_training_alone():
    model = filled(nn.TransformerDecoder(D, H, L, dropout=0.5))
    x, memory = pydp.tensor(real(T, D)), pydp.tensor(real(S, D, seed=1))
    still = model(x, memory).numpy()
    assert (model.train()(x, memory).numpy() != still).any()
    np.testing.assert_array_equal(model.eval()(x, memory).numpy(), still)


def test_errors():
    with pytest.raises(ValueError, match="TransformerDecoder: positions must be one of"):
        nn.TransformerDecoder(8, 2, 1, positions="no")
    with pytest.raises(ValueError, match="TransformerDecoder: num_layers must be at least 1"):
        nn.TransformerDecoder(8, 2, 0)
    with pytest.raises(ValueError, match="SelfAttention: d must be a multiple of num_heads"):
        nn.TransformerDecoder(8, 3, 1)


@needs_torch
def test_pytorchs_checkpoints_load_and_are_saved():
    theirs = torch.nn.TransformerDecoder(
        torch.nn.TransformerDecoderLayer(D, H, 4 * D, batch_first=True), L, torch.nn.LayerNorm(D)
    )
    state = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    model = nn.TransformerDecoder(D, H, L, norm_first=True, positions="learned")
    model.load_foreign(state)
    saved = model.foreign_state_dict()
    assert saved.keys() == state.keys()
    for name, tensor in saved.items():
        np.testing.assert_array_equal(tensor.numpy(), state[name])
