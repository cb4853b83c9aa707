"""The pages: of a box, of several functions, and of a part with its table of contents.

Linear                     the title
nn.Linear(in_features …)   how it is made
y = x Wᵀ + b …             the first paragraph, its formula by itself
Type                       as declared, and of the example's instance
Diagram                    of that instance
…                          the rest of the docstring, in its order
Methods
Code                       the head of the file, forward, the class
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydp import nn
from pydp._op import registry
from pydp.docs import _drawn, _prose, _source
from pydp.docs._contents import DocsError, Page, Part, full
from pydp.docs._examples import Example
from pydp.docs._links import Links
from pydp.docs._parts import (
    BAR,
    arguments_of,
    asked,
    call,
    figure,
    folded,
    joined,
    members,
    quoted,
    signature,
)
from pydp.docs._prose import Piece, fenced, pieces

DECLARED = re.compile(r"(?:Shape|Type): ``([^`]*?->[^`]*?)``(.*)", re.DOTALL)
SAME_FORMULA = re.compile(r"formula is that of\s+`pydp\.(\w+)`")
SOURCE = re.compile(r"(?:Source|Reference):\s")
CITED = re.compile(r"https?://|[A-Z][\w.-]+(?:,| and| et al).*?\b(?:19|20)\d\d\b", re.DOTALL)
LONG = 40  # lines of a class that is not shown at once
SECTIONS = ("Arguments", "Parameters", "Buffers")
UNSAID = ("reset_parameters", "extra_repr", "forward", "type", "signature")


class Writer:
    """Writes pages; `names` has what every public name stands for."""

    def __init__(self, names: dict[str, Any], links: Links) -> None:
        self.names, self.links = names, links
        self.summaries: dict[str, tuple[str, str]] = {}  # name -> (type, first sentence)
        self.pictures: dict[str, str] = {}  # path -> SVG of those too wide for a page

    # ---- pages

    def page(self, page: Page) -> str:
        """The page's text; DocsError where a name of it has no docstring or no example, or where
        an example is not so."""
        return joined(self._box(page) if page.path.startswith("nn/") else self._several(page))

    def part(self, part: Part) -> str:
        """A part's page: what its pages tell of, a table of all; where nothing has a type, one of
        each page."""
        named = {
            page: page.names[:1] if page.path.startswith("nn/") else page.names
            for page in part.pages
        }
        told = [f"# {part.title}"]
        if any(self._summary(name)[0] for names in named.values() for name in names):
            told.append(self._table([name for names in named.values() for name in names], True))
        else:
            for page, names in named.items():
                told += [f"## {page.title}", self._table(names, False)]
        toctree = "\n".join([f"/{page.path}" for page in part.pages])
        return joined([*told, f"```{{toctree}}\n:hidden:\n\n{toctree}\n```"])

    def _table(self, names: Sequence[str], with_types: bool) -> str:
        rows = ["| | type | |\n|---|---|---|" if with_types else "| | |\n|---|---|"]
        for name in names:
            kind, sentence = self._summary(name)
            types = [_prose.code(kind) if kind else ""] if with_types else []
            cells = [self.links.to(name), *types, sentence]
            rows.append(f"| {' | '.join([cell.replace('|', BAR) for cell in cells])} |")
        return joined([":::{container} overview\n", "\n".join(rows), ":::"])

    def _summary(self, name: str) -> tuple[str, str]:
        return self.summaries.get(name, ("", ""))

    # ---- a box

    def _box(self, page: Page) -> Iterator[str]:
        name = page.names[0]
        value, docstring = self.names[name], inspect.getdoc(self.names[name]) or ""
        example = Example(full(name), value)
        told = list(pieces(docstring))
        link = self.links.at("nn", arguments_of(value))
        for other in page.names:
            if self.names[other] is not value:
                raise DocsError(f"{full(other)}: is on the page of {full(name)}, and not the same")
            yield f"({self.links.label(other)})="
        yield f"# {page.title}"
        yield signature(name, value)
        yield self._lead(told.pop(0), link)
        yield from self._formula_of(docstring)
        declared = next((i for i, piece in enumerate(told) if DECLARED.match(piece.text)), None)
        shape = None if declared is None else told.pop(declared)
        yield from self._type_and_diagram(page, example, shape, link)
        yield from self._rest(told, link)
        if not any(SOURCE.match(p.text) or CITED.match(p.text) for p in told):
            yield from self._source_of(name.removeprefix("nn."), docstring)
        if isinstance(value, type):
            yield from self._methods(value)
        yield from self._code(value)

    def _type_and_diagram(
        self, page: Page, example: Example, shape: Piece | None, link: _prose.Link
    ) -> Iterator[str]:
        """The type that is declared, that of the example's instance, and its picture."""
        name, *_ = aliases = [name.removeprefix("nn.") for name in page.names]
        value = self.names[page.names[0]]
        kind = ""
        if shape is not None:
            yield "## Type"
            yield self._type(shape, link)
            found = DECLARED.match(shape.text)
            kind = " ".join(found[1].split()) if found else ""
        self.summaries[page.names[0]] = (kind, self._sentence(value))
        if not (isinstance(value, type) and issubclass(value, nn.Module)):
            return
        made = example.made(value, aliases)
        if made is None and name not in _drawn.WITHOUT:
            raise DocsError(f"{full(page.names[0])}: its example makes none, so it has no diagram")
        if made is None:
            return
        text, module = made
        if shape is None:
            yield "## Type"
        yield f"Of {_prose.code(text)}:"
        yield fenced(str(module.signature), "text", "type")
        if name not in _drawn.WITHOUT:
            drawn, svg = _drawn.svg(name, text, module)
            yield "## Diagram"
            large = f"_static/{name}.svg" if _drawn.is_wide(svg) else ""
            if large:
                self.pictures[large] = _drawn.alone(svg)
            yield from figure(svg, drawn, large and f"../{large}")

    def _lead(self, piece: Piece, link: _prose.Link) -> str:
        before, formula, after = _prose.formula(piece.text)
        parts = [_prose.inline(before, link)] if before else []
        if formula:
            parts.append(fenced(formula, "text", "formula"))
        if after:
            word = re.split(r"\W", after)[0]
            is_symbol = len(word) == 1 and bool(re.search(rf"\b{word}\b", formula))
            after = after if is_symbol else after[0].upper() + after[1:]
            parts.append(_prose.inline(after, link))
        return ":::{container} lead\n\n" + "\n\n".join(parts) + "\n:::"

    def _type(self, piece: Piece, link: _prose.Link) -> str:
        """One declared type stands by itself; several stay in their sentences."""
        found = DECLARED.match(piece.text)
        assert found is not None
        if "->" in "".join(re.findall(r"``(.*?)``", found[2], re.DOTALL)):
            return _prose.inline(re.sub("^(Shape|Type): ", "", piece.text), link)
        rest = found[2].lstrip(".,; \n")
        said = _prose.inline(rest[:1].upper() + rest[1:], link)
        return f"{fenced(' '.join(found[1].split()), 'text', 'type')}\n\n{said}".strip()

    def _rest(self, told: list[Piece], link: _prose.Link) -> Iterator[str]:
        """What a docstring goes on to say, with headings where a new matter begins."""
        for piece in told:
            if piece.kind == "prose" and piece.text in SECTIONS:
                yield f"## {piece.text}"
                continue
            if piece.kind == "example":
                yield "## Example"
            elif piece.kind == "prose" and (SOURCE.match(piece.text) or CITED.match(piece.text)):
                yield "## Source in the literature"
                piece = Piece("prose", SOURCE.sub("", piece.text))
            elif piece.text.startswith("It differs from"):
                yield "## What differs"
            elif DECLARED.match(piece.text):
                yield self._type(piece, link)
                continue
            yield _prose.markdown(piece, link)

    def _formula_of(self, docstring: str) -> Iterator[str]:
        """The formula of the function that a docstring names as having it."""
        same = SAME_FORMULA.search(docstring)
        for there in pieces(inspect.getdoc(self.names[f"pydp.{same[1]}"]) or "") if same else ():
            if there.kind == "block":
                yield fenced(there.text, "text", "formula")

    def _source_of(self, box: str, docstring: str) -> Iterator[str]:
        """What the function behind a box says of its source: the one that has the box's name, or
        its formula."""
        same = SAME_FORMULA.search(docstring)
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", box).lower()
        for name in (same[1] if same else "", words, re.sub(r"_?\dd$", "", words)):
            function = self.names.get(f"pydp.{name}")
            for piece in pieces(inspect.getdoc(function) or "") if callable(function) else ():
                if SOURCE.search(piece.text) or CITED.match(piece.text):
                    yield "## Source in the literature"
                    said = SOURCE.split(piece.text)[-1]
                    yield _prose.inline(said, self.links.at("pydp"))
                    return

    def _methods(self, kind: type[Any]) -> Iterator[str]:
        """The public methods and properties that say what they do; those of a base with a page of
        its own are there."""
        told = []
        elsewhere = [base for base in self.names.values() if base is not kind]
        for name, member in members(kind, elsewhere).items():
            doc = inspect.getdoc(member) if not isinstance(member, type) else None
            is_own = isinstance(member, property | staticmethod | classmethod)
            is_own = is_own or inspect.isfunction(member)
            if name[0] == "_" or name in UNSAID or not is_own or not doc:
                continue
            function = getattr(member, "__func__", member)
            title = name if isinstance(member, property) else call(name, function)
            link = self.links.at(
                "nn" if issubclass(kind, nn.Module) else "pydp", arguments_of(function)
            )
            said = "\n\n".join([_prose.markdown(piece, link) for piece in pieces(doc)])
            told.append(f"{_prose.code(title)}\n: " + said.replace("\n", "\n  "))
        if told:
            yield "## Methods"
            yield ":::{container} methods\n\n" + "\n\n".join(told) + "\n:::"

    def _code(self, value: Any) -> Iterator[str]:
        yield "## Code"
        place = _source.place(value)
        idea = list(pieces(_source.idea(value)))
        if len(idea) > 1:
            yield f"From `{place}`, which begins with"
            link = self.links.at("nn")
            yield quoted(joined([_prose.markdown(piece, link) for piece in idea]))
        else:
            yield f"From `{place}`:"
        whole = _source.code(value)
        shown = _source.shown(value) if isinstance(value, type) else whole
        if not shown and whole.count("\n") < LONG:
            shown = whole
        if shown:
            yield fenced(shown, "python")
        if whole != shown:
            yield from folded("The whole class" if shown else "The class", fenced(whole, "python"))

    # ---- several names on one page

    def _several(self, page: Page) -> Iterator[str]:
        yield f"# {page.title}"
        alone = len(page.names) == 1
        for name in page.names:
            value = self.names[name]
            yield f"({self.links.label(name)})="
            if not alone or page.title != name.rpartition(".")[2]:
                yield f"## {name.rpartition('.')[2]}"
            yield from self._value(name) if not callable(value) else self._function(name, value)

    def _value(self, name: str) -> Iterator[str]:
        """A constant: what it shows."""
        shown = repr(self.names[name])
        self.summaries[name] = ("", _prose.code(shown))
        yield asked(full(name), self.names[name])

    def _function(self, name: str, value: Any) -> Iterator[str]:
        Example(full(name), value)
        place = name.rpartition(".")[0]
        link = self.links.at(place, arguments_of(value))
        yield signature(name, value)
        told = list(pieces(inspect.getdoc(value) or ""))
        before, mark, after = told[0].text.partition("Type: ``")
        if before and mark:  # a sentence of the first paragraph
            told[:1] = [Piece("prose", before.strip()), Piece("prose", mark + after)]
        rule = registry.get(name.removeprefix("pydp."))
        declared = re.search(r"(?:Shape|Type): ``(.*?)``", inspect.getdoc(value) or "", re.DOTALL)
        kind = declared[1] if declared else rule.type if rule is not None else ""
        self.summaries[name] = (" ".join(kind.split()), self._sentence(value))
        if kind and not declared:
            yield fenced(kind, "text", "type")
        yield self._lead(told.pop(0), link)
        for piece in told:
            is_type = DECLARED.match(piece.text)
            yield self._type(piece, link) if is_type else _prose.markdown(piece, link)
        if isinstance(value, type):
            yield from self._methods(value)
            yield from folded(f"The class, from {_prose.code(_source.place(value))}",
                              fenced(_source.code(value), "python"))  # fmt: skip
            return
        row = _source.rule(name.removeprefix("pydp."))
        if row.startswith(name.rpartition(".")[2].upper()):
            yield (
                "Its row in the table of `pydp/ops/_elementwise.py`: "
                "definition, what backward looks at, derivative."
            )
            yield fenced(row, "python")
        elif row:
            yield from folded("Definition in NumPy, and gradient", fenced(row, "python"))
        yield from folded(f"The function, from {_prose.code(_source.place(value))}",
                          fenced(_source.code(value), "python"))  # fmt: skip

    def _sentence(self, value: Any) -> str:
        """The first sentence of a docstring."""
        first = next(pieces(inspect.getdoc(value) or "")).text
        first = re.split(r"(?<=\.)\s|\s*Type: ", " ".join(first.split()))[0]
        return _prose.inline(first, lambda text: _prose.code(text))
