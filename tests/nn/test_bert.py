"""BERT against a construction of PyTorch's functions under Hugging Face's names; its heads, its
parameters, its keys."""

import math

import numpy as np
import pytest
import safetensors.numpy as safetensors_numpy

import pydp
from harness import assert_close, real, torch
from peer import needs_torch
from pydp import nn
from pydp.nn import _bert
from sequence_peer import dtypes, filled

V, D, H, L, N, T = 29, 12, 3, 2, 2, 7
TOKENS = np.random.default_rng(0).integers(0, V, (N, T))
SEGMENTS = (np.arange(T) > 3).astype(np.int64) * np.ones((N, 1), np.int64)
MASK = np.arange(T) < np.array([[7], [5]])
SMALL = {"d": D, "num_layers": L, "num_heads": H, "hidden": 20, "vocabulary": V, "max_length": 9}


def gelu(x, approximate):
    if approximate == "gelu_tanh":
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def reference(w, tokens, segments, mask, activation):
    """Vectors and pooled vector, by Hugging Face's names."""

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdim=True)
        return (
            centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-12) * w[f"{name}.weight"]
            + w[f"{name}.bias"]
        )

    def heads(x):
        return x.reshape(N, T, H, D // H).transpose(1, 2)

    x = w["embeddings.word_embeddings.weight"][tokens]
    x = x + w["embeddings.token_type_embeddings.weight"][segments]
    x = norm(x + w["embeddings.position_embeddings.weight"][:T], "embeddings.LayerNorm")
    for i in range(L):
        layer = f"encoder.layer.{i}"
        q, k, v = [
            heads(linear(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value")
        ]
        scores = q @ k.transpose(-1, -2) / math.sqrt(D // H)
        scores = scores.masked_fill(~mask[:, None, None, :], -torch.inf)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(N, T, D)
        x = norm(x + linear(y, f"{layer}.attention.output.dense"),
                 f"{layer}.attention.output.LayerNorm")  # fmt: skip
        y = gelu(linear(x, f"{layer}.intermediate.dense"), activation)
        x = norm(x + linear(y, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x, torch.tanh(linear(x[:, 0], "pooler.dense"))


def theirs_of(model):
    """Their tensors by their names."""
    return {
        key: torch.from_numpy(np.array(t.numpy())).requires_grad_()
        for key, t in model.foreign_state_dict().items()
    }


def gradients_agree(model, state, bound):
    """Their gradients, read through the table of keys as a checkpoint is, are ours."""
    shadow = nn.BERT(**SMALL)
    shadow = shadow if isinstance(model, nn.BERT) else nn.BERTPretraining(shadow)
    zero = torch.zeros_like
    shadow.astype(next(model.parameters()).dtype)
    shadow.load_foreign({k: zero(t) if t.grad is None else t.grad for k, t in state.items()})
    peers = shadow.state_dict()
    for name, parameter in model.named_parameters():
        got = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad.numpy()
        want = peers[name].numpy()
        assert_close(got, want, bound * (1 + np.abs(want).max()), f"gradient of {name}")


def run(values, wanted):
    """Both sides' sums with the same weights, backward."""
    for i, (y, t) in enumerate(zip(values, wanted, strict=True)):
        w = real(*y.shape, seed=i).astype(y.dtype)
        (y * pydp.tensor(w)).sum().backward(retain_graph=True)
        (t * torch.from_numpy(w)).sum().backward(retain_graph=True)


@needs_torch
@dtypes
@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh"])
@pytest.mark.parametrize("masked", [False, True])
def test_against_torch(masked, activation, dtype):
    bound = {"float32": 1e-4, "float64": 1e-10}[dtype]
    model = filled(nn.BERT(activation=activation, **SMALL), dtype)
    state = theirs_of(model)
    y = model(pydp.tensor(TOKENS), pydp.tensor(SEGMENTS), MASK if masked else None)
    seen = torch.from_numpy(MASK if masked else np.ones_like(MASK))
    wanted = reference(
        state, torch.from_numpy(TOKENS), torch.from_numpy(SEGMENTS), seen, activation
    )
    values = y, model.pooler(y)
    for a, b in zip(values, wanted, strict=True):
        assert_close(a.numpy(), b.detach().numpy(), bound, "value")
    run(values, wanted)
    gradients_agree(model, state, bound)


@needs_torch
@dtypes
def test_pretraining_against_torch(dtype):
    """Both heads, through the losses that they are trained with."""
    bound = {"float32": 1e-4, "float64": 1e-10}[dtype]
    model = filled(nn.BERTPretraining(nn.BERT(**SMALL)), dtype)
    state = theirs_of(model)
    target, follows = np.where(TOKENS % 3 == 0, TOKENS, -100), np.array([0, 1])
    scores, answers = model(pydp.tensor(TOKENS), pydp.tensor(SEGMENTS), MASK)
    loss = pydp.cross_entropy(scores, target) + pydp.cross_entropy(answers, follows)

    body = {k.removeprefix("bert."): t for k, t in state.items()}
    embeddings = state["bert.embeddings.word_embeddings.weight"]
    y, pooled = reference(
        body, torch.from_numpy(TOKENS), torch.from_numpy(SEGMENTS), torch.from_numpy(MASK), "gelu"
    )
    head = "cls.predictions.transform"
    y = gelu(y @ state[f"{head}.dense.weight"].T + state[f"{head}.dense.bias"], "gelu")
    y = torch.nn.functional.layer_norm(
        y, (D,), state[f"{head}.LayerNorm.weight"], state[f"{head}.LayerNorm.bias"], 1e-12
    )
    t = y @ embeddings.T + state["cls.predictions.bias"]
    u = pooled @ state["cls.seq_relationship.weight"].T + state["cls.seq_relationship.bias"]
    functional = torch.nn.functional
    peer = functional.cross_entropy(t.reshape(-1, V), torch.from_numpy(target).reshape(-1))
    peer = peer + functional.cross_entropy(u, torch.from_numpy(follows))
    assert_close(scores.numpy(), t.detach().numpy(), bound, "tokens")
    assert_close(answers.numpy(), u.detach().numpy(), bound, "next sentence")
    assert_close(loss.numpy(), peer.detach().numpy(), bound, "loss")
    loss.backward()
    peer.backward()
    state["cls.predictions.decoder.weight"].grad = embeddings.grad  # tied
    gradients_agree(model, state, bound)


def test_parameters():
    assert sum(p.size for p in nn.BERT().parameters()) == 109_482_240


@pytest.mark.slow
def test_parameters_of_the_large_one():
    assert sum(p.size for p in nn.BERT("large").parameters()) == 335_141_888


@pytest.mark.parametrize(("size", "count"), [("base", 109_482_240), ("large", 335_141_888)])
def test_parameters_by_formula(size, count):
    """Embeddings, blocks and pooler: the large one too, without its 1.3 GB."""
    d, layers, heads = _bert.SIZES[size]
    block = sum(p.size for p in nn.TransformerBlock(d, heads).parameters())
    assert (30522 + 512 + 2 + 2) * d + layers * block + d * d + d == count


def test_initial_values():
    model = nn.BERTPretraining(nn.BERT(**(SMALL | {"d": 48, "vocabulary": 100})))
    for name, parameter in model.named_parameters():
        a = parameter.numpy()
        if "bias" in name:
            assert not a.any(), name
        elif ("norm" in name or "masked_language.1" in name) and a.ndim == 1:
            assert (a == 1).all(), name
        else:
            assert np.abs(a).max() <= 0.04 and 0.01 < a.std() < 0.02, name


def test_padding_never_changes_the_others():
    model = filled(nn.BERT(**SMALL))
    tokens = TOKENS.copy()
    clean = model(tokens, SEGMENTS, MASK).numpy()
    tokens[~MASK] = 3
    np.testing.assert_array_equal(model(tokens, SEGMENTS, MASK).numpy()[MASK], clean[MASK])
    alone = model(tokens[1:, :5], SEGMENTS[1:, :5]).numpy()
    assert_close(alone, clean[1:, :5], 1e-12, "without the padding")


def test_segments_are_0_if_not_given():
    model = filled(nn.BERT(**SMALL))
    zeros = np.zeros_like(TOKENS)
    np.testing.assert_array_equal(model(TOKENS).numpy(), model(TOKENS, zeros).numpy())
    assert (model(TOKENS).numpy() != model(TOKENS, SEGMENTS).numpy()).any()


def test_their_keys():
    keys = nn.BERT(**SMALL).foreign_state_dict()
    for key, shape in (
        ("embeddings.word_embeddings.weight", (V, D)),
        ("embeddings.LayerNorm.bias", (D,)),
        ("encoder.layer.1.attention.self.query.weight", (D, D)),
        ("encoder.layer.0.intermediate.dense.weight", (20, D)),
        ("pooler.dense.weight", (D, D)),
    ):
        assert keys[key].shape == shape
    assert len(keys) == 5 + 16 * L + 2
    keys = nn.BERTPretraining(nn.BERT(**SMALL)).foreign_state_dict()
    assert {key.partition(".")[0] for key in keys} == {"bert", "cls"}
    assert keys["cls.predictions.decoder.weight"].shape == (V, D)
    other = nn.BERTPretraining(nn.BERT(**SMALL))
    extra = {
        "bert.embeddings.position_ids": np.arange(9),
        "cls.predictions.decoder.bias": np.zeros(V),
    }
    other.load_foreign({k: np.array(t.numpy()) for k, t in keys.items()} | extra)
    for key, t in other.foreign_state_dict().items():
        np.testing.assert_array_equal(t.numpy(), keys[key].numpy())


def test_the_file_of_2018(tmp_path):
    """bert-base-uncased: gamma and beta, "bert." before the model, its heads beside it."""
    model = filled(nn.BERTPretraining(nn.BERT(**SMALL)), "float32")
    now = model.foreign_state_dict()
    path = tmp_path / "model.safetensors"
    names = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    old = {}
    for key, tensor in now.items():
        start, dot, end = key.rpartition("LayerNorm.")
        old[start + names[dot + end] if dot else key] = tensor
    assert len(old) == len(now) and sum("gamma" in key for key in old) == 2 + 2 * L
    safetensors_numpy.save_file({k: np.ascontiguousarray(t.numpy()) for k, t in old.items()}, path)
    state = pydp.load(path)

    both, alone = nn.BERTPretraining(nn.BERT(**SMALL)).eval(), nn.BERT(**SMALL).eval()
    assert both.load_foreign(state) == ([], [])
    for a, b in zip(model(TOKENS), both(TOKENS), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert set(both.foreign_state_dict()) == set(now)  # saved under the names of today
    assert alone.load_foreign(state) == ([], [])
    np.testing.assert_array_equal(alone(TOKENS).numpy(), model.bert(TOKENS).numpy())

    state["bert.embeddings.LayerNorm.weight"] = state["bert.embeddings.LayerNorm.gamma"]
    with pytest.raises(ValueError, match=r"unexpected  bert\.embeddings\.LayerNorm\.gamma"):
        both.load_foreign(state)
    del (
        state["bert.embeddings.LayerNorm.weight"],
        state["bert.encoder.layer.1.output.LayerNorm.beta"],
    )
    state["classifier.weight"] = state["bert.pooler.dense.weight"]
    with pytest.raises(ValueError) as caught:
        alone.load_foreign(state)
    assert [line.strip() for line in str(caught.value).split("\n")[1:]] == [
        "missing     encoder.layer.1.output.LayerNorm.bias",
        "unexpected  classifier.weight",
    ]


def test_a_file_and_back(tmp_path):
    """Under their names, tied tensors too; what is missing or of another shape is said at once."""
    model, path = (
        filled(nn.BERTPretraining(nn.BERT(**SMALL)), "float32"),
        tmp_path / "bert.safetensors",
    )
    pydp.save(path, model.foreign_state_dict())
    other = nn.BERTPretraining(nn.BERT(**SMALL)).eval()
    state = pydp.load(path)
    other.load_foreign(state)
    for a, b in zip(model(TOKENS), other(TOKENS), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    del state["bert.pooler.dense.bias"]
    state["more"] = state["cls.predictions.bias"]
    with pytest.raises(ValueError, match=r"(?s)bert\.pooler\.dense\.bias.*more"):
        other.load_foreign(state)


def test_type_and_errors():
    model = nn.BERT(**SMALL)
    arguments = "(token[..., t], token[..., t]?, bool[..., t]?)"
    assert str(model.signature) == f"{arguments} -> real[..., t, 12]"
    both = nn.BERTPretraining(model)
    assert str(both.signature) == f"{arguments} -> (real[..., t, 29], real[..., 2])"
    with pytest.raises(ValueError, match="BERT: size must be one of 'base', 'large', got 'huge'"):
        nn.BERT("huge")
    with pytest.raises(TypeError, match="BERTPretraining: bert must be a BERT, got Linear"):
        nn.BERTPretraining(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="LearnedPositions: there are 9 positions"):
        model(np.zeros((1, 10), np.int64))
    with pytest.raises(ValueError, match=r"SelfAttention: mask must be \(2, 7\), got \(2, 5\)"):
        model(TOKENS, SEGMENTS, np.ones((2, 5), bool))
