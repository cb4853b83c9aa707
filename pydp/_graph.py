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

This file names no operation and imports nothing of pydp. The value type registers itself with
`register`; an op is any object with `forward` and `backward` (see _op.py).
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from itertools import count
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_age = count()
_recording: ContextVar[bool] = ContextVar("recording", default=True)
_leaf_lock = threading.Lock()

Value: Any = None  # the Tensor class
_new: Callable[[Any], Any] = object.__new__


def register(value_type: type) -> type:
    """Tell the graph which class its values have: slots _array, _node and _version."""
    global Value
    Value = value_type
    return value_type


def wrap(array: Array, node: Any = None) -> Any:
    """A value over this array, made without a call of its __init__."""
    value = _new(Value)
    value._array = array
    value._node = node
    value._version = [0]
    return value


# ---- nodes -------------------------------------------------------------------------------------


class Leaf:
    """The end of a path: a value made by the user that wants a gradient."""

    __slots__ = ("age", "array", "grad", "hooks")

    def __init__(self, array: Array) -> None:
        self.age = next(_age)
        self.array = array
        self.grad: Any = None
        self.hooks: list[Callable[[Any], Any]] | None = None


class Node:
    """One recorded operation.

    parents    the node of each input, None where an input needs no gradient
    saved      what backward needs, in the order forward gave it (see `_pack`)
    outputs    how many results the op has; with several, each result's node is a Pick
    """

    # What few nodes have differs from its default and lies in a __dict__ made on demand.
    __slots__ = ("__dict__", "age", "arguments", "op", "parents", "saved")

    outputs: int = 1
    hooks: list[Callable[[Any], Any]] | None = None
    retains: bool = False
    grad: Any = None

    def __init__(
        self, age: int, op: Any, parents: Sequence[Any], saved: Any, arguments: tuple[Any, ...]
    ):
        self.age = age
        self.op = op
        self.parents = parents
        self.saved = saved
        self.arguments = arguments

    def backward(self, dy: Any) -> Sequence[Any]:
        """The gradient of each input from the gradient of the result; None where not needed."""
        if self.saved is _RELEASED:
            raise RuntimeError(
                f"{self.op.name}: backward goes through this graph a second time, but what it "
                "saved is released; say retain_graph=True in the first backward"
            )
        saved = _unpack(self) if self.saved is not None else ()
        return self.op.backward(saved, dy, self.parents, *self.arguments)  # type: ignore[no-any-return]


class Pick:
    """One result of an op that has several: hands its gradient to position `index`."""

    __slots__ = ("age", "grad", "hooks", "index", "parents", "retains")

    def __init__(self, node: Node, index: int) -> None:
        self.age = next(_age)
        self.parents = (node,)
        self.index = index
        self.hooks: list[Callable[[Any], Any]] | None = None
        self.retains = False
        self.grad: Any = None

    def backward(self, dy: Any) -> Sequence[Any]:
        parts: list[Any] = [None] * self.parents[0].outputs
        parts[self.index] = dy
        return (parts,)


_RELEASED: Any = object()

# ---- saving ------------------------------------------------------------------------------------


class _Saved:
    """A saved array that is a value of the graph: an input (with its node) or the output."""

    __slots__ = ("array", "count", "node", "version")

    def __init__(self, array: Array, node: Any, version: list[int]) -> None:
        self.array = array
        self.node = node
        self.version = version
        self.count = version[0]


_OUTPUT: Any = object()


def _pack(
    saved: tuple[Any, ...], inputs: Sequence[Any], arrays: Sequence[Any], y: Any
) -> tuple[Any, ...]:
    """Mark which saved arrays are inputs or the output, so that backward can see them as values.

    The output is marked, not held by its node: node -> value -> node would be a cycle, and the
    graph should go when its last user goes.
    """
    packed: list[Any] = []
    for item in saved:
        if item is not None:
            if item is y._array:
                item = _Saved(item, _OUTPUT, y._version)
            else:
                for x, array in zip(inputs, arrays):  # noqa: B905 (of one length)
                    if item is array:
                        item = _Saved(item, x._node, x._version)
                        break
        packed.append(item)
    return tuple(packed)


def _unpack(node: Node) -> tuple[Any, ...]:
    values: list[Any] = []
    for item in node.saved:
        if type(item) is _Saved:
            if item.version[0] != item.count:
                raise RuntimeError(
                    f"{node.op.name}: a tensor saved for backward, shape {item.array.shape}, was "
                    f"modified by an in-place operation: it is at version {item.version[0]}, "
                    f"expected {item.count}"
                )
            value = wrap(item.array, node if item.node is _OUTPUT else item.node)
            value._version = item.version
            values.append(value)
        elif isinstance(item, np.ndarray):
            values.append(wrap(item))
        else:
            values.append(item)
    return tuple(values)


# ---- recording ---------------------------------------------------------------------------------


def apply(op: Any, inputs: Sequence[Any], *arguments: Any) -> Any:
    """Run an op forward on values (None where an optional input is absent) and record it.

    `op.forward(needs, *arrays, *arguments)` gives `(y, saved)`: the result's array, or a tuple of
    arrays, and a tuple of what backward wants (inputs, the output, other arrays, plain values), or
    None. `needs[i]` is true where input i wants a gradient; `needs` is None where nothing is
    recorded: then nothing need be saved.
    """
    arrays: list[Any] = []
    needs: Any = None
    for x in inputs:
        if x is None:
            arrays.append(None)
        else:
            arrays.append(x._array)
            if x._node is not None:
                needs = inputs
    if needs is not None:
        needs = None if not _recording.get() else [None if x is None else x._node for x in inputs]

    y, saved = op.forward(needs, *arrays, *arguments)
    if type(y) is tuple:
        return _record_several(op, inputs, arrays, needs, y, saved, arguments)
    value = _new(Value)
    value._array = y
    value._version = [0]
    if needs is None:
        value._node = None
        return value
    value._node = Node(next(_age), op, needs, None, arguments)
    if saved:
        value._node.saved = _pack(saved, inputs, arrays, value)
    return value


def _record_several(
    op: Any,
    inputs: Sequence[Any],
    arrays: Sequence[Any],
    needs: Sequence[Any] | None,
    ys: tuple[Array, ...],
    saved: tuple[Any, ...] | None,
    arguments: tuple[Any, ...],
) -> tuple[Any, ...]:
    """The values of an op with several results: one Node, and a Pick for each of them."""
    values = tuple([wrap(y) for y in ys])
    if needs is None:
        return values
    node = Node(next(_age), op, needs, None, arguments)
    node.outputs = len(values)
    node.saved = saved and _pack(saved, inputs, arrays, values[0])
    for i, value in enumerate(values):
        value._node = Pick(node, i)
    return values


def is_recording() -> bool:
    return _recording.get()


class _Recording:
    """A context that turns recording on or off: nests, ends with an exception too, and belongs to
    its own thread and task. Also a decorator."""

    def __init__(self, on: bool) -> None:
        self._on = on
        self._tokens: list[Any] = []

    def __enter__(self) -> None:
        self._tokens.append(_recording.set(self._on))

    def __exit__(self, *exception: object) -> None:
        _recording.reset(self._tokens.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        from functools import wraps

        @wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self._on):
                return function(*args, **kwargs)

        return within


def no_grad() -> _Recording:
    """A context (or decorator) in which nothing is recorded.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> with pydp.no_grad():
    ...     (w * 2).requires_grad
    False
    """
    return _Recording(False)


def enable_grad() -> _Recording:
    """A context (or decorator) in which operations are recorded, inside no_grad too."""
    return _Recording(True)


# ---- the walk ----------------------------------------------------------------------------------


def walk(
    roots: Iterable[tuple[Any, Any]],
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
    wanted: Sequence[Any] = (),
    stop: bool = False,
) -> tuple[dict[Leaf, Any], dict[Any, Any]]:
    """Carry gradients from the roots (node, gradient) to the leaves.

    Returns the gradient of each leaf reached, and of each node in `wanted`; with `stop` the walk
    does not go past those. Nothing is stored in
    the leaves yet, so an exception on the way changes nothing (see `accumulate`). A node's saved
    values are released when it has been passed, unless the graph is retained.
    """
    gradients: dict[Any, Any] = {}
    heap: list[tuple[int, Any]] = []
    leaves: dict[Leaf, Any] = {}
    found: dict[Any, Any] = {}
    asked = set(wanted)

    def give(node: Any, gradient: Any) -> None:
        """Add to the gradient of a node; its first gradient puts it on the heap."""
        if node in gradients:
            gradients[node] = _sum(gradients[node], gradient)
        else:
            gradients[node] = gradient
            heapq.heappush(heap, (-node.age, node))

    with _Recording(create_graph):
        for node, gradient in roots:
            give(node, gradient)
        while heap:
            _, node = heapq.heappop(heap)
            dy = gradients.pop(node)
            if type(node) is not Node or node.outputs == 1:
                if node.hooks:
                    dy = _run_hooks(node, dy)
                if node in asked:
                    found[node] = dy
            if type(node) is Leaf:
                leaves[node] = dy
                continue
            if type(node) is not Leaf and node.retains:
                kept = wrap(dy._copied(dy._array))
                node.grad = kept if node.grad is None else node.grad + kept
            if stop and node in asked:
                continue
            parts = node.backward(dy)
            if not retain_graph and type(node) is Node:
                node.saved = _RELEASED
            for parent, part in zip(node.parents, parts, strict=True):
                if parent is not None and part is not None:
                    give(parent, part)
    return leaves, found


def _sum(a: Any, b: Any) -> Any:
    """Two gradients of one node; lists belong to an op with several results."""
    if type(a) is list:
        return [y if x is None else x if y is None else x + y for x, y in zip(a, b, strict=True)]
    return a + b


def _run_hooks(node: Any, dy: Any) -> Any:
    for hook in list(node.hooks):
        changed = hook(dy)
        if changed is None:
            continue
        if not isinstance(changed, Value) or changed.shape != dy.shape:
            raise TypeError(
                f"a hook must return None or a tensor of shape {dy.shape}, got {changed!r}"
            )
        dy = changed
    return dy


def accumulate(leaves: dict[Leaf, Any], create_graph: bool = False) -> None:
    """Add the gradients to the leaves' .grad, each in its leaf's layout.

    A gradient's own array is kept where nobody else can hold it; else it is copied, since two
    parameters must never share one .grad.
    """
    handed: set[int] = set()
    with _leaf_lock, _Recording(create_graph):
        for leaf, gradient in leaves.items():
            if leaf.grad is not None:
                leaf.grad = leaf.grad + gradient
            elif create_graph:
                leaf.grad = gradient
            else:
                array = gradient._array
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
                leaf.grad = wrap(array)
