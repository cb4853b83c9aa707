"""SequenceToSequence: teacher forcing against PyTorch; generation against all computed again."""

import numpy as np
import pytest

import pydp
from harness import torch
from peer import needs_torch
from pydp import nn
from pydp._signature import SignatureError
from sequence_peer import BLOCK, compare, dtypes, filled, loaded, torch_weights

V, D = 9, 6
SOURCE = np.array([[1, 4, 2, 7], [3, 8, 0, 0]])
MASK = np.array([[True] * 4, [True, True, False, False]])
TARGET = np.array([[5, 2, 1], [6, 1, 1]])
BEGIN, END = 0, 1


def bahdanau():
    return nn.GRU(D, 4, bidirectional=True), nn.BahdanauDecoder(D, D, 8)


def luong():
    return nn.LSTM(D, D), nn.LuongDecoder(D, D, D)


def transformer():
    return nn.Transformer(D, 3, 2), nn.TransformerDecoder(D, 3, 2)


KINDS = {"Bahdanau": bahdanau, "Luong": luong, "Transformer": transformer}
each = pytest.mark.parametrize("kind", KINDS)


def make(kind, shared=False):
    source = nn.EmbedToken(V, D)
    target = source if shared else nn.EmbedToken(V, D)
    encoder, decoder = KINDS[kind]()
    return nn.SequenceToSequence(source, encoder, target, decoder, BEGIN)


@needs_torch
@dtypes
def test_transformer_against_torch(dtype):
    encoder = nn.Transformer(D, 3, 2, 10, positions=None)
    decoder = nn.TransformerDecoder(D, 3, 2, 10, positions=None)
    source, target = nn.EmbedToken(V, D), nn.EmbedToken(V, D)
    model = filled(nn.SequenceToSequence(source, encoder, target, decoder, BEGIN), dtype)
    words = {"dim_feedforward": 10, "dropout": 0.0, "batch_first": True}
    layer = torch.nn.TransformerEncoderLayer(D, 3, **words)
    theirs = torch.nn.Module()
    theirs.encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    theirs.decoder = torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(D, 3, **words), 2)
    both = nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    rename = [("cross.f.", "multihead_attn."), ("cross.norm", "norm2"), *BLOCK,
              ("blocks.", "layers.")]  # fmt: skip
    # a decoder's last norm is its third
    ours = [("decoder.blocks.0.feed_forward.norm", "decoder.blocks.0.norm3"),
            ("decoder.blocks.1.feed_forward.norm", "decoder.blocks.1.norm3")]  # fmt: skip
    peers = loaded(theirs, both, ours + rename)
    w = torch_weights(model) | peers
    later = torch.triu(torch.ones(3, 3, dtype=torch.bool), 1)
    before = np.concatenate([np.full((2, 1), BEGIN), TARGET[:, :-1]], axis=1)
    padding = torch.from_numpy(~MASK)
    source = w["embed_source.weight"][torch.from_numpy(SOURCE)]
    memory = theirs.encoder(source, src_key_padding_mask=padding)
    target = w["embed_target.weight"][torch.from_numpy(before)]
    y = theirs.decoder(target, memory, tgt_mask=later, memory_key_padding_mask=padding)
    t = y @ w["embed_target.weight"].T
    compare(model, model(SOURCE, TARGET, MASK), t, w, dtype=dtype)


@each
def test_its_boxes(kind):
    """generate_token(decoder(embed(begin, target), encoder(embed(source))))."""
    model = filled(make(kind))
    before = np.concatenate([np.full((2, 1), BEGIN), TARGET[:, :-1]], axis=1)
    memory = model.encoder(model.embed_source(SOURCE))
    y = model.generate_token(model.decoder(model.embed_target(before), memory))
    np.testing.assert_array_equal(model(SOURCE, TARGET).numpy(), y.numpy())
    assert (
        str(model.signature) == "(token[..., s], token[..., t], bool[..., s]?) -> real[..., t, 9]"
    )


@each
def test_no_score_depends_on_its_own_token_or_later_ones(kind):
    model = filled(make(kind))
    want = model(SOURCE, TARGET, MASK).numpy()
    for i in range(3):
        other = TARGET.copy()
        other[:, i:] = 8
        got = model(SOURCE, other, MASK).numpy()
        np.testing.assert_array_equal(got[:, : i + 1], want[:, : i + 1])
        assert i == 2 or (got[:, i + 1 :] != want[:, i + 1 :]).any()


@each
def test_padding_never_changes_anything(kind):
    model = filled(make(kind))
    want, other = model(SOURCE, TARGET, MASK).numpy(), SOURCE.copy()
    other[~MASK] = 5
    np.testing.assert_array_equal(model(other, TARGET, MASK).numpy(), want)
    alone = model(SOURCE[1:, :2], TARGET[1:]).numpy()
    np.testing.assert_allclose(alone, want[1:], rtol=0, atol=1e-12)


def naive(model, length, end):
    """All computed again for each token, by forward alone."""
    said = np.zeros((2, 0), np.int64)
    for _ in range(length):
        longer = np.concatenate([said, np.zeros((2, 1), np.int64)], axis=1)
        chosen = model(SOURCE, longer, MASK).numpy()[:, -1].argmax(axis=-1)
        if end is not None:
            chosen = np.where((said == end).any(axis=1), end, chosen)
        said = np.concatenate([said, chosen[:, None]], axis=1)
        if end is not None and (said == end).any(axis=1).all():
            break
    return said


@each
@pytest.mark.parametrize("end", [None, 0, 3])
def test_greedy(kind, end):
    model = filled(make(kind), low=-1.0, high=1.0)
    said = model.generate(SOURCE, 6, MASK, end=end).numpy()
    np.testing.assert_array_equal(said, naive(model, 6, end))


@each
def test_beams_find_no_less_than_greedy(kind):
    """And what they find is scored by forward as they say: the best of 9² for two tokens."""
    model = filled(make(kind), low=-1.0, high=1.0)
    pairs = np.array([[a, b] for a in range(V) for b in range(V)])
    said = model.generate(SOURCE, 2, MASK, beams=V).numpy()
    for row in range(2):
        source, mask = [np.repeat(a[row : row + 1], V * V, axis=0) for a in (SOURCE, MASK)]
        logs = pydp.log_softmax(model(source, pairs, mask)).numpy()
        total = logs[np.arange(V * V), 0, pairs[:, 0]] + logs[np.arange(V * V), 1, pairs[:, 1]]
        np.testing.assert_array_equal(said[row], pairs[total.argmax()])


@each
def test_it_learns_to_reverse(kind):
    """Three tokens backwards, and the end; one embedding for both sides."""
    pydp.manual_seed(0)
    model = make(kind, shared=True)
    optimizer = pydp.optim.Adam(model.parameters(), lr=0.01)
    rng = np.random.default_rng(0)
    source = rng.integers(2, V, (24, 3))
    target = np.concatenate([source[:, ::-1], np.full((24, 1), END)], axis=1)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = pydp.cross_entropy(model(source, target), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]


def test_it_can_be_seeded_and_has_leading_axes():
    model = filled(make("Luong"))
    a, b = [model.generate(SOURCE, 9, temperature=1.0, generator=pydp.Generator(4)) for _ in "ab"]
    np.testing.assert_array_equal(a.numpy(), b.numpy())
    greedy = model.generate(SOURCE, 4, MASK).numpy()
    np.testing.assert_array_equal(model.generate(SOURCE[None], 4, MASK[None]).numpy()[0], greedy)
    np.testing.assert_array_equal(model.generate(SOURCE[1], 4, MASK[1]).numpy(), greedy[1])


def test_padding_stands_at_the_end():
    model = make("Luong")
    with pytest.raises(ValueError, match="SequenceToSequence: a recurrent encoder wants a mask"):
        model(SOURCE, TARGET, MASK[:, ::-1].copy())
    with pytest.raises(ValueError, match="mask"):
        model(SOURCE, TARGET, MASK[:, :3])


def build(**words):
    encoder, decoder = luong()
    parts = {"embed_source": nn.EmbedToken(V, D), "encoder": encoder,
             "embed_target": nn.EmbedToken(V, D), "decoder": decoder, "begin": 0}  # fmt: skip
    return nn.SequenceToSequence(**(parts | words))


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"encoder": nn.Linear(D, D)}, TypeError, "encoder must be a SequenceModel, got Linear"),
        ({"decoder": nn.LSTM(D, D)}, TypeError, "decoder must be a Decoder, got LSTM"),
        ({"decoder": nn.LuongDecoder}, TypeError, "decoder must be a Decoder, got LuongDecoder"),
        ({"begin": -1}, ValueError, "begin must be at least 0, got -1"),
        (
            {"encoder": nn.LSTM(5, D)},
            SignatureError,
            "embed_source[^$]*6 [^$]*against 5[^$]*repair: LSTM.input_size=6",
        ),
        ({"encoder": nn.LSTM(D, 5)}, SignatureError, "encoder[^$]*memory[^$]*5 [^$]*against 6"),
        (
            {"embed_target": nn.EmbedToken(V, 5)},
            SignatureError,
            "embed_target[^$]*5 [^$]*against 6",
        ),
        ({"generate_token": nn.Linear(5, V)}, SignatureError, "decoder[^$]*6 [^$]*against 5"),
    ],
)
def test_refused(words, error, message):
    with pytest.raises(error, match=f"SequenceToSequence: {message}"):
        build(**words)
