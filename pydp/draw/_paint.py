"""The colours of a picture, light and dark, and how a page chooses.

Every shape has its light colours as attributes, which any viewer understands; a style sheet adds
the dark ones. Which of them are shown, the page around says:

    data-theme="light" or "dark" on an element around     that (furo, and whoever does as it does)
    JupyterLab                                            as its theme
    nothing, or a file of its own, or <img>               as the reader's system is

A picture may also be told to be "light" or "dark". It stands on a card of its own colour, and so
can be read on any page. A file of its own fills the window; elsewhere it has its size, but is no
wider than its column.

Invariant: every rule is for .pydp-diagram or .pydp-auto, and every class begins with pydp-;
so pictures on one page do not disturb each other, nor the page, nor it them.
"""

from __future__ import annotations

from collections.abc import Mapping

# What is drawn, and in which colours: property -> (light, dark).
PAINT: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "card": {"fill": ("#ffffff", "#15191e")},
    "open": {"fill": ("#f5f7f9", "#1e242b"), "stroke": ("#a3afbb", "#5a6672")},
    "within": {"fill": ("#ffffff", "#272f38"), "stroke": ("#a3afbb", "#5a6672")},
    "plain": {"fill": ("#eceff2", "#38424d"), "stroke": ("#84919e", "#7d8a97")},
    "learned": {"fill": ("#dbe8fb", "#1f3f66"), "stroke": ("#3d74bd", "#6fa3e6")},
    "op": {"fill": ("#fff3d1", "#55451a"), "stroke": ("#a97c1e", "#d6ac4d")},
    "wire": {"stroke": ("#5c6b7a", "#93a3b3")},
    "head": {"fill": ("#5c6b7a", "#93a3b3")},
    "name": {"fill": ("#1c2630", "#e8edf2")},
    "small": {"fill": ("#55626f", "#b9c4cf")},
    "type": {"fill": ("#2c5c39", "#9fd3ac")},
}

WINDOW = """.pydp-diagram { max-width: 100%; height: auto; }
.pydp-diagram:root { width: 100%; height: 100%; background: %s; }"""
# Which theme a page has: selectors of what is around a picture.
AROUND = {
    "light": ('[data-theme="light"]', '[data-jp-theme-light="true"]'),
    "dark": ('[data-theme="dark"]', '[data-jp-theme-light="false"]'),
}


def style(theme: str = "auto") -> str:
    """The style sheet: how a file fills its window, and both themes' colours for "auto"."""
    card = PAINT["card"]["fill"]
    if theme != "auto":
        return WINDOW.replace("%s", card[theme == "dark"])
    rules = [WINDOW.replace("%s", card[0]), "@supports (color: light-dark(red, red)) {"]
    rules += [".pydp-auto { color-scheme: light dark; }"]
    for scheme, marks in AROUND.items():
        around = ", ".join(f"{mark} .pydp-auto" for mark in marks)
        rules.append(f"{around} {{ color-scheme: {scheme}; }}")
    rules.append(f".pydp-auto:root {{ background: {_both(card)}; }}")
    for kind, paint in PAINT.items():
        said = " ".join(f"{what}: {_both(colours)};" for what, colours in paint.items())
        rules.append(f".pydp-auto .pydp-{kind} {{ {said} }}")
    return "\n".join([*rules, "}"])


def _both(colours: tuple[str, str]) -> str:
    return f"light-dark({colours[0]}, {colours[1]})"
