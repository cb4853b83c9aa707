"""What the graph is made of: nodes, and what they save for backward.

    Leaf      the end of a path: a value that wants a gradient
    Node      one recorded operation
    Pick      one result of an operation that has several

A node knows its parents, what its rule saved, and its age. Ages only grow, and a node is younger
than all its parents.

This file is compiled as it stands, with the C types of _node.pxd; without that it works the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from numpy import ndarray

from pydp._inplace import last_change

Array = ndarray[Any, Any]

Value: Any = None  # the Tensor class; _graph.register sets it
# An age between those of all nodes so far and all nodes to come.
next_age: Callable[[], int] = count().__next__


class Traced:
    """What the graph sees of a value: its array, where it comes from, and its memory's version."""

    __slots__ = ("_array", "_node", "_version")

    _array: Array
    _node: Any
    _version: list[Any]


def wrap(array: Array, node: Any = None) -> Any:
    """A value over this array, made without a call of its __init__."""
    kind: type = Value
    value: Traced = kind.__new__(kind)  # type: ignore[call-overload]
    value._array = array
    value._node = node
    value._version = [0]
    return value


# ---- nodes -------------------------------------------------------------------------------------


class Origin:
    """Where a value comes from: what all nodes have.

    parents    the node of each input, None where an input needs no gradient
    hooks      what is called with the gradient of the value
    retains    whether the walk leaves the gradient in `grad`
    """

    __slots__ = ("age", "grad", "hooks", "parents", "retains")

    age: int
    parents: Sequence[Any]
    hooks: list[Callable[[Any], Any]] | None
    retains: bool
    grad: Any


class Leaf(Origin):
    """The end of a path: a value made by the user that wants a gradient."""

    __slots__ = ("array",)

    array: Array

    def __init__(self, array: Array) -> None:
        self.age = next_age()
        self.parents = ()
        self.hooks = None
        self.retains = False
        self.grad = None
        self.array = array


class Node(Origin):
    """One recorded operation.

    saved      what backward needs, in the order forward gave it (see `pack`); None for nothing
    outputs    how many results the op has; with several, each result's node is a Pick
    made       where it was recorded, under `debug`
    """

    __slots__ = ("arguments", "made", "op", "outputs", "saved")

    op: Any
    arguments: tuple[Any, ...]
    saved: Any
    outputs: int
    made: Any

    def backward(self, dy: Any, needs: Any = None) -> Any:
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
        return self.op.backward(values, dy, needs, *self.arguments)


def node_of(op: Any, parents: Any, arguments: Any, saved: Any) -> Node:
    """A new node, without a call of an __init__."""
    node: Node = Node.__new__(Node)
    node.age = next_age()
    node.parents = parents
    node.hooks = None
    node.retains = False
    node.grad = None
    node.op = op
    node.arguments = arguments
    node.saved = saved
    node.outputs = 1
    node.made = None
    return node


class Pick(Origin):
    """One result of an op that has several: hands its gradient to position `index`."""

    __slots__ = ("index",)

    index: int

    def __init__(self, node: Node, index: int) -> None:
        self.age = next_age()
        self.parents = (node,)
        self.hooks = None
        self.retains = False
        self.grad = None
        self.index = index

    def backward(self, dy: Any, needs: Any = None) -> Any:
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


def pack(saved: Any, inputs: Sequence[Any], results: Sequence[Any]) -> list[Any]:
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
                item = _kept(results[0], 0)
            else:
                x: Traced = inputs[item.index]
                item = _kept(x, x._node)
        elif kind is ndarray:
            item = _found(item, inputs, results)
        elif kind is list:
            item = tuple(item)  # a list marks a value of the graph
        packed.append(item)
    return packed


def _kept(x: Traced, origin: Any) -> list[Any]:
    return [x._array, origin, x._version, x._version[0]]


def _found(array: Any, inputs: Sequence[Any], results: Sequence[Any]) -> Any:
    """A saved array packed, if it is one of the inputs or results; else itself."""
    x: Traced
    for x in inputs:
        if x is not None and array is x._array:
            return _kept(x, x._node)
    for i, x in enumerate(results):
        if array is x._array:
            return _kept(x, i)
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
            value: Traced = wrap(array, origin)
            value._version = version
            values.append(value)
        elif isinstance(item, ndarray):
            values.append(wrap(item))
        else:
            values.append(item)
    return tuple(values)
