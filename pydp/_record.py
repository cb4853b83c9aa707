"""Recording: how an op is run on values, and its result gets a node.

    apply      one op, forward: the values' arrays in, a value with a Node out
    alike      whether two values can be one op's operands as they are
    record     a common origin for several values
    changed    memory was written in place
    move       what was written in place comes from another node now, and so do its views

An op is any object with a `name`, `forward` and `backward` (see _op.py). This file is compiled as
it stands, with the C types of _record.pxd; without that it works the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydp._context import line, recording, watched, watchers
from pydp._node import Node, Pick, Traced, node_of, pack, wrap


def apply(op: Any, inputs: Sequence[Any], *arguments: Any) -> Any:
    """Run an op forward on values (None where an optional input is absent) and record it.

    `op.forward(needs, *arrays, *arguments)` gives `(y, saved)`: the result's array, or a tuple of
    arrays, and a tuple of what backward wants (inputs, the output, other arrays, plain values), or
    None. `needs[i]` is the node of input i, None where it wants no gradient; `needs` is None where
    nothing is recorded: then nothing need be saved.
    """
    # One list serves as the call's arguments and as the loop's result: this is the hottest
    # function of pydp.
    call: list[Any] = [None]
    wanted = False
    x: Traced | None
    for x in inputs:
        if x is None:
            call.append(None)
        else:
            call.append(x._array)
            if x._node is not None:
                wanted = True
    parents: Any = None
    if wanted and recording.get():
        parents = []
        for x in inputs:
            parents.append(None if x is None else x._node)
        call[0] = parents
    if arguments:
        call += arguments

    y, saved = op.forward(*call)
    if type(y) is tuple:
        return _several(op, inputs, parents, y, saved, arguments)
    value: Traced = wrap(y)
    if parents is not None:
        packed = pack(saved, inputs, (value,)) if saved else None
        value._node = node_of(op, parents, arguments, packed)
    if watched:
        _tell(op, inputs, arguments, (value,))
    return value


def alike(x: Any, y: Any) -> bool:
    """Whether both are values, of one dtype."""
    if not (isinstance(x, Traced) and isinstance(y, Traced)):
        return False
    a: Traced = x
    b: Traced = y
    return a._array.dtype is b._array.dtype


def _several(op: Any, inputs: Any, parents: Any, ys: Any, saved: Any, arguments: Any) -> Any:
    """The values of an op with several results: one Node, and a Pick for each of them."""
    values = tuple([wrap(y) for y in ys])
    if parents is not None:
        record(op, parents, values, arguments, pack(saved, inputs, values) if saved else None)
    if watched:
        _tell(op, inputs, arguments, values)
    return values


def record(
    op: Any,
    parents: Sequence[Any],
    values: Sequence[Any],
    arguments: tuple[Any, ...] = (),
    saved: list[Any] | None = None,
) -> None:
    """Give values a common origin: one Node, and a Pick for each of them. The Node's backward gets
    a list of gradients, None for those that nothing used."""
    node = node_of(op, parents, arguments, saved)
    node.outputs = len(values)
    for i, value in enumerate(values):
        value._node = Pick(node, i)


def _tell(
    op: Any, inputs: Sequence[Any], arguments: tuple[Any, ...], values: tuple[Any, ...]
) -> None:
    for watcher in watchers.get():
        watcher.applied(op, inputs, arguments, values)


def changed(values: Iterable[Any], op: str) -> None:
    """Memory was written in place: count it up, and remember by what and on which line."""
    where = line()
    value: Traced
    for value in values:
        version = value._version
        version[0] += 1
        version[1:3] = op, where


def move(x: Any, node: Any) -> None:
    """x was written in place, and now comes from this node; so do its views, by the same steps."""
    before, x._node = x._node, node
    version = x._version
    if before is None or len(version) < 4:
        return
    for ref in version[3]:
        view = ref()
        steps = []
        step = None if view is None or view is x else view._node
        while type(step) is Node and step is not before and len(step.parents) == 1:
            steps.append(step)
            step = step.parents[0]
        if step is before and steps:
            y = x
            for step in reversed(steps):
                y = apply(step.op, (y,), *step.arguments)
            view._node = y._node
