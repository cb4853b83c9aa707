"""Loops: the same modules, called again and again, are one step.

    s ─┬─ f ─┬─ f ─┬─ f ─┬─      three steps, each with          ╭─────────╮
       ├─ x  ├─ x  ├─ x  │       something of its own, and       ╰─> step ─┴─> ys
       y₁    y₂    y₃            a state that goes on         x, s ──╯  × 3

The state goes out of the step and back into it. A step that is one module needs no box around; what
only puts the steps' results side by side is no box either.
"""

from __future__ import annotations

from typing import Any

from pydp.draw._box import Box, End, Loop, Wire, renumbered

LONGEST = 12  # boxes of a step
COLLECTING = ("concat", "stack")


def gather(box: Box) -> None:
    """Let each loop be one step."""
    start = 0
    while start < len(box.children):
        size, n = _turns(box, start)
        if n > 1:
            _fold(box, start, size, n)
        start += 1


def _loop(box: Box, start: int) -> tuple[int, int]:
    """How many boxes from here are a loop's step, and how many steps there are."""
    for size in range(1, min(LONGEST, (len(box.children) - start) // 2) + 1):
        n = 1
        while _is_again(box, start, start + n * size, size):
            n += 1
        while n > 1 and not _is_steady(box, start, size, n):
            n -= 1
        if n > 1:
            return size, n
    return 0, 1


def _turns(box: Box, start: int) -> tuple[int, int]:
    """As `_loop`; but a step begins with an op only where there are more steps of those."""
    size, n = _loop(box, start)
    if n > 1 and box.children[start].is_op:
        later = range(start + 1, start + size)
        if any(_loop(box, i)[1] >= n for i in later if not box.children[i].is_op):
            return 0, 1
    return size, n


def _is_again(box: Box, first: int, later: int, size: int) -> bool:
    """Whether the same modules are called again, with the same ops between."""
    if later + size > len(box.children):
        return False
    pairs = [(box.children[first + k], box.children[later + k]) for k in range(size)]
    same = all((a.name, a.key, a.times) == (b.name, b.key, b.times) for a, b in pairs)
    return same and any(a.key is not None for a, _ in pairs)


def _kinds(box: Box, start: int, size: int, step: int) -> set[tuple[Any, ...]]:
    """The wires into a step, as seen from it: (how many steps before, or None for from outside;
    where from; where to)."""
    begin = start + step * size
    found: set[tuple[Any, ...]] = set()
    for w in box.wires:
        if w.target.child is None or not begin <= w.target.child < begin + size:
            continue
        to = w.target.child - begin, w.target.port
        source = w.source.child
        if source is None or source < start:
            found.add((None, w.source, to))
        else:
            back, place = divmod(source - begin, size)
            found.add((-back, (place, w.source.port), to))
    return found


def _is_steady(box: Box, start: int, size: int, n: int) -> bool:
    """Whether every step but the first takes the same from outside, itself and the one before."""
    later = [_kinds(box, start, size, step) for step in range(1, n)]
    if any(kinds != later[0] for kinds in later) or not any(k[0] == 1 for k in later[0]):
        return False
    within = {k for k in later[0] if k[0] == 0}
    first = {k for k in _kinds(box, start, size, 0) if k[0] == 0}
    return first == within and all(k[0] in (None, 0, 1) for k in later[0])


def _fold(box: Box, start: int, size: int, n: int) -> None:
    """Put a step into a box of its own, which stands for all."""
    step = _Step(box, start, size, n)
    wires = [w for w in box.wires if not (step.has(w.source.child) or step.has(w.target.child))]
    step.take()
    step.give()
    box.children[start] = step.box
    renumbered(box, dict.fromkeys(range(start, step.end), start), [*wires, *step.outer])
    for port in range(len(step.box.outputs)):
        _collect(box, start, port, n)
    if len(step.box.children) == 1:
        _unwrap(box, start)


def _collect(box: Box, start: int, port: int, n: int) -> None:
    """Where all that becomes of a step's results is a sequence, the loop gives that itself."""
    out = [w for w in box.wires if w.source == End(start, port)]
    after = {w.target.child for w in out}
    i = next(iter(after)) if len(after) == 1 else None
    if i is None or box.children[i].name not in COLLECTING or len(out) != n:
        return
    if any(w.target.child == i and w.source != End(start, port) for w in box.wires):
        return
    whole = box.children[i].outputs[0]
    source = End(start, port)
    box.children[start].outputs[port] = whole
    wires = [w._replace(source=source) if w.source.child == i else w for w in box.wires]
    renumbered(box, {i: start}, [w for w in wires if w.target.child != i])


def _unwrap(box: Box, start: int) -> None:
    """A step that is one box needs no frame."""
    step = box.children[start]
    inner = step.children[0]
    into = {w.source.port: w for w in step.wires if w.source.child is None}
    out = {w.target.port: w for w in step.wires if w.target.child is None}
    ports = len(step.inputs) + len(step.outputs)
    if inner.is_op or inner.times > 1 or len(into) + len(out) != len(step.wires) != ports:
        return
    for i, w in out.items():
        inner.outputs[w.source.port] = step.outputs[i]
    inner.times, inner.is_loop = step.times, True
    inner.loops = [
        Loop(out[loop.output].source.port, into[loop.input].target.port, loop.type)
        for loop in step.loops
        if loop.output is not None and loop.input is not None
    ]
    box.children[start] = inner
    wires = []
    for w in box.wires:
        if w.target.child == start:
            port = into[w.target.port]
            w = w._replace(target=End(start, port.target.port), becomes=port.becomes)
        if w.source.child == start:
            w = w._replace(source=End(start, out[w.source.port].source.port))
        wires.append(w)
    box.wires = wires


class _Step:
    """The box of a loop's step. Inside it is the second step, as all that follow are; it takes what
    that takes from outside, and then its state: what that takes of the step before. Outside, the
    state goes back from the step to the step, and what the first step begins with comes in there
    too."""

    def __init__(self, around: Box, start: int, size: int, n: int) -> None:
        self.around, self.start, self.size, self.end = around, start, size, start + n * size
        children = around.children[start + size : start + 2 * size]
        self.box = Box("step", times=n, children=children, is_loop=True)
        for child, first in zip(children, around.children[start:], strict=False):
            for a, b in zip(child.walk(), first.walk(), strict=False):
                a.is_shared = b.is_shared
            self.box.multiply_adds += child.multiply_adds
            self.box.memory += child.memory
        self.box.parameters = sum({c.key or id(c): c.parameters for c in children}.values())
        self.outer: list[Wire] = []  # between the step and what is around it
        self.ports: dict[End, int] = {}  # of what comes from outside, by where from
        self.state: dict[End, int] = {}  # of the state, by where in a step it is made
        self.types: dict[End, str] = {}

    def has(self, child: int | None) -> bool:
        """Whether this is a box of one of the steps."""
        return child is not None and self.start <= child < self.end

    def take(self) -> None:
        """Wires into the second step: what is the same for all, then the state, of which that
        comes first which begins with something of outside."""
        second = range(self.start + self.size, self.start + 2 * self.size)
        into = [w for w in self.around.wires if w.target.child in second]
        states = [w for w in into if self.has(w.source.child) and w.source.child not in second]
        for w in into:
            if w.source.child in second:
                self._inner(w, self._place(w.source))
            elif w not in states:
                self._inner(w, End(None, self._port(w)))
        for w in sorted(states, key=lambda w: self._initial(w.target) is None):
            self._inner(w, End(None, self._state(w)))

    def _place(self, end: End) -> End:
        """The same end as seen from its step."""
        assert end.child is not None
        return End((end.child - self.start) % self.size, end.port)

    def _inner(self, w: Wire, source: End) -> None:
        self.box.wires.append(Wire(source, self._place(w.target), w.type, w.becomes))

    def _initial(self, target: End) -> Wire | None:
        """What the first step has where the second has something of the first. None is a state
        that begins as zeros."""
        assert target.child is not None
        first = End(target.child - self.size, target.port)
        found = [w for w in self.around.wires if w.target == first]
        return found[0] if found and not self.has(found[0].source.child) else None

    def _new_port(self, type_: str) -> int:
        self.box.inputs.append(type_)
        return len(self.box.inputs) - 1

    def _port(self, w: Wire) -> int:
        """The input by which something of outside comes."""
        if w.source not in self.ports:
            self.ports[w.source] = self._new_port(w.type)
            self.outer.append(Wire(w.source, End(self.start, self.ports[w.source]), w.type, w.type))
        return self.ports[w.source]

    def _state(self, w: Wire) -> int:
        """The input by which something of the step before comes."""
        made = self._place(w.source)
        if made not in self.state:
            port = self.state[made] = self._new_port(w.type)
            self.types[made] = w.type
            first = self._initial(w.target)
            if first is not None:
                self.outer.append(Wire(first.source, End(self.start, port), first.type, w.type))
        return self.state[made]

    def give(self) -> None:
        """Wires out of any step, and the state back into it."""
        results: dict[End, int] = {}

        def result(made: End, type_: str) -> int:
            if made not in results:
                results[made] = len(self.box.outputs)
                self.box.outputs.append(type_)
                self.box.wires.append(Wire(made, End(None, results[made]), type_, type_))
            return results[made]

        for w in self.around.wires:
            if self.has(w.source.child) and not self.has(w.target.child):
                port = result(self._place(w.source), w.type)
                self.outer.append(Wire(End(self.start, port), w.target, w.type, w.becomes))
        for made, port in self.state.items():
            self.box.loops.append(Loop(result(made, self.types[made]), port, self.types[made]))
