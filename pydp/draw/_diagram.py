"""A diagram of a module: an object that shows itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydp._arguments import integer
from pydp.draw import _html
from pydp.draw._box import Box, opened
from pydp.draw._sheet import page_of
from pydp.draw._svg import THEMES, Picture
from pydp.draw._trace import trace

SLIDE = (1280.0, 720.0)
LEAST = 0.9  # times their size that texts may become on a slide: 11 points, then 10


class Diagram:
    """The picture of a module, which shows itself in a notebook; made by `model.diagram()`.

    - `svg`     the picture as text
    - `html`    a page in which boxes open and close
    - `save(path)` writes either, by the path's ending

    The picture is light or dark as the reader's system is, both as a file and as <img>. A page that
    has it inside says which by data-theme="light" or "dark" on any element around it.

    >>> import pydp
    >>> picture = (pydp.nn.Linear(2, 8) >> pydp.nn.ReLU()).diagram()
    >>> picture
    <diagram of Sequential; save it to a file, or show it in a notebook>
    >>> picture.svg[:4], picture.html[:15]
    ('<svg', '<!DOCTYPE html>')
    """

    def __init__(self, box: Box, depth: int | None = None, theme: str = "auto") -> None:
        self.box = box
        self.depth = _readable(box) if depth is None else integer(depth, "diagram", "depth", 0)
        if theme not in THEMES:
            raise ValueError(f"diagram: theme must be one of {', '.join(THEMES)}, got {theme!r}")
        self.theme = theme

    @property
    def svg(self) -> str:
        """The picture as SVG."""
        return Picture(page_of(self.box, opened(self.box, self.depth))).svg(self.theme)

    @property
    def html(self) -> str:
        """A page in which boxes open and close, without references to anything else."""
        return _html.page(self.box, self.depth)

    def save(self, path: str | Path) -> None:
        """Write the picture to a file that ends with .svg or .html."""
        path = Path(path)
        if path.suffix not in (".svg", ".html"):
            raise ValueError(f"save: the path must end with .svg or .html, got {str(path)!r}")
        path.write_text(self.svg if path.suffix == ".svg" else self.html, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return _html.fragment(self.box, self.depth)

    def __repr__(self) -> str:
        return f"<diagram of {self.box.name}; save it to a file, or show it in a notebook>"


def diagram(
    module: Any, depth: int | None = None, theme: str = "auto", type: str | None = None,
    **sizes: Any,
) -> Diagram:  # fmt: skip
    """The box diagram of a module; `Module.diagram` says more.

    >>> from pydp import draw, nn
    >>> draw.diagram(nn.LSTM(3, 8) >> nn.Linear(8, 2), depth=0)
    <diagram of Sequential; save it to a file, or show it in a notebook>
    """
    return Diagram(trace(module, type, **sizes).box, depth, theme)


def _readable(box: Box) -> int:
    """As deep as its texts stay readable on a slide, at least one level."""
    depth, before = 1, opened(box, 1)
    while len(found := opened(box, depth + 1)) > len(before):
        picture = Picture(page_of(box, found))
        if min(SLIDE[0] / picture.width, SLIDE[1] / picture.height) < LEAST:
            break
        depth, before = depth + 1, found
    return depth
