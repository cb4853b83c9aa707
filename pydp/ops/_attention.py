"""Scaled dot-product attention: each query takes a weighted mean of the values.

    q [t, d] ──┐
               ├── scores [t, s] ── mask ── softmax ── dropout ── weights [t, s] ──┐
    k [s, d] ──┘                                                                   ├── y [t, e]
    v [s, e] ──────────────────────────────────────────────────────────────────────┘

Leading axes are a batch; the axis before t and s are the heads. A pair (query, key) is masked out
by a False in a boolean mask, by -inf in a mask that is added, or by causality. What is masked out
takes no part: whatever stands there, a NaN too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import number, real_tensor, same_float
from pydp._arrays import Array, as_array, constant, numpy_op
from pydp._graph import apply
from pydp._op import Op, gradient_of
from pydp._random import Generator, chosen
from pydp.ops._broadcast import broadcast_shapes
from pydp.ops._dropout import Dropout, last_dropped
from pydp.ops._join import concat
from pydp.ops._matmul import matmul
from pydp.ops._reduce import sum as sum_over
from pydp.ops._shape import broadcast_to, expand_dims, matrix_transpose, reshape, squeeze
from pydp.ops._softmax import softmax
from pydp.ops._where import where

OP = "scaled_dot_product_attention"
GROUP = 32  # elements of one group of random numbers: dropout begins each key with a new one


def visible(mask: Array | None, causal: bool, queries: int, keys: int) -> Array | None:
    """Which pairs (query, key) are not masked out; None where all are."""
    seen: Array | None = None
    if mask is not None:
        seen = mask if mask.dtype.kind == "b" else mask != -math.inf
    if causal:
        lower = np.tri(queries, keys, keys - queries, dtype=bool)
        seen = lower if seen is None else seen & lower
    return seen


def attention_weights(
    q: Any, k: Any, mask: Any, key: Any, causal: bool, scale: float, p: float
) -> Any:
    """softmax(scale q kᵀ + mask), zeros in rows that see nothing, dropout: [..., h, t, s]."""
    queries, keys = q.shape[-2], k.shape[-2]
    apart, full = grouped(q.shape, k.shape), (*q.shape[:-1], keys)
    each = reshape(q * scale, (*apart, queries, q.shape[-1]))
    scores = reshape(matmul(each, expand_dims(matrix_transpose(k), -3)), full)
    if mask is not None and mask.dtype.kind == "f":
        scores = scores + mask
    seen = numpy_op(visible, None if mask is None else mask._array, causal, queries, keys)
    if seen is not None:
        scores = where(_graph.wrap(np.asarray(seen)), scores, -math.inf)
    blind = _graph.wrap(numpy_op(np.all, scores._array == -math.inf, axis=-1, keepdims=True))
    weights = where(blind, 0.0, softmax(where(blind, 0.0, scores)))
    if p == 0:
        return weights
    across, fill = matrix_transpose(weights), -queries % GROUP
    if fill:
        zeros = constant((*full[:-2], keys, fill), 0, q.dtype)
        across = concat([across, zeros], axis=-1)
    return matrix_transpose(apply(Dropout, (across, key), p)[..., :queries])


def attention(
    q: Any, k: Any, v: Any, mask: Any, key: Any, causal: bool, scale: float, p: float, added: bool
) -> Any:
    """The definition in other ops. Keys that no query may see count as zeros."""
    queries, keys = q.shape[-2], k.shape[-2]
    apart = grouped(q.shape, k.shape)
    seen = numpy_op(visible, None if mask is None else mask._array, causal, queries, keys)
    if seen is not None:
        pairs = np.broadcast_to(seen, (*q.shape[:-1], keys)).reshape(*apart, queries, keys)
        used = _graph.wrap(numpy_op(np.any, pairs, axis=(-3, -2))[..., None])
        k, v = where(used, k, 0.0), where(used, v, 0.0)
    weights = attention_weights(q, k, mask, key, causal, scale, p)
    y = matmul(reshape(weights, (*apart, queries, keys)), expand_dims(v, -3))
    return reshape(y, (*q.shape[:-1], v.shape[-1]))


def grouped(q: tuple[int, ...], k: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the batch with the heads of q in groups: [..., g, h // g]."""
    return (*q[:-3], k[-3], q[-3] // k[-3] if k[-3] else 0)


def kept(shape: tuple[int, ...], keys: int, key: Array | None, p: float) -> Array:
    """The factor of each weight, [..., h, s, t]: 0 or 1 / (1 - p)."""
    *batch, queries, _ = shape
    factors = np.ones((*batch, keys, queries + -queries % GROUP))
    return Dropout.reference(factors, key, p) if key is not None else factors


class Attention(Op):
    name = "attention"
    type = (
        "(real[..., h, t, d], real[..., g, s, d], real[..., g, s, e], bool[..., h, t, s]?, "
        "token[2]?) -> real[..., h, t, e]"
    )

    @classmethod
    def typing(cls, causal: bool, scale: float, p: float, added: bool) -> str:
        return cls.type.replace("bool", "real") if added else cls.type

    @staticmethod
    def forward(needs: Any, q: Array, k: Array, v: Array, mask: Array | None, key: Array | None,
                causal: bool, scale: float, p: float, added: bool) -> Any:  # fmt: skip
        of_q, of_k, of_v = [rows_contiguous(x) for x in (q, k, v)]
        y = _kernels.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
        rows = None if needs is None else _kernels.empty((*q.shape[:-1], 2), q.dtype)
        if y.size or (rows is not None and rows.size):
            _kernels.attention_forward(
                of_q, of_k, of_v, mask, key, y, rows, causal, scale, *odds(p)
            )
        return y, (q, k, v, mask, key, y, rows)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, *arguments: Any) -> Any:
        q, k, v, mask, key, y, rows = saved
        if needs[3]:  # as large as the weights, so these may be, too
            return gradient_of(attention, (q, k, v, mask, key), dy, needs, arguments)
        dq, dk, dv = apply(AttentionBackward, (q, k, v, mask, key, y, rows, dy), *arguments)
        return dq, dk, dv, None, None

    @staticmethod
    def composed(*arguments: Any) -> Any:
        return attention(*arguments)

    @staticmethod
    def reference(q: Array, k: Array, v: Array, mask: Array | None, key: Array | None,
                  causal: bool, scale: float, p: float, added: bool) -> Array:  # fmt: skip
        """One query at a time, and of the keys only those that it may see."""
        y = np.zeros((*q.shape[:-1], v.shape[-1]))
        queries, keys = q.shape[-2], k.shape[-2]
        factors = kept(q.shape, keys, key, p)
        for index in np.ndindex(q.shape[:-1]):
            *batch, head, i = index
            group = (*batch, head * k.shape[-3] // q.shape[-3])
            seen = np.ones(keys, bool)
            if mask is not None:
                seen = mask[index] != -math.inf if added else mask[index]
            if causal:
                seen = seen & (np.arange(keys) <= i + keys - queries)
            x = scale * (k[group][seen] @ q[index])
            if added and mask is not None:
                x = x + mask[index][seen]
            if np.all(x == -math.inf):
                continue
            w = np.exp(x - np.max(x))
            y[index] = w / np.sum(w) * factors[(*batch, head)][seen, i] @ v[group][seen]
        return y


class AttentionBackward(Op):
    """dq, dk, dv, with the weights computed again from each query's maximum and sum (`rows`)."""

    name = "attention_backward"
    type = (
        "(real[..., h, t, d], real[..., g, s, d], real[..., g, s, e], bool[..., h, t, s]?, "
        "token[2]?, real[..., h, t, e], real[..., h, t, 2], real[..., h, t, e]) -> "
        "(real[..., h, t, d], real[..., g, s, d], real[..., g, s, e])"
    )

    @classmethod
    def typing(cls, causal: bool, scale: float, p: float, added: bool) -> str:
        return cls.type.replace("bool", "real") if added else cls.type

    @staticmethod
    def forward(needs: Any, q: Array, k: Array, v: Array, mask: Array | None, key: Array | None,
                y: Array, rows: Array, dy: Array, causal: bool, scale: float, p: float,
                added: bool) -> Any:  # fmt: skip
        of_q, of_k, of_v, of_dy = [rows_contiguous(x) for x in (q, k, v, dy)]
        dq, dk, dv = [_kernels.empty(x.shape, x.dtype) for x in (q, k, v)]
        if dq.size or dk.size or dv.size:
            _kernels.attention_backward(
                of_q, of_k, of_v, mask, key, y, rows, of_dy, dq, dk, dv, causal, scale, *odds(p)
            )
        return (dq, dk, dv), (q, k, v, mask, key, dy)

    @staticmethod
    def backward(saved: Any, parts: Any, needs: Any, *arguments: Any) -> Any:
        """Through the definition: the gradient of the sum of <dq, ddq>, <dk, ddk>, <dv, ddv>."""
        q, k, v, mask, key, dy = saved

        def weigh(q: Any, k: Any, v: Any) -> Any:
            return attention(q, k, v, mask, key, *arguments)

        def slope(q: Any, k: Any, v: Any, dy: Any) -> Any:
            found = gradient_of(weigh, (q, k, v), dy, [True] * 3)
            terms = [sum_over(x * part) for x, part in zip(found, parts, strict=True)
                     if part is not None]  # fmt: skip
            return sum(terms[1:], terms[0])

        one = _graph.wrap(np.ones((), q.dtype))
        wanted = [needs[0], needs[1], needs[2], needs[7]]
        dq, dk, dv, ddy = gradient_of(slope, (q, k, v, dy), one, wanted)
        return dq, dk, dv, None, None, None, None, ddy

    @staticmethod
    def reference(q: Array, k: Array, v: Array, mask: Array | None, key: Array | None, y: Array,
                  rows: Array, dy: Array, causal: bool, scale: float, p: float,
                  added: bool) -> Any:  # fmt: skip
        """ds = w (r dy·v - y·dy), and what each pair adds to dq, dk and dv."""
        dq, dk, dv = np.zeros(q.shape), np.zeros(k.shape), np.zeros(v.shape)
        queries, keys = q.shape[-2], k.shape[-2]
        factors = kept(q.shape, keys, key, p)
        for *batch, head, i, j in np.ndindex(*q.shape[:-1], keys):
            at, pair = (*batch, head, i), (*batch, head, i, j)
            group = (*batch, head * k.shape[-3] // q.shape[-3], j)
            bias = mask[pair] if added and mask is not None else 0.0
            seen = mask is None or (bias != -math.inf if added else mask[pair])
            if not seen or (causal and j > i + keys - queries):
                continue
            w = np.exp(scale * q[at] @ k[group] + bias - rows[at][0]) * rows[at][1]
            r = factors[(*batch, head, j, i)]
            ds = scale * w * (r * dy[at] @ v[group] - y[at] @ dy[at])
            dq[at] += ds * k[group]
            dk[group] += ds * q[at]
            dv[group] += r * w * dy[at]
        return dq, dk, dv


def rows_contiguous(x: Array) -> Array:
    """x itself where neighbours in a row are neighbours in memory, else a copy."""
    near = x.strides[-1] == x.itemsize or x.shape[-1] == 1
    return x if near else _kernels.contiguous(x)


def odds(p: float) -> tuple[int, float]:
    """The last word that drops, and the factor of what stays; below 0 without dropout."""
    return (last_dropped(p), 1 / (1 - p) if p < 1 else 0.0) if p else (0, -1.0)


def scaled_dot_product_attention(
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
    generator: Generator | None = None,
) -> Any:
    """softmax(scale · q kᵀ + mask) v: each query takes a mean of the values, weighted by how well
    the keys fit.

    Type: ``(real[..., h, t, d], real[..., g, s, d], real[..., g, s, e]) -> real[..., h, t, e]``,
    h a multiple of g: query heads share the heads of k and v in groups, in order. Without heads
    ``(real[t, d], real[s, d], real[s, e]) -> real[t, e]``. Leading axes broadcast, and so do heads
    of which there is one.

    mask       bool: True = may attend. Real: added to the scaled scores, -inf = may not; it has a
               gradient, for which all weights are kept. Broadcasts to ``[..., h, t, s]``.
    causal     query i sees the keys up to i + s - t, so that the last one sees them all
    scale      1 / √d if not given
    dropout    each weight is 0 with this probability, else divided by 1 - dropout; always, so say
               0.0 in evaluation
    generator  where dropout's zeros come from; that of `pydp.manual_seed` if not given

    The weights are never in memory together: see csrc/kernels/attention.c. A query that may see
    nothing gives zeros, and no gradient. What is masked out takes no part, whatever it holds, a NaN
    too; but where a masked value is not finite, sums near it are rounded at each product and each
    addition, so their last bit may differ. ValueError where sizes do not fit, TypeError where
    dtypes differ.

    It differs from PyTorch's: causal is aligned at the last query and key, and may be combined
    with a mask; groups of heads need no flag.

    >>> import pydp
    >>> q, k = pydp.tensor([[0.0], [9.0]]), pydp.tensor([[0.0], [9.0]])
    >>> pydp.scaled_dot_product_attention(q, k, pydp.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 3.],
            [3., 4.]])

    Vaswani et al., Attention is all you need, 2017.
    """
    plain = max(np.ndim(x._array if isinstance(x, _graph.Value) else x) for x in (q, k, v)) == 2
    y, _ = attend(q, k, v, mask, causal, scale, dropout, generator, need_weights=False)
    return squeeze(y, 0) if plain else y


def attend(
    q: Any, k: Any, v: Any, mask: Any, causal: Any, scale: Any, dropout: Any, generator: Any,
    need_weights: bool,
) -> tuple[Any, Any]:  # fmt: skip
    """The result with all its axes, and the weights real[..., h, t, s] where they are needed."""
    q, k, v = [real_tensor(x, OP, name) for x, name in ((q, "q"), (k, "k"), (v, "v"))]
    same_float(OP, q=q, k=k, v=v)
    lead, heads, groups = leading_axes(q.shape, k.shape, v.shape)
    q = spread(q, (*lead, heads, *q.shape[-2:]))
    k = spread(k, (*lead, groups, *k.shape[-2:]))
    v = spread(v, (*lead, groups, *v.shape[-2:]))
    if mask is not None:
        mask = checked_mask(mask, (*q.shape[:-1], k.shape[-2]), q.dtype)
    if not isinstance(causal, (bool, np.bool_)):
        raise TypeError(f"{OP}: causal must be True or False, got {causal!r}")
    if scale is None:
        scale = 1 / math.sqrt(max(q.shape[-1], 1))
    elif not math.isfinite(number(scale, OP, "scale")):
        raise ValueError(f"{OP}: scale must be finite, got {scale}")
    if not 0 <= number(dropout, OP, "dropout") <= 1:
        raise ValueError(f"{OP}: dropout must be between 0 and 1, got {dropout}")
    added = mask is not None and mask.dtype.kind == "f"
    arguments = bool(causal), float(scale), float(dropout)
    with dropping(dropout, generator) as key:
        y = apply(Attention, (q, k, v, mask, key), *arguments, added)
        return y, attention_weights(q, k, mask, key, *arguments) if need_weights else None


@contextmanager
def dropping(p: float, generator: Generator | None) -> Iterator[Any]:
    """The key of dropout's zeros, or None. Where there is no memory to drop anything, it is given
    back."""
    source = chosen(generator, OP)
    key = _graph.wrap(source.key()) if p else None
    try:
        yield key
    except MemoryError:
        if key is not None:
            source.give_back(key._array)
        raise


def leading_axes(
    q: tuple[int, ...], k: tuple[int, ...], v: tuple[int, ...]
) -> tuple[tuple[int, ...], int, int]:
    """The batch axes, the number of heads of q, and that of k and v."""
    got = f"got q {q}, k {k}, v {v}"
    if min(len(q), len(k), len(v)) < 2:
        raise ValueError(f"{OP}: q, k and v must be [..., t, d], [..., s, d], [..., s, e], {got}")
    if q[-1] != k[-1]:
        raise ValueError(f"{OP}: k must have q's last size, {q[-1]}, {got}")
    if k[-2] != v[-2]:
        raise ValueError(f"{OP}: v must be as long as k, {k[-2]}, {got}")
    try:
        lead = broadcast_shapes(q[:-3], k[:-3], v[:-3])
    except ValueError:
        raise ValueError(f"{OP}: the leading axes do not broadcast, {got}") from None
    heads, of_k, of_v = [x[-3] if len(x) > 2 else 1 for x in (q, k, v)]
    if of_k != of_v and 1 not in (of_k, of_v):
        raise ValueError(f"{OP}: k and v must have equally many heads, {got}")
    groups = of_k if of_v == 1 else of_v
    heads = groups if heads == 1 else heads
    if heads % groups if groups else heads:
        raise ValueError(
            f"{OP}: q's heads, {heads}, must be a multiple of k's and v's, {groups}, {got}"
        )
    return lead, heads, groups


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.shape == shape else broadcast_to(x, shape)


def checked_mask(mask: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """The mask as a tensor of this shape, bool or of this dtype."""
    if not isinstance(mask, _graph.Value):
        mask = _graph.wrap(as_array(mask, OP))
    if mask.dtype.kind != "b" and mask.dtype != dtype:
        raise TypeError(f"{OP}: mask must be bool or {dtype}, as q is, got {mask.dtype}")
    try:
        fits = broadcast_shapes(mask.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{OP}: mask must broadcast to {shape}, [..., heads, queries, keys], got {mask.shape}"
        )
    return spread(mask, shape)
