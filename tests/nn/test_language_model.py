"""LanguageModel: against PyTorch; one word exchanges the model; generation, token by token."""

import numpy as np
import pytest

import pydp
from harness import torch
from peer import needs_torch
from pydp import nn
from pydp._signature import SignatureError
from sequence_peer import BLOCK, compare, dtypes, filled, loaded, torch_weights

V, D = 11, 6
PROMPT = np.array([[1, 4, 2], [0, 9, 9], [3, 3, 10]])


class Counted(nn.SequenceModel):
    """A model of steps, which counts the vectors that it is given."""

    type = f"real[..., t, {D}] -> real[..., t, {D}]"

    def __init__(self):
        self.inner, self.count = nn.GRU(D, D), 0

    def initial_state(self, batch):
        return self.inner.initial_state(batch)

    def step(self, x, state):
        self.count += 1
        return self.inner.step(x, state)

    def reorder(self, state, rows):
        return self.inner.reorder(state, rows)


MODELS = {
    "LSTM": lambda: nn.LSTM(D, D),
    "GRU": lambda: nn.GRU(D, D, num_layers=2),
    "SimpleRNN": lambda: nn.SimpleRNN(D, D),
    "Transformer": lambda: nn.Transformer(D, 3, 2, causal=True),
    "Transformer, rotary": lambda: nn.Transformer(D, 3, 2, causal=True, positions="rotary"),
    "SequenceRNN": lambda: nn.SequenceRNN(nn.LSTMCell(D, D)),
    "one of steps": Counted,
}
each = pytest.mark.parametrize("name", MODELS)


def make(name):
    """A model whose choices are clear."""
    return filled(nn.LanguageModel(nn.EmbedToken(V, D), MODELS[name]()), low=-1.0, high=1.0)


def scores_of(model, tokens):
    """The scores of what follows, all computed again."""
    return model(pydp.tensor(tokens)).numpy()[:, -1].astype(np.float64)


def naive(model, tokens, length, choose, end=None):
    """Generation that computes everything again for each token."""
    said = np.zeros((len(tokens), 0), np.int64)
    for _ in range(length):
        chosen = choose(scores_of(model, np.concatenate([tokens, said], axis=1)))
        if end is not None:
            chosen = np.where((said == end).any(axis=1), end, chosen)
        said = np.concatenate([said, chosen[:, None]], axis=1)
        if end is not None and (said == end).any(axis=1).all():
            break
    return said


# ---- the scores ----------------------------------------------------------------------------------


@needs_torch
@dtypes
@pytest.mark.parametrize("tied", [True, False])
def test_lstm_against_torch(tied, dtype):
    embed, head = nn.EmbedToken(V, D), None if tied else nn.Linear(D, V)
    model = filled(nn.LanguageModel(embed, nn.LSTM(D, D, 2), head), dtype)
    lstm = torch.nn.LSTM(D, D, 2, batch_first=True)
    peers = loaded(lstm, model.model, [])
    w = torch_weights(model) | {f"model.{name}": p for name, p in peers.items()}
    y, _ = lstm(w["embed.weight"][torch.from_numpy(PROMPT)])
    if tied:
        t = y @ w["embed.weight"].T
    else:
        t = y @ w["generate_token.weight"].T + w["generate_token.bias"]
    compare(model, model(pydp.tensor(PROMPT)), t, w, dtype=dtype)


@needs_torch
@dtypes
def test_transformer_against_torch(dtype):
    inner = nn.Transformer(D, 3, 2, causal=True, norm_first=True, positions=None)
    model = filled(nn.LanguageModel(nn.EmbedToken(V, D), inner), dtype)
    layer = torch.nn.TransformerEncoderLayer(D, 3, 4 * D, 0.0, batch_first=True, norm_first=True)
    theirs = torch.nn.TransformerEncoder(
        layer, 2, torch.nn.LayerNorm(D), enable_nested_tensor=False
    )
    peers = loaded(theirs, inner, [*BLOCK, ("blocks.", "layers.")])
    w = torch_weights(model) | {f"model.{name}": p for name, p in peers.items()}
    later = torch.triu(torch.ones(3, 3, dtype=torch.bool), 1)
    t = theirs(w["embed.weight"][torch.from_numpy(PROMPT)], later) @ w["embed.weight"].T
    compare(model, model(pydp.tensor(PROMPT)), t, w, dtype=dtype)


@each
def test_the_type_says_the_shape(name):
    model = make(name)
    assert str(model.signature) == f"token[..., t] -> real[..., t, {V}]"
    assert model(pydp.tensor(PROMPT)).shape == (3, 3, V)
    assert model(pydp.tensor(PROMPT[0])).shape == (3, V)


@each
def test_it_learns(name):
    """The loss of a repeated pattern falls: gradients reach what they must."""
    pydp.manual_seed(0)
    model = nn.LanguageModel(nn.EmbedToken(V, D), MODELS[name]())
    optimizer = pydp.optim.Adam(model.parameters(), lr=0.03)
    tokens, losses = pydp.tensor([[1, 5, 3, 7] * 3]), []
    for _ in range(60):
        optimizer.zero_grad()
        loss = pydp.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    assert model.generate(tokens[:, :4], 4).tolist() == [[1, 5, 3, 7]]


# ---- generation ----------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("t", [1, 3])
def test_greedy(name, t):
    model = make(name)
    want = naive(model, PROMPT[:, :t], 8, lambda scores: scores.argmax(axis=-1))
    np.testing.assert_array_equal(model.generate(PROMPT[:, :t], 8).numpy(), want)


@each
def test_end(name):
    model = make(name)
    free = model.generate(PROMPT, 8).numpy()
    for end in {int(free[0, 2]), int(free[1, 4])}:
        want = naive(model, PROMPT, 8, lambda scores: scores.argmax(axis=-1), end)
        np.testing.assert_array_equal(model.generate(PROMPT, 8, end=end).numpy(), want)
    alone = model.generate(PROMPT[0], 8, end=int(free[0, 0])).numpy()
    np.testing.assert_array_equal(alone, free[0, :1])  # nothing follows the end


@each
def test_sampling_is_seeded(name):
    model = make(name)
    words = {"length": 20, "temperature": 1.0}
    a, b, c = [model.generate(PROMPT, generator=pydp.Generator(n), **words) for n in (1, 1, 2)]
    np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert (a.numpy() != c.numpy()).any()
    pydp.manual_seed(5)
    d = model.generate(PROMPT, **words)
    pydp.manual_seed(5)
    np.testing.assert_array_equal(model.generate(PROMPT, **words).numpy(), d.numpy())


@pytest.mark.parametrize(
    "words",
    [{}, {"top_k": 3}, {"top_p": 0.7}, {"temperature": 0.5}, {"top_k": 6, "top_p": 0.8}],
    ids=str,
)
def test_sampling_has_the_probabilities_of_the_definition(words):
    """4,000 first tokens: their shares, and none where there must be none."""
    model, n = make("GRU"), 4000
    words = {"temperature": 1.0} | words
    scores = scores_of(model, PROMPT[:1])[0] / words["temperature"]
    order = np.argsort(-scores)
    kept = np.ones(V, bool)
    if "top_k" in words:
        kept[order[words["top_k"] :]] = False
    p = np.exp(np.where(kept, scores, -np.inf))
    p /= p.sum()
    if "top_p" in words:
        enough = np.searchsorted(np.cumsum(p[order]), words["top_p"]) + 1
        p[order[enough:]] = 0.0
        p /= p.sum()
    prompt = np.repeat(PROMPT[:1], n, axis=0)
    said = model.generate(prompt, 1, generator=pydp.Generator(0), **words).numpy()[:, 0]
    share = np.bincount(said, minlength=V) / n
    assert not share[p == 0].any()
    assert np.abs(share - p).max() < 5 * 0.5 / np.sqrt(n)


def test_little_choice_is_the_best_token():
    model = make("LSTM")
    best = model.generate(PROMPT, 6).numpy()
    for words in ({"top_k": 1}, {"top_p": 1e-9}, {"temperature": 1e-6}):
        said = model.generate(PROMPT, 6, **({"temperature": 1.0} | words))
        np.testing.assert_array_equal(said.numpy(), best)


def test_each_token_costs_one_step():
    model = make("one of steps")
    for words in ({}, {"temperature": 1.0}, {"beams": 3}):
        model.model.count = 0
        model.generate(PROMPT, 10, **words)
        assert model.model.count == 3 - 1 + 10


def test_leading_axes():
    model = make("Transformer")
    want = model.generate(PROMPT, 4).numpy()
    np.testing.assert_array_equal(model.generate(PROMPT[None], 4).numpy(), want[None])
    np.testing.assert_array_equal(model.generate(PROMPT[0], 4).numpy(), want[0])
    assert model.generate(np.zeros((0, 2), np.int64), 4).shape[0] == 0


def test_nothing_drops_and_nothing_is_recorded_meanwhile():
    model = nn.LanguageModel(nn.EmbedToken(V, D), nn.Transformer(D, 3, 2, dropout=0.5, causal=True))
    model.model.blocks[0].eval()
    said = model.generate(PROMPT, 6)
    assert not said.requires_grad and model.training and model.model.blocks[1].training
    assert not model.model.blocks[0].training
    np.testing.assert_array_equal(model.eval().generate(PROMPT, 6).numpy(), said.numpy())


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (nn.Transformer(D, 3, 1), ValueError, r"Transformer is not causal.*causal=True"),
        (nn.LSTM(D, 3, bidirectional=True), ValueError, "LSTM is not causal.*leave out bidirect"),
        (nn.Linear(D, D), TypeError, "the model must be a SequenceModel .*, got Linear"),
        (nn.LSTM, TypeError, "the model must be a SequenceModel .*, got LSTM"),
        (nn.LSTM(D, 4), SignatureError, "[^$]*generate_token[^$]*4 [^$]* against 6"),
        (nn.LSTM(4, D), SignatureError, "embed[^$]*6 [^$]* against 4[^$]*LSTM.input_size=6, …"),
    ],
)  # fmt: skip
def test_models_that_are_refused(model, error, message):
    with pytest.raises(error, match=f"LanguageModel: {message}"):
        nn.LanguageModel(nn.EmbedToken(V, D), model)


def test_parts_that_are_no_modules():
    for embed, head in (("no", None), (nn.EmbedToken, None), (nn.EmbedToken(V, D), nn.Linear)):
        with pytest.raises(TypeError, match=r"LanguageModel: (expected a module|.* is a class)"):
            nn.LanguageModel(embed, nn.LSTM(D, D), head)
    with pytest.raises(TypeError, match="GenerateToken: embed must be an EmbedToken, got Seq"):
        nn.LanguageModel(nn.Sequential(nn.EmbedToken(V, D)), nn.LSTM(D, D))


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"length": 0}, ValueError, "length must be at least 1, got 0"),
        ({"temperature": -1.0}, ValueError, "temperature must be 0 or at least 1e-06, got -1.0"),
        ({"temperature": float("nan")}, ValueError, "temperature must be 0 or at least 1e-06"),
        ({"top_k": 3}, ValueError, "with temperature 0 nothing is drawn: no top_k, no top_p"),
        ({"temperature": 1.0, "top_k": 0}, ValueError, "top_k must be at least 1, got 0"),
        ({"temperature": 1.0, "top_p": 0.0}, ValueError, "top_p must be above 0 and at most 1"),
        ({"beams": 0}, ValueError, "beams must be at least 1, got 0"),
        ({"beams": 2, "temperature": 1.0}, ValueError, "with beams nothing is drawn"),
        ({"length_penalty": 1.0}, ValueError, "length_penalty is for beams, and there are none"),
        (
            {"beams": 2, "length_penalty": -1.0},
            ValueError,
            r"length_penalty must be in \[0, 10\], got -1",
        ),
        ({"end": V}, ValueError, f"end must be below {V}, got {V}"),
        ({"end": -1}, ValueError, "end must be at least 0, got -1"),
        ({"end": 1.5}, TypeError, "end must be an int, got 1.5"),
        ({"tokens": np.zeros((2, 0), np.int64)}, ValueError, r"tokens must be \[..., t\] with"),
        ({"tokens": np.array([V])}, IndexError, "embedding"),
    ],
)
def test_words_that_are_refused(words, error, message):
    with pytest.raises(error, match=message):
        make("LSTM").generate(**({"tokens": PROMPT, "length": 2} | words))
