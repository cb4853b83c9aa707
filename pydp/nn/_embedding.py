"""Embedding: a vector for each token."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._op import integer
from pydp.nn import init
from pydp.nn._arguments import new_parameter
from pydp.nn._module import Module, Parameter


class Embedding(Module):
    """A vector for each token: row number `token` of the weight.

    Shape: ``token[...] -> real[..., embedding_dim]``. A token outside 0 … num_embeddings - 1 is an
    IndexError.

    Parameters
      weight  [num_embeddings, embedding_dim], normal with mean 0 and deviation 1

    It differs from PyTorch's: no `padding_idx`, `max_norm`, `sparse` yet.

    >>> import pydp
    >>> pydp.nn.Embedding(1000, 16).signature
    <signature token[...] -> real[..., 16]>
    """

    weight: Parameter

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        self.num_embeddings = integer(num_embeddings, "Embedding", "num_embeddings", least=1)
        self.embedding_dim = integer(embedding_dim, "Embedding", "embedding_dim", least=1)
        self.weight = new_parameter(self.num_embeddings, self.embedding_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.normal_(self.weight)

    @property
    def type(self) -> str:
        return f"token[...] -> real[..., {self.embedding_dim}]"

    def forward(self, ids: Any) -> Any:
        return ops.embedding(ids, self.weight)

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}"


EmbedToken = Embedding
