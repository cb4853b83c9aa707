"""The autodiff graph: what was computed from what, and the walk back.

    x ──┐
        ├─ Node(multiply) ── Node(sum) ── loss          forward builds, left to right
    w ──┘                                               backward walks, right to left

A Node is one recorded operation. It knows its parents (the nodes of its inputs; a Leaf where an
input is a parameter), what its rule saved, and its age. Ages only grow, and a node is younger than
all its parents.

Invariant of the walk: of the nodes that hold a gradient the youngest goes next. Everything that
uses a node's result is younger than the node, so by then its gradient is complete. One heap, one
loop, no recursion: a chain of a million operations is walked like a chain of three.

This file names no operation, and all it knows of pydp is what holds in a thread or task
(_context.py), when memory was written (_inplace.py) and how to search a graph (_search.py). The
value type registers itself with `register`; an op is any object with a `name`, `forward` and
`backward` (see _op.py).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from pydp import _node
from pydp._context import enable_grad as enable_grad
from pydp._context import is_recording as is_recording
from pydp._context import no_grad as no_grad
from pydp._context import recording, watched, watchers
from pydp._inplace import changed as changed
from pydp._inplace import last_change as last_change
from pydp._inplace import note_view as note_view
from pydp._node import INPUTS as INPUTS
from pydp._node import OUTPUT as OUTPUT
from pydp._node import RELEASED, SKIPPED, Array, pack
from pydp._node import Leaf as Leaf
from pydp._node import Node as Node
from pydp._node import Pick as Pick
from pydp._node import Place as Place
from pydp._node import next_age as next_age
from pydp._node import wrap as wrap
from pydp._search import captured as captured
from pydp._search import leading_to

Value: Any = None  # the Tensor class
_new: Callable[[Any], Any] = object.__new__


def register(value_type: type) -> type:
    """Tell the graph which class its values have: slots _array, _node and _version."""
    global Value
    Value = _node.Value = value_type
    return value_type


# ---- recording ---------------------------------------------------------------------------------


def apply(op: Any, inputs: Sequence[Any], *arguments: Any) -> Any:
    """Run an op forward on values (None where an optional input is absent) and record it.

    `op.forward(needs, *arrays, *arguments)` gives `(y, saved)`: the result's array, or a tuple of
    arrays, and a tuple of what backward wants (inputs, the output, other arrays, plain values), or
    None. `needs[i]` is the node of input i, None where it wants no gradient; `needs` is None where
    nothing is recorded: then nothing need be saved.
    """
    # One list serves as the call's arguments and as the loop's result: this is the hottest
    # function of pydp, and each list or call less is 3 % of `a + b`.
    call: list[Any] = [None]
    wanted = False
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
    value = _new(Value)
    value._array = y
    value._version = [0]
    if parents is None:
        value._node = None
    else:
        value._node = node = Node()
        node.age = next_age()
        node.op = op
        node.parents = parents
        node.arguments = arguments
        node.saved = pack(saved, inputs, (value,)) if saved else None
    if watched:
        _tell(op, inputs, (value,))
    return value


def _several(
    op: Any,
    inputs: Sequence[Any],
    parents: Sequence[Any] | None,
    ys: tuple[Array, ...],
    saved: tuple[Any, ...] | None,
    arguments: tuple[Any, ...],
) -> tuple[Any, ...]:
    """The values of an op with several results: one Node, and a Pick for each of them."""
    values = tuple([wrap(y) for y in ys])
    if parents is not None:
        record(op, parents, values, arguments, pack(saved, inputs, values) if saved else None)
    if watched:
        _tell(op, inputs, values)
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
    node = Node()
    node.age = next_age()
    node.op = op
    node.parents = parents
    node.arguments = arguments
    node.saved = saved
    node.outputs = len(values)
    for i, value in enumerate(values):
        value._node = Pick(node, i)


def _tell(op: Any, inputs: Sequence[Any], values: tuple[Any, ...]) -> None:
    for watcher in watchers.get():
        watcher.applied(op, inputs, values)


# ---- writes in place ---------------------------------------------------------------------------


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


# ---- the walk ----------------------------------------------------------------------------------


def walk(
    roots: Iterable[tuple[Any, Any]],
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
    wanted: Sequence[Any] = (),
    stop: bool = False,
    prune: bool = False,
) -> tuple[dict[Leaf, Any], dict[Any, Any]]:
    """Carry gradients from the roots (node, gradient) to the leaves.

    Returns the gradient of each leaf reached, and of each node in `wanted`; with `stop` the walk
    does not go past those, with `prune` only on paths that lead to one of them. Nothing is stored
    in the leaves yet, so an exception on the way changes nothing (see `accumulate`). A node's
    saved values are released when it has been passed, unless the graph is retained.
    """
    roots = list(roots)
    asked = set(wanted)
    useful = leading_to(asked, [node for node, _ in roots]) if prune else None
    before = recording.get()
    try:  # not a with: Ctrl-C may come within __exit__, but a finally is run
        recording.set(create_graph)
        return _walk(roots, asked, useful, retain_graph, create_graph, stop)
    finally:
        recording.set(before)


def _walk(
    roots: list[tuple[Any, Any]],
    asked: set[Any],
    useful: set[Any] | None,
    retain_graph: bool,
    create_graph: bool,
    stop: bool,
) -> tuple[dict[Leaf, Any], dict[Any, Any]]:
    gradients: dict[Any, Any] = {}
    heap: list[tuple[int, Any]] = []
    leaves: dict[Leaf, Any] = {}
    found: dict[Any, Any] = {}
    retained: dict[Any, Any] = {}
    backward = _watched_backward if watched else _backward

    def give(node: Any, gradient: Any) -> None:
        """Add to the gradient of a node; its first gradient puts it on the heap, which a leaf does
        not need: it is passed on nowhere."""
        if node in gradients:
            gradients[node] = _sum(gradients[node], gradient)
        else:
            gradients[node] = gradient
            if type(node) is not Leaf:
                heappush(heap, (-node.age, node))

    for node, gradient in roots:
        if useful is None or node in useful:
            give(node, gradient)
    while heap:
        _, node = heappop(heap)
        dy = gradients.pop(node)
        kind = type(node)
        if kind is not Node or node.outputs == 1:
            if node.hooks:
                dy = _run_hooks(node, dy)
            if node in asked:
                found[node] = dy
                if stop:
                    continue
        if node.retains:
            retained[node] = dy
        parents = node.parents
        if useful is not None:
            parents = [p if p is None or p in useful else SKIPPED for p in parents]
        parts = backward(node, dy, parents)
        if kind is Node and not retain_graph:
            node.saved = RELEASED
        for parent, part in zip(parents, parts, strict=True):
            if parent and part is not None:
                give(parent, part)
    for leaf, dy in gradients.items():  # the nodes are popped
        if leaf.hooks:
            dy = _run_hooks(leaf, dy)
        if leaf in asked:
            found[leaf] = dy
            if stop:
                continue
        leaves[leaf] = dy
    for node, dy in retained.items():
        kept = dy if create_graph else wrap(dy._copied(dy._array))
        node.grad = kept if node.grad is None else node.grad + kept
    return leaves, found


def _backward(node: Any, dy: Any, parents: Sequence[Any]) -> Any:
    return node.backward(dy, parents)


def _watched_backward(node: Any, dy: Any, parents: Sequence[Any]) -> Any:
    parts = None
    present = watchers.get()
    for watcher in present:
        watcher.before_backward(node, dy)
    try:
        parts = node.backward(dy, parents)
    finally:
        for watcher in present:
            watcher.after_backward(node, parts)
    return parts


def _sum(a: Any, b: Any) -> Any:
    """Two gradients of one node; lists belong to an op with several results."""
    if type(a) is list:
        return [y if x is None else x if y is None else x + y for x, y in zip(a, b, strict=True)]
    return a + b


def _run_hooks(node: Any, dy: Any) -> Any:
    for hook in list(node.hooks):  # a hook may remove itself
        given = hook(dy)
        if given is None:
            continue
        fits = isinstance(given, Value) and given.shape == dy.shape and given.dtype == dy.dtype
        if not fits:
            raise TypeError(
                f"a hook must return None or a tensor of shape {dy.shape} and {dy.dtype}, "
                f"got {given!r}"
            )
        dy = given
    return dy


# Held while gradients are added to leaves, which threads may share. Re-entrant, since a signal
# handler or a finalizer may call backward in between; new in a forked child, where a thread that
# held it is no more.
_leaf_lock = threading.RLock()


def _renew_lock() -> None:
    global _leaf_lock
    _leaf_lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def accumulate(leaves: dict[Leaf, Any], create_graph: bool = False, given: Any = None) -> None:
    """Add the gradients to the leaves' .grad, each in its leaf's layout; to all of them or, with an
    exception, to none. Two parameters never share one .grad, and none is the one that was given.
    """
    handed = set() if given is None else {id(given._array)}
    before = recording.get()
    with _leaf_lock:
        old = [leaf.grad for leaf in leaves]
        try:
            recording.set(create_graph)
            for leaf, gradient in leaves.items():
                if leaf.grad is not None:
                    leaf.grad = leaf.grad + gradient
                elif create_graph:
                    leaf.grad = gradient
                else:
                    leaf.grad = wrap(_own_array(leaf, gradient, handed))
        except BaseException:
            for leaf, grad in zip(leaves, old, strict=True):
                leaf.grad = grad
            raise
        finally:
            recording.set(before)


def _own_array(leaf: Leaf, gradient: Any, handed: set[int]) -> Array:
    """The gradient's array, or a copy in the leaf's layout where others may hold it."""
    array: Array = gradient._array
    fresh = (
        id(array) not in handed
        and not leaf.hooks
        and array.strides == leaf.array.strides
        and array.flags.writeable
        and not isinstance(array.base, np.ndarray)
        and array.base is not None
    )
    if not fresh:
        array = gradient._copied(leaf.array)
    handed.add(id(array))
    return array
