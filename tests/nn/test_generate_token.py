"""GenerateToken: scores by the embedding that it is tied to."""

import copy

import numpy as np
import pytest

import pydp
from harness import real, torch
from peer import needs_torch
from pydp import nn
from sequence_peer import compare, dtypes, filled, torch_weights


@needs_torch
@dtypes
@pytest.mark.parametrize(("bias", "scale"), [(False, 1.0), (True, 0.25)])
def test_against_torch(bias, scale, dtype):
    """With the embedding in front, so that both uses of the one weight have a gradient."""
    embed = nn.EmbedToken(7, 4)
    model = filled(nn.Sequential(embed, nn.Tanh(), nn.GenerateToken(embed, bias, scale)), dtype)
    w, ids = torch_weights(model), np.array([[1, 6, 1]])
    t = scale * torch.tanh(w["0.weight"][torch.from_numpy(ids)]) @ w["0.weight"].T
    t = t + w["2.bias"] if bias else t
    compare(model, model(pydp.tensor(ids)), t, w, dtype=dtype)


def test_it_is_tied():
    embed = nn.EmbedToken(7, 4)
    model = nn.ModuleDict({"embed": embed, "head": nn.GenerateToken(embed)})
    assert len(list(model.parameters())) == 1
    other = copy.deepcopy(model)
    with pydp.no_grad():
        other["embed"].weight[...] = 1.0
    assert other["head"](pydp.ones((4,))).tolist() == [4.0] * 7
    assert model["head"].type == "real[..., 4] -> real[..., 7]"


def test_initial_values():
    head = nn.GenerateToken(nn.EmbedToken(7, 4), bias=True)
    assert not head.bias.numpy().any() and head.bias.shape == (7,)


def test_text_and_errors():
    embed = nn.EmbedToken(7, 4)
    assert nn.GenerateToken(embed, True, 0.5).extra_repr() == "bias=True, scale=0.5"
    with pytest.raises(TypeError, match="GenerateToken: embed must be an EmbedToken, got Linear"):
        nn.GenerateToken(nn.Linear(4, 7))
    with pytest.raises(ValueError, match=r"GenerateToken: scale must be in \[0, inf\], got -1"):
        nn.GenerateToken(embed, scale=-1.0)
    with pytest.raises(ValueError, match=r"GenerateToken: x must be \[..., 4\], got \(2, 3\)"):
        nn.GenerateToken(embed)(pydp.tensor(real(2, 3)))
