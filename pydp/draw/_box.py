"""A diagram as data: boxes in boxes, and the wires inside each.

    AlexNet ─────────────────┐      Box("AlexNet"), children [features, classifier]
    │  x ─> features ─┐      │      wires  (AlexNet, in 0) -> (features, 0)
    │  ┌──────────────┘      │             (features, 0)   -> (classifier, 0)
    │  └─> classifier ───────┼─> y         (classifier, 0) -> (AlexNet, out 0)
    └────────────────────────┘

Invariant: a wire joins two children of one box, or a child and the box's own border (child None).
No wire crosses a border: it ends there at a port, and goes on from the same port inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydp._size import Size, size

NONE = size(0)


class End(NamedTuple):
    """Where a wire ends: a port of a child, or of the box around (child None)."""

    child: int | None
    port: int


class Wire(NamedTuple):
    """What one box gives to another. `type` is what comes out, `becomes` what goes in: a reshape
    between them is folded into the wire."""

    source: End
    target: End
    type: str
    becomes: str


class Loop(NamedTuple):
    """A state, which goes from step to step: out of one and into the next. Where the loop is inside
    an op, it has no ports."""

    output: int | None
    input: int | None
    type: str


@dataclass(eq=False)
class Box:
    """A call of a module, or an op that stands among the modules of a box."""

    name: str  # class of the module, or name of the op
    path: str = ""
    arguments: str = ""
    is_op: bool = False
    is_declared: bool = True  # whether it has a type of its own; drawn dashed if not
    is_shared: bool = False  # its parameters have been used by a box before it
    parameters: int = 0
    multiply_adds: Size = NONE
    memory: Size = NONE  # bytes of the results of all ops inside
    inputs: list[str] = field(default_factory=list)  # types, one for each port
    outputs: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of the inputs, where forward names them
    children: list[Box] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    times: int = 1  # this many boxes, one after the other
    is_loop: bool = False  # one box, which is called in `times` steps
    loops: list[Loop] = field(default_factory=list)
    key: Any = None  # of the module that is called
    names_within: list[str] = field(default_factory=list)  # attributes that hold it, if several

    @property
    def label(self) -> str:
        """The attribute that holds the module, unless it is a number; `a = b` if two do."""
        last = self.path.rpartition(".")[2]
        return "" if last.isdecimal() else " = ".join(self.names_within) or last

    @property
    def state(self) -> list[str]:
        """The types of what goes back into a step, of this box or of those right below it."""
        inner = [t for c in self.children if c.is_op or c.is_loop for t in c.state]
        return [loop.type for loop in self.loops] or inner

    @property
    def opens(self) -> bool:
        """Whether there is something to see inside."""
        return len(self.children) > 1 or any(not child.is_op for child in self.children)

    def walk(self) -> Iterator[Box]:
        """This box and all below it, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()

    def form(self) -> Any:
        """What two boxes that are drawn once have in common."""
        return (
            self.name, self.arguments, self.parameters, self.times, tuple(self.inputs),
            tuple(self.outputs), tuple(self.wires), tuple(self.loops),
            tuple([c.form() for c in self.children]),
        )  # fmt: skip


def opened(box: Box, depth: int) -> set[int]:
    """The ids of the boxes that are drawn open, down to this depth: this one, and below it those
    in which there is more to see than an op."""
    if depth < 1 or not box.children:
        return set()
    return {id(box)}.union(*[opened(c, depth - 1) for c in box.children if c.opens])


def renumbered(box: Box, stands_for: Mapping[int, int], wires: list[Wire]) -> None:
    """Keep the children that stand for themselves, and wires between what is left."""
    kept = [i for i in range(len(box.children)) if stands_for.get(i, i) == i]
    number = {i: k for k, i in enumerate(kept)}

    def moved(end: End) -> End:
        if end.child is None:
            return end
        return End(number[stands_for.get(end.child, end.child)], end.port)

    box.wires = list(
        dict.fromkeys(Wire(moved(w.source), moved(w.target), w.type, w.becomes) for w in wires)
    )
    box.children = [box.children[i] for i in kept]
