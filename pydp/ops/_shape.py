"""The same elements in another shape: views where memory allows, one copy where it does not.

Every function is its own inverse's gradient: reshape back, permute back, sum what was broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp._graph import apply
from pydp._op import Array, Op


class Reshape(Op):
    name = "reshape"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape), (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, shape: Any) -> Any:
        return (reshape(dy, saved[0]),)

    @staticmethod
    def reference(x: Array, shape: tuple[int, ...]) -> Array:
        return np.reshape(x, shape)


def reshape(x: Any, shape: tuple[int, ...]) -> Any:
    """x with its elements in C order in another shape."""
    return apply(Reshape, (x,), shape)


class BroadcastTo(Op):
    name = "broadcast_to"
    type = "any -> any"

    @staticmethod
    def forward(needs: Any, x: Array, shape: tuple[int, ...]) -> Any:
        return np.broadcast_to(x, shape), (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, shape: Any) -> Any:
        from pydp.ops._reduce import sum_to

        return (sum_to(dy, saved[0]),)

    @staticmethod
    def reference(x: Array, shape: tuple[int, ...]) -> Array:
        return np.broadcast_to(x, shape)


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    """x with axes of length 1 repeated, without a copy."""
    return apply(BroadcastTo, (x,), shape)
