"""TransformerBlock against PyTorch's TransformerEncoderLayer, and by its parts."""

import numpy as np
import pytest

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn
from sequence_peer import BLOCK, compare, dtypes, filled, loaded, pairs

D, H, N, T = 12, 3, 2, 6
MASK = np.arange(T) < np.array([[6], [4]])


@needs_torch
@dtypes
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu", "gelu_tanh"])
def test_against_torch(activation, norm_first, causal, masked, dtype):
    model = filled(
        nn.TransformerBlock(D, H, 20, activation, 0.1, causal, norm_first, eps=1e-6), dtype
    )
    function = activation
    if activation == "gelu_tanh":

        def function(x):
            return torch.nn.functional.gelu(x, approximate="tanh")

    theirs = torch.nn.TransformerEncoderLayer(
        D, H, 20, 0.1, function, 1e-6, batch_first=True, norm_first=norm_first
    )
    peers = loaded(theirs, model, BLOCK)
    ((x, z),) = inputs = pairs(real(N, T, D), dtype=dtype)
    later = torch.triu(torch.ones(T, T, dtype=torch.bool), 1) if causal else None
    padding = torch.from_numpy(~MASK) if masked else None
    compare(
        model, model(x, MASK if masked else None), theirs(z, later, padding), peers, inputs, dtype
    )


def test_its_parts():
    """AddNorm(FeedForward)(AddNorm(SelfAttention)(x)), written out."""
    model = filled(nn.TransformerBlock(D, H))
    attention, feed_forward = model.attention, model.feed_forward
    x = pydp.tensor(real(N, T, D))
    y = attention.norm(x + attention.f(x))
    y = feed_forward.norm(y + feed_forward.f(y))
    np.testing.assert_array_equal(model(x).numpy(), y.numpy())
    assert feed_forward.f.linear1.out_features == 4 * D


def test_dropout_in_training_alone():
    model = filled(nn.TransformerBlock(D, H, dropout=0.5))
    x = pydp.tensor(real(N, T, D))
    still = model(x).numpy()
    assert (model.train()(x).numpy() != still).any()
    np.testing.assert_array_equal(model.eval()(x).numpy(), still)
    everything = filled(nn.TransformerBlock(D, H, dropout=1.0)).train()
    norms = everything.feed_forward.norm(everything.attention.norm(x))
    assert_close(everything(x).numpy(), norms.numpy(), 1e-14, "x alone is left")


def test_power_draws_every_block_anew():
    blocks = nn.TransformerBlock(D, H) ** 3
    weights = [block.attention.f.in_proj_weight.numpy() for block in blocks]
    assert (weights[0] != weights[1]).all() and (weights[1] != weights[2]).all()


def test_text_and_errors():
    model = nn.TransformerBlock(8, 2)
    assert str(model.signature) == "(real[..., t, 8], bool[..., t]?) -> real[..., t, 8]"
    for arguments, error, message in (
        ((8, 3), ValueError, "SelfAttention: d must be a multiple of num_heads, got 8 and 3"),
        ((8, 2, 0), ValueError, "TransformerBlock: hidden must be at least 1, got 0"),
        ((0, 2), ValueError, "TransformerBlock: d must be at least 1, got 0"),
        ((8, 2, 4, "swish"), ValueError, "FeedForward: activation must be one of"),
    ):
        with pytest.raises(error, match=message):
            nn.TransformerBlock(*arguments)
