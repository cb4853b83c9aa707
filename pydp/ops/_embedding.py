"""Embedding: rows of a table by number, and the sums of rows that are its gradient.

Two ops, each the gradient of the other: embedding gathers rows, embedding_backward adds them up.
The row of `padding` is read like all others, but gets a gradient of zeros. one_hot gives the table
itself: the rows of the identity.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import integer, real_tensor
from pydp._arrays import DTYPES, Array, as_array, check_axes, check_memory, checked_dtype, numpy_op
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._index import SetItem


class Embedding(Op):
    name = "embedding"
    type = "(token[...], real[v, d]) -> real[..., d]"

    @staticmethod
    def forward(needs: Any, ids: Array, weight: Array, padding: int | None = None) -> Any:
        if weight.strides[1] != weight.itemsize:
            weight = _kernels.contiguous(weight)
        y = _kernels.empty((*ids.shape, weight.shape[1]), weight.dtype)
        dense = _kernels.contiguous(ids)
        bad = _kernels.embedding_forward(dense, weight, y)
        if bad:
            raise _out_of_range("embedding", ids, bad - 1, weight.shape[0])
        return y, (ids, weight.shape[0])

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, padding: int | None = None) -> Any:
        ids, rows = saved
        return None, apply(EmbeddingBackward, (ids, dy), rows, padding)

    @staticmethod
    def reference(ids: Array, weight: Array, padding: int | None = None) -> Array:
        return weight[ids]


class EmbeddingBackward(Op):
    name = "embedding_backward"
    type = "(token[...], real[..., d]) -> real[v, d]"

    @staticmethod
    def typing(rows: int, padding: int | None = None) -> str:
        return f"(token[...], real[..., d]) -> real[{rows}, d]"

    @staticmethod
    def forward(needs: Any, ids: Array, dy: Array, rows: int, padding: int | None = None) -> Any:
        dweight = _kernels.empty((rows, dy.shape[-1]), dy.dtype)
        dense = _kernels.contiguous(ids)
        bad = _kernels.embedding_backward(dense, _kernels.contiguous(dy), dweight)
        if bad:
            raise _out_of_range("embedding_backward", ids, bad - 1, rows)
        if padding is not None:
            row = dweight[padding]
            _kernels.copy_to(np.broadcast_to(np.zeros((), dy.dtype), row.shape), row)
        return dweight, (ids,)

    @staticmethod
    def backward(
        saved: Any, ddweight: Any, needs: Any, rows: int, padding: int | None = None
    ) -> Any:
        if padding is not None:  # what was set to 0 passes nothing on
            zero = _graph.wrap(np.zeros((), ddweight.dtype))
            ddweight = apply(SetItem, (ddweight + 0.0, zero), (padding,))
        return None, apply(Embedding, (saved[0], ddweight))

    @staticmethod
    def reference(ids: Array, dy: Array, rows: int, padding: int | None = None) -> Array:
        dweight = np.zeros((rows, dy.shape[-1]))
        np.add.at(dweight, ids, dy)
        if padding is not None:
            dweight[padding] = 0
        return dweight


class OneHot(Op):
    name = "one_hot"
    type = "token[...] -> any[..., n]"

    @staticmethod
    def typing(n: int, dtype: str) -> str:
        kind = {"f": "real", "b": "bool"}.get(DTYPES[dtype].kind, "token")
        return f"token[...] -> {kind}[..., {n}]"

    @staticmethod
    def forward(needs: Any, ids: Array, n: int, dtype: str) -> Any:
        check_memory((*ids.shape, n), DTYPES[dtype].itemsize, "one_hot")
        return numpy_op(_one_hot, ids, n, DTYPES[dtype]), None

    @staticmethod
    def reference(ids: Array, n: int, dtype: str) -> Array:
        return np.eye(n, dtype=dtype)[ids]


def _one_hot(ids: Array, n: int, dtype: np.dtype[Any]) -> Array:
    flat = ids.reshape(-1)
    bad = np.flatnonzero((flat < 0) | (flat >= n))
    if bad.size:
        raise _out_of_range("one_hot", ids, int(bad[0]), n, "num_classes is 0")
    y = np.zeros((flat.size, n), dtype)
    y[np.arange(flat.size), flat] = 1
    return y.reshape(*ids.shape, n)


def _out_of_range(
    op: str, ids: Array, position: int, rows: int, none: str = "weight has no rows"
) -> IndexError:
    index = np.unravel_index(position, ids.shape)
    where = f"ids[{', '.join(str(i) for i in index)}]" if ids.ndim else "ids"
    allowed = f"0 … {rows - 1}" if rows else f"none, for {none}"
    return IndexError(f"{op}: {where} is {ids[index]}, allowed are {allowed}")


def _ids(ids: Any, op: str) -> Any:
    """Integers of any type as a tensor."""
    if not isinstance(ids, _graph.Value):
        ids = _graph.wrap(as_array(ids, op))
    if ids.dtype.kind not in "iu":
        raise TypeError(f"{op}: ids must be integers, got {ids.dtype}")
    return ids


def row_index(padding_idx: Any, rows: int, op: str) -> int | None:
    """padding_idx counted from the front; None where there is none."""
    if padding_idx is None:
        return None
    index = integer(padding_idx, op, "padding_idx")
    if not -rows <= index < rows:
        raise ValueError(f"{op}: padding_idx must be in {-rows} … {rows - 1}, got {index}")
    return index % rows


def embedding(ids: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """A vector for each token: y[...] = weight[ids[...]].

    Type: ``(token[...], real[v, d]) -> real[..., d]``.

    - `ids`: integers of any type and shape, each in 0 … v - 1. IndexError with position and value
      otherwise; negative ones do not count from the end.
    - `weight`: (v, d). Its gradient is dense: for each row the sum over the tokens that took it.
    - `padding_idx`: a row (a negative one counts from the end) whose gradient is 0: tokens that
      only fill up a batch do not train.

    TypeError for ids that are not integers, ValueError for a padding_idx that weight has not.

    It differs from PyTorch's: there is no `max_norm`, which changes weights as they are read.

    >>> import pydp
    >>> weight = pydp.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> pydp.embedding(pydp.tensor([2, 0]), weight)
    tensor([[4., 5.],
            [0., 1.]])
    """
    weight = real_tensor(weight, "embedding", "weight")
    if weight.ndim != 2:
        raise ValueError(f"embedding: weight must have 2 axes (v, d), got shape {weight.shape}")
    ids = _ids(ids, "embedding")
    return apply(Embedding, (ids, weight), row_index(padding_idx, weight.shape[0], "embedding"))


def one_hot(ids: Any, num_classes: int, dtype: Any = "int64") -> Any:
    """A row of zeros with a 1 for each id: y[..., k] = 1 where k = ids[...], else 0.

    Type: ``token[...] -> token[..., n]``, n = num_classes; ``real`` for a float dtype.

    - `ids`: integers of any type and shape, each in 0 … num_classes - 1. IndexError with position
      and value otherwise.
    - `dtype`: of the result.

    A gradient flows through a product with it, as through any other; `embedding` computes that
    product without making the zeros.

    It differs from PyTorch's: num_classes is given, not found from the largest id.

    >>> import pydp
    >>> pydp.one_hot(pydp.tensor([2, 0]), 3)
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    ids = _ids(ids, "one_hot")
    n = integer(num_classes, "one_hot", "num_classes", 0)
    check_axes(ids.ndim + 1, "one_hot")
    return apply(OneHot, (ids,), n, checked_dtype(dtype, "one_hot").name)
