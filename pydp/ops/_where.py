"""where: each element of one of two arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp._arrays import Array, numpy_op, operands
from pydp._graph import apply
from pydp._kernels import where as where_kernel
from pydp._op import Op
from pydp.ops._elementwise import check_broadcast
from pydp.ops._math import _two
from pydp.ops._reduce import sum_to


class Where(Op):
    """a where the condition holds, b elsewhere: each element's gradient goes to one of them."""

    name = "where"
    type = "(bool[...], real[...], real[...]) -> real[...]"
    broadcasts_before = 0

    @staticmethod
    def forward(needs: Any, condition: Array, a: Array, b: Array) -> Any:
        y = where_kernel(condition, a, b)
        if y is NotImplemented:  # integers and bool
            y = np.asanyarray(numpy_op(np.where, condition, a, b))
        return y, (condition, a.shape, b.shape)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any) -> Any:
        condition, a_shape, b_shape = saved
        return (
            None,
            sum_to(where(condition, dy, 0.0), a_shape) if needs[1] else None,
            sum_to(where(condition, 0.0, dy), b_shape) if needs[2] else None,
        )

    @staticmethod
    def reference(condition: Array, a: Array, b: Array) -> Array:
        return np.where(condition, a, b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition is true, b elsewhere, broadcast.

    Type: ``(bool[...], real[...], real[...]) -> real[...]``. A condition that is not bool is a
    TypeError.

    What is not chosen gets the gradient 0, and 0 times an infinite slope further back is NaN: the
    branch for x > 0 takes the square root of ``where(x > 0, x, 1.0)``, not of x.

    >>> import pydp
    >>> x = pydp.tensor([1.0, -2.0])
    >>> pydp.where(x > 0, x, 0.0)
    tensor([1., 0.])
    """
    (condition,) = operands("where", condition)
    if condition._array.dtype.kind != "b":
        raise TypeError(f"where: condition must be bool, got {condition._array.dtype}")
    a, b = _two("where", a, b)
    for one, other in ((a, b), (condition, a), (condition, b)):
        check_broadcast("where", one._array, other._array, a._array.itemsize)
    return apply(Where, (condition, a, b))
