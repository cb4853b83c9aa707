"""The value: an array, its node in the graph, and the version of its memory.

    _array     the ndarray: memory, dtype, shape, strides
    _node      where the value comes from: a Leaf (it wants a gradient), a recorded operation,
               or None
    _version   [number of in-place writes], one list per memory, shared by all its views

Invariant: memory is written only through __setitem__ and the in-place operators, which count the
version up; what was saved for backward checks it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pydp import _graph, ops
from pydp._graph import Leaf
from pydp._op import Array, as_array, checked_dtype


@_graph.register
class Tensor:
    """An n-dimensional array that remembers how it was computed.

    Made by `pydp.tensor`, `pydp.asarray` and every operation, not by calling the class.
    """

    __slots__ = ("__weakref__", "_array", "_node", "_version")

    _array: Array
    _node: Any
    _version: list[int]

    # NumPy leaves `array + tensor` to the tensor
    __array_priority__ = 1000

    def __init__(self) -> None:
        raise TypeError("make tensors with pydp.tensor(data) or pydp.asarray(data)")

    # ---- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def size(self) -> int:
        return self._array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array.dtype

    @property
    def requires_grad(self) -> bool:
        """Whether a backward pass through this value reaches a leaf."""
        return self._node is not None

    @property
    def grad(self) -> Tensor | None:
        """The gradient collected by backward; None before, and for intermediate values unless
        `retain_grad` was called."""
        return None if self._node is None else self._node.grad

    @grad.setter
    def grad(self, gradient: Tensor | None) -> None:
        self._node.grad = gradient

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient (or no longer), in place."""
        self._node = Leaf(self._array) if requires_grad else None
        return self

    # ---- leaving the graph

    def numpy(self) -> Array:
        """The elements as a read-only NumPy view; it may be strided."""
        view = self._array.view()
        view.flags.writeable = False
        return view

    def item(self) -> Any:
        """The one element as a Python number."""
        return self._array.item()

    def detach(self) -> Tensor:
        """The same memory, cut from the graph."""
        value = _graph.wrap(self._array)
        value._version = self._version
        return value  # type: ignore[no-any-return]

    def backward(self, gradient: Tensor | None = None, retain_graph: bool = False,
                 create_graph: bool = False) -> None:
        if gradient is None:
            gradient = tensor(np.ones(self.shape, self.dtype))
        leaves, _ = _graph.walk([(self._node, gradient)], retain_graph=retain_graph or create_graph,
                                create_graph=create_graph)
        _graph.accumulate(leaves, create_graph)

    def _copied(self, like: Array) -> Array:
        copy = np.empty_like(like)
        copy[...] = self._array
        return copy

    def __add__(self, other: Any) -> Tensor:
        return ops.add(self, other)  # type: ignore[no-any-return]

    def __mul__(self, other: Any) -> Tensor:
        return ops.multiply(self, other)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"tensor({np.array2string(self._array, separator=', ', prefix='tensor(')})"


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of the data."""
    array = as_array(data, "tensor")
    if dtype is not None:
        array = array.astype(checked_dtype(dtype, "tensor"))
    return _graph.wrap(array, Leaf(array) if requires_grad else None)  # type: ignore[no-any-return]
