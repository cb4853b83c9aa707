"""The block of BERT-base, 768 wide with 12 heads, on 128 tokens: a training step with AdamW, and
twelve blocks in inference of one text. The training's loss is the square error to random results.

Devlin et al., 2018. The blocks stand alone: no embedding, no head, no dropout.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.training import inference, states, training, training_flops
from bench.transformer import (
    block_flops,
    block_parameters,
    jax_block,
    jax_blocks,
    pydp_block,
    torch_block,
)

D, HEADS, TOKENS = 768, 12, 128
FLOPS = block_flops(TOKENS, D, causal=False)


def pydp_model(blocks: int) -> Any:
    from pydp import nn

    return nn.Sequential(*[pydp_block(D, HEADS, causal=False) for _ in range(blocks)])


def torch_model(blocks: int) -> Any:
    from torch import nn

    return nn.Sequential(*[torch_block(D, HEADS, causal=False) for _ in range(blocks)])


def jax_model(parameters: Any) -> Any:
    def forward(blocks: Any, x: Any) -> Any:
        for block in blocks:
            x = jax_block(block, x, HEADS, causal=False)
        return x

    return jax_blocks(parameters), forward


def models(blocks: int) -> dict[str, Any]:
    return {
        "pydp": partial(pydp_model, blocks),
        "torch": partial(torch_model, blocks),
        "jax": jax_model,
    }


CASES = [
    training(
        "one block, batch 4 x 128",
        models(1),
        block_parameters(D),
        partial(states, 4, TOKENS, D),
        ("AdamW", {"lr": 1e-3, "weight_decay": 0.01}),
        loss="mse",
        flops=4 * training_flops(*FLOPS),
    ),
    inference(
        "12 blocks, inference, 1 x 128",
        models(12),
        12 * block_parameters(D),
        partial(states, 1, TOKENS, D),
        flops=12 * sum(FLOPS),
    ),
]
