"""Attention: a vector y takes from a sequence what fits it.

    y  [d] ── W_q ── query ──┐
                             ├── softmax(query · keys / √(d / heads)) ── weights [s] ──┐
    xs [s, d] ─┬─ W_k ─ keys ┘                                                         ├─ W_o ── [d]
               └─ W_v ─ values ────────────────────────────────────────────────────────┘

in several heads, each with its share of the d numbers. W_q, W_k and W_v lie in one matrix.
"""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp.nn import init
from pydp.nn._arguments import checked_mask, flag, new_parameter, number_within, vectors
from pydp.nn._linear import Linear
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.ops._heads import join_heads, split_heads


class Attention(Module):
    """Processes y by comparing it with each of xs: W_o Σ_i w_i W_v x_i with
    w = softmax_i(W_q y · W_k x_i / √(d / num_heads)), in each head.

    Shape: ``(real[..., s, d], real[..., t, d]) -> real[..., t, d]``; one y is ``(real[..., s, d],
    real[..., d]) -> real[..., d]``.

    Arguments
      d          the size of all vectors, a multiple of num_heads
      num_heads  how many comparisons are made side by side
      dropout    the share of the weights that drops while training
      bias       whether the projections add a bias

    A call takes `xs`, `y`, and
      mask   which of xs may be seen, ``bool[..., s]`` (False: padding)
      pairs  which y may see which x, ``bool[..., t, s]``, or what is added to their score, real

    Where nothing may be seen the result is W_o's bias.

    Parameters
      in_proj_weight  [3 d, d]: of y, of xs as keys, of xs as values; xavier_uniform_
      in_proj_bias    [3 d], zeros
      out_proj        Linear(d, d), its bias zeros

    PyTorch has no such module; its MultiheadAttention, and pydp's, have the same parameters.

    Vaswani et al., "Attention is all you need", 2017, equation 1 and section 3.2.2.

    >>> import pydp
    >>> attend = pydp.nn.Attention(8, num_heads=2)
    >>> attend(pydp.zeros((5, 8)), pydp.zeros((8,))).shape
    (8,)
    """

    in_proj_bias: Parameter | None

    def __init__(self, d: int, num_heads: int = 1, dropout: float = 0.0, bias: bool = True) -> None:
        name = type(self).__name__
        self.d = integer(d, name, "d", least=1)
        self.num_heads = integer(num_heads, name, "num_heads", least=1)
        if self.d % self.num_heads:
            raise ValueError(
                f"{name}: d must be a multiple of num_heads, got {self.d} and {self.num_heads}"
            )
        self.dropout = number_within(dropout, name, "dropout", 0.0, 1.0)
        self.in_proj_weight = new_parameter(3 * self.d, self.d)
        self.in_proj_bias = new_parameter(3 * self.d) if flag(bias, name, "bias") else None
        self.out_proj = Linear(self.d, self.d, bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.xavier_uniform_(self.in_proj_weight)
        self.out_proj.reset_parameters()
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)

    @property
    def type(self) -> str:
        y = f"real[..., t, {self.d}]"
        return f"(real[..., s, {self.d}], {y}, bool[..., s]?, any[..., t, s]?) -> {y}"

    def forward(self, xs: Any, y: Any, mask: Any = None, pairs: Any = None) -> Any:
        xs = vectors(xs, "Attention", "xs", "s, d", self.d)
        y = vectors(y, "Attention", "y", "d", self.d)
        if y.ndim == xs.ndim - 1:  # one y
            return ops.squeeze(self(xs, ops.expand_dims(y, -2), mask, pairs), -2)
        return self._attend(self._query(y), *self.keys(xs), self._seen(mask, pairs, xs, y))

    def keys(self, xs: Any) -> tuple[Any, Any]:
        """Keys and values of xs, which do not depend on y: ``[..., heads, s, d / heads]`` each."""
        bias = None if self.in_proj_bias is None else self.in_proj_bias[self.d :]
        k, v = split_heads(ops.linear(xs, self.in_proj_weight[self.d :], bias), 2, self.num_heads)
        return k, v

    def _query(self, y: Any) -> Any:
        bias = None if self.in_proj_bias is None else self.in_proj_bias[: self.d]
        return split_heads(ops.linear(y, self.in_proj_weight[: self.d], bias), 1, self.num_heads)[0]

    def _attend(self, q: Any, k: Any, v: Any, seen: Any, causal: bool = False) -> Any:
        """What follows the projections ``[..., heads, t, d / heads]``."""
        p = self.dropout if self.training else 0.0
        y = ops.scaled_dot_product_attention(q, k, v, seen, causal, dropout=p)
        return self.out_proj(join_heads(y))

    def _seen(self, mask: Any, pairs: Any, xs: Any, y: Any) -> Any:
        """Both masks as one that broadcasts to ``[..., heads, t, s]``."""
        name = type(self).__name__
        if mask is not None:
            mask = ops.expand_dims(checked_mask(mask, name, "mask", xs.shape[:-1]), (-3, -2))
        if pairs is not None:
            shape = (*y.shape[:-1], xs.shape[-2])
            pairs = ops.expand_dims(checked_mask(pairs, name, "pairs", shape, xs.dtype), -3)
        if mask is None or pairs is None:
            return pairs if mask is None else mask
        if pairs.dtype.kind == "b":
            return ops.logical_and(mask, pairs)
        return ops.where(mask, pairs, -float("inf"))

    def extra_repr(self) -> str:
        out = f"{self.d}, num_heads={self.num_heads}"
        if self.dropout:
            out += f", dropout={self.dropout:g}"
        return out if self.in_proj_bias is not None else f"{out}, bias=False"
