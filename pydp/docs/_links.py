"""Names as links: `Conv2d`, `pydp.lstm` or `share` between backticks, where they are public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydp.docs import _prose
from pydp.docs._contents import Part, full


class Links:
    """Where every public name is told of."""

    def __init__(self, parts: Iterable[Part], names: Mapping[str, Any]) -> None:
        placed = [name for part in parts for page in part.pages for name in page.names]
        self._labels = {name: label(name, names[name]) for name in placed}
        self._values = {name for name in placed if not callable(names[name])}

    def label(self, name: str) -> str:
        """The target of a public name."""
        return self._labels[name]

    def at(self, place: str, arguments: Iterable[str] = ()) -> _prose.Link:
        """The links of a docstring in this place ("nn"), for a function with these arguments, of
        which none is a link."""
        known = set(arguments)

        def link(text: str) -> str:
            text = " ".join(text.split())
            name = self._found(text, place) if text not in known else None
            inside = _prose.code(text)
            return inside if name is None else f"[{inside}](#{self._labels[name]})"

        return link

    def to(self, name: str) -> str:
        """A link that shows the name alone."""
        return f"[`{name.rpartition('.')[2]}`](#{self._labels[name]})"

    def _found(self, text: str, place: str) -> str | None:
        bare = text.removeprefix("pydp.")
        if bare == text:
            candidates = [f"{place}.{text}", f"pydp.{text}", f"nn.{text}", text]
        else:
            candidates = [text, bare]
        for name in candidates:
            if name in self._labels and (name not in self._values or text == full(name)):
                return name
        return None


def label(name: str, value: Any) -> str:
    """A name's target: those of `Tensor` and `tensor` must not be one but for the case."""
    kind = "-class" if isinstance(value, type) and not name.startswith("nn.") else ""
    return full(name).replace(".", "-").strip("_").lower() + kind
