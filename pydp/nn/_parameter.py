"""Parameter: a tensor that a module learns."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arrays import as_array, numpy_op
from pydp._tensor import Tensor


class Parameter(Tensor):
    """A tensor that a module learns: it wants a gradient, and assigning it to an attribute of a
    module makes it one of the module's parameters.

    A tensor's memory is shared, anything else is copied.

    >>> import pydp
    >>> w = pydp.nn.Parameter(pydp.tensor([1.0, 2.0]))
    >>> w.requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        if not isinstance(data, Tensor):
            data = _graph.wrap(as_array(data, "Parameter"))
        if data.dtype.kind != "f":
            raise TypeError(f"Parameter: data must be float32 or float64, got {data.dtype}")
        self._array = data._array
        self._version = data._version
        self._node = _graph.Leaf(data._array) if requires_grad else None

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        copy = Parameter(super().__deepcopy__(memo), self.requires_grad)
        if self.grad is not None:
            copy.grad = deepcopy(self.grad.detach(), memo)
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> Any:
        return Parameter, (np.ascontiguousarray(self._array), self.requires_grad)

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})"


def convert(tensor: Tensor, dtype: np.dtype[Any]) -> None:
    """Give a tensor memory of another dtype; it stays the object it is, with gradient and hooks."""
    before, tensor._node = tensor._node, None
    tensor._array = numpy_op(tensor._array.astype, dtype)
    tensor._version = [0]
    if isinstance(before, _graph.Leaf):
        leaf = tensor._node = _graph.Leaf(tensor._array)
        leaf.hooks = before.hooks
        if before.grad is not None:
            leaf.grad = _graph.wrap(before.grad._array.astype(dtype))
