"""SelfAttention: Attention with y = x_i, PyTorch's MultiheadAttention, and its past."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn
from sequence_peer import compare, dtypes, filled, loaded, pairs

D, H, N, T = 12, 3, 2, 6
MASK = np.arange(T) < np.array([[6], [4]])


@pytest.mark.parametrize("causal", [False, True])
def test_each_vector_is_the_y_once(causal):
    """out_i = Attention(xs, y=x_i), with the same parameters."""
    model, attend = filled(nn.SelfAttention(D, H, causal)), nn.Attention(D, H).astype("float64")
    attend.load_state_dict(model.state_dict())
    x = pydp.tensor(real(N, T, D))
    y = model(x).numpy()
    for i in range(T):
        seen = x[:, : i + 1] if causal else x
        assert_close(attend(seen, x[:, i]).numpy(), y[:, i], 1e-12, f"vector {i}")


@needs_torch
@dtypes
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_against_torch(bias, causal, masked, dtype):
    model = filled(nn.SelfAttention(D, H, causal, bias=bias), dtype)
    theirs = torch.nn.MultiheadAttention(D, H, bias=bias, batch_first=True)
    peers = loaded(theirs, model, [])
    ((x, z),) = inputs = pairs(real(N, T, D), dtype=dtype)
    later = torch.triu(torch.ones(T, T, dtype=torch.bool), 1) if causal else None
    padding = torch.from_numpy(~MASK) if masked else None
    t, _ = theirs(z, z, z, padding, need_weights=False, attn_mask=later)
    compare(model, model(x, MASK if masked else None), t, peers, inputs, dtype)


@needs_torch
@dtypes
def test_pairs(dtype):
    model = filled(nn.SelfAttention(D, H), dtype)
    theirs = torch.nn.MultiheadAttention(D, H, batch_first=True)
    peers = loaded(theirs, model, [])
    ((x, z),) = inputs = pairs(real(N, T, D), dtype=dtype)
    added = real(T, T, seed=5).astype(dtype)
    t, _ = theirs(z, z, z, attn_mask=torch.from_numpy(added), need_weights=False)
    compare(model, model(x, pairs=added), t, peers, inputs, dtype)


@pytest.mark.parametrize("rotary", [False, True])
def test_padding_never_changes_the_others(rotary):
    model = filled(nn.SelfAttention(D, H, rotary=rotary))
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


@pytest.mark.parametrize("rotary", [False, True])
def test_with_a_past(rotary):
    model = filled(nn.SelfAttention(D, H, causal=True, rotary=rotary))
    x = pydp.tensor(real(N, T, D))
    want = model(x).numpy()
    past = nn.Past(*[pydp.zeros((N, H, 0, D // H), dtype="float64")] * 2)
    parts = [model(x[:, a:b], past=past) for a, b in ((0, 2), (2, 3), (3, 6))]
    assert_close(pydp.concat(parts, axis=1).numpy(), want, 1e-12, "in three parts")
    assert len(past) == T and past.k.shape == past.v.shape == (N, H, T, D // H)


@pytest.mark.parametrize("rotary", [False, True])
def test_no_output_depends_on_what_follows(rotary):
    model = filled(nn.SelfAttention(D, H, causal=True, rotary=rotary))
    for i in range(T):
        x = pydp.tensor(real(T, D), requires_grad=True)
        model(x)[i].sum().backward()
        assert not x.grad.numpy()[i + 1 :].any() and x.grad.numpy()[: i + 1].any(axis=-1).all()


def test_rotary_depends_on_distances_alone():
    """The same vectors, later: the same result."""
    model = filled(nn.SelfAttention(D, H, causal=True, rotary=True))
    x = real(T, D)
    front = np.zeros((4, D))
    seen = np.zeros((T + 4, T + 4), bool)
    seen[4:, 4:] = True
    later = model(pydp.tensor(np.concatenate([front, x])), pairs=seen).numpy()[4:]
    assert_close(later, model(pydp.tensor(x)).numpy(), 1e-12, "four places later")


def test_dropout_in_training_alone():
    for rotary in (False, True):
        model = filled(nn.SelfAttention(D, H, dropout=0.5, rotary=rotary))
        x = pydp.tensor(real(T, D))
        still = model(x).numpy()
        assert (model.train()(x).numpy() != still).any()
        np.testing.assert_array_equal(model.eval()(x).numpy(), still)


def test_text_and_errors():
    model = nn.SelfAttention(8, 2, causal=True, rotary=True)
    assert model.extra_repr() == "8, num_heads=2, causal=True, rotary=True"
    assert str(model.signature) == (
        "(real[..., t, 8], bool[..., t]?, any[..., t, t]?) -> real[..., t, 8]"
    )
    with pytest.raises(ValueError, match=r"SelfAttention: x must be \[..., t, 8\], got \(3, 4\)"):
        model(pydp.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"SelfAttention: mask must be \(2, 3\), got \(3, 2\)"):
        model(pydp.zeros((2, 3, 8)), np.ones((3, 2), bool))
    with pytest.raises(ValueError, match="SelfAttention: d must be a multiple of num_heads"):
        nn.SelfAttention(8, 3)
    with pytest.raises(TypeError, match="SelfAttention: causal must be True or False, got 1"):
        nn.SelfAttention(8, 2, 1)
    with pytest.raises(ValueError, match="RotaryPositions: d must be even, got 3"):
        nn.SelfAttention(6, 2, rotary=True)
