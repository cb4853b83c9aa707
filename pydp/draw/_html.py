"""A diagram as a page in which boxes open and close.

A picture's layout depends on what is open, and a page cannot lay out. So it has a picture for each
state, that is for each set of open boxes, and shows one of them; a click looks the next one up:

    state ""        Block                    a click on box 1 goes to the state "1",
    state "1"       Block, attention open    one on box 2 from there to "1 2"

There are few states, since equal neighbours are one box. Where there are more than MOST, boxes
farther down do not open in place: a click on one shows it alone, in a scene of its own with its own
states, and a line above the picture leads back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import product
from typing import Any

from pydp.draw._box import Box, opened
from pydp.draw._paint import style
from pydp.draw._sheet import page_of
from pydp.draw._svg import Picture

MOST = 16  # states of a scene
SCENES = 40

PAGE_STYLE = """
.pydp-page { font: 14px "Helvetica Neue", Helvetica, Arial, sans-serif; }
.pydp-page svg { max-width: 100%; height: auto; }
.pydp-page [data-box], .pydp-page [data-scene] { cursor: pointer; }
.pydp-page [data-box]:hover > rect, .pydp-page [data-scene]:hover > rect { stroke-width: 2.5; }
.pydp-page p { margin: 0 0 6px; color: inherit; }
.pydp-page a { color: inherit; text-decoration: underline; cursor: pointer; }
"""
# A whole page shows each picture as large as the window is, but never too small to read.
WHOLE_STYLE = """
:root { color-scheme: light dark; }
body { margin: 12px; background: #ffffff; color: #55626f; }
@media (prefers-color-scheme: dark) { body { background: #15191e; color: #a9b5c1; } }
.pydp-page svg.pydp-diagram {
  display: block; max-width: none; width: 100%; height: calc(100vh - 52px);
  min-width: 800px; min-height: 450px;
}
"""
# Shows the scene and the state that a click asks for. Closing a box closes those inside it.
SCRIPT = """
for (const page of document.querySelectorAll(".pydp-page:not([data-live])")) {
  page.dataset.live = "";
  const trail = [0];
  const scene = () => page.querySelector(`section[data-number="${trail.at(-1)}"]`);
  const show = () => {
    for (const s of page.querySelectorAll("section")) s.hidden = s !== scene();
  };
  const turn = box => {
    const now = scene().querySelector("div:not([hidden])");
    let open = now.dataset.state.split(" ").filter(x => x);
    if (open.includes(box.dataset.box))
      open = open.filter(x => x !== box.dataset.box && !box.querySelector(`[data-box="${x}"]`));
    else open.push(box.dataset.box);
    const next = open.map(Number).sort((a, b) => a - b).join(" ");
    now.hidden = true;
    scene().querySelector(`div[data-state="${next}"]`).hidden = false;
  };
  const act = event => {
    const at = event.target.closest("[data-box], [data-scene], a");
    if (!at || event.key && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (at.matches("a")) trail.pop();
    else if (at.dataset.scene) trail.push(at.dataset.scene);
    else turn(at);
    show();
  };
  page.addEventListener("click", act);
  page.addEventListener("keydown", act);
}
"""


def fragment(box: Box, depth: int) -> str:
    """The page's content, for a notebook: its first picture is open down to this depth."""
    scenes = _Scenes()
    scenes.number(box, depth)
    sections = list(scenes.written())
    return (
        f'<div class="pydp-page"><style>{PAGE_STYLE}{style()}</style>\n{"".join(sections)}</div>\n'
        f"<script>{SCRIPT}</script>\n"
    )


def page(box: Box, depth: int) -> str:
    """A whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(box.name)}</title>\n<style>{WHOLE_STYLE}</style>\n</head>\n<body>\n"
        f"{fragment(box, depth)}</body>\n</html>\n"
    )


class _Scenes:
    """Boxes that are shown alone. Equal ones share a scene."""

    def __init__(self) -> None:
        self.boxes: list[tuple[Box, int]] = []
        self.numbers: dict[Any, int] = {}

    def number(self, box: Box, depth: int = 1) -> int | None:
        """The number of a box's scene; None where there are too many."""
        form = box.form()
        if form not in self.numbers:
            if len(self.boxes) >= SCENES:
                return None
            self.numbers[form] = len(self.boxes)
            self.boxes.append((box, depth))
        return self.numbers[form]

    def written(self) -> Iterator[str]:
        """Every scene; writing one may add more."""
        i = 0
        while i < len(self.boxes):
            box, depth = self.boxes[i]
            yield self._section(i, box, depth)
            i += 1

    def _section(self, number: int, box: Box, depth: int) -> str:
        turning = _turning(box)
        hidden = " hidden" if number else ""
        lines = [f'<section data-number="{number}"{hidden}>']
        if number:
            lines.append(f'<p><a tabindex="0">← back</a> from {escape(box.path or box.name)}</p>')
        elif turning:
            lines.append("<p>A click on a box opens or closes it.</p>")
        first = opened(box, depth)
        start = {i for i, inner in enumerate(turning) if id(inner) in first}
        for state in _states(box, turning):
            open_ = {id(box), *[id(turning[i]) for i in state]}
            picture = Picture(page_of(box, open_), self._marks(box, turning))
            shown = "" if state == start else " hidden"
            names = " ".join(map(str, sorted(state)))
            lines.append(f'<div data-state="{names}"{shown}>{picture.svg(with_style=False)}</div>')
        return "\n".join([*lines, "</section>\n"])

    def _marks(self, box: Box, turning: Sequence[Box]) -> dict[int, str]:
        """What a click on each box does."""
        live = ' tabindex="0" role="button"'
        marks = {id(inner): f' data-box="{i}"{live}' for i, inner in enumerate(turning)}
        for inner in box.walk():
            if inner is not box and inner.opens and id(inner) not in marks:
                number = self.number(inner)
                if number is not None:
                    marks[id(inner)] = f' data-scene="{number}"{live}'
        return marks


def _turning(box: Box) -> list[Box]:
    """The boxes below this one that open in place: from the top, as long as there are not too many
    states."""
    found: list[Box] = []
    waiting = [c for c in box.children if c.opens]
    while waiting:
        inner = waiting.pop(0)
        if len(list(_states(box, [*found, inner]))) > MOST:
            continue
        found.append(inner)
        waiting += [c for c in inner.children if c.opens]
    return found


def _states(box: Box, turning: Sequence[Box]) -> Iterator[set[int]]:
    """Every set of boxes that can be open at a time: one is, only if that around it is."""
    numbers = {id(inner): i for i, inner in enumerate(turning)}

    def within(outer: Box) -> list[set[int]]:
        choices = []
        for child in outer.children:
            if id(child) in numbers:
                choices.append([set(), *[{numbers[id(child)], *s} for s in within(child)]])
        return [set().union(*choice) for choice in product(*choices)]

    yield from within(box)
