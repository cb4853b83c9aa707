"""Properties of a plan, over random graphs: nothing overlaps, wires end at borders."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pydp.draw._layout import place
from pydp.draw._plan import Graph, Net, Node, Plan, Rect

NEAR = 0.6  # of positions that are rounded


@st.composite
def graphs(draw, depth=2):
    """A graph of closed, round and open nodes, in which everything is used."""
    n = draw(st.integers(1, 6 if depth else 4))
    inputs, outputs = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    nodes = []
    for _ in range(n):
        kind = draw(st.sampled_from(["closed", "round", "open"] if depth else ["closed", "round"]))
        if kind == "open":
            title = draw(st.floats(0, 120)), draw(st.floats(0, 120))
            inside = draw(graphs(depth=depth - 1))
            if inside.inputs and inside.outputs and draw(st.booleans()):
                ports = range(min(inside.inputs, inside.outputs))
                inside.loops = [(k, k) for k in ports[draw(st.integers(0, len(ports) - 1)) :]]
            loop = draw(st.sampled_from([0.0, 70.0])) if inside.loops else None
            nodes.append(Node(inside=inside, title=title, is_deck=draw(st.booleans()), loop=loop))
        elif kind == "round":
            nodes.append(
                Node(
                    draw(st.sampled_from([22.0, 80.0])),
                    22.0,
                    is_round=True,
                    is_deck=draw(st.booleans()),
                    loop=draw(st.sampled_from([None, None, 0.0, 70.0])),
                )
            )
        else:
            size = draw(st.floats(60, 260)), draw(st.sampled_from([30.0, 44.0]))
            loop = draw(st.sampled_from([None, None, 0.0, 70.0]))
            nodes.append(Node(*size, is_deck=draw(st.booleans()), loop=loop))
    nets: dict[tuple, Net] = {}
    filled = [0] * n

    def join(source, target):
        if source not in nets:
            nets[source] = Net(source, [], draw(st.sampled_from([0.0, 0.0, 60.0, 140.0])))
        nets[source].targets.append(target)
        nets[source].widths.append(draw(st.sampled_from([0.0, 0.0, 0.0, 90.0])))

    def some_source(i):
        """An output of a node below i, or an input of the graph."""
        ports = [(None, k) for k in range(inputs)]
        for j in range(i):
            inside = nodes[j].inside
            ports += [(j, k) for k in range(2 if inside is None else inside.outputs)]
        return draw(st.sampled_from(ports)) if ports else None

    for i in range(n):
        inside = nodes[i].inside
        wanted = draw(st.integers(0, 3)) if inside is None else inside.inputs
        for _ in range(wanted):
            source = some_source(i)
            if source is not None:
                join(source, (i, filled[i]))
                filled[i] += 1
    for k in range(outputs):
        source = some_source(n)
        if source is not None:
            join(source, (None, k))
    return Graph(nodes, list(nets.values()), inputs, outputs)


def overlap(a: Rect, b: Rect) -> bool:
    return (
        a.x < b.x + b.width - NEAR and b.x < a.x + a.width - NEAR
        and a.v < b.v + b.height - NEAR and b.v < a.v + a.height - NEAR
    )  # fmt: skip


def crosses(rect: Rect, a, b) -> bool:
    """Whether a segment goes through the inside of a rectangle."""
    line = Rect(min(a.x, b.x) - 1, min(a.v, b.v) - 1, abs(a.x - b.x) + 2, abs(a.v - b.v) + 2)
    return overlap(line, Rect(rect.x + 2, rect.v + 2, rect.width - 4, rect.height - 4))


def on_border(rect: Rect, p, is_round: bool) -> bool:
    inside = (
        rect.x - NEAR <= p.x <= rect.x + rect.width + NEAR
        and rect.v - NEAR <= p.v <= rect.v + rect.height + NEAR
    )
    if is_round:  # a pill: half a circle at each end
        r = rect.height / 2
        x = min(max(p.x, rect.x + r), rect.x + rect.width - r)
        return abs(((p.x - x) ** 2 + (p.v - rect.v - r) ** 2) ** 0.5 - r) < 1.0
    edges = abs(p.v - rect.v) < NEAR or abs(p.v - rect.v - rect.height) < NEAR
    return inside and edges


def examine_loops(graph: Graph, plan: Plan, around: Rect) -> None:
    """What goes back into a node: out of its edge and into it, beside all else."""
    for e, node in enumerate(graph.nodes):
        wanted = 0 if node.loop is None else len(node.inside.loops) if node.inside else 1
        assert sum(k == e for k, _ in plan.loops) == wanted
        assert sum(k == e for k, _ in plan.loop_labels) == (wanted > 0 and node.loop > 0)
    labels = [*[label.rect for label in plan.labels], *[rect for _, rect in plan.loop_labels]]
    for (_, rect), i in zip(plan.loop_labels, itertools.count(len(plan.labels))):
        assert around.x - NEAR <= rect.x and rect.x + rect.width <= around.x + around.width + NEAR
        assert all(not overlap(rect, other) for other in plan.rects), "a loop's label and a box"
        assert all(not overlap(rect, other) for other in labels[:i]), "two labels"
        for ways in plan.wires:
            for _, way in ways:
                assert not any(crosses(rect, a, b) for a, b in itertools.pairwise(way))
    for e, way in plan.loops:
        for a, b in itertools.pairwise(way):
            assert a.x == b.x or a.v == b.v
            assert around.x - NEAR <= a.x <= around.x + around.width + NEAR
            assert around.v - NEAR <= a.v <= around.v + around.height + NEAR
            for i, rect in enumerate(plan.rects):
                card = 10.0 if graph.nodes[i].is_deck else 0.0  # the cards lie below
                is_own = i == e and (graph.nodes[i].is_round or card)
                assert is_own or not crosses(rect, a, b), "a loop through a box"
            for rect in labels:
                assert not crosses(rect, a, b), "a loop through a label"


def examine(graph: Graph, plan: Plan, around: Rect) -> None:
    """All of a plan's promises, here and in what is inside."""
    for rect in [*plan.rects, *[label.rect for label in plan.labels]]:
        assert around.x - NEAR <= rect.x and rect.x + rect.width <= around.x + around.width + NEAR
        assert around.v - NEAR <= rect.v
        assert rect.v + rect.height <= around.v + around.height + NEAR
    for a, b in itertools.combinations(plan.rects, 2):
        assert not overlap(a, b), "two boxes"
    for i, label in enumerate(plan.labels):
        for rect in plan.rects:
            assert not overlap(label.rect, rect), "a label and a box"
        for other in plan.labels[:i]:
            assert not overlap(label.rect, other.rect), "two labels"
    for net, ways in zip(graph.nets, plan.wires, strict=True):
        assert sorted(t for t, _ in ways) == list(range(len(net.targets)))
        for t, way in ways:
            for a, b in itertools.pairwise(way):
                assert a.x == b.x or a.v == b.v, "wires are straight"
                for i, rect in enumerate(plan.rects):
                    is_end = graph.nodes[i].is_round and i in (net.source[0], net.targets[t][0])
                    assert is_end or not crosses(rect, a, b), "a wire through a box"
                for label in plan.labels:
                    assert not crosses(label.rect, a, b), "a wire through a label"
            for (node, _), p in ((net.source, way[0]), (net.targets[t], way[-1])):
                if node is None:
                    edges = around.v, around.v + around.height
                    assert min(abs(p.v - edge) for edge in edges) < NEAR
                else:
                    assert on_border(plan.rects[node], p, graph.nodes[node].is_round)
    examine_loops(graph, plan, around)
    for node, rect, inside in zip(graph.nodes, plan.rects, plan.insides, strict=True):
        assert (node.inside is None) == (inside is None)
        if inside is not None:
            examine(node.inside, inside, rect)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
@pytest.mark.parametrize("highest", [float("inf"), 300.0])
def test_nothing_overlaps(highest, graph):
    plan = place(graph, highest)
    examine(graph, plan, Rect(0.0, 0.0, plan.width, plan.height))
