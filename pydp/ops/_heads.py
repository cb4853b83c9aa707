"""The heads of attention: one array seen as several, and several written into one.

    [..., t, n h d] ──── reshape, permute: views ──── [n, ..., h, t, d] ──── apart ──── n views

`together` is the gradient of `apart` and the other way round. It writes the parts into memory that
lies as the array lay that was taken apart; so the way back through the permutation is a view too,
and the gradient of a projection to q, k and v is written once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op, language
from pydp.ops._shape import permute_dims, reshape


class Apart(Op):
    """The slices along the first axis: views."""

    name = "apart"
    type = "any -> any"

    @staticmethod
    def type_at(types: Sequence[Any]) -> str:
        x = types[0]
        part = str(language.array(x.kind, *x.axes[1:]))
        parts = x.axes[0].value
        return f"{x} -> any" if parts is None else f"{x} -> ({', '.join([part] * parts)})"

    @staticmethod
    def forward(needs: Any, x: Array) -> Any:
        return tuple([x[i, ...] for i in range(x.shape[0])]), (memory_order(x), x.shape, x.dtype)

    @staticmethod
    def backward(saved: Any, parts: Any, needs: Any) -> Any:
        order, shape, dtype = saved
        return (apply(Together, parts, order, shape, dtype),)

    @staticmethod
    def reference(x: Array) -> tuple[Array, ...]:
        return tuple([np.array(part) for part in x])


class Together(Op):
    """The parts as slices along the first axis, zeros where there is none."""

    name = "together"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, *parts_and_layout: Any) -> Any:
        *parts, order, shape, dtype = parts_and_layout
        y = _kernels.empty(tuple([shape[i] for i in order]), dtype)
        y = y.transpose(tuple([order.index(i) for i in range(len(shape))]))
        for i, part in enumerate(parts):
            if part is None:
                part = np.broadcast_to(np.zeros((), dtype), shape[1:])
            _kernels.copy_to(part, y[i, ...])
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, *arguments: Any) -> Any:
        return [part if need else None for part, need in zip(apart(dy), needs, strict=True)]

    @staticmethod
    def reference(*parts_and_layout: Any) -> Array:
        *parts, _, shape, _ = parts_and_layout
        return np.stack([np.zeros(shape[1:]) if part is None else part for part in parts])


def memory_order(x: Array) -> tuple[int, ...]:
    """The axes, the one with the longest stride first."""
    return tuple(sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis])))


def apart(x: Any) -> tuple[Any, ...]:
    """The slices of x along its first axis, as views."""
    parts: tuple[Any, ...] = apply(Apart, (x,))
    for part in parts:
        part._version = x._version
    return parts


def split_heads(x: Any, parts: int, heads: int) -> tuple[Any, ...]:
    """real[..., t, parts * heads * d] as `parts` views real[..., heads, t, d]."""
    lead = x.ndim - 2
    split = reshape(x, (*x.shape[:-1], parts, heads, x.shape[-1] // (parts * heads)))
    return apart(permute_dims(split, (lead + 1, *range(lead), lead + 2, lead, lead + 3)))


def join_heads(x: Any) -> Any:
    """real[..., h, t, d] -> real[..., t, h * d]."""
    lead = x.ndim - 3
    side = permute_dims(x, (*range(lead), lead + 1, lead, lead + 2))
    return reshape(side, (*side.shape[:-2], math.prod(side.shape[-2:])))
