"""Where the boxes and wires of a diagram stand: data in, positions out.

    layer 2      ┌─────┐         values flow upwards; a node's layer is one above the highest
                 │  C  │         that it is fed by
    gap          └──▲──┘
              ┌─────┤            in a gap: a row for labels, then tracks for what runs sideways
    layer 1   │  ┌──┴──┐
              │  │  B  │         a wire to a farther layer runs in a lane beside the nodes:
    gap       │  └──▲──┘         the way around the box
              └─────┤
    layer 0         o            inputs

Nodes are put in layers, ordered in them so that few wires cross, and moved so that wires are
straight. A graph that gets too high is cut where one wire alone goes on, and continued in a column
to its right. A node may have a graph inside, which is laid out first and makes its size.

Invariants: what is beside each other keeps a distance; a wire begins and ends at the border of a
node; a label stands to the right of its wire, in room that its node has kept for it. So nothing
overlaps, whatever the graph (tests/draw/test_layout.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pydp.draw._column import Column, straightened
from pydp.draw._plan import (
    GUTTER,
    LABEL,
    PAD,
    PLAIN,
    TITLE,
    TRACK,
    Graph,
    Label,
    Net,
    Node,
    Plan,
    Point,
    Rect,
    Sized,
    along,
    even,
    spread,
)  # fmt: skip

LEAST = 560.0  # what is not higher stays one column, inside another box


def layout(graph: Graph, shape: tuple[float, float] = (1280.0, 650.0), enough: float = 1.0) -> Plan:
    """The plan that is largest on a page of this shape, with as many columns as that takes; but
    not more than it takes to be large enough."""
    best, scale = None, 0.0
    before = math.inf
    for highest in (math.inf, 1400.0, 1100.0, 900.0, 750.0, 620.0, 520.0, 440.0, 380.0):
        if highest < math.inf and before <= highest:
            continue  # nothing would be cut
        plan = place(graph, highest)
        before = plan.height
        found = min(shape[0] / max(plan.width, 1.0), shape[1] / max(plan.height, 1.0), enough)
        if found > 1.1 * scale:
            best, scale = plan, found
    assert best is not None
    return best


def place(graph: Graph, highest: float = math.inf) -> Plan:
    """The plan of a graph in columns not much higher than this."""
    sized = [_sized(graph, i, highest) for i in range(len(graph.nodes))]
    layers = _layers(graph)
    cuts = _cuts(graph, sized, layers, highest)
    if not cuts:
        return Column(graph, sized, layers).plan()
    return _side_by_side(graph, sized, layers, cuts)


# ---- nodes ---------------------------------------------------------------------------------------


def _labels_of(graph: Graph, node: int | None) -> tuple[list[float], list[float]]:
    """Widths of the labels at a node's inputs and outputs, one for each port."""
    into: dict[int, float] = {}
    out: dict[int, float] = {}
    for net in graph.nets:
        if net.source[0] == node:
            out[net.source[1]] = max(net.width, out.get(net.source[1], 0.0))
        for t, (target, port) in enumerate(net.targets):
            if target == node:
                begins = net.width if net.source[0] is None else 0.0  # its wire may be straight
                into[port] = max(net.width_at(t), begins, into.get(port, 0.0))
    return _filled(into), _filled(out)


def _filled(widths: dict[int, float]) -> list[float]:
    return [widths.get(i, 0.0) for i in range(max(widths, default=-1) + 1)]


def _sized(graph: Graph, i: int, highest: float) -> Sized:
    node = graph.nodes[i]
    into, out = _labels_of(graph, i)
    if node.inside is None:
        width = max([node.width, *[spread(ports) + 2 * PAD for ports in (into, out)]])
        if node.is_round:
            slack = 16.0 if sum(map(bool, into)) > 1 else 4.0  # for ports to move
            width = max(node.width, spread(into) + 2 * slack, spread(out) + 8.0)
        width = even(width)
        found = Sized(width, node.height, along(into, width), along(out, width), 0.0, 0.0)
        found.is_round = node.is_round
    else:
        inside = replace(node.inside, beside_inputs=into, beside_outputs=out)
        found = _open(node, place(inside, max(highest, LEAST)))
    found.stand(node, into, out)
    return found


def _open(node: Node, plan: Plan) -> Sized:
    """A node around its inside: the title's texts stand on both sides of the wires that leave."""
    left, right = node.title
    clear = 10.0
    shift = PAD
    if plan.outputs:
        shift = float(math.ceil(max(PAD, PAD + left + clear - min(plan.outputs))))
        width = max(shift + plan.width + PAD, shift + max(plan.outputs) + clear + right + PAD)
    else:
        width = max(plan.width + 2 * PAD, left + right + clear + 2 * PAD)
    width = even(width)
    inside = plan.moved(shift, 0.0)
    height = plan.height + TITLE
    for n, net in enumerate(node.inside.nets if node.inside else ()):
        for t, way in inside.wires[n]:
            if net.targets[t][0] is None:  # on through the title, to the border
                way[-1] = Point(way[-1].x, height)
    return Sized(width, height, inside.inputs, inside.outputs, 0.0, 0.0, inside)


# ---- layers --------------------------------------------------------------------------------------


def _layers(graph: Graph) -> list[int]:
    """The layer of each node, from 1; inputs are in 0. What nothing feeds stands just below what
    it feeds."""
    n = len(graph.nodes)
    layers, floats = [1] * n, [True] * n
    into: list[list[int | None]] = [[] for _ in range(n)]
    out: list[list[int]] = [[] for _ in range(n)]
    for net in graph.nets:
        for target, _ in net.targets:
            if target is not None:
                into[target].append(net.source[0])
                if net.source[0] is not None:
                    out[net.source[0]].append(target)
    for i in range(n):
        layers[i] = 1 + max([0, *[layers[s] for s in into[i] if s is not None]])
        floats[i] = all(s is not None and floats[s] for s in into[i])
    for i in reversed(range(n)):
        if floats[i] and out[i]:
            layers[i] = max(1, min(layers[t] for t in out[i]) - 1)
    return layers


def _cuts(graph: Graph, sized: Sequence[Sized], layers: list[int], highest: float) -> list[int]:
    """Layers that are the last of a column: where one wire alone goes on, and columns are even."""
    last = max(layers, default=0)
    heights = [0.0] * (last + 1)
    for node, layer in zip(sized, layers, strict=True):
        heights[layer] = max(heights[layer], node.height + PLAIN + LABEL)
    if sum(heights) <= highest or last < 2 or graph.loops:
        return []
    crossing = [0] * (last + 1)
    for net in graph.nets:
        a = 0 if net.source[0] is None else layers[net.source[0]]
        b = max([last + 1 if t is None else layers[t] for t, _ in net.targets])
        for g in range(a, min(b, last + 1)):
            crossing[g] += 1
    allowed = [g for g in range(1, last) if crossing[g] == 1]
    best: list[int] = []
    columns = len(_filled_up(heights, allowed, highest))
    for lower in range(int(highest), 0, -10):  # as even as this many columns can be
        found = _filled_up(heights, allowed, lower)
        if len(found) > columns:
            break
        best = found
    return best


def _filled_up(heights: list[float], allowed: list[int], highest: float) -> list[int]:
    """Cuts from below, each as late as a column of this height allows."""
    cuts: list[int] = []
    begin = 0
    for before, g in zip([0, *allowed], [*allowed, len(heights) - 1], strict=True):
        if sum(heights[begin + 1 : g + 1]) > highest and before > begin:
            cuts.append(before)
            begin = before
    return cuts


def _side_by_side(graph: Graph, sized: Sequence[Sized], layers: list[int], cuts: list[int]) -> Plan:
    """Columns from left to right. The one wire that leaves a column at its top goes down beside it
    and enters the next from below."""
    ends = [*cuts, max(layers)]
    plans: list[Plan] = []
    members: list[list[int]] = []
    nets: list[list[tuple[int, list[int]]]] = []  # of each column: (net, its targets here)
    for k, end in enumerate(ends):
        begin = ends[k - 1] if k else 0
        nodes = [i for i, layer in enumerate(layers) if begin < layer <= end]
        part, origin = _part(graph, layers, nodes, begin, end, k == 0, k == len(ends) - 1)
        plans.append(Column(part, [sized[i] for i in nodes], _layers(part)).plan())
        members.append(nodes)
        nets.append(origin)
    bottom, top = TRACK + 8.0, TRACK + 4.0
    whole = Plan(0.0, bottom + top + max(plan.height for plan in plans))
    whole.rects = [Rect(0, 0, 0, 0)] * len(graph.nodes)
    whole.insides = [None] * len(graph.nodes)
    whole.wires = [[] for _ in graph.nets]
    x = 0.0
    carried: dict[int, list[Point]] = {}  # the way of the net that goes on, up to this column
    for k, (plan, nodes, origin) in enumerate(zip(plans, members, nets, strict=True)):
        plan = plan.moved(x, bottom)
        is_last = k == len(plans) - 1
        for i, rect, inside in zip(nodes, plan.rects, plan.insides, strict=True):
            whole.rects[i], whole.insides[i] = rect, inside
        whole.labels += [
            Label(origin[n][0], None if t is None else origin[n][1][t], rect)
            for n, t, rect in plan.labels
        ]
        whole.loops += [(nodes[e], way) for e, way in plan.loops]
        whole.loop_labels += [(nodes[e], rect) for e, rect in plan.loop_labels]
        going: dict[int, list[Point]] = {}
        for (net, targets), ways in zip(origin, plan.wires, strict=True):
            for t, way in ways:
                before = carried.get(net)
                if before is not None:
                    way = [*before, *way]
                elif graph.nets[net].source[0] is None:
                    way = [Point(way[0].x, 0.0), *way]
                if targets[t] >= 0:
                    if graph.nets[net].targets[targets[t]][0] is None:
                        way = [*way, Point(way[-1].x, whole.height)]
                    whole.wires[net].append((targets[t], straightened(way)))
                else:
                    edge = x + plan.width + GUTTER / 2
                    over = bottom + plan.height + TRACK / 2
                    entry = x + plan.width + GUTTER + plans[k + 1].inputs[0]
                    under = TRACK / 2 + 4.0
                    going[net] = [
                        *way, Point(way[-1].x, over), Point(edge, over), Point(edge, under),
                        Point(entry, under),
                    ]  # fmt: skip
        carried = going
        if k == 0:
            whole.inputs = plan.inputs
        if is_last:
            whole.outputs = plan.outputs
        x += plan.width + (0.0 if is_last else GUTTER)
    whole.width = x
    return whole


def _part(
    graph: Graph, layers: list[int], nodes: list[int], begin: int, end: int, is_first: bool,
    is_last: bool,
) -> tuple[Graph, list[tuple[int, list[int]]]]:  # fmt: skip
    """The graph of one column, and for each of its nets which one it is of the whole, with the
    numbers of its targets (-1: it goes on)."""
    number = {node: i for i, node in enumerate(nodes)}
    part = Graph([graph.nodes[i] for i in nodes], [])
    origin: list[tuple[int, list[int]]] = []
    part.inputs = graph.inputs if is_first else 1
    part.outputs = graph.outputs if is_last else 1
    part.beside_inputs = graph.beside_inputs if is_first else []
    part.beside_outputs = graph.beside_outputs if is_last else []
    for n, net in enumerate(graph.nets):
        source = net.source[0]
        at = 0 if source is None else layers[source]
        if at > end or max(end + 1 if t is None else layers[t] for t, _ in net.targets) <= begin:
            continue
        starts_here = source in number or (is_first and source is None)
        new = Net((None, 0), [])
        if starts_here:
            new.source = (None if source is None else number[source], net.source[1])
        which: list[int] = []
        for t, (target, port) in enumerate(net.targets):
            if target in number or (target is None and is_last):
                new.targets.append((None if target is None else number[target], port))
                new.widths.append(net.width_at(t))
                which.append(t)
        if not is_last and any(target is None or layers[target] > end for target, _ in net.targets):
            new.targets.append((None, 0))
            new.widths.append(0.0)
            which.append(-1)
        new.width = net.width if starts_here else 0.0
        part.nets.append(new)
        origin.append((n, which))
    return part, origin
