"""The types of all boxes of sequences, proved; and what a wrong wiring says at construction."""

import pytest

import pydp
from pydp import nn
from pydp._signature import SignatureError

D, V = 8, 9


def embed():
    return nn.EmbedToken(V, D)


def translation(encoder, decoder):
    return nn.SequenceToSequence(embed(), encoder, embed(), decoder, begin=0)


SMALL = {"d": D, "num_heads": 2, "num_layers": 1, "vocabulary": V}
X, MEMORY = "real[..., t, 8]", "real[..., s, 8]"
OF_BERT = "(token[..., t], token[..., t]?, bool[..., t]?)"
PROVED = {
    "SimpleRNN": (nn.SimpleRNN(D, 3), f"{X} -> real[..., t, 3]"),
    "LSTM": (nn.LSTM(D, 3, 2), f"{X} -> real[..., t, 3]"),
    "GRU": (nn.GRU(D, 3, bidirectional=True), f"{X} -> real[..., t, 6]"),
    "Attention": (
        nn.Attention(D, 2), f"({MEMORY}, {X}, bool[..., s]?, any[..., t, s]?) -> {X}"
    ),
    "SelfAttention": (
        nn.SelfAttention(D, 2, causal=True), f"({X}, bool[..., t]?, any[..., t, t]?) -> {X}"
    ),
    "rotary": (
        nn.SelfAttention(D, 2, rotary=True), f"({X}, bool[..., t]?, any[..., t, t]?) -> {X}"
    ),
    "CrossAttention": (nn.CrossAttention(D, 2), f"({X}, {MEMORY}?, bool[..., s]?) -> {X}"),
    "Bahdanau": (
        nn.BahdanauAttention(6, D), f"(real[..., s, 6], {X}, bool[..., s]?) -> real[..., t, 6]"
    ),
    "Luong": (nn.LuongAttention(6, D), f"(real[..., s, 6], {X}, bool[..., s]?) -> real[..., t, 6]"),
    "learned": (nn.LearnedPositions(50, D), f"{X} -> {X} where t <= 50"),
    "sinusoidal": (nn.SinusoidalPositions(D), f"{X} -> {X}"),
    "RotaryPositions": (nn.RotaryPositions(D), f"{X} -> {X}"),
    "TransformerBlock": (nn.TransformerBlock(D, 2), f"({X}, bool[..., t]?) -> {X}"),
    "Transformer": (nn.Transformer(D, 2, 3), f"({X}, bool[..., t]?) -> {X}"),
    "GenerateToken": (nn.GenerateToken(embed()), "real[..., 8] -> real[..., 9]"),
    "Collapse": (nn.Collapse("max"), "(real[..., t, d], bool[..., t]?) -> real[..., d]"),
    "LSTM language": (
        nn.LanguageModel(embed(), nn.LSTM(D, D)), "token[..., t] -> real[..., t, 9]"
    ),
    "Transformer language": (
        nn.LanguageModel(embed(), nn.Transformer(D, 2, 1, causal=True)),
        "token[..., t] -> real[..., t, 9]",
    ),
    "GPT": (nn.GPT(**SMALL), "token[..., t] -> real[..., t, 9] where t <= 1024"),
    "BERT": (nn.BERT(**SMALL), f"{OF_BERT} -> {X} where t <= 512"),
    "BERTPretraining": (
        nn.BERTPretraining(nn.BERT(**SMALL)),
        f"{OF_BERT} -> (real[..., t, 9], real[..., 2]) where t <= 512",
    ),
    "TransformerDecoder": (
        nn.TransformerDecoder(D, 2, 1), f"({X}, {MEMORY}, bool[..., s]?) -> {X}"
    ),
    "translation": (
        translation(nn.Transformer(D, 2, 1), nn.TransformerDecoder(D, 2, 1)),
        "(token[..., s], token[..., t], bool[..., s]?) -> real[..., t, 9]",
    ),
}  # fmt: skip
# A loop over the steps: proved for a number of them.
PROVED_AT_5 = {
    "SequenceRNN": (nn.SequenceRNN(nn.LSTMCell(D, 3)), "real[..., 5, 8] -> real[..., 5, 3]"),
    "BahdanauDecoder": (
        nn.BahdanauDecoder(D, 3, 4),
        "(real[..., 5, 8], real[..., s, 4], bool[..., s]?) -> real[..., 5, 3]",
    ),
    "LuongDecoder": (
        nn.LuongDecoder(D, 3, 4),
        "(real[..., 5, 8], real[..., s, 4], bool[..., s]?) -> real[..., 5, 3]",
    ),
    "translation": (
        translation(nn.GRU(D, 4, bidirectional=True), nn.LuongDecoder(D, D, 8)),
        "(token[..., s], token[..., 5], bool[..., s]?) -> real[..., 5, 9]",
    ),
}


@pytest.mark.parametrize("name", PROVED)
def test_proved(name):
    module, type_ = PROVED[name]
    assert str(pydp.check(module)) == type_


@pytest.mark.parametrize("name", PROVED_AT_5)
def test_proved_for_five_steps(name):
    module, type_ = PROVED_AT_5[name]
    assert str(pydp.check(module, t=5)) == type_


WRONG = {
    "LSTM behind a smaller embedding": lambda: nn.LanguageModel(embed(), nn.LSTM(4, D)),
    "a model that cannot be tied": lambda: nn.LanguageModel(embed(), nn.LSTM(D, 4)),
    "a head of another size": lambda: nn.LanguageModel(embed(), nn.LSTM(D, 4), nn.Linear(5, V)),
    "a memory of another size": lambda: translation(nn.LSTM(D, 4), nn.LuongDecoder(D, D, 5)),
    "layers that do not fit": lambda: nn.Transformer(D, 2, 1) >> nn.LSTM(4, 4),
    "an embedding of an embedding": lambda: embed() >> embed(),
    "a score of a sequence": lambda: nn.Collapse("mean", D) >> nn.Linear(4, 2),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_wirings_are_refused_at_construction(name):
    with pytest.raises(SignatureError):
        WRONG[name]()


def test_a_classifier_in_one_line():
    """score = w · Collapse(SequenceModel(EmbedToken(x)))."""
    model = nn.EmbedToken(V, D) >> nn.LSTM(D, 6) >> nn.Collapse("last") >> nn.Linear(6, 2)
    assert str(pydp.check(model)) == "token[..., t] -> real[..., 2]"
