"""GPT against a construction of PyTorch's functions under Hugging Face's names for GPT-2."""

import math

import numpy as np
import pytest
import safetensors.numpy as safetensors_numpy

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn
from pydp.nn import _gpt
from sequence_peer import dtypes, filled

V, D, H, L, N, T = 23, 12, 3, 2, 2, 6
TOKENS = np.random.default_rng(0).integers(0, V, (N, T))
SMALL = {"d": D, "num_layers": L, "num_heads": H, "vocabulary": V, "max_length": 16}


def reference(w, tokens):
    """Scores; Conv1D is x W + b."""
    functional = torch.nn.functional

    def norm(x, name):
        return functional.layer_norm(x, (D,), w[f"{name}.weight"], w[f"{name}.bias"], 1e-5)

    def conv1d(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["wte.weight"][tokens] + w["wpe.weight"][: tokens.shape[1]]
    later = torch.triu(torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool), 1)
    for i in range(L):
        packed = conv1d(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn")
        q, k, v = [
            part.reshape(*tokens.shape, H, D // H).transpose(1, 2) for part in packed.split(D, -1)
        ]
        scores = (q @ k.transpose(-1, -2) / math.sqrt(D // H)).masked_fill(later, -torch.inf)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(*tokens.shape, D)
        x = x + conv1d(y, f"h.{i}.attn.c_proj")
        y = conv1d(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc")
        x = x + conv1d(functional.gelu(y, approximate="tanh"), f"h.{i}.mlp.c_proj")
    return norm(x, "ln_f") @ w["wte.weight"].T


@needs_torch
@dtypes
def test_against_torch(dtype):
    bound = {"float32": 1e-4, "float64": 1e-10}[dtype]
    model = filled(nn.GPT(**SMALL), dtype)
    state = {
        key: torch.from_numpy(np.array(t.numpy())).requires_grad_()
        for key, t in model.foreign_state_dict().items()
    }
    y, t = model(pydp.tensor(TOKENS)), reference(state, torch.from_numpy(TOKENS))
    assert_close(y.numpy(), t.detach().numpy(), bound, "scores")
    w = real(*y.shape).astype(dtype)
    (y * pydp.tensor(w)).sum().backward()
    (t * torch.from_numpy(w)).sum().backward()
    shadow = nn.GPT(**SMALL).astype(dtype)
    shadow.load_foreign({key: t.grad for key, t in state.items()})
    for name, peer in shadow.named_parameters():
        got, want = dict(model.named_parameters())[name].grad.numpy(), peer.numpy()
        assert_close(got, want, bound * (1 + np.abs(want).max()), f"gradient of {name}")


@pytest.mark.parametrize("words", [{}, {"temperature": 1.0}], ids=str)
def test_generation_is_that_of_all_computed_again(words):
    model = filled(nn.GPT(**SMALL), low=-1.0, high=1.0)
    said = model.generate(TOKENS, 8, generator=pydp.Generator(3), **words).numpy()
    source, tokens = pydp.Generator(3), TOKENS
    for _ in range(8):
        scores = model(pydp.tensor(tokens))[:, -1]
        if words:
            chosen = pydp.multinomial(pydp.softmax(scores), 1, True, source).numpy()
        else:
            chosen = scores.numpy().argmax(axis=-1)[:, None]
        tokens = np.concatenate([tokens, chosen], axis=1)
    np.testing.assert_array_equal(said, tokens[:, T:])


def test_no_score_depends_on_what_follows():
    model = filled(nn.GPT(**SMALL))
    want = model(TOKENS).numpy()
    for i in range(1, T):
        other = TOKENS.copy()
        other[:, i:] = (other[:, i:] + 1) % V
        got = model(other).numpy()
        np.testing.assert_array_equal(got[:, :i], want[:, :i])
        assert (got[:, i:] != want[:, i:]).any()


def test_parameters():
    counts = {
        "small": 124_439_808,
        "medium": 354_823_168,
        "large": 774_030_080,
        "xl": 1_557_611_200,
    }
    for size, count in counts.items():
        d, layers, _ = _gpt.SIZES[size]
        assert (50257 + 1024) * d + layers * (12 * d * d + 13 * d) + 2 * d == count
    block = nn.GPT(**SMALL).model.blocks[0]
    assert sum(p.size for p in block.parameters()) == 12 * D * D + 13 * D
    small = sum(p.size for p in nn.GPT(**SMALL).parameters())
    assert small == (V + 16) * D + L * (12 * D * D + 13 * D) + 2 * D


def test_initial_values():
    model = nn.GPT(**(SMALL | {"d": 48}))
    for name, parameter in model.named_parameters():
        a = parameter.numpy()
        if "bias" in name:
            assert not a.any(), name
        elif "norm" in name:
            assert (a == 1).all(), name
        else:
            ends = "out_proj" in name or "linear2" in name
            assert abs(a.std() * 50 * (2 if ends else 1) - 1) < 0.1, name


def test_their_keys():
    model = nn.GPT(**SMALL)
    keys = model.foreign_state_dict()
    assert keys["h.0.attn.c_attn.weight"].shape == (D, 3 * D)
    assert keys["h.1.mlp.c_fc.weight"].shape == (D, 4 * D)
    assert keys["h.1.mlp.c_proj.weight"].shape == (4 * D, D)
    assert keys["wpe.weight"].shape == (16, D) and len(keys) == 2 + 12 * L + 2
    extra = {"h.0.attn.bias": np.ones((1, 1, 16, 16)), "lm_head.weight": np.zeros((V, D))}
    other = nn.GPT(**SMALL)
    other.load_foreign({k: np.array(t.numpy()) for k, t in keys.items()} | extra)
    np.testing.assert_array_equal(other.eval()(TOKENS).numpy(), model.eval()(TOKENS).numpy())


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_their_files(prefix, tmp_path):
    """gpt2 has the mask of every block beside its weights; distilgpt2 all below "transformer"."""
    model, path = nn.GPT(**SMALL), tmp_path / "model.safetensors"
    state = {
        prefix + k: np.ascontiguousarray(t.numpy()) for k, t in model.foreign_state_dict().items()
    }
    mask = np.tril(np.ones((1, 1, 16, 16), np.float32))
    state |= {f"{prefix}h.{i}.attn.bias": mask for i in range(L)}
    safetensors_numpy.save_file(state, path)
    other = nn.GPT(**SMALL)
    assert other.load_foreign(pydp.load(path)) == ([], [])
    np.testing.assert_array_equal(other.eval()(TOKENS).numpy(), model.eval()(TOKENS).numpy())


def test_errors():
    with pytest.raises(ValueError, match="GPT: size must be one of 'small', 'medium', 'large'"):
        nn.GPT("huge")
    with pytest.raises(ValueError, match="LearnedPositions: there are 16 positions"):
        nn.GPT(**SMALL).generate(TOKENS, 12)
