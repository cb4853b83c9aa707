"""Graphs to be laid out, and plans: what `_layout` takes and gives. All of it is plain data.

The origin is the lower left corner, and v grows upwards, as the values flow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

PAD = 14.0  # between a box and what is inside
BESIDE = 22.0  # between nodes of a layer
LABEL = 17.0  # height of a label's row
NEAR = 5.0  # between a wire and its label
TRACK = 10.0
ARROW = 14.0  # room for an arrow's head
PLAIN = 24.0  # a gap without tracks and labels
LANE = 12.0
TITLE = 26.0  # height of an open node's title
GUTTER = 34.0  # between columns
DECK = 5.0  # how far the cards of a deck stand apart
BACK = 16.0  # how far a loop's wire goes out of the side of a closed node

Port = tuple[int | None, int]  # node (None: of the graph itself) and its number


@dataclass
class Net:
    """A value: from where it is made to all that use it. Widths are of labels, 0 for none."""

    source: Port
    targets: list[Port]
    width: float = 0.0
    widths: list[float] = field(default_factory=list)  # beside the end at each target

    def width_at(self, target: int) -> float:
        return self.widths[target] if self.widths else 0.0


@dataclass
class Graph:
    """Nodes with what joins them, in an order in which nothing is used before it is made."""

    nodes: list[Node]
    nets: list[Net]
    inputs: int = 0
    outputs: int = 0
    beside_inputs: list[float] = field(default_factory=list)  # labels that stand there, outside
    beside_outputs: list[float] = field(default_factory=list)
    loops: list[tuple[int, int]] = field(default_factory=list)  # output that goes back to an input


@dataclass
class Node:
    """A box. Closed it has a size for its texts; open it has a graph, and a title with a text on
    its left and one on its right. One with a `loop` has a wire that goes back into it: on the side
    if it is closed, and if it is open around it, for each loop of its graph."""

    width: float = 0.0
    height: float = 0.0
    inside: Graph | None = None
    title: tuple[float, float] = (0.0, 0.0)
    is_round: bool = False
    is_deck: bool = False  # stands for several
    loop: float | None = None  # how wide its label is


class Point(NamedTuple):
    x: float
    v: float


class Rect(NamedTuple):
    x: float
    v: float
    width: float
    height: float

    def moved(self, x: float, v: float) -> Rect:
        return Rect(self.x + x, self.v + v, self.width, self.height)


class Label(NamedTuple):
    net: int
    target: int | None  # None: beside the beginning
    rect: Rect


@dataclass
class Plan:
    """A graph with positions. `insides` has the plan of each open node, placed like `rects`."""

    width: float = 0.0
    height: float = 0.0
    rects: list[Rect] = field(default_factory=list)
    insides: list[Plan | None] = field(default_factory=list)
    wires: list[list[tuple[int, list[Point]]]] = field(default_factory=list)  # (target, way)
    labels: list[Label] = field(default_factory=list)
    loops: list[tuple[int, list[Point]]] = field(default_factory=list)  # (node, way)
    loop_labels: list[tuple[int, Rect]] = field(default_factory=list)
    inputs: list[float] = field(default_factory=list)
    outputs: list[float] = field(default_factory=list)

    def moved(self, x: float, v: float) -> Plan:
        """The same elsewhere; inputs and outputs are along the graph's lower and upper edge."""
        return Plan(
            self.width,
            self.height,
            [rect.moved(x, v) for rect in self.rects],
            [None if inside is None else inside.moved(x, v) for inside in self.insides],
            [[(t, [Point(p.x + x, p.v + v) for p in way]) for t, way in w] for w in self.wires],
            [Label(n, t, rect.moved(x, v)) for n, t, rect in self.labels],
            [(e, [Point(p.x + x, p.v + v) for p in way]) for e, way in self.loops],
            [(e, rect.moved(x, v)) for e, rect in self.loop_labels],
            [i + x for i in self.inputs],
            [o + x for o in self.outputs],
        )


@dataclass
class Sized:
    """A node with its size, where its ports are from its left edge, and what is inside."""

    width: float
    height: float
    inputs: list[float]
    outputs: list[float]
    left: float  # how far it, with its labels, reaches from its middle
    right: float
    inside: Plan | None = None
    is_round: bool = False
    deck: float = 0.0
    loop: float | None = None
    loops: list[tuple[int, int]] = field(default_factory=list)  # around it; none is at its side
    below: float = 0.0  # room for them
    above: float = 0.0
    labels: list[float] = field(default_factory=list)  # at its inputs

    @property
    def whole(self) -> float:
        """The height with all that belongs to it."""
        return self.below + self.height + self.deck + self.above

    def stand(self, node: Node, into: list[float], out: list[float]) -> None:
        """Make room for a node's deck and loops, and say how far it reaches with these and the
        labels at its ports: each stands to the right of its wire."""
        self.labels = into
        self.deck = 2 * DECK if node.is_deck else 0.0
        self.loop, middle = node.loop, self.width / 2
        ends = [
            port + NEAR + label
            for ports, labels in ((self.inputs, into), (self.outputs, out))
            for port, label in zip(ports, labels, strict=False)
            if label
        ]
        if not node.inside and len(ends) > 1:
            ends.append(max(ends) + 12.0)  # so that ports can move
        side = self.width + self.deck
        if node.loop is not None:
            self.loops = node.inside.loops if node.inside else []
            self.below = TRACK * (len(self.loops) - 1) + ARROW if self.loops else 0.0
            self.above = TRACK * len(self.loops)
            side += (LANE * len(self.loops) or BACK) + (NEAR + node.loop if node.loop else 0.0)
        self.left, self.right = middle, max([side, *ends]) - middle


# ---- ports ---------------------------------------------------------------------------------------


def spread(labels: list[float]) -> float:
    """From the first port to the last."""
    return sum(apart(label) for label in labels[:-1])


def apart(label: float) -> float:
    return even(NEAR + label + 12.0) if label else 12.0


def even(length: float) -> float:
    """An even number, so that middles are whole numbers and what is straight stays so."""
    return 2.0 * math.ceil(length / 2)


def pooled(wanted: Sequence[tuple[float, float]]) -> list[float]:
    """The numbers in ascending order that are nearest to these (number, weight), by least squares:
    neighbours that are in the wrong order are pooled, and stand at their mean."""
    blocks: list[list[float]] = []  # sum, weight, members
    for number, weight in wanted:
        blocks.append([weight * number, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    return [total / weight for total, weight, count in blocks for _ in range(int(count))]


def along(labels: list[float], width: float) -> list[float]:
    """Where ports stand along an edge: in its middle, as far apart as their labels want."""
    at, found = (width - spread(labels)) / 2, []
    for label in labels:
        found.append(at)
        at += apart(label)
    return found
