"""What is repeated is drawn once.

    f1 ── f2 ── f3        three equal boxes, each fed by the one before:          f × 3
    s ─┬─ f1 ─┬─ f2 ─     a loop, in which the same modules are called again:     see _loops
    x ─┴──────┴─

Where each of the equal boxes is fed by something of its own besides (the memory, projected for each
layer of a decoder), these are equal among themselves and become one, too.

Invariant: a box's wires end at children that are still there; `times` says for how many one stands,
and its counts are of one.
"""

from __future__ import annotations

from pydp.draw._box import Box, End, renumbered
from pydp.draw._loops import gather


def folded(box: Box) -> Box:
    """The box with what is repeated drawn once, inside and out."""
    for child in box.children:
        folded(child)
    start = 0
    while start < len(box.children):
        n, twins = _run(box, start)
        if n > 1:
            start = _merge(box, start, n, twins)
        start += 1
    gather(box)
    return box


# ---- equal neighbours ----------------------------------------------------------------------------


def _run(box: Box, start: int) -> tuple[int, dict[int, int]]:
    """How many boxes from here are equal, each fed by the one before; and which boxes that feed
    them stand for which."""
    first = box.children[start]
    n, twins, seen = 1, dict[int, int](), [dict[int, int]()]
    while start + n < len(box.children) and not first.is_op:
        if box.children[start + n].form() != first.form():
            break
        more = _follows(box, start, start + n)
        if more is None:
            break
        twins |= more
        seen.append(dict(twins))
        n += 1
    while n > 1 and not _closed(box, start, n):
        n -= 1
    return n, seen[n - 1]


def _sources(box: Box, i: int) -> dict[int, End]:
    return {w.target.port: w.source for w in box.wires if w.target.child == i}


def _follows(box: Box, first: int, i: int) -> dict[int, int] | None:
    """Whether box i is fed by its neighbour, and otherwise as the first is: then which boxes that
    feed it are twins of those that feed the first."""
    into, given = _sources(box, i), _sources(box, first)
    chained = {port for port, source in into.items() if source.child == i - 1}
    if not chained or into.keys() != given.keys():
        return None
    twins: dict[int, int] = {}
    for port in into.keys() - chained:
        a, b = given[port], into[port]
        if a == b:
            continue
        if (
            a.child is None
            or b.child is None
            or a.port != b.port
            or not _twins(box, a.child, b.child)
        ):
            return None
        if any(w.target.child != i for w in box.wires if w.source.child == b.child):
            return None
        twins[b.child] = a.child
    return twins


def _twins(box: Box, a: int, b: int) -> bool:
    """Whether two boxes are equal and are fed alike."""
    same = box.children[a].form() == box.children[b].form()
    return same and _sources(box, a) == _sources(box, b)


def _closed(box: Box, start: int, n: int) -> bool:
    """Whether what leaves the run leaves its last box, or all of them for the same place."""
    run = range(start, start + n)
    out: dict[End, set[int]] = {}
    for w in box.wires:
        if w.source.child in run and w.target.child not in run:
            out.setdefault(w.target, set()).add(w.source.child or 0)
    leaving = {start + n - 1}
    return all(sources == leaving or len(sources) == n for sources in out.values())


def _merge(box: Box, start: int, n: int, twins: dict[int, int]) -> int:
    """Let the first stand for all, and the first's twins for the others'; where it stands then."""
    run = range(start, start + n)
    stands_for = {**dict.fromkeys(run, start), **twins}
    wires = [
        w
        for w in box.wires
        if not (w.target.child in run and w.target.child != start) and w.target.child not in twins
    ]
    box.children[start].times *= n
    for original in set(twins.values()):
        box.children[original].times *= n
    renumbered(box, stands_for, wires)
    return start - sum(i < start for i in twins)
