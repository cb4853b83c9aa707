"""One column of a plan: nodes in layers from below, and the wires between them.

_rows    where nodes stand from left to right
_ways    where wires run
here     heights of layers and gaps, and with them the plan
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydp.draw._plan import (
    ARROW,
    BACK,
    LABEL,
    LANE,
    NEAR,
    PLAIN,
    TRACK,
    Label,
    Net,
    Plan,
    Point,
    Rect,
)
from pydp.draw._ways import Ways


class Column(Ways):
    """Rows, ways and heights of a graph."""

    def plan(self) -> Plan:
        self._order()
        self._find_sides()
        self._settle()
        self._find_lanes()
        self._aim()
        self._find_tracks()
        self._stack()
        return self._drawn()

    # ---- heights

    def _stack(self) -> None:
        """The height of every layer and gap."""
        nets = self.graph.nets
        self.bottom = [0.0] * len(self.rows)  # of a layer
        self.top = [0.0] * len(self.rows)
        v = 0.0
        for layer, row in enumerate(self.rows):
            self.bottom[layer] = v
            v += max([self.elements[e].whole for e in row], default=0.0)
            self.top[layer] = v = math.ceil(v)
            if layer + 1 == len(self.rows):
                break
            labelled = any(net.width and self.gap_of(net) == layer for net in nets)
            ending = any(
                net.width_at(t) and self.layer[self.target(end)[0]] == layer + 1
                for net in nets for t, end in enumerate(net.targets)
            )  # fmt: skip
            rows = LABEL * (labelled + ending) + TRACK * self.tracks[layer]
            v += max(PLAIN, rows + ARROW)

    def track_v(self, n: int, gap: int) -> float:
        nets = self.graph.nets
        labelled = any(net.width and self.gap_of(net) == gap for net in nets)
        return self.top[gap] + LABEL * labelled + TRACK * (self.track[n, gap] + 0.6)

    def rect(self, e: int) -> Rect:
        """An element's place: in the middle of its layer's height."""
        node, layer = self.elements[e], self.layer[e]
        room = self.top[layer] - self.bottom[layer] - node.whole
        bottom = self.bottom[layer] + room / 2 + node.below
        return Rect(self.x[e] - node.width / 2, bottom, node.width, node.height)

    # ---- the plan

    def _drawn(self) -> Plan:
        n = self.first_input
        edges = [(self.x[e] - s.left, self.x[e] + s.right) for e, s in enumerate(self.elements)] + [
            (lane.x, lane.x) for lane in self.lanes.values()
        ]
        left = min([a for a, _ in edges], default=0.0)
        plan = Plan(max([b for _, b in edges], default=0.0) - left, self.top[-1])
        plan.rects = [self.rect(e) for e in range(n)]
        plan.insides = [
            None if s.inside is None else s.inside.moved(r.x, r.v)
            for s, r in zip(self.elements[:n], plan.rects, strict=True)
        ]
        plan.wires = [self._ways(i, net) for i, net in enumerate(self.graph.nets)]
        plan.labels = list(self._labels())
        for e, node in enumerate(self.elements[:n]):
            if node.loop is not None:
                plan.loops += [(e, way) for way in self._loops(e)]
                if node.loop:
                    plan.loop_labels.append((e, self._loop_label(e)))
        plan.inputs = [self.x[e] for e in range(n, self.first_output)]
        plan.outputs = [self.x[e] for e in range(self.first_output, len(self.elements))]
        return plan.moved(-left, 0.0)

    def _ways(self, n: int, net: Net) -> list[tuple[int, list[Point]]]:
        return [(t, straightened(self._way(n, net, end))) for t, end in enumerate(net.targets)]

    def _way(self, n: int, net: Net, end: tuple[int | None, int]) -> list[Point]:
        e, gap = self.target(end)[0], self.gap_of(net)
        to = self.rect(e)
        x, end_x = self.source_x(net), self.target_x(end)
        begin = Point(x, self._border(self.source(net)[0], x, upper=True))
        finish = Point(end_x, self._border(e, end_x, upper=False))
        if self.layer[e] == gap + 1:
            if x == end_x:
                return [begin, finish]
            v = self.track_v(n, gap)
            return [begin, Point(x, v), Point(end_x, v), finish]
        lane = self.lanes[n]
        v = self.track_v(n, gap) if (n, gap) in self.track else begin.v
        way = [begin, Point(x, v), Point(lane.x, v)]
        if self.enters_beside(n, end):
            middle = to.v + to.height / 2
            side = to.x if lane.is_left else to.x + to.width
            return [*way, Point(lane.x, middle), Point(side, middle)]
        if (n, self.layer[e] - 1) not in self.track:
            return [*way, finish]
        v = self.track_v(n, self.layer[e] - 1)
        return [*way, Point(lane.x, v), Point(end_x, v), finish]

    # ---- loops

    def _loops(self, e: int) -> Iterator[list[Point]]:
        """The ways of what goes back into a node: the later its port, the nearer its way."""
        node, rect = self.elements[e], self.rect(e)
        side, top = rect.x + rect.width + node.deck, rect.v + rect.height + node.deck
        if not node.loops:  # beside it
            v = rect.v + node.deck + (rect.height - node.deck) / 2
            half = 0.22 * (rect.height - node.deck)
            edge = side - (rect.height / 2 - math.sqrt((rect.height / 2) ** 2 - half**2)
                           if node.is_round else 0.0)  # fmt: skip
            far = side + BACK
            yield [Point(edge, v + half), Point(far, v + half), Point(far, v - half),
                   Point(edge, v - half)]  # fmt: skip
        for k, (output, into) in enumerate(reversed(node.loops)):
            x, to, far = rect.x + node.outputs[output], rect.x + node.inputs[into], side + LANE
            over, under = top + TRACK * (k + 0.6), rect.v - ARROW - TRACK * k
            far += LANE * k
            yield [
                Point(x, rect.v + rect.height), Point(x, over), Point(far, over), Point(far, under),
                Point(to, under), Point(to, rect.v),
            ]  # fmt: skip

    def _loop_label(self, e: int) -> Rect:
        node, rect = self.elements[e], self.rect(e)
        side = rect.x + rect.width + node.deck + (LANE * len(node.loops) or BACK) + NEAR
        middle = rect.v + (rect.height + node.deck) / 2
        return Rect(side, middle - LABEL / 2 + 2, node.loop or 0.0, LABEL - 4)

    def _border(self, e: int, x: float, upper: bool) -> float:
        """Where a vertical line meets an element's edge; round ones are pills."""
        rect, node = self.rect(e), self.elements[e]
        edge = rect.v + rect.height if upper else rect.v
        if not node.is_round:
            return edge
        radius = rect.height / 2
        inset = max(0.0, radius - min(x - rect.x, rect.x + rect.width - x))
        short = radius - math.sqrt(max(0.0, radius**2 - min(inset, radius) ** 2))
        return round(edge - short if upper else edge + short, 1)

    def _labels(self) -> Iterator[Label]:
        for n, net in enumerate(self.graph.nets):
            if net.width and net.targets:
                v = self.top[self.gap_of(net)]
                yield Label(n, None, Rect(self.source_x(net) + NEAR, v + 2, net.width, LABEL - 4))
            for t, end in enumerate(net.targets):
                if net.width_at(t):
                    v = self.bottom[self.layer[self.target(end)[0]]] - ARROW - LABEL
                    rect = Rect(self.target_x(end) + NEAR, v + 2, net.width_at(t), LABEL - 4)
                    yield Label(n, t, rect)


def straightened(way: list[Point]) -> list[Point]:
    """The way without points on a straight line."""
    found: list[Point] = []
    for p in way:
        while len(found) >= 2 and (
            (found[-2].x == found[-1].x == p.x) or (found[-2].v == found[-1].v == p.v)
        ):
            found.pop()
        if not found or p != found[-1]:
            found.append(p)
    return found
