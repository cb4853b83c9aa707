"""Embedding: a vector for each token."""

from __future__ import annotations

from typing import Any

from pydp import _graph, ops
from pydp._arguments import integer, real_tensor
from pydp.nn import init
from pydp.nn._arguments import flag, new_parameter
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.ops._embedding import row_index


class Embedding(Module):
    """A vector for each token: row number `token` of the weight.

    Shape: ``token[...] -> real[..., embedding_dim]``. A token outside 0 … num_embeddings - 1 is an
    IndexError.

    Arguments
      padding_idx  a row (a negative one counts from the end) that stays as it is: zeros at first,
                   and its gradient is 0

    Parameters
      weight  [num_embeddings, embedding_dim], normal with mean 0 and deviation 1

    It differs from PyTorch's: no `max_norm`, `scale_grad_by_freq`, `sparse`.

    >>> import pydp
    >>> pydp.nn.Embedding(1000, 16).signature
    <signature token[...] -> real[..., 16]>
    """

    weight: Parameter

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None
    ) -> None:
        self.num_embeddings = integer(num_embeddings, "Embedding", "num_embeddings", least=1)
        self.embedding_dim = integer(embedding_dim, "Embedding", "embedding_dim", least=1)
        self.padding_idx = row_index(padding_idx, self.num_embeddings, "Embedding")
        self.weight = new_parameter(self.num_embeddings, self.embedding_dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with _graph.no_grad():
                self.weight[self.padding_idx] = 0.0

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None
    ) -> Embedding:
        """A module with these rows [v, d], which do not train unless freeze is False.

        >>> import pydp
        >>> pydp.nn.Embedding.from_pretrained(pydp.tensor([[1.0, 2.0]]))(pydp.tensor(0))
        tensor([1., 2.])
        """
        rows = real_tensor(embeddings, "Embedding.from_pretrained", "embeddings")
        if rows.ndim != 2:
            raise ValueError(
                f"Embedding.from_pretrained: embeddings must have 2 axes (v, d), got shape "
                f"{rows.shape}"
            )
        found = cls(rows.shape[0], rows.shape[1], padding_idx)
        found.weight = Parameter(rows.detach(), not flag(freeze, "Embedding", "freeze"))
        return found

    @property
    def type(self) -> str:
        return f"token[...] -> real[..., {self.embedding_dim}]"

    def forward(self, ids: Any) -> Any:
        return ops.embedding(ids, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


EmbedToken = Embedding
