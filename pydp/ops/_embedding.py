"""Embedding: rows of a table by number, and the sums of rows that are its gradient.

Two ops, each the gradient of the other: embedding gathers rows, embedding_backward adds them up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._graph import apply
from pydp._op import Array, Op, as_array, real_tensor


class Embedding(Op):
    name = "embedding"
    type = "(token[...], real[v, d]) -> real[..., d]"

    @staticmethod
    def forward(needs: Any, ids: Array, weight: Array) -> Any:
        if weight.strides[1] != weight.itemsize:
            weight = _kernels.contiguous(weight)
        y = _kernels.empty((*ids.shape, weight.shape[1]), weight.dtype)
        dense = _kernels.contiguous(ids)
        bad = _kernels.embedding_forward(dense, weight, y)
        if bad:
            raise _out_of_range("embedding", ids, bad - 1, weight.shape[0])
        return y, (ids, weight.shape[0])

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any) -> Any:
        ids, rows = saved
        return None, apply(EmbeddingBackward, (ids, dy), rows)

    @staticmethod
    def reference(ids: Array, weight: Array) -> Array:
        return weight[ids]


class EmbeddingBackward(Op):
    name = "embedding_backward"
    type = "(token[...], real[..., d]) -> real[v, d]"

    @staticmethod
    def typing(rows: int) -> str:
        return f"(token[...], real[..., d]) -> real[{rows}, d]"

    @staticmethod
    def forward(needs: Any, ids: Array, dy: Array, rows: int) -> Any:
        dweight = _kernels.empty((rows, dy.shape[-1]), dy.dtype)
        dense = _kernels.contiguous(ids)
        bad = _kernels.embedding_backward(dense, _kernels.contiguous(dy), dweight)
        if bad:
            raise _out_of_range("embedding_backward", ids, bad - 1, rows)
        return dweight, (ids,)

    @staticmethod
    def backward(saved: Any, ddweight: Any, needs: Any, rows: int) -> Any:
        return None, apply(Embedding, (saved[0], ddweight))

    @staticmethod
    def reference(ids: Array, dy: Array, rows: int) -> Array:
        dweight = np.zeros((rows, dy.shape[-1]))
        np.add.at(dweight, ids, dy)
        return dweight


def _out_of_range(op: str, ids: Array, position: int, rows: int) -> IndexError:
    index = np.unravel_index(position, ids.shape)
    where = f"ids[{', '.join(str(i) for i in index)}]" if ids.ndim else "ids"
    allowed = f"0 … {rows - 1}" if rows else "none, for weight has no rows"
    return IndexError(f"{op}: {where} is {ids[index]}, allowed are {allowed}")


def embedding(ids: Any, weight: Any) -> Any:
    """A vector for each token: y[...] = weight[ids[...]].

    Type: ``(token[...], real[v, d]) -> real[..., d]``.

    - `ids`: integers of any type and shape, each in 0 … v - 1. IndexError with position and value
      otherwise; negative ones do not count from the end.
    - `weight`: (v, d). Its gradient is dense: for each row the sum over the tokens that took it.

    TypeError for ids that are not integers.

    >>> import pydp
    >>> weight = pydp.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> pydp.embedding(pydp.tensor([2, 0]), weight)
    tensor([[4., 5.],
            [0., 1.]])
    """
    weight = real_tensor(weight, "embedding", "weight")
    if weight.ndim != 2:
        raise ValueError(f"embedding: weight must have 2 axes (v, d), got shape {weight.shape}")
    if not isinstance(ids, _graph.Value):
        ids = _graph.wrap(as_array(ids, "embedding"))
    if ids.dtype.kind not in "iu":
        raise TypeError(f"embedding: ids must be integers, got {ids.dtype}")
    return apply(Embedding, (ids, weight))
