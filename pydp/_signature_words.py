"""Names that are readable, and words for messages about types that do not fit."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from pydp._condition import Condition
from pydp._notation import Type, arrays
from pydp._size import SignatureError


def names_in(type_: Type, conditions: Iterable[Condition]) -> tuple[str, ...]:
    """In order of appearance; an axis with several names only after those that have one."""
    alone: dict[str, None] = {}
    others: dict[str, None] = {}
    for found in arrays(type_):
        for axis in found.axes:
            if names := axis.names:
                (alone if len(names) == 1 else others).update(dict.fromkeys(sorted(names)))
    for condition in conditions:
        others.update(dict.fromkeys(sorted(condition.left.names | condition.right.names)))
    return tuple({**alone, **others})


def dots_in(type_: Type) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a.dots for a in arrays(type_) if a.dots is not None))


def readable(names: Sequence[str]) -> dict[str, str]:
    """Copies back to the names they were made from: h, or h2, h3 ... where h is taken."""
    taken = {name for name in names if "." not in name}
    result: dict[str, str] = {}
    for copy in names:
        name, dot, _ = copy.partition(".")
        if dot:
            root = name.rstrip("0123456789")
            numbered = (f"{root}{i}" for i in itertools.count(2))
            while name in taken:
                name = next(numbered)
            taken.add(name)
            result[copy] = name
    return result


def primes(dots: Sequence[str]) -> dict[str, str]:
    """`...` for the first, `...'` for the second; there are seldom two."""
    return {old: "'" * i for i, old in enumerate(dots) if old != "'" * i}


def short(name: str) -> str:
    """A box's name on one line: the repr of a model can be a page."""
    line = name.partition("\n")[0]
    return line if line == name and len(line) <= 60 else f"{line[:57]}..."


def explained(
    error: SignatureError, title: str, boxes: Sequence[tuple[str, object]]
) -> SignatureError:
    """The same error, with what was attempted and the types that took part."""
    boxes = [(short(name), type_) for name, type_ in boxes]
    width = 1 + max(len(name) for name, _ in boxes)
    lines = [f"{title}{error.subject} do not fit"]
    lines += [f"  {name:<{width}} : {type_}" for name, type_ in boxes]
    lines.append(f"  {error}")
    return type(error)("\n".join(lines), error.subject)
