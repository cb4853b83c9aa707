"""Examples: a number for each name of a type, on which `check` runs a module.

    real[..., 3, h, w] -> real[..., 1000] where h >= 63, w >= 63

    ... = 3, 5     few: everything is done for each of them
    h = 57, w = 89, doubled until both conditions hold

Names that a condition or a formula speaks of grow until they fit; a name that is only an axis (a
batch) keeps its small number. An equation is solved by trying numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pydp import _signature as language
from pydp._condition import Condition
from pydp._notation import arrays

LARGEST = 4096  # of an example's numbers


class Numbers(NamedTuple):
    """What an example takes its numbers from, in order: for the axes of `...`, and for names. No
    sum or product of a few of the latter is another one."""

    head: tuple[int, ...]
    names: tuple[int, ...]

    def times(self, factor: int) -> Numbers:
        return Numbers(self.head, tuple([factor * n for n in self.names]))


FIRST = Numbers(
    (3, 5), (7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
)
OTHER = Numbers(
    (4, 2), (10, 14, 9, 15, 21, 25, 33, 22, 26, 38, 34, 39, 46, 51, 57, 58, 62, 65, 69, 74)
)


def suits(type_: language.Signature, example: Mapping[str, int]) -> bool:
    """Whether these numbers satisfy the type's conditions, and no axis is empty."""
    numbers = {n: language.size(v) for n, v in example.items()}
    if any(c.substitute(numbers).verdict is not True for c in type_.conditions):
        return False
    axes = [a for found in arrays(type_.type) for a in found.axes]
    return all((a.substitute(numbers).value or 0) > 0 for a in axes)


def example(
    type_: language.Signature, head: Sequence[str], numbers: Numbers
) -> dict[str, int] | None:
    """A number for each name, as the conditions want them; None where none is found. `head` are
    the names of the axes that stand for `...`."""
    usual = dict(zip(head, numbers.head, strict=False))
    names = [n for n in type_.names if n not in usual]
    usual |= zip(names, numbers.names, strict=False)
    usual = {n: usual[n] for n in type_.names}
    axes = [axis for found in arrays(type_.type) for axis in found.axes]
    spoken_of = [a.names for a in axes if str(a) not in usual]
    busy = frozenset().union(*spoken_of, *[c.names for c in type_.conditions])
    factor = 1
    while factor * numbers.names[0] < LARGEST:
        found = {n: factor * v + (factor > 1) if n in busy else v for n, v in usual.items()}
        if suits(type_, found):
            return found
        factor *= 2
    return next((found for found in _solved(type_, usual) if suits(type_, found)), None)


def _solved(type_: language.Signature, usual: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Small numbers for the one or two names that an equation is about."""
    about = sorted({n for c in type_.conditions if c.form == "==" for n in c.names})
    if not 1 <= len(about) <= 2:
        return
    tests = [_test(c, about) for c in type_.conditions if {*c.names} <= {*about}]
    for values in itertools.product(range(1, 300), repeat=len(about)):
        if all(test(*values) for test in tests):
            yield {**usual, **dict(zip(about, values, strict=True))}


def _test(condition: Condition, names: Sequence[str]) -> Callable[..., bool]:
    """The condition as a function of numbers, for a search through many."""
    text = f"lambda {', '.join(names)}: {condition.left} {condition.relation} {condition.right}"
    return eval(text, {"__builtins__": {}})  # type: ignore[no-any-return]  # a text of ours
