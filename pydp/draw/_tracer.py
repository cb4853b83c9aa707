"""The watcher of a run: every call and op, and which value each makes and uses.

    enter Block, x           a box opens                     watchers tell of every module's call
    enter Linear, x            a box in it
    linear(x, w, b) -> y         an op; x's maker is outside
    leave Linear, y            y crosses the border
    add(x, y) -> z             an op between boxes is a node of its own

Values are told apart by the tensors' identity. What is trivial (reshape, views, dropout) is folded:
its result is another form of its input. What is made of parameters and constants alone is no wire;
it belongs to the box that uses it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydp import _graph, _tree
from pydp import _signature as language
from pydp._context import Watcher
from pydp.draw._box import Box

FOLDED = frozenset(
    {"reshape", "permute_dims", "flatten", "broadcast_to", "astype", "copy", "alias", "apart",
     "together", "getitem", "dropout", "recurrent_mask", "full_backward_hook"}
)  # fmt: skip
# What else is said of an op: a fused activation is its last argument.
FUSED = frozenset({"linear", "conv2d"})
DIRECTED = frozenset({"lstm", "gru", "rnn"})  # the first argument is whether it goes backwards


class Value:
    """A tensor of the run: who made it, or what it is another form of."""

    def __init__(
        self, tensor: Any, home: Node | None, maker: Node | None = None, of: Value | None = None,
        is_constant: bool = False,
    ) -> None:  # fmt: skip
        self.tensor = tensor
        self.home = home  # the box in which it was made
        self.maker = maker
        self.of = of
        self.is_constant = is_constant


class Node:
    """A box while it is traced."""

    def __init__(self, box: Box, parent: Node | None) -> None:
        self.box = box
        self.parent = parent
        self.children: list[Node] = []
        self.given: list[Value] = []
        self.results: list[Value] = []
        self.inputs: list[Value] = []  # one for each port
        self.outputs: list[Value] = []
        self.is_hidden = False  # made of constants alone
        self.call: tuple[Any, Sequence[Any], Sequence[Any]] | None = None  # an op's

    def child_with(self, inner: Node | None) -> Node | None:
        """The child in which `inner` is, or which it is."""
        while inner is not None and inner.parent is not self:
            inner = inner.parent
        return inner


class Tracer(Watcher):
    """Notes every call and op of a run."""

    def __init__(self, module: Any) -> None:
        self.root: Node | None = None
        self.stack: list[Node] = []
        self.tensors: list[Any] = []
        self.ops: list[str] = []
        self.values: dict[int, Value] = {}
        self.memories: dict[int, Value] = {}  # by the version that views share
        self.versions: list[Any] = []  # kept, so that no other is at the same address
        self.used: set[int] = set()  # parameters
        self.paths = {id(m): path for path, m in module.named_modules()}
        self.names = _names_within(module)
        self.parameters = {id(p): path for path, p in module.named_parameters()}
        self.weights = {id(p): p.size for p in module.parameters()}  # numbers behind a constant
        self.owners = {p: path.rpartition(".")[0] for p, path in self.parameters.items()}

    # ---- values

    def new(self, tensor: Any, value: Value) -> Value:
        self.tensors.append(tensor)
        self.values[id(tensor)] = value
        self.memories[id(tensor._version)] = value
        self.versions.append(tensor._version)
        return value

    def value(self, tensor: Any) -> Value:
        """What is known of a tensor; one that nobody has made here is a constant."""
        found = self.values.get(id(tensor))
        if found is None:
            home = self.stack[-1] if self.stack else None
            of = self.memories.get(id(tensor._version))
            constant = of is None or of.is_constant
            found = self.new(tensor, Value(tensor, home, of=of, is_constant=constant))
        return found

    def values_in(self, tree: Any) -> list[Value]:
        tensors = [x for _, x in _tree.leaves(tree) if isinstance(x, _graph.Value)]
        return [self.value(x) for x in tensors if id(x) not in self.parameters]

    # ---- what is told

    def enter(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        node = Node(self._box_of(module), self.stack[-1] if self.stack else None)
        if node.parent is None:
            self.root = node
            for name, argument in [*zip(_names_of(module), args, strict=False), *kwargs.items()]:
                for _, x in _tree.leaves(argument):
                    if isinstance(x, _graph.Value):
                        self.new(x, Value(x, None))
                        node.box.names.append(name)
        else:
            node.parent.children.append(node)
        node.given = self.values_in((args, kwargs))
        self.stack.append(node)

    def _box_of(self, module: Any) -> Box:
        around = self.stack[-1].box.key if self.stack else 0
        return Box(
            type(module).__name__,
            self.paths.get(id(module), ""),
            module.extra_repr(),
            is_declared=module.signature != language.UNDECLARED,
            is_shared=self.used.issuperset(map(id, module.parameters())),
            parameters=sum([p.size for p in module.parameters()]),
            key=id(module),
            names_within=self.names.get((around, id(module)), []),
        )

    def leave(self, module: Any, result: Any) -> None:
        node = self.stack[-1]
        for _, x in _tree.leaves(result):
            if isinstance(x, _graph.Value):
                value = self.value(x)
                if value.is_constant or id(x) in self.parameters:
                    value = self._promoted(x, value, node)
                node.results.append(value)
        self.stack.pop()

    def _promoted(self, x: Any, value: Value, node: Node) -> Value:
        """A constant that a box gives is what the box makes of nothing (positions, a weight)."""
        if value.maker is not None:
            value.is_constant = value.maker.is_hidden = False
            return value
        return self.new(x, Value(x, node.parent, maker=node))

    def applied(
        self, op: Any, inputs: Any, arguments: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        if not self.stack:
            return
        home = self.stack[-1]
        self.ops.append(op.name)
        used = [self.value(x) for x in inputs if x is not None and id(x) not in self.parameters]
        used = [v for v in used if not v.is_constant]
        node = Node(self._op_box(op, inputs, arguments), home)
        self.used.update(id(x) for x in inputs if id(x) in self.weights)
        node.given, node.call = used, (op, inputs, results)
        node.is_hidden = not used or op.name in FOLDED
        home.children.append(node)
        for y in results:
            if y is None:
                continue
            if op.name in FOLDED and used:
                self.new(y, Value(y, home, of=used[0]))
            else:
                self.new(y, Value(y, home, maker=node, is_constant=not used))
                if not used:  # a row of a weight is its owner's, too
                    self.owners[id(y)] = self._owner(inputs)
                    behind = [self.weights[id(x)] for x in inputs if id(x) in self.weights]
                    if behind:
                        self.weights[id(y)] = y.size if op.name in FOLDED else sum(behind)

    def _op_box(self, op: Any, inputs: Any, arguments: tuple[Any, ...]) -> Box:
        name = op.name
        if name in FUSED and isinstance(arguments[-1:] and arguments[-1], str):
            name = f"{name} + {arguments[-1]}"
        if op.name in DIRECTED and arguments and arguments[0]:
            name = f"← {name}"
        owner = self._owner(inputs)
        above = self.stack[-1].box.path
        return Box(
            name,
            owner if owner != above else "",
            is_op=True,
            is_shared=self.used.issuperset(id(x) for x in inputs if id(x) in self.weights),
            parameters=sum([self.weights.get(id(x), 0) for x in inputs]),
        )

    def _owner(self, tensors: Any) -> str:
        """The module whose parameter is the first among these."""
        return next((self.owners[id(x)] for x in tensors if id(x) in self.owners), "")


def _names_within(module: Any) -> dict[tuple[int, int], list[str]]:
    """(module, part) -> the attributes that hold the part, where there are several."""
    found: dict[tuple[int, int], list[str]] = {}
    for outer in module.modules():
        for name, part in outer._own_modules():
            found.setdefault((id(outer), id(part)), []).append(name)
    return {pair: names for pair, names in found.items() if len(names) > 1}


def _names_of(module: Any) -> list[str]:
    try:
        return list(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return []


class Run(NamedTuple):
    """What a run on an example has shown; tensors in the order in which they were met."""

    example: dict[str, int]
    root: Node
    tensors: list[Any]
    ops: list[str]
    guards: Sequence[Any]  # what forward compared
