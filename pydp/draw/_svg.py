"""A laid out sheet as SVG: one file without references, text as text.

Boxes are groups in groups, each with its path and what the mouse is told; wires lie below them.
Colours are _paint's. There are no ids, so that pictures on one page do not disturb each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from itertools import pairwise

from pydp.draw._box import Box
from pydp.draw._layout import layout
from pydp.draw._paint import PAINT, style
from pydp.draw._plan import DECK, PAD, TITLE, Plan, Point, Rect
from pydp.draw._sheet import APART, LINE, NAME, SMALL, TYPE, Sheet, Texts
from pydp.draw._text import counted, human, width

MARGIN = 14.0
FOOT = 22.0  # height of the line that says what the numbers are
CORNER = 6.0  # radius of a wire's bends
HEAD = (4.0, 8.0)  # an arrow's head: half its width, its length
THEMES = ("auto", "light", "dark")

FONTS = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"

SIZES = {"name": NAME, "small": SMALL, "type": TYPE}


class Picture:
    """A page, laid out. `marks` has attributes for the groups of some boxes, by their id."""

    def __init__(self, page: Sheet, marks: Mapping[int, str] | None = None) -> None:
        assert page.node.inside is not None
        self.page, self.marks = page, marks or {}
        self.model = page.children[0].box
        self.plan = layout(page.node.inside)
        self.foot = _foot(self.model)
        self.width = max(self.plan.width, width(self.foot, SMALL)) + 2 * MARGIN
        self.height = self.plan.height + 2 * MARGIN + (FOOT if self.foot else 0.0)

    def svg(self, theme: str = "auto", with_style: bool = True) -> str:
        """The picture as text."""
        writer = _Writer(self.plan.height + MARGIN, theme == "dark", self.marks)
        plan = self.plan.moved((self.width - self.plan.width) / 2, 0.0)
        wide, high = _n(self.width), _n(self.height)
        auto = " pydp-auto" if theme == "auto" else ""
        writer.add("rect", "card", f'width="{wide}" height="{high}" rx="8"')
        writer.inside(self.page, plan, 0)
        if self.foot:
            middle = ' text-anchor="middle"'
            writer.text("small", self.width / 2, self.height - 12.0, self.foot, middle)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="pydp-diagram{auto}" width="{wide}" '
            f'height="{high}" viewBox="0 0 {wide} {high}" font-family="{FONTS}" role="img" '
            f'aria-label="diagram of {_text(self.model.name)}">'
        )
        styled = [f"<style>\n{style(theme)}\n</style>"] if with_style else []
        return "\n".join([head, *styled, *writer.lines, "</svg>\n"])


def _foot(model: Box) -> str:
    """What the numbers in the boxes are, and of the whole."""
    adds = counted(model.multiply_adds, 60)
    if not model.parameters and not adds:
        return ""
    said = f"in each box: parameters · multiply-adds;  in all {human(model.parameters)}"
    if adds or not model.multiply_adds.names:
        return f"{said} · {adds}" if adds else said.replace(" · multiply-adds", "")
    names = " and ".join(sorted(model.multiply_adds.names))
    return f"{said}; multiply-adds of all depend on {names}"


class _Writer:
    """Lines of SVG for a plan; y grows downwards from `height`."""

    def __init__(self, height: float, dark: bool, marks: Mapping[int, str]) -> None:
        self.height = height
        self.marks = marks
        self.lines: list[str] = []
        self.paint = {
            kind: " ".join(f'{what}="{colours[dark]}"' for what, colours in paint.items())
            for kind, paint in PAINT.items()
        }

    def add(self, tag: str, kind: str, attributes: str, content: str | None = None) -> None:
        """A shape or text of one of the kinds of PAINT."""
        begin = f'<{tag} class="pydp-{kind}" {self.paint[kind]} {attributes}'
        self.lines.append(f"{begin}/>" if content is None else f"{begin}>{content}</{tag}>")

    def text(self, kind: str, x: float, y: float, text: str, more: str = "") -> None:
        at = f'x="{_n(x)}" y="{_n(y)}" font-size="{SIZES[kind]:g}"{more}'
        self.add("text", kind, at, _text(text))

    # ---- boxes

    def inside(self, sheet: Sheet, plan: Plan, depth: int) -> None:
        """Wires first, so that boxes cover what runs below them, but over a deck's other cards;
        labels last."""
        for child, rect in zip(sheet.children, plan.rects, strict=True):
            if child.node.is_deck:
                self.lines.append("<g>")
                for k in (2, 1):
                    self.card(child, rect.moved(k * DECK, k * DECK), depth)
                self.lines.append("</g>")
        for net, ways in enumerate(plan.wires):
            for t, way in ways:
                self.add("path", "wire", f'd="{self.path(way)}" fill="none" stroke-width="1.4"')
                if sheet.heads[net][t]:
                    self.add("path", "head", f'd="{self.head(way)}"')
            for p in _forks([way for _, way in ways]):
                self.dot(p)
        ends = {p for ways in plan.wires for _, way in ways for p in (way[0], way[-1])}
        for e, way in plan.loops:
            self.add("path", "wire", f'd="{self.path(way)}" fill="none" stroke-width="1.4"')
            if not sheet.children[e].is_open:
                self.add("path", "head", f'd="{self.head(way)}"')
                continue
            for end, bend in ((way[0], way[1]), (way[-1], way[-2])):
                if end in ends:  # it leaves a wire, or meets what the state begins with
                    self.dot(bend)
        for child, rect, inner in zip(sheet.children, plan.rects, plan.insides, strict=True):
            self.box(child, rect, inner, depth)
        for net, target, rect in plan.labels:
            begin, types = sheet.types[net]
            text = begin if target is None else types[target]
            self.text("type", rect.x, self.y(rect.v) - 3.0, text)
        for e, rect in plan.loop_labels:
            self.text("type", rect.x, self.y(rect.v) - 3.0, sheet.children[e].loop)

    def dot(self, p: Point) -> None:
        """Where lines of one value meet."""
        self.add("circle", "head", f'cx="{_n(p.x)}" cy="{_n(self.y(p.v))}" r="2.6"')

    def box(self, sheet: Sheet, rect: Rect, inner: Plan | None, depth: int) -> None:
        box = sheet.box
        mark = self.marks.get(id(box), "")
        self.lines.append(f'<g data-path="{_text(box.path)}"{mark}>')
        self.lines.append(f"<title>{_text(_tip(box))}</title>")
        self.card(sheet, rect, depth)
        if inner is not None:
            self.inside(sheet, inner, depth + 1)
        self.texts(sheet, rect)
        self.lines.append("</g>")

    def card(self, sheet: Sheet, rect: Rect, depth: int) -> None:
        corner = rect.height / 2 if sheet.box.is_op else 9.0
        is_known = sheet.box.is_declared or sheet.box.is_op
        at = f'x="{_n(rect.x)}" y="{_n(self.y(rect.v + rect.height))}"'
        size = f'width="{_n(rect.width)}" height="{_n(rect.height)}" rx="{_n(corner)}"'
        more = "" if is_known else ' stroke-dasharray="5 3"'
        self.add("rect", _kind(sheet, depth), f"{at} {size}{more}")

    def texts(self, sheet: Sheet, rect: Rect) -> None:
        texts, top = sheet.texts, self.y(rect.v + rect.height)
        left, right = rect.x + PAD, rect.x + rect.width - PAD
        if sheet.box.is_op:
            x, y = rect.x + rect.width / 2, top + rect.height / 2 + 4.0
            at = f'x="{_n(x)}" y="{_n(y)}" font-size="{SMALL + 1:g}" text-anchor="middle"'
            self.add("text", "name", at, self.named(texts, is_one=bool(texts.counts)))
            return
        line = top + (TITLE - 9.0 if sheet.is_open else 19.0)
        at = f'x="{_n(left)}" y="{_n(line)}" font-size="{NAME:g}" font-weight="bold"'
        self.add("text", "name", at, self.named(texts))
        if texts.counts:
            self.text("small", right, line, texts.counts, ' text-anchor="end"')
        for i, arguments in enumerate(texts.arguments):
            self.text("small", left, top + 35.0 + LINE * i, arguments)

    def named(self, texts: Texts, is_one: bool = False) -> str:
        """The name with what holds it, and in one text with these the counts."""
        if not texts.label and not is_one:
            return _text(texts.name)
        grey = (
            f'class="pydp-small" {self.paint["small"]} font-size="{SMALL:g}" font-weight="normal"'
        )
        label = f"<tspan {grey}>{_text(texts.label)}</tspan>" if texts.label else ""
        after = ' dx="4"' if label else ""
        name = f"<tspan{after}>{_text(texts.name)}</tspan>"
        if is_one:
            name += f'<tspan dx="{APART:g}" {grey}>{_text(texts.counts)}</tspan>'
        return label + name

    # ---- wires

    def y(self, v: float) -> float:
        return self.height - v

    def path(self, way: list[Point]) -> str:
        """A way with round bends."""
        points = [Point(p.x, self.y(p.v)) for p in way]
        parts = [f"M{_n(points[0].x)} {_n(points[0].v)}"]
        for a, b, c in zip(points, points[1:], points[2:], strict=False):
            before, after = _toward(b, a), _toward(b, c)
            parts.append(f"L{_n(before.x)} {_n(before.v)}")
            parts.append(f"Q{_n(b.x)} {_n(b.v)} {_n(after.x)} {_n(after.v)}")
        parts.append(f"L{_n(points[-1].x)} {_n(points[-1].v)}")
        return "".join(parts)

    def head(self, way: list[Point]) -> str:
        """An arrow's head at the end of a way."""
        (x, v), before = way[-1], way[-2]
        y, (half, long) = self.y(v), HEAD
        if before.x == x:  # from below
            corners = [(x, y), (x - half, y + long), (x + half, y + long)]
        else:
            back = -long if before.x < x else long
            corners = [(x, y), (x + back, y - half), (x + back, y + half)]
        return f"M{'L'.join(f'{_n(a)} {_n(b)}' for a, b in corners)}Z"


def _kind(sheet: Sheet, depth: int) -> str:
    if sheet.box.is_op:
        return "op"
    if sheet.is_open:
        return "within" if depth % 2 else "open"
    return "learned" if sheet.box.parameters else "plain"


def _tip(box: Box) -> str:
    """What is said when the mouse rests on a box."""
    into, out = (", ".join(types) or "()" for types in (box.inputs, box.outputs))
    lines = [
        f"{box.path}: {box.name}({box.arguments})" if box.path else f"{box.name}({box.arguments})"
    ]
    lines.append(f"{into} -> {out}")
    if box.parameters:
        lines.append(f"{box.parameters:,} parameters")
    if box.multiply_adds.value != 0:
        lines.append(f"{_exactly(box)} multiply-adds")
    return "\n".join(lines)


def _exactly(box: Box) -> str:
    count = box.multiply_adds
    return f"{count.value:,}" if count.value is not None else str(count)


def _toward(corner: Point, end: Point) -> Point:
    """A point of the segment, as far from the corner as its bend is wide."""
    dx, dv = end.x - corner.x, end.v - corner.v
    long = max(abs(dx), abs(dv), 1e-9)
    r = min(CORNER, long / 2)
    return Point(corner.x + dx / long * r, corner.v + dv / long * r)


def _forks(ways: list[list[Point]]) -> Iterator[Point]:
    """Where the ways of one value part: points that lines leave in three directions."""
    segments = {(min(a, b), max(a, b)) for way in ways for a, b in pairwise(way) if a != b}
    for p in sorted({p for way in ways for p in way[1:-1]}):
        directions = set()
        for a, b in segments:
            if a.x == b.x == p.x and a.v <= p.v <= b.v:
                directions |= {"down"} if a.v < p.v else set()
                directions |= {"up"} if b.v > p.v else set()
            elif a.v == b.v == p.v and a.x <= p.x <= b.x:
                directions |= {"left"} if a.x < p.x else set()
                directions |= {"right"} if b.x > p.x else set()
        if len(directions) > 2:
            yield p


def _n(value: float) -> str:
    """A number with at most one digit behind the point."""
    return f"{round(value, 1) + 0.0:g}" if abs(value) < 1e5 else f"{value:.1f}"


def _text(text: str) -> str:
    """Text that XML may hold."""
    return escape(re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "�", text))
