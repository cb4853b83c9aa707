"""A small GPT: 4 blocks, 256 wide with 8 heads, over a vocabulary of 4,096: a training step with
AdamW on 8 texts of 128 tokens.

Radford et al., 2018, with the norm in front as in 2019; embedding and head have weights of their
own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bench.jax_layers import layer_norm
from bench.training import text, training, training_flops
from bench.transformer import (
    block_flops,
    block_parameters,
    jax_block,
    jax_blocks,
    pydp_block,
    torch_block,
)

BLOCKS, D, HEADS, VOCABULARY, BATCH, TOKENS = 4, 256, 8, 4096, 8, 128
# The embeddings' gradients are wanted, so all data's are: nothing is left out.
FLOPS = [0, *BLOCKS * block_flops(TOKENS, D, causal=True), 2 * TOKENS * D * VOCABULARY]

PARAMETERS = [
    *((VOCABULARY, D), (TOKENS, D)),
    *(BLOCKS * block_parameters(D)),
    *((D,), (D,), (VOCABULARY, D)),
]


def pydp_model() -> Any:
    import pydp
    from pydp import nn

    class GPT(nn.Module):
        def __init__(self) -> None:
            self.tokens = nn.Embedding(VOCABULARY, D)
            self.places = nn.Embedding(TOKENS, D)
            self.blocks = nn.Sequential(*[pydp_block(D, HEADS, True) for _ in range(BLOCKS)])
            self.norm = nn.LayerNorm(D)
            self.head = nn.Linear(D, VOCABULARY, bias=False)
            self.register_buffer("order", pydp.tensor(np.arange(TOKENS)), persistent=False)

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.places(self.order)
            return self.head(self.norm(self.blocks(x)))

    return GPT()


def torch_model() -> Any:
    import torch
    from torch import nn

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(VOCABULARY, D)
            self.places = nn.Embedding(TOKENS, D)
            self.blocks = nn.Sequential(*[torch_block(D, HEADS, True) for _ in range(BLOCKS)])
            self.norm = nn.LayerNorm(D)
            self.head = nn.Linear(D, VOCABULARY, bias=False)
            self.register_buffer("order", torch.arange(TOKENS), persistent=False)

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.places(self.order)
            return self.head(self.norm(self.blocks(x)))

    return GPT()


def jax_model(parameters: Any) -> Any:
    def forward(tree: Any, tokens: Any) -> Any:
        embedding, places, blocks, weight, bias, head = tree
        x = embedding[tokens] + places
        for block in blocks:
            x = jax_block(block, x, HEADS, causal=True)
        return layer_norm(x, weight, bias) @ head

    embedding, places, *blocks, weight, bias, head = parameters
    return [embedding, places, jax_blocks(blocks), weight, bias, head.T], forward


CASES = [
    training(
        f"{BLOCKS} x {D}, batch {BATCH} x {TOKENS}",
        {"pydp": pydp_model, "torch": torch_model, "jax": jax_model},
        PARAMETERS,
        partial(text, BATCH, TOKENS, VOCABULARY),
        ("AdamW", {"lr": 1e-3, "weight_decay": 0.01}),
        flops=BATCH * training_flops(*FLOPS),
    )
]
