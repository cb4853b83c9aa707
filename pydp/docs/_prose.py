"""Docstrings as Markdown, word for word.

A docstring of pydp is a list of pieces, separated by empty lines:

    Every output is a weighted sum of all inputs.       prose
    Arguments                                           prose, and below it items
      name   what it is, on a line that may             two columns
             go on below
    - `name`: the same as a list                        bullets
        h' = tanh(W x + b)                              a block, in which spaces count
    (after Python's prompt)                             an example, with its output

In prose `name` is a link where it is public, ``code`` is code; everything else means itself, so it
is escaped for Markdown.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

Link = Callable[[str], str]  # what stands between backticks, as Markdown

GAP = re.compile(r"(\S.*?) {2,}(\S.*)")  # a term, and what it is
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$^])")
CODE = re.compile(r"``(.+?)``|`([^`]+)`", re.DOTALL)


class Piece(NamedTuple):
    """A piece of a docstring: its kind, its text, and what it lists (term, what it is)."""

    kind: str  # "prose", "items", "bullets", "block" or "example"
    text: str = ""
    items: tuple[tuple[str, str], ...] = ()


def pieces(docstring: str) -> Iterator[Piece]:
    """The pieces of a docstring, in order."""
    lines = inspect.cleandoc(docstring).split("\n")
    while lines:
        if not lines[0].strip():
            del lines[0]
        elif lines[0].startswith(">>> "):
            yield Piece("example", "\n".join(_taken(lines, lambda line: bool(line.strip()))))
        elif lines[0].startswith("    "):
            block = _taken(lines, lambda line: not line.strip() or line.startswith("    "))
            yield Piece("block", inspect.cleandoc("\n" + "\n".join(block)).rstrip())
        elif lines[0].startswith("- "):
            bullets = _taken(lines, lambda line: line.startswith(("- ", "  ")))
            yield Piece("bullets", items=_joined(bullets, "- "))
        elif lines[0].startswith("  "):
            yield Piece("items", items=_items(_taken(lines, lambda line: line.startswith("  "))))
        elif GAP.fullmatch(lines[0]):
            yield Piece("items", items=_items(_taken(lines, lambda line: bool(line.strip()))))
        else:
            prose = _taken(lines, lambda line: bool(line.strip()) and line[0] != " ")
            yield Piece("prose", "\n".join(prose))


def _taken(lines: list[str], belongs: Callable[[str], bool]) -> list[str]:
    """The first line and those after it that belong to it, taken away."""
    n = next((n for n in range(1, len(lines)) if not belongs(lines[n])), len(lines))
    taken = lines[:n]
    del lines[:n]
    return taken


def _joined(lines: list[str], mark: str) -> tuple[tuple[str, str], ...]:
    """Bullets, each with the lines below it."""
    found: list[str] = []
    for line in lines:
        if line.startswith(mark):
            found.append(line.removeprefix(mark))
        else:
            found[-1] += "\n" + line.strip()
    return tuple([("", text) for text in found])


def _items(lines: list[str]) -> tuple[tuple[str, str], ...]:
    """Terms with what they are; what is indented deeper goes on."""
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    found: list[tuple[str, str]] = []
    for line in lines:
        text, deep = line.strip(), line[indent] == " "
        two = None if deep else GAP.fullmatch(text)
        if two:
            found.append((two[1], two[2]))
        elif found and (deep or not GAP.search(text)):
            term, what = found[-1]
            found[-1] = (term, f"{what}\n{text}".strip())
        else:
            found.append((text, ""))
    return tuple(found)


def markdown(piece: Piece, link: Link) -> str:
    """A piece as MyST; an example as it is written."""
    if piece.kind == "example":
        return fenced(piece.text, "pycon")
    if piece.kind == "block":
        return fenced(piece.text, "text", "formula")
    if piece.kind == "bullets":
        return "\n".join(["- " + _indented(inline(text, link), "  ") for _, text in piece.items])
    if piece.kind == "items":
        return "\n\n".join([_item(term, what, link) for term, what in piece.items])
    return inline(re.sub(r"::$", ":", piece.text), link)


def _item(term: str, what: str, link: Link) -> str:
    term = term if "`" in term else f"``{term}``"
    # values, each on its line, begin with a quoted word
    broken = re.sub(r'\n(?="[\w-]+"[: ])', "\\\n", inline(what or "…", link))
    return f"{inline(term, link)}\n: {_indented(broken, '  ')}"


def _indented(text: str, indent: str) -> str:
    return text.replace("\n", f"\n{indent}")


def inline(text: str, link: Link) -> str:
    """Running text, escaped, with its code."""
    out, at = [], 0
    for found in CODE.finditer(text):
        out.append(escaped(text[at : found.start()]))
        out.append(code(found[1]) if found[1] else link(found[2]))
        at = found.end()
    out.append(escaped(text[at:]))
    # what would begin a list, a heading or a quotation at a line's head
    return re.sub(r"^(\d*)([-+>=.)])(?=\s|$)", r"\1\\\2", "".join(out), flags=re.MULTILINE)


def escaped(text: str) -> str:
    """Text that means itself."""
    return SPECIAL.sub(r"\\\1", text)


def code(text: str) -> str:
    """Inline code."""
    text = " ".join(text.split())
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def fenced(text: str, language: str, style: str = "") -> str:
    """A block of code."""
    fence = "`" * (3 + max([0, *[len(run) for run in re.findall("`{3,}", text)]]))
    if style:
        return f"{fence}{{code-block}} {language}\n:class: {style}\n\n{text}\n{fence}"
    return f"{fence}{language}\n{text}\n{fence}"


# ---- the first sentence and its formula ----------------------------------------------------------

# Words that stand in formulas; other long words make a clause prose.
OF_FORMULAS = re.compile(
    "with|mean|sqrt|weight|bias|tanh|sigmoid|softmax|target|margin|scale|slope|alpha|beta|score|"
    "memory|positions?|anchor|positive|negative|activation|stride|padding|dilation"
)
OF_PROSE = re.compile(
    "is|of|the|as|it|at|in|to|that|its|on|by|or|an|itself|has|where|for|while", re.IGNORECASE
)
GAPS = re.compile(r"[:,;.] |\.$| (?=for (?:each|every|groups) )")


def formula(sentence: str) -> tuple[str, str, str]:
    """(what stands before the formula, the formula, what stands after it) of a first paragraph.

    >>> formula("One step: y = f(x), where f is smooth.")
    ('One step:', 'y = f(x)', 'where f is smooth.')
    """
    sentence = " ".join(sentence.split())
    clauses = _clauses(sentence)
    first = next((i for i, (text, _) in enumerate(clauses) if _is_formula(text)), None)
    if first is None:
        return sentence, "", ""
    last = first
    while last + 1 < len(clauses) and clauses[last][1] in (", ", "; "):
        if not _is_formula(clauses[last + 1][0]):
            break
        last += 1
    before = "".join([text + gap for text, gap in clauses[:first]]).strip()
    found = "".join([text + gap for text, gap in clauses[first : last + 1]])
    after = "".join([text + gap for text, gap in clauses[last + 1 :]]).strip()
    return before, found.removesuffix(clauses[last][1]), after


def _clauses(sentence: str) -> list[tuple[str, str]]:
    """What punctuation outside brackets separates, with that punctuation."""
    found, begin, depth, at = [], 0, 0, 0
    while at < len(sentence):
        depth += (sentence[at] in "([") - (sentence[at] in ")]")
        gap = GAPS.match(sentence, at) if depth == 0 else None
        if gap:
            found.append((sentence[begin:at], gap[0]))
            at = begin = gap.end()
        else:
            at += 1
    return [*found, (sentence[begin:], "")] if begin < len(sentence) else found


def _is_formula(clause: str) -> bool:
    """Whether a clause has signs of arithmetic, and no words but those of formulas."""
    if clause.startswith("and ") or "`" in clause:
        return False
    words = re.findall(r"(?<!\w)[^\W\d_]+(?![\w(\[^²³])", clause)
    long = [w for w in words if len(w) > 3 and w.islower() and not OF_FORMULAS.fullmatch(w)]
    if long or any(OF_PROSE.fullmatch(word) for word in words):
        return False
    return bool(re.search(r"[=+·√Σ/^²]|\w\(| - |−", clause)) and bool(re.search(r"\w", clause))
