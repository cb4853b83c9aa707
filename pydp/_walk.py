"""The walk back: gradients from the roots of a graph to its leaves.

Invariant: of the nodes that hold a gradient the youngest goes next. Everything that uses a node's
result is younger than the node, so by then its gradient is complete. One heap, one loop, no
recursion: a chain of a million operations is walked like a chain of three.

This file is compiled as it stands, with the C types of _walk.pxd; without that it works the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

from pydp import _node
from pydp._context import recording, watched, watchers
from pydp._node import RELEASED, SKIPPED, Leaf, Node, Origin, Traced, wrap
from pydp._search import leading_to


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
    roots: Sequence[tuple[Any, Any]],
    asked: set[Any],
    useful: set[Any] | None,
    retain_graph: bool,
    create_graph: bool,
    stop: bool,
) -> tuple[dict[Leaf, Any], dict[Any, Any]]:
    gradients: dict[Any, Any] = {}
    heap: list[Any] = []
    leaves: dict[Leaf, Any] = {}
    found: dict[Any, Any] = {}
    retained: dict[Any, Any] = {}
    node: Any
    origin: Origin
    operation: Node | None
    for node, gradient in roots:
        if useful is None or node in useful:
            _give(gradients, heap, node, gradient)
    while heap:
        _, node = heappop(heap)
        dy = gradients.pop(node)
        origin = node
        operation = node if type(node) is Node else None
        if operation is None or operation.outputs == 1:
            if origin.hooks:
                dy = _run_hooks(node, dy)
            if asked and node in asked:
                found[node] = dy
                if stop:
                    continue
        if origin.retains:
            retained[node] = dy
        parents = origin.parents
        if useful is not None:
            parents = [p if p is None or p in useful else SKIPPED for p in parents]
        if watched:
            parts = _watched_backward(node, dy, parents)
        elif operation is not None:
            parts = operation.backward(dy, parents)
        else:
            parts = node.backward(dy, parents)
        if operation is not None and not retain_graph:
            operation.saved = RELEASED
        if len(parts) != len(parents):
            raise ValueError(
                f"{getattr(node, 'op', node)}: backward must give {len(parents)} gradients, one "
                f"for each input, got {len(parts)}"
            )
        for i, part in enumerate(parts):  # no zip: this is the walk's inner loop
            parent = parents[i]
            if part is not None and parent is not None and parent is not SKIPPED:
                _give(gradients, heap, parent, part)
    for node, dy in gradients.items():  # the leaves: others are popped
        origin = node
        if origin.hooks:
            dy = _run_hooks(node, dy)
        if asked and node in asked:
            found[node] = dy
            if stop:
                continue
        leaves[node] = dy
    for node, dy in retained.items():
        kept = dy if create_graph else wrap(dy._copied(dy._array, dy._array))
        node.grad = kept if node.grad is None else node.grad + kept
    return leaves, found


def _give(gradients: dict[Any, Any], heap: list[Any], node: Any, gradient: Any) -> None:
    """Add to the gradient of a node; its first gradient puts it on the heap, which a leaf does not
    need: it is passed on nowhere."""
    before = gradients.get(node)
    if before is not None:
        gradients[node] = _sum(before, gradient)
    else:
        gradients[node] = gradient
        if type(node) is not Leaf:
            origin: Origin = node
            heappush(heap, (-origin.age, node))


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
        fits = (
            isinstance(given, _node.Value) and given.shape == dy.shape and given.dtype == dy.dtype
        )
        if not fits:
            raise TypeError(
                f"a hook must return None or a tensor of shape {dy.shape} and {dy.dtype}, "
                f"got {given!r}"
            )
        dy = given
    return dy


# ---- what the leaves keep ----------------------------------------------------------------------

# Held while gradients are added to leaves, which threads may share. Re-entrant, since a signal
# handler or a finalizer may call backward in between; new in a forked child, where a thread that
# held it is no more.
_leaf_lock = threading.RLock()


def _renew_lock() -> None:
    global _leaf_lock
    _leaf_lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def accumulate(leaves: Any, create_graph: bool = False, given: Any = None) -> None:
    """Add the gradients to the leaves' .grad, each in its leaf's layout; to all of them or, with an
    exception, to none. Two parameters never share one .grad, and none is the one that was given.
    """
    handed = set() if given is None else {id(given._array)}
    before = recording.get()
    leaf: Leaf
    with _leaf_lock:
        old = [leaf.grad for leaf in leaves]
        try:
            if before != create_graph and [leaf for leaf in leaves if leaf.grad is not None]:
                recording.set(create_graph)  # a sum is an operation
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


def gradients_of(values: Iterable[Any]) -> list[Any]:
    """The (value, its array, its gradient's array) of those that have a gradient."""
    found: list[Any] = []
    value: Traced
    for value in values:
        node = value._node
        grad: Traced | None = None if node is None else node.grad
        if grad is not None:
            found.append((value, value._array, grad._array))
    return found


def forget_gradients(values: Iterable[Any]) -> None:
    """Let the leaves have none."""
    value: Traced
    for value in values:
        node = value._node
        if node is not None:
            node.grad = None


def _own_array(leaf: Leaf, gradient: Traced, handed: Any) -> Any:
    """The gradient's array, or a copy in the leaf's layout where others may hold it."""
    array = gradient._array
    if leaf.hooks or id(array) in handed:
        array = _node.Value._copied(array, leaf.array)
    else:
        array = _node.Value._own(array, leaf.array)
    handed.add(id(array))
    return array
