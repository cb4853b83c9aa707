"""From boxes to a graph that can be laid out: which are open, what is written where, how large.

    Conv2d              23.3 k · 70.3 M       name, and parameters · multiply-adds
    3, 64, 11, stride=4, padding=2            the constructor's arguments

Types stand at the beginning of a wire, where a closed box gives its value; a reshape on the way
shows as a second type at the wire's end. Several wires from one value to one closed box are one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pydp.draw._box import Box, End, Wire
from pydp.draw._plan import PAD, Graph, Net, Node
from pydp.draw._text import counted, human, lines, width

NAME, SMALL, TYPE = 13.0, 10.5, 11.0  # sizes of the font
BETWEEN = 16.0  # name and counts on one line
WIDEST = 270.0  # room for a line of arguments
LINE = 14.0  # height of a line of arguments
APART = 8.0  # an op's name and its counts
ROUND = 22.0  # height of an op
SYMBOLS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "matmul": "@", "negative": "−",
    "packed_attention": "attention",
}  # fmt: skip

_ONE = re.compile(r"\((\d+),\)")  # a tuple of one number is read as that


@dataclass
class Texts:
    """What is written in a box: each with the room that it has."""

    name: str
    label: str = ""  # before the name, in grey
    counts: str = ""
    arguments: list[str] = field(default_factory=list)  # lines


@dataclass
class Sheet:
    """A box as it is drawn: open or closed, with texts; and the graph of what is inside, with the
    types at each net, as (beginning, one for each end)."""

    box: Box
    texts: Texts
    node: Node
    is_open: bool = False
    loop: str = ""  # the type of what goes back into it
    children: list[Sheet] = field(default_factory=list)
    types: list[tuple[str, list[str]]] = field(default_factory=list)
    heads: list[list[bool]] = field(default_factory=list)  # whether a net's end has an arrow's head


def sheet_of(box: Box, opened: set[int], is_model: bool = False) -> Sheet:
    """A box with all below it; those are open whose id is among these."""
    texts = _texts(box)
    is_open = not box.is_op and id(box) in opened and bool(box.children)
    sheet = Sheet(box, texts, Node(), is_open)
    if box.is_op:
        sheet.node = _round(texts)
    elif not is_open:
        texts.arguments = lines(_ONE.sub(r"\1", box.arguments), SMALL, WIDEST)
        sheet.node = _closed(box, texts)
    else:
        sheet.children = [sheet_of(child, opened) for child in box.children]
        sheet.node.inside = _graph(sheet, box.wires, len(box.inputs), len(box.outputs))
        if is_model:
            _leave_to_page(sheet)
        sheet.node.inside.loops = _around(box)
        sheet.node.title = _left(texts), width(texts.counts, SMALL)
    sheet.node.is_deck = box.times > 1 and not box.is_loop
    if _around(box) if is_open else box.state:
        sheet.loop = _states(box.state)
        sheet.node.loop = width(sheet.loop, TYPE)
    return sheet


def _around(box: Box) -> list[tuple[int, int]]:
    """The ports of a step's state."""
    return [
        (loop.output, loop.input)
        for loop in box.loops
        if loop.output is not None and loop.input is not None
    ]


def _states(types: list[str]) -> str:
    """Equal ones together."""
    found = {t: types.count(t) for t in types}
    return ", ".join(t if n == 1 else f"{n} × {t}" for t, n in found.items())


def page_of(box: Box, opened: set[int]) -> Sheet:
    """The page: a box without border around the model, with its inputs and results."""
    model = sheet_of(box, opened, is_model=True)
    names = [*box.names, *[""] * len(box.inputs)]
    wires = [
        Wire(End(None, i), End(0, i), f"{names[i]}: {type_}" if names[i] else type_, type_)
        for i, type_ in enumerate(box.inputs)
    ]
    wires += [Wire(End(0, i), End(None, i), t, t) for i, t in enumerate(box.outputs)]
    page = Sheet(Box("", children=[box]), Texts(""), Node(), is_open=True, children=[model])
    page.node.inside = _graph(page, wires, len(box.inputs), len(box.outputs), is_page=True)
    return page


# ---- sizes ---------------------------------------------------------------------------------------


def _texts(box: Box) -> Texts:
    times = f" × {box.times}" if box.times > 1 else ""
    if box.is_op:
        name = SYMBOLS.get(box.name, box.name) + times
        counts = "" if box.multiply_adds.value == 0 else _counts(box)
        return Texts(name, f"{box.label}:" if box.label else "", counts)
    return Texts(box.name + times, f"{box.label}:" if box.label else "", _counts(box))


def _counts(box: Box) -> str:
    parts = [human(box.parameters) if box.parameters else "", counted(box.multiply_adds)]
    if box.is_shared and box.parameters:
        parts[0] = "shared"
    if box.multiply_adds.value == 0:
        return parts[0]
    if not parts[1]:
        return parts[0]
    return f"{parts[0] or 0} · {parts[1]}"


def _label(texts: Texts) -> float:
    return width(texts.label, SMALL) + 4.0 if texts.label else 0.0


def _left(texts: Texts) -> float:
    return _label(texts) + width(texts.name, NAME, bold=True)


def _closed(box: Box, texts: Texts) -> Node:
    first = _left(texts) + (BETWEEN + width(texts.counts, SMALL) if texts.counts else 0.0)
    wide = max([first, *[width(line, SMALL) for line in texts.arguments]])
    high = 30.0 + LINE * len(texts.arguments)
    return Node(max(wide + 2 * PAD, 90.0), high)


def _round(texts: Texts) -> Node:
    wide = _label(texts) + width(texts.name, SMALL + 1)
    if texts.counts:
        wide += APART + width(texts.counts, SMALL)
    is_symbol = len(texts.name) == 1 and not texts.label and not texts.counts
    return Node(ROUND if is_symbol else wide + 20.0, ROUND, is_round=True)


# ---- nets ----------------------------------------------------------------------------------------


def _graph(
    sheet: Sheet, wires: list[Wire], inputs: int, outputs: int, is_page: bool = False
) -> Graph:
    """What is inside a sheet, as nodes and nets; notes the types at each net."""
    graph = Graph([child.node for child in sheet.children], [], inputs, outputs)
    into: dict[tuple[int, End], int] = {}  # (closed child, source) -> its port
    by_source: dict[End, list[Wire]] = {}
    for wire in wires:
        by_source.setdefault(wire.source, []).append(wire)
    ports: dict[int, int] = {}
    for source, group in by_source.items():
        net = Net((source.child, source.port), [])
        begin, ends, heads = _beginning(sheet, group[0], is_page), [], []
        for wire in group:
            child, port = wire.target
            if child is not None and not sheet.children[child].is_open:
                if (child, source) in into:
                    continue
                port = into[child, source] = ports.get(child, 0)
                ports[child] = port + 1
            net.targets.append((child, port))
            changed = wire.becomes != wire.type and not (is_page and source.child is None)
            ends.append(wire.becomes if changed else "")
            heads.append(_has_head(sheet, child, port, is_page))
        net.width = width(begin, TYPE) if begin else 0.0
        net.widths = [width(end, TYPE) if end else 0.0 for end in ends]
        graph.nets.append(net)
        sheet.types.append((begin, ends))
        sheet.heads.append(heads)
    return graph


def _leave_to_page(sheet: Sheet) -> None:
    """Types of what only goes out of the model are written outside."""
    assert sheet.node.inside is not None
    for i, net in enumerate(sheet.node.inside.nets):
        if all(child is None for child, _ in net.targets):
            net.width, net.widths = 0.0, [0.0] * len(net.targets)
            sheet.types[i] = "", [""] * len(net.targets)


def _beginning(sheet: Sheet, wire: Wire, is_page: bool) -> str:
    """The type that is written where a wire begins."""
    child = wire.source.child
    if child is None:
        return wire.type if is_page else ""
    if is_page:
        return wire.type
    source = sheet.children[child]
    if source.is_open and not source.node.loop:  # it is written inside
        return ""
    if source.box.is_op and wire.type in source.box.inputs:
        return ""
    return wire.type


def _has_head(sheet: Sheet, child: int | None, port: int, is_page: bool) -> bool:
    if child is None:
        return is_page
    inner = sheet.children[child]
    return not inner.is_open or all(w.source != End(None, port) for w in inner.box.wires)
