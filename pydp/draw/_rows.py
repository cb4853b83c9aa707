"""The layers of a graph as rows: in which order its nodes stand, and at which x.

order    each near the middle of what it is joined to, from below and from above in turn
x        as near as the others allow (a regression with the order kept, by pooling)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pydp.draw._plan import BESIDE, NEAR, Graph, Net, Sized, pooled

SWEEPS = 8
ALMOST = 3.0  # a wire that is this near to straight is made so


class Rows:
    """Elements are nodes, then the graph's inputs, then its outputs; x is of their middles."""

    def __init__(self, graph: Graph, sized: Sequence[Sized], layers: Sequence[int]) -> None:
        self.graph = graph
        n, top = len(sized), max(layers, default=0) + 1
        self.elements = [*sized]
        for i in range(graph.inputs):
            labels = [net.width for net in graph.nets if net.source == (None, i)]
            right = _room([*labels, *graph.beside_inputs[i : i + 1]])
            self.elements.append(Sized(0.0, 0.0, [], [0.0], 0.0, right))
        for i in range(graph.outputs):
            ends = [
                (net.width_at(t), end) for net in graph.nets for t, end in enumerate(net.targets)
            ]
            labels = [wide for wide, end in ends if end == (None, i)]
            right = _room([*labels, *graph.beside_outputs[i : i + 1]])
            self.elements.append(Sized(0.0, 0.0, [0.0], [], 0.0, right))
        self.first_input, self.first_output = n, n + graph.inputs
        self.layer = [*layers, *[0] * graph.inputs, *[top] * graph.outputs]
        self.rows: list[list[int]] = [[] for _ in range(top + 1)]
        for e, layer in enumerate(self.layer):
            self.rows[layer].append(e)
        self.x = [0.0] * len(self.elements)
        self.last: dict[int, int] = {}  # ends of loops stand at the right, in their order
        for k, (output, into) in enumerate(graph.loops, 1):
            self.last[self.first_input + into] = k
            self.last.setdefault(self.first_output + output, k)

    # ---- ends of nets

    def source(self, net: Net) -> tuple[int, int]:
        """The element and its port."""
        node, port = net.source
        return (self.first_input + port, 0) if node is None else (node, port)

    def target(self, end: tuple[int | None, int]) -> tuple[int, int]:
        node, port = end
        return (self.first_output + port, 0) if node is None else (node, port)

    def source_x(self, net: Net) -> float:
        e, port = self.source(net)
        return self.x[e] - self.elements[e].width / 2 + self.elements[e].outputs[port]

    def target_x(self, end: tuple[int | None, int]) -> float:
        e, port = self.target(end)
        return self.x[e] - self.elements[e].width / 2 + self.elements[e].inputs[port]

    def gap_of(self, net: Net) -> int:
        """The gap in which a net begins: that above its source's layer."""
        return self.layer[self.source(net)[0]]

    def near(self, net: Net) -> Iterator[tuple[int, tuple[int | None, int]]]:
        """The targets in the next layer, with their numbers."""
        for t, end in enumerate(net.targets):
            if self.layer[self.target(end)[0]] == self.gap_of(net) + 1:
                yield t, end

    # ---- order and x

    def _order(self) -> None:
        """Sort each row by where what it is joined to stands, from below and from above in turn."""
        joined: list[list[tuple[int, float]]] = [[] for _ in self.elements]
        for net in self.graph.nets:
            for end in net.targets:
                s, t, out, into = self._joint(net, end)
                joined[s].append((t, into))
                joined[t].append((s, out))
        for row in self.rows:
            row.sort(key=lambda e: self.last.get(e, 0))
        best, fewest = [row[:] for row in self.rows], self._crossings()
        for sweep in range(SWEEPS):
            up = sweep % 2 == 0
            place = {e: i - (len(row) - 1) / 2 for row in self.rows for i, e in enumerate(row)}
            for row in self.rows if up else self.rows[::-1]:
                means = {}
                for e in row:
                    known = [
                        place[o] + at for o, at in joined[e]
                        if (self.layer[o] < self.layer[e]) == up
                    ]  # fmt: skip
                    means[e] = sum(known) / len(known) if known else place[e]
                row.sort(key=lambda e: (self.last.get(e, 0), means[e]))
                place.update({e: i - (len(row) - 1) / 2 for i, e in enumerate(row)})
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [row[:] for row in self.rows], crossings
        self.rows = best

    def _joint(self, net: Net, end: tuple[int | None, int]) -> tuple[int, int, float, float]:
        """The elements that a wire joins, and where along their edges: -0.4 to 0.4."""
        (s, out), (t, into) = self.source(net), self.target(end)
        a, b = self.elements[s], self.elements[t]
        along_a = 0.8 * (a.outputs[out] / a.width - 0.5) if a.width else 0.0
        along_b = 0.8 * (b.inputs[into] / b.width - 0.5) if b.width else 0.0
        return s, t, along_a, along_b

    def _crossings(self) -> int:
        place = {e: i for row in self.rows for i, e in enumerate(row)}
        lines: list[list[tuple[float, float]]] = [[] for _ in self.rows]
        for net in self.graph.nets:
            for _, end in self.near(net):
                s, t, out, into = self._joint(net, end)
                lines[self.layer[s]].append((place[s] + out, place[t] + into))
        return sum(
            (a[0] - b[0]) * (a[1] - b[1]) < 0
            for gap in lines
            for i, a in enumerate(gap)
            for b in gap[:i]
        )

    def _settle(self) -> None:
        """Move nodes to where their wires are straight; each row keeps its order."""
        below: list[list[tuple[int, float]]] = [[] for _ in self.elements]  # what it is joined to,
        above: list[list[tuple[int, float]]] = [[] for _ in self.elements]  # and how far beside
        for net in self.graph.nets:
            s = self.source(net)[0]
            out = self.source_x(net) - self.x[s]
            for _, end in self.near(net):
                t = self.target(end)[0]
                off = out - (self.target_x(end) - self.x[t])
                below[t].append((s, off))
                above[s].append((t, -off))
        for row in self.rows:
            self._place_row(row, {})
        for sweep in range(2 * SWEEPS + 1):
            joined, rows = (below, self.rows) if sweep % 2 == 0 else (above, self.rows[::-1])
            before = self.x[:]
            for row in rows:
                wanted = {
                    e: sum([self.x[o] + off for o, off in joined[e]]) / len(joined[e])
                    for e in row if joined[e]
                }  # fmt: skip
                self._place_row(row, wanted)
            if sweep and sweep % 2 == 0 and self.x == before:
                break
        self._place_row(self.rows[0], self._wanted_below())
        self.x = [float(round(x)) for x in self.x]
        self._snap()

    def _place_row(self, row: list[int], wanted: dict[int, float]) -> None:
        """The x nearest to what is wanted that keep the order and the distances."""
        if not row:
            return
        offsets, at = [0.0], 0.0
        for a, b in pairwise(row):
            at += self.elements[a].right + BESIDE + self.elements[b].left
            offsets.append(at)
        means = pooled(
            [
                (wanted.get(e, self.x[e]) - offset, 1.0 if e in wanted else 1e-3)
                for e, offset in zip(row, offsets, strict=True)
            ]
        )
        for e, offset, mean in zip(row, offsets, means, strict=True):
            self.x[e] = mean + offset

    def _wanted_below(self) -> dict[int, float]:
        """Where the graph's inputs would have straight wires."""
        wanted: dict[int, list[float]] = {}
        for net in self.graph.nets:
            if net.source[0] is None:
                wanted[self.source(net)[0]] = [self.target_x(end) for _, end in self.near(net)]
        return {e: sum(xs) / len(xs) for e, xs in wanted.items() if xs}

    def _snap(self) -> None:
        """Let ends that almost stand above each other do so, from below upwards."""
        for row in self.rows[1:]:
            for e in row:
                offs = [
                    self.source_x(net) - self.target_x(end)
                    for net in self.graph.nets for _, end in self.near(net)
                    if self.target(end)[0] == e
                ]  # fmt: skip
                nearest = min(offs, key=abs, default=0.0)
                if abs(nearest) <= ALMOST:
                    self.x[e] += nearest


def _room(labels: Sequence[float]) -> float:
    """What the widest of some labels takes beside a wire."""
    widest = max(labels, default=0.0)
    return NEAR + widest if widest else 0.0
