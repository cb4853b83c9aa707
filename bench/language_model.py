"""A language model of two LSTM layers with 256 cells over a vocabulary of 10,000: a training step
with Adam on 32 texts of 64 tokens."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.jax_layers import lstm, turned
from bench.training import text, training, training_flops

BATCH, STEPS, SIZE, LAYERS, VOCABULARY = 32, 64, 256, 2, 10_000
LAYER = [(4 * SIZE, SIZE), (4 * SIZE, SIZE), (4 * SIZE,), (4 * SIZE,)]
HEAD = [(VOCABULARY, SIZE), (VOCABULARY,)]
# Multiplications and additions of one token forward: of each layer, and of the head. Looking up
# the embedding has none; its gradient is wanted, so the lowest layer's data need one.
FLOPS = [0, *[2 * 2 * 4 * SIZE * SIZE] * LAYERS, 2 * SIZE * VOCABULARY]


def pydp_model() -> Any:
    from pydp import nn

    return nn.Sequential(
        nn.Embedding(VOCABULARY, SIZE), nn.LSTM(SIZE, SIZE, LAYERS), nn.Linear(SIZE, VOCABULARY)
    )  # fmt: skip


def torch_model() -> Any:
    from torch import nn

    class LanguageModel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(VOCABULARY, SIZE)
            self.lstm = nn.LSTM(SIZE, SIZE, LAYERS, batch_first=True)
            self.head = nn.Linear(SIZE, VOCABULARY)

        def forward(self, tokens: Any) -> Any:
            y, _ = self.lstm(self.embed(tokens))
            return self.head(y)

    return LanguageModel()


def jax_model(parameters: Any) -> Any:
    def forward(tree: Any, tokens: Any) -> Any:
        embedding, *layers, weight, bias = tree
        x = embedding[tokens]
        for at in range(0, 4 * LAYERS, 4):
            x = lstm(x, *layers[at : at + 4])
        return x @ weight + bias

    embedding, *rest = parameters
    return [embedding, *turned(rest)], forward


CASES = [
    training(
        f"LSTM {LAYERS} x {SIZE}, batch {BATCH} x {STEPS}",
        {"pydp": pydp_model, "torch": torch_model, "jax": jax_model},
        [(VOCABULARY, SIZE), *LAYER * LAYERS, *HEAD],
        partial(text, BATCH, STEPS, VOCABULARY),
        ("Adam", {"lr": 1e-3}),
        flops=BATCH * STEPS * training_flops(*FLOPS),
    )
]
