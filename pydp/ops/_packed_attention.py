"""Attention of a sequence to itself, whose q, k and v are one array: all heads of a projection.

    x [..., t, 3 h d] ── views q, k, v [..., h, t, d] ── attention ── y [..., t, h d]

It is `split_heads`, `attention` and `join_heads` as one op: the kernel reads the heads where the
projection wrote them, and writes each result where the next product wants it; so does its gradient,
and nothing is copied to take heads apart or to put them together.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op, gradient_of
from pydp.ops._attention import (
    Attention,
    AttentionBackward,
    attention,
    checked_mask,
    dropping,
    odds,
)
from pydp.ops._heads import join_heads, split_heads


def heads_of(x: Array, parts: int, heads: int) -> Array:
    """Views: x [..., t, parts h d] as [parts, ..., h, t, d]."""
    lead = x.ndim - 2
    split = x.reshape(*x.shape[:-1], parts, heads, x.shape[-1] // (parts * heads))
    return split.transpose(lead + 1, *range(lead), lead + 2, lead, lead + 3)


def joined(parts: Array) -> Array:
    """The way back from `heads_of`, copied: for references."""
    lead = parts.ndim - 4
    side = parts.transpose(*range(1, lead + 1), lead + 2, 0, lead + 1, lead + 3)
    return side.reshape(*side.shape[:-3], math.prod(side.shape[-3:]))


class PackedAttention(Op):
    name = "packed_attention"
    type = "(real[..., t, 3*n], bool[..., h, t, t]?, token[2]?) -> real[..., t, n]"

    @classmethod
    def typing(cls, heads: int, causal: bool, scale: float, p: float, added: bool) -> str:
        mask = f"{'real' if added else 'bool'}[..., {heads}, t, t]?"
        return f"(real[..., t, {3 * heads}*d], {mask}, token[2]?) -> real[..., t, {heads}*d]"

    @staticmethod
    def forward(needs: Any, x: Array, mask: Array | None, key: Array | None, heads: int,
                causal: bool, scale: float, p: float, added: bool) -> Any:  # fmt: skip
        *lead, t, n = x.shape
        y = _kernels.empty((*lead, t, n // 3), x.dtype)
        rows = None if needs is None else _kernels.empty((*lead, heads, t, 2), x.dtype)
        if y.size:
            q, k, v = heads_of(_kernels.contiguous(x), 3, heads)
            to = heads_of(y, 1, heads)[0]
            _kernels.attention_forward(q, k, v, mask, key, to, rows, causal, scale, *odds(p))
        return y, (x, mask, key, y, rows)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, *arguments: Any) -> Any:
        x, mask, key, y, rows = saved
        if needs[1]:  # as large as the weights, so these may be, too
            return gradient_of(
                PackedAttention.composed, (x, mask, key), dy, (needs[0], True, False), arguments
            )
        return apply(PackedAttentionBackward, (x, mask, key, y, rows, dy), *arguments), None, None

    @staticmethod
    def composed(x: Any, mask: Any, key: Any, heads: int, *arguments: Any) -> Any:
        q, k, v = split_heads(x, 3, heads)
        return join_heads(attention(q, k, v, mask, key, *arguments))

    @staticmethod
    def reference(x: Array, mask: Array | None, key: Array | None, heads: int,
                  *arguments: Any) -> Array:  # fmt: skip
        q, k, v = heads_of(x, 3, heads)
        return joined(Attention.reference(q, k, v, mask, key, *arguments)[None])


class PackedAttentionBackward(Op):
    """dx: dq, dk and dv, as x has q, k and v."""

    name = "packed_attention_backward"
    type = (
        "(real[..., t, 3*n], bool[..., h, t, t]?, token[2]?, real[..., t, n], real[..., h, t, 2], "
        "real[..., t, n]) -> real[..., t, 3*n]"
    )

    @classmethod
    def typing(cls, heads: int, causal: bool, scale: float, p: float, added: bool) -> str:
        x, y = f"real[..., t, {3 * heads}*d]", f"real[..., t, {heads}*d]"
        mask = f"{'real' if added else 'bool'}[..., {heads}, t, t]?"
        return f"({x}, {mask}, token[2]?, {y}, real[..., {heads}, t, 2], {y}) -> {x}"

    @staticmethod
    def forward(needs: Any, x: Array, mask: Array | None, key: Array | None, y: Array,
                rows: Array, dy: Array, heads: int, causal: bool, scale: float, p: float,
                added: bool) -> Any:  # fmt: skip
        dx = _kernels.empty(x.shape, x.dtype)
        if dx.size:
            q, k, v = heads_of(_kernels.contiguous(x), 3, heads)
            of_y, of_dy = [heads_of(_kernels.contiguous(a), 1, heads)[0] for a in (y, dy)]
            dq, dk, dv = heads_of(dx, 3, heads)
            _kernels.attention_backward(
                q, k, v, mask, key, of_y, _kernels.contiguous(rows), of_dy, dq, dk, dv, causal,
                scale, *odds(p),
            )  # fmt: skip
        return dx, (x, mask, key, y, rows, dy)

    @staticmethod
    def composed(x: Any, mask: Any, key: Any, y: Any, rows: Any, dy: Any, *arguments: Any) -> Any:
        """y and rows follow from x; so their share of a gradient is in that of x."""
        wanted = (True, False, False)
        return gradient_of(PackedAttention.composed, (x, mask, key), dy, wanted, arguments)[0]

    @staticmethod
    def reference(x: Array, mask: Array | None, key: Array | None, y: Array, rows: Array,
                  dy: Array, heads: int, *arguments: Any) -> Array:  # fmt: skip
        q, k, v = heads_of(x, 3, heads)
        (of_y,), (of_dy,) = heads_of(y, 1, heads), heads_of(dy, 1, heads)
        parts = AttentionBackward.reference(q, k, v, mask, key, of_y, rows, of_dy, *arguments)
        return joined(np.stack(parts))


def packed_attention(x: Any, heads: int, mask: Any, causal: bool, dropout: float) -> Any:
    """What `scaled_dot_product_attention` gives for the heads of x [..., t, 3 h d], side by side
    [..., t, h d]. The caller has checked all but the mask."""
    *lead, t, n = x.shape
    if mask is not None:
        mask = checked_mask(mask, (*lead, heads, t, t), x.dtype)
    added = mask is not None and mask.dtype.kind == "f"
    scale = 1 / math.sqrt(n // (3 * heads))
    with dropping(dropout, None) as key:
        return apply(PackedAttention, (x, mask, key), heads, causal, scale, float(dropout), added)
