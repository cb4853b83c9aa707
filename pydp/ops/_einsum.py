"""Einstein's sum: the subscripts, and the order in which operands are multiplied.

Two operands at a time (_contract.py); of three and more the pair goes first that shrinks the memory
most (the greedy path of opt_einsum, Smith and Gray, 2018).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

from pydp.ops._contract import Labels, Part, contract, numbers, permuted, plain, sizes_of, summed

MAX_TEXT = 4096
MAX_OPERANDS = 64

# ---- the subscripts ------------------------------------------------------------------------------

_TERM = re.compile(r"([A-Za-z]*)(\.\.\.)?([A-Za-z]*)")


@lru_cache(maxsize=1024)
def parsed(subscripts: str, ranks: tuple[int, ...]) -> tuple[tuple[Labels, ...], Labels]:
    """The labels of each operand and of the result; the axes of `...` are "1", "2" from its end."""
    if len(subscripts) > MAX_TEXT:
        raise ValueError(f"einsum: subscripts of {len(subscripts)} characters; at most {MAX_TEXT}")
    text = re.sub(r"[ \t]", "", subscripts)
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ranks):
        raise ValueError(
            f"einsum: {subscripts!r} names {len(terms)} operands, {len(ranks)} are given"
        )
    labels, dots = [], 0
    for k, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        before, ellipsis, behind = _split(term, subscripts)
        more = rank - len(before) - len(behind)
        if more < 0 or (more and not ellipsis):
            raise ValueError(
                f"einsum: operand {k} has {rank} axes, {term!r} in {subscripts!r} names "
                f"{len(before) + len(behind)}"
            )
        labels.append((*before, *_dots(more), *behind))
        dots = max(dots, more)
    if arrow:
        before, ellipsis, behind = _split(output, subscripts)
        if dots and not ellipsis:
            raise ValueError(f"einsum: the output of {subscripts!r} lacks the operands' '...'")
    else:
        letters = re.sub(r"[,.]", "", inputs)
        before, behind = "", "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    result = (*before, *_dots(dots), *behind)
    known = {label for term in labels for label in term}
    for label in result:
        if label not in known:
            raise ValueError(f"einsum: output letter {label!r} of {subscripts!r} is in no operand")
        if result.count(label) > 1:
            raise ValueError(f"einsum: output letter {label!r} of {subscripts!r} stands twice")
    return tuple(labels), result


def _split(term: str, subscripts: str) -> tuple[str, bool, str]:
    """(letters before, whether there is a `...`, letters behind)."""
    found = _TERM.fullmatch(term)
    if found is None:
        raise ValueError(
            f"einsum: {term!r} in {subscripts!r} must be letters a-z and A-Z, and at most one '...'"
        )
    return found[1], bool(found[2]), found[3]


def _dots(n: int) -> Labels:
    return tuple([str(i) for i in range(n, 0, -1)])


def _next_pair(parts: Sequence[Part], output: Labels) -> tuple[int, int]:
    """The pair whose product is smallest, less what it frees."""
    if len(parts) == 2:
        return 0, 1
    size = sizes_of(parts)

    def growth(pair: tuple[int, int]) -> int:
        a, b = parts[pair[0]], parts[pair[1]]
        others = {n for k, p in enumerate(parts) if k not in pair for n in p.labels}
        stays = {n for n in (*a.labels, *b.labels) if n in others or n in output}
        return int(math.prod([size[n] for n in stays]) - a.x.size - b.x.size)

    return min(combinations(range(len(parts)), 2), key=growth)


# ---- what people call ----------------------------------------------------------------------------


def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's sum: the product of the operands, summed over the letters that are not in the
    output.

    Type: ``any -> any``; of "ij,jk->ik" it is (any[i, j], any[j, k]) -> any[i, k], and so for all.

    subscripts   a letter (a-z, A-Z) for each axis of each operand, operands separated by commas;
                 after "->" those of the result. Without "->" the result has the letters that occur
                 once, in alphabetical order. A letter twice in one operand takes the diagonal.
                 "..." stands for the other axes, which broadcast.
    operands     one for each term, of one dtype after promotion; an axis of length 1 broadcasts

    ValueError where letters, axes and sizes do not fit. As NumPy's and PyTorch's, without the
    form of alternating operands and lists.

    >>> import pydp
    >>> x, w = pydp.ones((2, 3)), pydp.ones((3, 4))
    >>> pydp.einsum("ij,jk->ik", x, w).shape
    (2, 4)
    >>> pydp.einsum("...ii", pydp.eye(3))
    tensor(3.)
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: subscripts must be text, got {type(subscripts).__name__}")
    if not 1 <= len(operands) <= MAX_OPERANDS:
        raise ValueError(f"einsum: operands must be 1 to {MAX_OPERANDS}, got {len(operands)}")
    values = numbers("einsum", *operands)
    terms, output = parsed(subscripts, tuple([x.ndim for x in values]))
    size: dict[str, int] = {}
    for k, (x, labels) in enumerate(zip(values, terms, strict=True)):
        for name, n in zip(labels, x.shape, strict=True):
            if size.setdefault(name, n) == 1:
                size[name] = n
            elif n not in (1, size[name]):
                axis = "an axis of '...'" if name.isdigit() else f"letter {name!r}"
                raise ValueError(
                    f"einsum: {axis} of {subscripts!r} is {n} in operand {k}, {size[name]} before"
                )
    parts = [plain(Part(x, labels), size) for x, labels in zip(values, terms, strict=True)]
    while len(parts) > 1:
        i, j = _next_pair(parts, output)
        b, a = parts.pop(j), parts.pop(i)
        keep = frozenset(output).union(*[p.labels for p in parts])
        parts.insert(0, contract(a, b, keep, () if parts else output))
    return permuted(summed(parts[0], output), output)
