"""MultiheadAttention: attention in several subspaces at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph, ops
from pydp._arguments import integer
from pydp._arrays import as_array, constant, numpy_op
from pydp.nn import init
from pydp.nn._arguments import flag, new_parameter, number_within
from pydp.nn._linear import Linear
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.ops._attention import attend
from pydp.ops._heads import apart, join_heads, split_heads
from pydp.ops._packed_attention import packed_attention

NAME = "MultiheadAttention"


class MultiheadAttention(Module):
    """Every head projects query, key and value to embed_dim / num_heads numbers, attends with them
    (`pydp.scaled_dot_product_attention`), and one linear map of all heads' results follows.

    Shape: ``(real[..., t, embed_dim], real[..., s, kdim], real[..., s, vdim]) -> (real[..., t,
    embed_dim], any)``, with an axis of n sequences in front or without.

    Arguments
      embed_dim      size of queries and of results, a multiple of num_heads
      num_heads      how many heads
      dropout        share of the weights that drop in training mode
      bias           whether the projections add a bias
      add_bias_kv    one more key and value, learned, at the end of every sequence
      add_zero_attn  one more key and value of zeros
      kdim, vdim     sizes of key and value; embed_dim if not given
      batch_first    False: the batch is the second axis, ``[t, n, embed_dim]``

    Called with query, key, value, and
      key_padding_mask      which keys may be attended, ``[n, s]`` (``[s]`` without a batch)
      need_weights          whether the weights are wanted: they cost time and memory
      attn_mask             which pairs may attend: ``[t, s]``, ``[n · num_heads, t, s]``, or what
                            broadcasts to ``[n, num_heads, t, s]``
      average_attn_weights  weights as the mean over the heads ``[n, t, s]``, else of each head
                            ``[n, num_heads, t, s]``
      is_causal             query i sees the keys up to i + s − t; no mask is needed with it

    Returns ``(result, weights)``; weights is None with need_weights=False.

    Parameters
      in_proj_weight  [3 embed_dim, embed_dim]: query, key, value; xavier_uniform_
                      with kdim or vdim instead q_proj_weight [embed_dim, embed_dim],
                      k_proj_weight [embed_dim, kdim], v_proj_weight [embed_dim, vdim]
      in_proj_bias    [3 embed_dim], zeros
      bias_k, bias_v  [1, 1, embed_dim] with add_bias_kv; xavier_normal_
      out_proj        Linear(embed_dim, embed_dim), its bias zeros

    It differs from PyTorch's: in a boolean mask True means "may attend", as in
    scaled_dot_product_attention (there: "is left out"; so pass ``~mask``). batch_first is True.
    is_causal is no hint but does it. A query that may see nothing gets zeros before out_proj, not
    NaN. A real mask is added, in both.

    Vaswani et al., Attention is all you need, 2017.

    >>> import pydp
    >>> attend = pydp.nn.MultiheadAttention(8, num_heads=2)
    >>> x = pydp.ones((4, 5, 8))
    >>> y, weights = attend(x, x, x)
    >>> y.shape, weights.shape
    ((4, 5, 8), (4, 5, 5))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = True,
    ) -> None:
        e = self.embed_dim = integer(embed_dim, NAME, "embed_dim", least=1)
        self.num_heads = integer(num_heads, NAME, "num_heads", least=1)
        if e % self.num_heads:
            raise ValueError(
                f"{NAME}: embed_dim must be a multiple of num_heads, got {e} and {self.num_heads}"
            )
        self.dropout = number_within(dropout, NAME, "dropout", 0.0, 1.0)
        self.kdim = e if kdim is None else integer(kdim, NAME, "kdim", least=1)
        self.vdim = e if vdim is None else integer(vdim, NAME, "vdim", least=1)
        self.add_zero_attn = flag(add_zero_attn, NAME, "add_zero_attn")
        self.batch_first = flag(batch_first, NAME, "batch_first")
        packed = self.kdim == self.vdim == e
        self.in_proj_weight = new_parameter(3 * e, e) if packed else None
        self.q_proj_weight = None if packed else new_parameter(e, e)
        self.k_proj_weight = None if packed else new_parameter(e, self.kdim)
        self.v_proj_weight = None if packed else new_parameter(e, self.vdim)
        self.in_proj_bias = new_parameter(3 * e) if flag(bias, NAME, "bias") else None
        self.out_proj = Linear(e, e, bias)
        extra = flag(add_bias_kv, NAME, "add_bias_kv")
        self.bias_k = new_parameter(1, 1, e) if extra else None
        self.bias_v = new_parameter(1, 1, e) if extra else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for weight in (
            self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        ):  # fmt: skip
            if weight is not None:
                init.xavier_uniform_(weight)
        self.out_proj.reset_parameters()
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    @property
    def type(self) -> str:
        q, k, v = [
            f"real[..., {letter}, {n}]" if self.batch_first else f"real[{letter}, n, {n}]"
            for letter, n in (("t", self.embed_dim), ("s", self.kdim), ("s", self.vdim))
        ]
        return f"({q}, {k}, {v}) -> ({q}, any)"

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        batched = self._check(query, key, value)
        turn = batched and not self.batch_first
        if not batched:
            query, key, value = raised(query, key, value)
        masks = key_padding_mask, attn_mask, batched
        p = self.dropout if self.training else 0.0
        weights, wanted = None, flag(need_weights, "forward", "need_weights")
        if self._is_packed(query, key, value) and not wanted:
            x = self._packed(query, turn)
            h, (n, t, _) = self.num_heads, x.shape
            mask = self._mask((n, h, t), t, *masks)
            y = packed_attention(x, h, mask, flag(is_causal, "forward", "is_causal"), p)
        else:
            q, k, v = self._project(query, key, value, turn)
            mask = self._mask(q.shape[:-1], k.shape[-2], *masks)
            y, weights = attend(q, k, v, mask, is_causal, None, p, None, wanted)
            if wanted and flag(average_attn_weights, "forward", "average_attn_weights"):
                weights = ops.mean(weights, axis=1)
            y = join_heads(y)
        y = self.out_proj(y)
        if not batched:
            y = ops.squeeze(y, 0)
            weights = weights if weights is None else ops.squeeze(weights, 0)
        return ops.permute_dims(y, (1, 0, 2)) if turn else y, weights

    def _check(self, query: Any, key: Any, value: Any) -> bool:
        """Whether there is a batch."""
        sizes = self.embed_dim, self.kdim, self.vdim
        for name, x, n in zip(("query", "key", "value"), (query, key, value), sizes, strict=True):
            if not isinstance(x, _graph.Value):
                raise TypeError(f"{name} must be a tensor, got {x.__class__.__name__}")
            if x.ndim not in (2, 3) or x.shape[-1] != n:
                axes = f"[n, t, {n}]" if self.batch_first else f"[t, n, {n}]"
                raise ValueError(f"{name} must be {axes} or [t, {n}], got shape {x.shape}")
            if x.ndim != query.ndim:
                raise ValueError(
                    f"{name} must have as many axes as query {query.shape}, got shape {x.shape}"
                )
        return bool(query.ndim == 3)

    def _is_packed(self, query: Any, key: Any, value: Any) -> bool:
        """Whether q, k and v are one product."""
        extra = self.bias_k is not None or self.add_zero_attn
        return self.in_proj_weight is not None and query is key and key is value and not extra

    def _packed(self, x: Any, turn: bool) -> Any:
        """q, k, v of all heads side by side: [n, t, 3 embed_dim]."""
        return ops.linear(turned(x, turn), self.in_proj_weight, self.in_proj_bias)

    def _project(self, query: Any, key: Any, value: Any, turn: bool) -> tuple[Any, ...]:
        """q, k, v as [..., heads, t, d]."""
        e, h = self.embed_dim, self.num_heads
        if self._is_packed(query, key, value):
            return split_heads(self._packed(query, turn), 3, h)
        if self.in_proj_weight is not None:
            weights = apart(ops.reshape(self.in_proj_weight, (3, e, e)))
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        biases: tuple[Any, ...] = (None, None, None)
        if self.in_proj_bias is not None:
            biases = apart(ops.reshape(self.in_proj_bias, (3, e)))
        q, k, v = [
            ops.linear(turned(x, turn), weight, bias)
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        ]
        if self.bias_k is not None or self.add_zero_attn:
            k, v = self._longer(k, self.bias_k), self._longer(v, self.bias_v)
        return tuple([split_heads(x, 1, h)[0] for x in (q, k, v)])

    def _longer(self, x: Any, bias: Any) -> Any:
        """x [..., s, e] with what is learned, and what is zero, at its end."""
        one = (*x.shape[:-2], 1, x.shape[-1])
        more = [] if bias is None else [ops.broadcast_to(ops.reshape(bias, one[-2:]), one)]
        if self.add_zero_attn:
            more.append(constant(one, 0, x.dtype))
        return ops.concat([x, *more], axis=-2)

    def _mask(
        self, queries: tuple[int, ...], s: int, padding: Any, pairs: Any, batched: bool
    ) -> Any:
        """Both masks in one that broadcasts to [n, heads, t, s]; queries: n, heads, t."""
        n, h, t = queries
        given = s - (self.bias_k is not None) - self.add_zero_attn  # keys that the caller knows
        if padding is not None:
            padding = as_mask(padding, "key_padding_mask")
            if padding.shape != ((n, given) if batched else (given,)):
                raise ValueError(
                    f"key_padding_mask must be {(n, given) if batched else (given,)}, "
                    f"got {padding.shape}"
                )
            padding = longer(ops.reshape(padding, (n, 1, 1, given)), s)
        if pairs is not None:
            pairs = as_mask(pairs, "attn_mask")
            if pairs.ndim == 3 and pairs.shape == (n * h, t, given):
                pairs = ops.reshape(pairs, (n, h, t, given))
            fits = 2 <= pairs.ndim <= 4 and all(
                size in (1, of)
                for size, of in zip(pairs.shape[::-1], (given, t, h, n), strict=False)
            )
            if not fits:
                raise ValueError(
                    f"attn_mask must be {(t, given)}, {(n * h, t, given)}, or broadcast to "
                    f"{(n, h, t, given)}, got {pairs.shape}"
                )
            if s > given and pairs.shape[-1] == 1:
                pairs = ops.broadcast_to(pairs, (*pairs.shape[:-1], given))
            pairs = longer(pairs, s)
        if padding is None or pairs is None:
            return pairs if padding is None else padding
        return both(padding, pairs)

    def extra_repr(self) -> str:
        parts = [f"{self.embed_dim}, num_heads={self.num_heads}"]
        if self.dropout:
            parts.append(f"dropout={self.dropout:g}")
        if self.in_proj_bias is None:
            parts.append("bias=False")
        if self.bias_k is not None:
            parts.append("add_bias_kv=True")
        if self.add_zero_attn:
            parts.append("add_zero_attn=True")
        if self.kdim != self.embed_dim:
            parts.append(f"kdim={self.kdim}")
        if self.vdim != self.embed_dim:
            parts.append(f"vdim={self.vdim}")
        if not self.batch_first:
            parts.append("batch_first=False")
        return ", ".join(parts)


def turned(x: Any, turn: bool) -> Any:
    return ops.permute_dims(x, (1, 0, 2)) if turn else x


def raised(query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """Each with a batch of one; what was one tensor stays one."""
    q = ops.expand_dims(query, 0)
    k = q if key is query else ops.expand_dims(key, 0)
    v = q if value is query else k if value is key else ops.expand_dims(value, 0)
    return q, k, v


def as_mask(mask: Any, name: str) -> Any:
    if not isinstance(mask, _graph.Value):
        mask = _graph.wrap(as_array(mask, NAME))
    if mask.dtype.kind not in "bf":
        raise TypeError(f"{name} must be bool (True = may attend) or real, got {mask.dtype}")
    return mask


def longer(mask: Any, keys: int) -> Any:
    """The mask with keys at its end that may be attended."""
    more = keys - mask.shape[-1]
    if not more:
        return mask
    shape = (*mask.shape[:-1], more)
    return ops.concat([mask, constant(shape, mask.dtype.kind == "b", mask.dtype)], axis=-1)


def both(a: Any, b: Any) -> Any:
    """What masks out where either does: the sum of real masks."""
    if a.dtype.kind == "f" and b.dtype.kind == "f":
        return a + b
    if a.dtype.kind == b.dtype.kind:
        return _graph.wrap(numpy_op(np.logical_and, a._array, b._array))
    seen, added = (a, b) if a.dtype.kind == "b" else (b, a)
    return ops.where(seen, added, -np.inf)
