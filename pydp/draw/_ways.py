"""The ways of wires: lanes upwards, and tracks sideways.

lanes    to farther layers, beside all nodes that are passed, or straight up where none is
tracks   in the gaps between layers; two wires share one where they are apart
"""

from __future__ import annotations

import math
from typing import NamedTuple

from pydp.draw._plan import LANE, NEAR, PAD, Net, Sized, along, apart, pooled
from pydp.draw._rows import ALMOST, Rows

ROUND_EDGE = 6.0  # how near to a round node's end a port may stand


class Lane(NamedTuple):
    """A way upwards beside the nodes, for one net: from its source's gap to `last`, the highest
    layer that it goes to."""

    net: int
    first: int
    last: int
    x: float
    is_left: bool


class Ways(Rows):
    """Rows with the lanes and tracks of their wires."""

    # ---- lanes

    def _is_free(self, x: float, first: int, last: int) -> bool:
        """Whether a lane can go straight up here."""
        passed = [e for row in self.rows[first + 1 : last] for e in row]
        return all(
            x < self.x[e] - self.elements[e].left - LANE
            or x > self.x[e] + self.elements[e].right + LANE
            for e in passed
        ) and all(
            abs(lane.x - x) >= LANE or lane.last <= first or last <= lane.first
            for lane in self.lanes.values()
        )

    def _wanted_above(self) -> dict[int, float]:
        """Where the wires that end at the graph's outputs come up."""
        return {
            self.target(end)[0]: self.lanes[n].x if n in self.lanes else self.source_x(net)
            for n, net in enumerate(self.graph.nets) for end in net.targets
            if end[0] is None
        }  # fmt: skip

    def _find_sides(self) -> None:
        """Round nodes that a lane enters from the side: none stands between. The other wires then
        have the lower edge for themselves."""
        self.beside: dict[int, int] = {}  # node -> net
        self.sides: dict[int, bool] = {}  # net -> whether its lane must be on the left
        for n, net in enumerate(self.graph.nets):
            ends = [(self.target(end)[0], net.width_at(t) > 0) for t, end in enumerate(net.targets)]
            labelled = {e for e, has_label in ends if has_label}
            far = {e for e, _ in ends if self.layer[e] > self.gap_of(net) + 1} - labelled
            open_ = [
                e for e in far
                if self.elements[e].is_round and self.elements[e].loop is None
                and e not in self.beside
            ]  # fmt: skip
            first = [e for e in open_ if self.rows[self.layer[e]][0] == e]
            last = [e for e in open_ if self.rows[self.layer[e]][-1] == e]
            chosen = first if len(first) >= len(last) else last
            if chosen and first != last:
                self.sides[n] = chosen is first
            self.beside.update(dict.fromkeys(chosen, n))
        for e, n in self.beside.items():
            self._draw_together(e, n)

    def _draw_together(self, e: int, beside: int) -> None:
        """Let a node's inputs stand as if the net at its side were none of them."""
        node = self.elements[e]
        labels: dict[int, float] = {}
        for n, net in enumerate(self.graph.nets):
            for t, end in enumerate(net.targets):
                target, port = self.target(end)
                if target == e and n != beside:
                    labels[port] = max(net.width_at(t), labels.get(port, 0.0))
        ports = sorted(labels)
        places = along([labels[port] for port in ports], node.width)
        for port, x in zip(ports, places, strict=True):
            node.inputs[port] = x
            if labels[port]:
                node.right = max(node.right, x + NEAR + labels[port] - node.width / 2)

    def enters_beside(self, n: int, end: tuple[int | None, int]) -> bool:
        """Whether a net comes to this end from the side."""
        return self.beside.get(self.target(end)[0]) == n

    def _find_lanes(self) -> None:
        left = [
            min([self.x[e] - self.elements[e].left for e in row], default=0.0) for row in self.rows
        ]
        right = [
            max([self.x[e] + self.elements[e].right for e in row], default=0.0) for row in self.rows
        ]
        far = []
        for n, net in enumerate(self.graph.nets):
            first = self.gap_of(net)
            last = max([self.layer[self.target(end)[0]] for end in net.targets], default=0)
            if last > first + 1:
                far.append((last - first, n, first, last))
        self.lanes: dict[int, Lane] = {}
        for _, n, first, last in sorted(far):
            net = self.graph.nets[n]
            rows = range(first + 1, last + 1)
            beside = [
                lane for lane in self.lanes.values() if lane.first <= last and first <= lane.last
            ]
            xl = min([left[r] for r in rows] + [k.x for k in beside if k.is_left]) - LANE
            xr = max([right[r] for r in rows] + [k.x for k in beside if not k.is_left]) + LANE
            ends = [self.source_x(net), *[self.target_x(end) for end in net.targets]]
            to_left, to_right = (sum(abs(x - end) for end in ends) for x in (xl, xr))
            is_left = self.sides.get(n, to_left <= 2 * to_right)
            above = self.source_x(net)
            if n not in self.beside.values() and self._is_free(above, first, last):
                xl, is_left = above, True
            self.lanes[n] = Lane(n, first, last, float(round(xl if is_left else xr)), is_left)
        wanted = self._wanted_above()
        self._place_row(self.rows[-1], wanted)
        for e in self.rows[-1]:
            x = float(round(self.x[e]))
            self.x[e] = wanted[e] if abs(wanted.get(e, math.inf) - x) <= ALMOST else x

    # ---- ports

    def _aim(self) -> None:
        """Let a closed node's inputs stand where their wires come from, as far as its edge and the
        labels beside them allow."""
        for e, node in enumerate(self.elements[: self.first_input]):
            if node.inside is not None or e in self.beside or not node.inputs:
                continue
            left = self.x[e] - node.width / 2
            come: dict[int, float] = {}
            for n, net in enumerate(self.graph.nets):
                for end in net.targets:
                    if end[0] == e:
                        is_near = self.layer[e] == self.gap_of(net) + 1
                        x = self.source_x(net) if is_near else self.lanes[n].x
                        come[end[1]] = x - left
            ports = sorted(come, key=lambda port: come[port])
            for port, x in zip(ports, _within(node, ports, come), strict=False):
                node.inputs[port] = x

    # ---- tracks

    def _find_tracks(self) -> None:
        """What runs sideways in each gap, and at which height."""
        self.track: dict[tuple[int, int], int] = {}  # (net, gap) -> number of the track
        self.tracks = [0] * len(self.rows)
        for gap in range(len(self.rows) - 1):
            spans: dict[int, tuple[float, float]] = {}
            starts: dict[int, float] = {}  # where a net comes from below
            stops: dict[int, list[float]] = {}  # where it goes on upwards
            for n, net in enumerate(self.graph.nets):
                below, above = self._ends_in(n, net, gap)
                if below is None and not above:
                    continue
                xs = [*([] if below is None else [below]), *above]
                if max(xs) > min(xs):
                    spans[n] = min(xs), max(xs)
                    starts[n], stops[n] = xs[0], above
            self._assign(gap, spans, starts, stops)

    def _ends_in(self, n: int, net: Net, gap: int) -> tuple[float | None, list[float]]:
        """Where a net comes into the gap from below, and where it leaves it upwards."""
        first, lane = self.gap_of(net), self.lanes.get(n)
        if first == gap:
            above = [self.target_x(end) for _, end in self.near(net)]
            return self.source_x(net), above + ([lane.x] if lane else [])
        if lane is None or not first < gap < lane.last:
            return None, []
        above = [
            self.target_x(end) for end in net.targets
            if self.layer[self.target(end)[0]] == gap + 1 and not self.enters_beside(n, end)
        ]  # fmt: skip
        return (lane.x, above) if above else (None, [])

    def _assign(
        self, gap: int, spans: dict[int, tuple[float, float]], starts: dict[int, float],
        stops: dict[int, list[float]],
    ) -> None:  # fmt: skip
        below: dict[int, set[int]] = {n: set() for n in spans}  # nets that must run lower
        for a in spans:
            for b in spans:
                if a != b and any(abs(x - starts[b]) < 3.0 for x in stops[a]):
                    below[a].add(b)  # a goes up where b comes from below
        done: dict[int, int] = {}
        waiting = sorted(spans, key=lambda n: (spans[n][1] - spans[n][0], n))
        while waiting:
            n = next((n for n in waiting if below[n] <= done.keys()), waiting[0])
            waiting.remove(n)
            k = max([done[m] + 1 for m in below[n] if m in done], default=0)
            while any(done[m] == k and _overlap(spans[m], spans[n]) for m in done):
                k += 1
            done[n] = k
        for n, k in done.items():
            self.track[n, gap] = k
        self.tracks[gap] = max(done.values(), default=-1) + 1


def _within(node: Sized, ports: list[int], wanted: dict[int, float]) -> list[float]:
    """Places for these ports in this order; none where it cannot be."""
    labels = [node.labels[port] if port < len(node.labels) else 0.0 for port in ports]
    edge = ROUND_EDGE if node.is_round else PAD
    reach = node.width / 2 + node.right
    offsets = [sum(apart(label) for label in labels[:i]) for i in range(len(ports))]
    most = [
        min(node.width - edge, reach - NEAR - label if label else math.inf) - offset
        for label, offset in zip(labels, offsets, strict=True)
    ]
    most = [min(most[i:]) for i in range(len(most))]
    if most[0] < edge:
        return []
    found = pooled([(wanted[port] - off, 1.0) for port, off in zip(ports, offsets, strict=True)])
    return [
        float(round(min(max(x, edge), high) + offset))
        for x, high, offset in zip(found, most, offsets, strict=True)
    ]


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] < b[1] + 4.0 and b[0] < a[1] + 4.0
