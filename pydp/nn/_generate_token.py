"""GenerateToken: the score of every token, by how well its vector fits x: x · EmbedToken(token)."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._arguments import flag, new_parameter, number_within, vectors
from pydp.nn._embedding import Embedding
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.nn._power import share


class GenerateToken(Module):
    """scale · x · EmbedToken(y) + b_y for every token y: scores (logits), of which softmax makes
    probabilities and argmax a token. The embedding is the given one, not a copy: it is tied
    (`nn.share`).

    Shape: ``real[..., d] -> real[..., v]``.

    Arguments
      embed  an EmbedToken(v, d)
      bias   whether each token has a number b_y of its own, zeros at first
      scale  1/√d where the embedding's numbers have deviation 1, as EmbedToken's at first, so that
             scores begin as small numbers; Vaswani et al. have the same (section 3.4)

    >>> import pydp
    >>> from pydp import nn
    >>> embed = nn.EmbedToken(1000, 16)
    >>> nn.GenerateToken(embed).signature
    <signature real[..., 16] -> real[..., 1000]>

    Press and Wolf, "Using the output embedding to improve language models", 2017.
    """

    bias: Parameter | None

    def __init__(self, embed: Embedding, bias: bool = False, scale: float = 1.0) -> None:
        if not isinstance(embed, Embedding):
            raise TypeError(
                f"GenerateToken: embed must be an EmbedToken, got {type(embed).__name__}; scores "
                "that are not tied to it come from a Linear"
            )
        self.embed = share(embed)
        self.bias = (
            new_parameter(embed.num_embeddings) if flag(bias, "GenerateToken", "bias") else None
        )
        self.scale = number_within(scale, "GenerateToken", "scale", 0.0, float("inf"))

    @property
    def type(self) -> str:
        return f"real[..., {self.embed.embedding_dim}] -> real[..., {self.embed.num_embeddings}]"

    def forward(self, x: Any) -> Any:
        x = vectors(x, "GenerateToken", "x", "d", self.embed.embedding_dim)
        return ops.linear(x if self.scale == 1 else x * self.scale, self.embed.weight, self.bias)

    def extra_repr(self) -> str:
        parts = ["bias=True"] if self.bias is not None else []
        return ", ".join(parts + ([f"scale={self.scale:g}"] if self.scale != 1 else []))
