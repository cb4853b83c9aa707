"""Small models that the tests of diagrams draw."""

from __future__ import annotations

import pydp
from pydp import nn


class Residual(nn.Module):
    """relu(x + conv(relu(conv(x))))"""

    type = "real[n, 16, h, w] -> real[n, 16, h, w]"

    def __init__(self):
        self.conv1 = nn.Conv2d(16, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x):
        return pydp.relu(x + self.conv2(pydp.relu(self.conv1(x))))


class Block(nn.Module):
    """A Transformer's block, written out."""

    type = "real[..., t, 64] -> real[..., t, 64]"

    def __init__(self, d=64, heads=4, hidden=256):
        self.attention = nn.MultiheadAttention(d, heads)
        self.norm1 = nn.LayerNorm(d)
        self.feed_forward = nn.FeedForward(d, d, hidden=hidden, activation="gelu")
        self.norm2 = nn.LayerNorm(d)

    def forward(self, x):
        x = self.norm1(x + self.attention(x, x, x, need_weights=False)[0])
        return self.norm2(x + self.feed_forward(x))


class WordModel(nn.Module):
    """An LSTM that scores the next word."""

    type = "token[..., t] -> real[..., t, 1000]"

    def __init__(self):
        self.embed = nn.Embedding(1000, 64)
        self.lstm = nn.LSTM(64, 128)
        self.score = nn.Linear(128, 1000)

    def forward(self, x):
        return self.score(self.lstm(self.embed(x)))


def alexnet():
    """The torchvision form."""
    conv, relu, pool = nn.Conv2d, nn.ReLU, nn.MaxPool2d
    return nn.Sequential(
        conv(3, 64, 11, stride=4, padding=2), relu(), pool(3, 2),
        conv(64, 192, 5, padding=2), relu(), pool(3, 2),
        conv(192, 384, 3, padding=1), relu(),
        conv(384, 256, 3, padding=1), relu(),
        conv(256, 256, 3, padding=1), relu(), pool(3, 2), nn.Flatten(),
        nn.Dropout(), nn.Linear(9216, 4096), relu(),
        nn.Dropout(), nn.Linear(4096, 4096), relu(), nn.Linear(4096, 1000),
    )  # fmt: skip


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(864, 10)
    )


def sequence_to_sequence(kind):
    """With attention: of Bahdanau, of Luong, or a Transformer's."""
    embed = nn.EmbedToken(50, 8)
    encoder, decoder = {
        "bahdanau": lambda: (nn.GRU(8, 4, bidirectional=True), nn.BahdanauDecoder(8, 8, 8)),
        "luong": lambda: (nn.LSTM(8, 8), nn.LuongDecoder(8, 8, 8)),
        "transformer": lambda: (
            nn.Transformer(8, 2, num_layers=6), nn.TransformerDecoder(8, 2, 6)
        ),
    }[kind]()  # fmt: skip
    return nn.SequenceToSequence(embed, encoder, embed, decoder, begin=0)


def language_model(model):
    return nn.LanguageModel(nn.EmbedToken(50, 8), model)


def bert():
    return nn.BERT(vocabulary=50, d=16, num_layers=12, num_heads=2)


IMAGE = {"h": 224, "w": 224}
THIN = {"classes": 10, "width": 1 / 16}

# What has a golden copy: name -> (model, sizes). Large models are thin, which changes only numbers.
GOLDEN = {
    "residual": (Residual, {}),
    "block": (Block, {}),
    "word_model": (WordModel, {}),
    "convolutions": (convolutions, {"h": 28, "w": 28}),
    "alexnet": (lambda: nn.AlexNet(**THIN), IMAGE),
    "alexnet_2012": (lambda: nn.AlexNet(form="2012", **THIN), IMAGE),
    "lstm_language_model": (lambda: language_model(nn.LSTM(8, 8, num_layers=2)), {}),
    "rnn_language_model": (lambda: language_model(nn.SequenceRNN(nn.RNNCell(8, 8))), {"t": 5}),
    "bert": (bert, {}),
    "gpt": (lambda: nn.GPT(d=16, num_layers=12, num_heads=2), {}),
    "sequence_to_sequence": (lambda: sequence_to_sequence("bahdanau"), {"t": 4}),
    "transformer_to_transformer": (lambda: sequence_to_sequence("transformer"), {}),
    "attention": (lambda: nn.Attention(8), {}),
}

# The models of the catalogue, and the boxes that they are made of.
CATALOGUE = GOLDEN | {
    "AlexNet of any size": (lambda: nn.AlexNet(**THIN), {}),
    "LeNet": (nn.LeNet, {}),
    "LeNet 1998": (lambda: nn.LeNet(10, "1998"), {}),
    "ConvNetJS mnist": (lambda: nn.ConvNetJS("mnist"), {}),
    "ConvNetJS cifar10": (lambda: nn.ConvNetJS("cifar10"), {}),
    "VGG16": (lambda: nn.VGG(16, **THIN), IMAGE),
    "VGG11 with norms": (lambda: nn.VGG(11, batch_norm=True, **THIN), {}),
    "ResNet18": (lambda: nn.ResNet(18, **THIN), IMAGE),
    "ResNet50": (lambda: nn.ResNet(50, **THIN), IMAGE),
    "Autoencoder": (lambda: nn.Autoencoder((20, 12, 5)), {}),
    "BERTPretraining": (lambda: nn.BERTPretraining(bert()), {}),
    "Luong": (lambda: sequence_to_sequence("luong"), {"t": 4}),
    "LuongDecoder": (lambda: nn.LuongDecoder(8, 8, 8), {"t": 3}),
    "BahdanauDecoder": (lambda: nn.BahdanauDecoder(8, 8, 8), {"t": 3}),
    "TransformerDecoder": (lambda: nn.TransformerDecoder(8, 2, 3), {}),
    "Transformer": (lambda: nn.Transformer(8, 2, num_layers=3, causal=True), {}),
    "TransformerBlock": (lambda: nn.TransformerBlock(8, 2), {}),
    "SelfAttention": (lambda: nn.SelfAttention(8, 2), {}),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(8, 2), {}),
    "BahdanauAttention": (lambda: nn.BahdanauAttention(8, 8), {}),
    "LuongAttention": (lambda: nn.LuongAttention(8, 8), {}),
    "FeedForward": (lambda: nn.FeedForward(8, 4), {}),
    "FeedForwards": (lambda: nn.FeedForward(8, 8) ** 3 >> nn.Linear(8, 2), {}),
    "EmbedToken": (lambda: nn.EmbedToken(10, 4), {}),
    "GenerateToken": (lambda: nn.GenerateToken(nn.EmbedToken(10, 4)), {}),
    "Collapse": (lambda: nn.Collapse("mean"), {}),
    "LayerNorm": (lambda: nn.LayerNorm(8), {}),
    "AddNorm": (lambda: nn.AddNorm(nn.FeedForward(8, 8)), {}),
    "Conv": (lambda: nn.Conv(3, 8, 3), {}),
    "MaxPool": (lambda: nn.MaxPool(2), {}),
    "LSTM": (lambda: nn.LSTM(3, 8, num_layers=3, bidirectional=True), {}),
    "GRU": (lambda: nn.GRU(3, 8), {}),
    "RNN": (lambda: nn.RNN(3, 8), {}),
    "LSTMs": (lambda: nn.LSTM(8, 8) ** 3, {}),
    "SequenceRNN": (lambda: nn.SequenceRNN(nn.LSTMCell(3, 8)), {"t": 4}),
    "LSTMCell": (lambda: nn.LSTMCell(3, 8), {}),
}
