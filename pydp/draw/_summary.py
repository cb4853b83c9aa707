"""A module as a table: path, box, type, parameters, multiply-adds, memory of activations.

    path  box         type                             parameters  mult-adds   memory
          Sequential  real[..., 784] -> real[..., 10]     101,770      102 k  1.06 kB
    0     Linear      real[..., 784] -> real[..., 128]    100,480      100 k    512 B
    ...

The rows are the boxes of the diagram. A table that is too wide for the terminal leaves out the
arguments' types, which are results of rows above, then of a path all but its end; in the narrowest
form paths and boxes are one column, a tree, and numbers are short.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from pydp import _signature as language
from pydp.draw._box import Box
from pydp.draw._text import counted, human
from pydp.draw._trace import trace

# The columns of each form, from the widest; so many of them are texts, aligned at the left.
FORMS = {
    "long": (("path", "box", "type", "parameters", "mult-adds", "memory"), 3),
    "short": (("path", "box", "result", "parameters", "mult-adds", "memory"), 3),
    "ends": (("path", "box", "result", "parameters", "mult-adds", "memory"), 3),
    "tree": (("box", "result", "params", "mult-adds", "memory"), 2),
}
NARROW, WIDE = 80, 120
OPEN = "open"
LONGEST = 26  # characters of a count


def summary(module: Any, type: str | None = None, depth: int | None = None, **sizes: Any) -> str:
    """The table as text; `Module.summary` prints it, and says more.

    >>> from pydp import draw, nn
    >>> print(draw.summary(nn.Linear(2, 8)))
    path  box     type                          parameters  mult-adds  memory
    ─────────────────────────────────────────────────────────────────────────
          Linear  real[..., 2] -> real[..., 8]          24         16    32 B
    ─────────────────────────────────────────────────────────────────────────
    parameters     24
    multiply-adds  16
    activations    32 B
    Multiply-adds and activations are of one element of `...`.
    """
    box, declared = trace(module, type, **sizes)
    room = min(max(shutil.get_terminal_size((WIDE, 24)).columns, NARROW), WIDE)
    rows = list(_shown(box, depth))
    for form in FORMS:
        head, texts = FORMS[form]
        table = [head, *[_row(b, level, form) for level, b in rows]]
        if _width(table) <= room:
            break
    lines, boxes = _lines(table, room, texts), [b for _, b in rows]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:], "─" * len(lines[0]),
                      *_totals(box, boxes, declared, form)])  # fmt: skip


def _shown(box: Box, depth: int | None, level: int = 0) -> Iterator[tuple[int, Box]]:
    """The modules' boxes with their levels, from the top, down to this depth."""
    yield level, box
    if depth is None or depth > level:
        for child in box.children:
            if not child.is_op:
                yield from _shown(child, depth, level + 1)


def _row(box: Box, level: int, form: str) -> tuple[str, ...]:
    """A box's row."""
    name = box.name + (f" × {box.times}" if box.times > 1 else "")
    end = box.path.rpartition(".")[2]
    parameters = human(box.parameters) if form == "tree" else f"{box.parameters:,}"
    if box.is_shared:
        parameters = "shared"
    numbers = (
        parameters if box.parameters else "",
        _said(box.multiply_adds) if box.multiply_adds.value != 0 else "",
        _said(box.memory, "B") if box.memory.value != 0 else "",
    )
    result = _types(box.outputs)
    if form == "tree":
        label = f"{box.label}: " if box.label else ""
        return (" " * level + label + name, result.replace("[..., ", "["), *numbers)
    if form == "long":
        result = f"{_types(box.inputs)} -> {result}"
    path = "  " * max(level - 1, 0) + end if form == "ends" else box.path
    return (path, name, result, *numbers)


def _types(types: Sequence[str]) -> str:
    text = ", ".join(types) or "()"
    return f"({text})" if len(types) > 1 else text


def _said(count: Any, unit: str = "", longest: int = LONGEST) -> str:
    return counted(count, longest, unit) or OPEN


def _width(table: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(*table, strict=True)) - 2


def _lines(table: Sequence[Sequence[str]], room: int, texts: int) -> list[str]:
    """The table's lines; the longest of the columns of texts is cut where that is needed."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    while sum(widths) + 2 * len(widths) - 2 > room and max(widths[:texts]) > 8:
        widths[max(range(texts), key=lambda i: widths[i])] -= 1
    lines = []
    for row in table:
        cells = [
            _cut(cell, n).ljust(n) if i < texts else cell.rjust(n)
            for i, (cell, n) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines[0] = lines[0].ljust(max(map(len, lines)))
    return lines


def _cut(text: str, n: int) -> str:
    return text if len(text) <= n else text[: n - 1] + "…"


def _totals(
    box: Box, boxes: Sequence[Box], declared: language.Signature, form: str
) -> Iterator[str]:
    yield f"parameters     {box.parameters:,}"
    adds = box.multiply_adds
    exact = f"{adds.value:,}" if adds.value is not None else _said(adds, longest=60)
    yield f"multiply-adds  {exact}"
    yield f"activations    {_said(box.memory, 'B', longest=60)}"
    if any(b.times > 1 for b in boxes):
        yield "A row with × n stands for n boxes; its numbers are of one."
    if declared.dots:
        what = "Results, multiply-adds" if form == "tree" else "Multiply-adds"
        yield f"{what} and activations are of one element of `...`."
    names = sorted({n for count in (box.multiply_adds, box.memory) for n in count.names})
    if names and any(not counted(c, LONGEST) for b in boxes for c in (b.multiply_adds, b.memory)):
        given = ", ".join(f"{name}=…" for name in names)
        yield f"Open counts depend on sizes: give numbers, summary({given})."
