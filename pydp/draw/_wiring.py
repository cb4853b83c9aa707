"""Ports, wires and types of every box, from who made and who uses each value of a run.

A value that is made in one box and used in another crosses the borders between them: at each it has
a port, and the wire goes on inside. `locate` says where in a box a value comes from, and makes the
ports on the way.

Invariant: types are read when the run has ended, off the outlines that the Outliner has written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pydp import _signature as language
from pydp._notation import Array
from pydp._outline import type_of
from pydp._proof import opened
from pydp._size import Size, product, symbol
from pydp.draw import _cost
from pydp.draw._box import Box, End, Loop, Wire
from pydp.draw._tracer import Node, Run, Value

RECURRENT = frozenset({"lstm", "gru", "rnn"})  # ops that give y, and the state after the last step


class Wiring:
    """Ports and wires of every box, from who made and who uses each value."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self.numbers: dict[int, int] = {}  # of a node among its parent's children

    def box(self, node: Node) -> Box:
        """The finished box: wires first, then types, then counts."""
        self._number(node)
        self._wire(node)
        return self._finish(node)

    def _number(self, node: Node) -> None:
        shown = [child for child in node.children if not child.is_hidden]
        for i, child in enumerate(shown):
            self.numbers[id(child)] = i
        for child in node.children:
            self._number(child)

    def _wire(self, node: Node) -> None:
        box = node.box
        if not box.is_op:
            for value in node.given:
                if not value.is_constant:
                    self._input(node, value)
        for child in node.children:
            if child.is_hidden:
                continue
            if child.box.is_op:
                for value in child.given:
                    child.inputs.append(value)
                    self._join(
                        node, value, child, End(self.numbers[id(child)], len(child.inputs) - 1)
                    )
            else:
                self._wire(child)
        if node.parent is None:
            for value in node.results:
                self._output(node, value)

    def _join(self, scope: Node, value: Value, child: Node | None, target: End) -> None:
        found = self.locate(value, scope)
        if found is not None:
            source, original = found
            wire = Wire(source, target, self.types.text(original), self.types.text(value))
            scope.box.wires.append(wire)

    def _input(self, node: Node, value: Value) -> int:
        """The port by which a value made outside comes in."""
        for port, known in enumerate(node.inputs):
            if known is value:
                return port
        node.inputs.append(value)
        port = len(node.inputs) - 1
        if node.parent is not None:
            self._join(node.parent, value, node, End(self.numbers[id(node)], port))
        return port

    def _output(self, node: Node, value: Value) -> int:
        """The port by which a value made inside goes out."""
        for port, known in enumerate(node.outputs):
            if known is value:
                return port
        node.outputs.append(value)
        port = len(node.outputs) - 1
        if value.maker is not node:
            self._join(node, value, None, End(None, port))
        return port

    def locate(self, value: Value, scope: Node) -> tuple[End, Value] | None:
        """Where in this box a value comes from, and the value as it is there."""
        if value.is_constant:
            return None
        inner = scope.child_with(value.maker if value.maker is not None else value.home)
        if value.maker is not None and inner is value.maker and inner.box.is_op:
            return End(self.numbers[id(inner)], self._port(inner, value)), value
        if value.of is not None and value.home is scope:
            return self.locate(value.of, scope)
        if inner is not None:
            return End(self.numbers[id(inner)], self._output(inner, value)), value
        return End(None, self._input(scope, value)), value

    def _port(self, op: Node, value: Value) -> int:
        if not any(known is value for known in op.outputs):
            op.outputs.append(value)
        return next(i for i, known in enumerate(op.outputs) if known is value)

    def _finish(self, node: Node) -> Box:
        box = node.box
        for child in node.children:
            inner = self._finish(child)
            box.multiply_adds += inner.multiply_adds
            box.memory += inner.memory
            if not child.is_hidden:
                box.children.append(inner)
        if node.call is not None:
            op, inputs, results = node.call
            types, made = self.types.of_all(inputs), self.types.of_all(results)
            box.multiply_adds = _cost.multiply_adds(op.name, types, made[0])
            box.memory = _cost.memory(op.name, made)
            if op.name in RECURRENT and types[0].axes[-2].value != 1:  # a cell makes one step
                box.loops = [Loop(None, None, self.types.said(h)) for h in results[1:]]
        box.inputs = [self.types.text(value) for value in node.inputs]
        box.outputs = [self.types.text(value) for value in node.outputs]
        return box


class Types:
    """Types of the run in the author's names, or with the sizes given for these; `head` is the
    name that stands for `...`.

    A size that reached a shape as a bare number (by arange(t), by NumPy) is found by comparison
    with a second run on other numbers: 7 in one and 10 in the other, as `n` is, is `n`.
    """

    def __init__(self, case: Any, runs: Sequence[Run], given: Mapping[str, Size]) -> None:
        self.outer = {name: symbol(name[1:]) for name in case.inner.names} | dict(given)
        self.head = str(case.head[0])[1:] if case.head else None
        self.runs = runs
        self.twins = dict(zip(map(id, runs[0].tensors), runs[1].tensors, strict=True))

    def of(self, tensor: Any) -> Any:
        """The type of a tensor of the first run."""
        type_ = type_of(tensor)
        twin = self.twins.get(id(tensor))
        if twin is None or not isinstance(type_, Array):
            return type_.replace(self.outer, {})
        shape, other = ([int(n) for n in np.shape(np.asarray(x._array))] for x in (tensor, twin))
        axes = [
            self._found(m, n) if axis.value is not None and m != n else axis
            for axis, m, n in zip(type_.axes, shape, other, strict=True)
        ]
        return Array(type_.kind, type_.dots, tuple(axes)).replace(self.outer, {})

    def _found(self, m: int, n: int) -> Size:
        """The multiple of a name, or product of two, that is m in one run and n in the other."""
        first, second = (run.example for run in self.runs)
        names = [*first]
        for a in [(x,) for x in names] + [(x, y) for x in names for y in names if x <= y]:
            p, q = (math.prod([e[x] for x in a]) for e in (first, second))
            if p != q and m % p == 0 and n % q == 0 and m // p == n // q:
                return product([m // p, *[symbol(x) for x in a]])
        return symbol("_")  # some size that the drawing does not know

    def of_all(self, tensors: Sequence[Any]) -> list[Any]:
        """For counts: of one element of what `...` stands for."""
        one = {self.head: language.size(1)} if self.head else {}
        return [None if x is None else self.of(x).replace(one, {}) for x in tensors]

    def text(self, value: Value) -> str:
        return self.said(value.tensor)

    def said(self, tensor: Any) -> str:
        """The type as text."""
        type_ = self.of(tensor)
        return str((self.head and opened(type_, [symbol(self.head)])) or type_)
