"""What overlaps in a picture, read off its SVG alone: where its texts, wires and boxes are."""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple
from xml.etree import ElementTree

from pydp.draw._text import width

SVG = "{http://www.w3.org/2000/svg}"


class Area(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float
    what: str

    def meets(self, other: Area, by: float = 0.5) -> bool:
        return (
            self.left + by < other.right and other.left + by < self.right
            and self.top + by < other.bottom and other.top + by < self.bottom
        )  # fmt: skip

    def within(self, x: float, y: float) -> Area:
        return Area(self.left + x, self.top + y, self.right - x, self.bottom - y, self.what)


def text_width(text: ElementTree.Element) -> float:
    size, bold = float(text.get("font-size")), text.get("font-weight") == "bold"
    spans = text.findall(f"{SVG}tspan")
    if not spans:
        return width(text.text or "", size, bold)
    return sum(
        width(s.text, float(s.get("font-size", size)), bold and not s.get("font-weight"))
        + float(s.get("dx", 0))
        for s in spans
    )


def area_of_text(text: ElementTree.Element) -> Area:
    x, y, size = (float(text.get(a)) for a in ("x", "y", "font-size"))
    wide = text_width(text)
    left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.get("text-anchor", "start")]
    return Area(left, y - 0.75 * size, left + wide, y + 0.2 * size, "".join(text.itertext()))


def area_of_box(group: ElementTree.Element) -> Area:
    rect = group.findall(f"{SVG}rect")[-1]
    x, y, wide, high = (float(rect.get(a)) for a in ("x", "y", "width", "height"))
    return Area(x, y, x + wide, y + high, group.get("data-path") or group.findtext(f"{SVG}title"))


def segments(path: ElementTree.Element) -> list[Area]:
    """The straight lines of a wire; a bend counts as its corner."""
    points, corner = [], None
    for letter, numbers in re.findall(r"([MLQ])([^MLQZ]*)", path.get("d")):
        found = [float(n) for n in numbers.split()]
        points += [tuple(found[i : i + 2]) for i in range(0, len(found), 2)]
        assert letter in "MLQ" and corner is None
    return [
        Area(min(a[0], b[0]) - 0.7, min(a[1], b[1]) - 0.7, max(a[0], b[0]) + 0.7,
             max(a[1], b[1]) + 0.7, "a wire")
        for a, b in itertools.pairwise(points)
    ]  # fmt: skip


def faults(svg: str) -> list[str]:
    """Texts on texts or wires, texts outside of their box, boxes on boxes, wires through boxes."""
    root = ElementTree.fromstring(svg)
    found = []
    texts = [area_of_text(t) for t in root.iter(f"{SVG}text")]
    wires = [s for p in root.iter(f"{SVG}path") if p.get("class") == "pydp-wire"
             for s in segments(p)]  # fmt: skip
    for a, b in itertools.combinations(texts, 2):
        if a.meets(b):
            found.append(f"text {a.what!r} on text {b.what!r}")
    for text, wire in itertools.product(texts, wires):
        if text.meets(wire):
            found.append(f"a wire through text {text.what!r}")
    whole = Area(0.0, 0.0, float(root.get("width")), float(root.get("height")), "")
    for group in [root, *root.iter(f"{SVG}g")]:
        if group is not root and group.get("data-path") is None:
            continue  # the cards of a deck
        around = whole if group is root else area_of_box(group)
        for text in map(area_of_text, group.findall(f"{SVG}text")):
            if text.left < around.left or text.right > around.right:
                found.append(f"text {text.what!r} leaves its box")
        inner = [g for g in group.findall(f"{SVG}g") if g.get("data-path") is not None]
        boxes = [area_of_box(g) for g in inner]
        for a, b in itertools.combinations(boxes, 2):
            if a.meets(b):
                found.append(f"box {a.what!r} on box {b.what!r}")
        here = [s for p in group.findall(f"{SVG}path") if p.get("class") == "pydp-wire"
                for s in segments(p)]  # fmt: skip
        for g, box in zip(inner, boxes, strict=True):
            is_round = g.findall(f"{SVG}rect")[-1].get("class") == "pydp-op"
            core = box.within(12.0 if is_round else 2.0, 2.0)
            for wire in here:
                if wire.meets(core):
                    found.append(f"a wire through box {box.what!r}")
    return found
