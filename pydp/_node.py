"""What the graph is made of: nodes, and what they save for backward.

    Leaf      the end of a path: a value that wants a gradient
    Node      one recorded operation
    Pick      one result of an operation that has several

A node knows its parents, what its rule saved, and its age. Ages only grow, and a node is younger
than all its parents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from pydp._inplace import last_change

Array = np.ndarray[Any, Any]

Value: Any = None  # the Tensor class; _graph.register sets it
_new: Callable[[Any], Any] = object.__new__
# An age between those of all nodes so far and all nodes to come.
next_age: Callable[[], int] = count().__next__


def wrap(array: Array, node: Any = None) -> Any:
    """A value over this array, made without a call of its __init__."""
    value = _new(Value)
    value._array = array
    value._node = node
    value._version = [0]
    return value


# ---- nodes -------------------------------------------------------------------------------------


class Leaf:
    """The end of a path: a value made by the user that wants a gradient."""

    __slots__ = ("age", "array", "grad", "hooks")

    parents: tuple[Any, ...] = ()

    def __init__(self, array: Array) -> None:
        self.age = next_age()
        self.array = array
        self.grad: Any = None
        self.hooks: list[Callable[[Any], Any]] | None = None


class Node:
    """One recorded operation.

    parents    the node of each input, None where an input needs no gradient
    saved      what backward needs, in the order forward gave it (see `pack`); None for nothing
    outputs    how many results the op has; with several, each result's node is a Pick
    """

    # Made by `apply`, which sets these; a call of an __init__ would cost as much as all of them.
    # What few nodes have differs from its default and lies in a __dict__ made on demand.
    __slots__ = ("__dict__", "age", "arguments", "op", "parents", "saved")

    age: int
    op: Any
    parents: Sequence[Any]
    saved: list[Any] | None
    arguments: tuple[Any, ...]

    outputs: int = 1
    hooks: list[Callable[[Any], Any]] | None = None
    retains: bool = False
    grad: Any = None
    made: Any = None  # where it was recorded, under `debug`

    def backward(self, dy: Any, needs: Sequence[Any] | None = None) -> Sequence[Any]:
        """The gradient of each input from the gradient of the result; None where not needed: by
        default where it has no parent."""
        saved = self.saved
        if saved is RELEASED:
            raise RuntimeError(
                f"{self.op.name}: backward goes through this graph a second time, but what it "
                "saved is released; say retain_graph=True in the first backward"
            )
        values = () if saved is None else unpack(self, saved)
        needs = self.parents if needs is None else needs
        return self.op.backward(values, dy, needs, *self.arguments)  # type: ignore[no-any-return]


class Pick:
    """One result of an op that has several: hands its gradient to position `index`."""

    __slots__ = ("age", "grad", "hooks", "index", "parents", "retains")

    def __init__(self, node: Node, index: int) -> None:
        self.age = next_age()
        self.parents = (node,)
        self.index = index
        self.hooks: list[Callable[[Any], Any]] | None = None
        self.retains = False
        self.grad: Any = None

    def backward(self, dy: Any, needs: Sequence[Any] | None = None) -> Sequence[Any]:
        parts: list[Any] = [None] * self.parents[0].outputs
        parts[self.index] = dy
        return (parts,)


class _Skipped:
    """Stands for a parent that wants a gradient, but leads nowhere this walk wants to go."""

    def __bool__(self) -> bool:
        return False


RELEASED: Any = object()
SKIPPED = _Skipped()


# ---- saving ------------------------------------------------------------------------------------


class Place:
    """Stands in what a rule saves for an input or the output. A rule may give the array itself as
    well; a Place needs no search."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


INPUTS = tuple(Place(i) for i in range(4))
OUTPUT = Place(-1)


def pack(saved: tuple[Any, ...], inputs: Sequence[Any], results: Sequence[Any]) -> list[Any]:
    """Keep inputs and outputs as [array, node, version, count], so that backward sees them as
    values of the graph and notices if they were changed.

    An output is kept with its position in place of its node: node -> value -> node would be a
    cycle, and the graph should go when its last user goes.
    """
    packed: list[Any] = []
    for item in saved:
        kind = type(item)
        if kind is Place:
            if item is OUTPUT:
                item = [results[0]._array, 0, results[0]._version, 0]
            else:
                x = inputs[item.index]
                version = x._version
                item = [x._array, x._node, version, version[0]]
        elif kind is np.ndarray:
            item = _found(item, inputs, results)
        elif kind is list:
            item = tuple(item)  # a list marks a value of the graph
        packed.append(item)
    return packed


def _found(array: Array, inputs: Sequence[Any], results: Sequence[Any]) -> Any:
    """A saved array packed, if it is one of the inputs or results; else itself."""
    for x in inputs:
        if x is not None and array is x._array:
            return [array, x._node, x._version, x._version[0]]
    for i, y in enumerate(results):
        if array is y._array:
            return [array, i, y._version, 0]
    return array


def unpack(node: Node, saved: list[Any]) -> tuple[Any, ...]:
    """What was saved, as values; an error where one was changed since."""
    values: list[Any] = []
    for item in saved:
        if type(item) is list:
            array, origin, version, expected = item
            if version[0] != expected:
                raise RuntimeError(
                    f"{node.op.name}: a tensor saved for backward, shape {array.shape}, was "
                    f"modified by an in-place operation: it is at version {version[0]}, "
                    f"expected {expected}{last_change(version)}"
                    + (f"; it was saved at {node.made}" if node.made else "")
                )
            if type(origin) is int:  # a Pick of its own: one held here would be a cycle
                origin = node if node.outputs == 1 else Pick(node, origin)
            value = wrap(array, origin)
            value._version = version
            values.append(value)
        elif isinstance(item, np.ndarray):
            values.append(wrap(item))
        else:
            values.append(item)
    return tuple(values)
