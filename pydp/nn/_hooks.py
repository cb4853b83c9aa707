"""Hooks of modules: functions called around forward, and with the gradients of its arguments.

    args ── pre-hooks ── Gate ── forward ── hooks ── Gate ── result
    args' gradients ◄─── backward hooks ◄─────────── result's gradients

A full backward hook needs the gradients of all arguments at once. A Gate is an operation with many
inputs that gives each of them on unchanged: its backward is called once, with all gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydp import _graph, _tree
from pydp._context import watchers
from pydp._handle import Handle
from pydp._tensor import Tensor

Hook = Callable[..., Any]


class Hooks:
    """The hooks of one module."""

    def __init__(self) -> None:
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self.backward: list[Hook] = []


def add(module: Any, kind: str, hook: Hook, method: str) -> Handle:
    """Register a hook; its handle takes it away."""
    if not callable(hook):
        raise TypeError(f"{type(module).__name__}.{method}: hook must be callable, got {hook!r}")
    if module._hooks is None:
        object.__setattr__(module, "_hooks", Hooks())
    return Handle(getattr(module._hooks, kind), hook)


def call(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """module.forward with its hooks, and under the eyes of who watches."""
    present = watchers.get()
    for watcher in present:
        watcher.enter(module, args, kwargs)
    y = None
    try:
        if module._hooks is None:
            y = module.forward(*args, **kwargs)
        else:
            y = _hooked(module, module._hooks, args, kwargs)
        return y
    finally:
        for watcher in present:
            watcher.leave(module, y)


def _hooked(module: Any, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    for hook in list(hooks.before):
        given = hook(module, args)
        if given is not None:
            args = given if isinstance(given, tuple) else (given,)
    crossing = _Crossing(module, list(hooks.backward)) if hooks.backward else None
    if crossing:
        args = crossing.enter(args)
    y = module.forward(*args, **kwargs)
    for hook in list(hooks.after):
        given = hook(module, args, y)
        y = y if given is None else given
    return crossing.leave(y) if crossing else y


class _Gate:
    """The op that gives its inputs on; `passed` is called with their gradients."""

    name = "full_backward_hook"

    def __init__(self, passed: Callable[[list[Any]], Any]) -> None:
        self.passed = passed

    def forward(self, needs: Any, *arrays: Any) -> Any:
        return tuple([array[...] for array in arrays]), None

    def backward(self, saved: Any, dys: list[Any], needs: Any) -> Any:
        return self.passed(dys)


class _Crossing:
    """One call of a module with backward hooks: through the gate of the result, backward, and
    through that of the arguments, where the hooks are called."""

    def __init__(self, module: Any, hooks: list[Hook]) -> None:
        self.module = module
        self.hooks = hooks
        self.gradients: Any = None  # of the result
        self.leaves = 0  # of the arguments
        self.is_entered = False

    def enter(self, args: Any) -> Any:
        args, self.is_entered, self.leaves = _through(args, _Gate(self._leave_backward))
        return args

    def leave(self, y: Any) -> Any:
        return _through(y, _Gate(self._enter_backward))[0]

    def _enter_backward(self, dys: list[Any]) -> Any:
        self.gradients = tuple(dys)
        if not self.is_entered:  # no argument wants a gradient, so nothing comes out there
            self._call((None,) * self.leaves)
        return dys

    def _leave_backward(self, dxs: list[Any]) -> Any:
        return self._call(tuple(dxs))

    def _call(self, dxs: tuple[Any, ...]) -> Any:
        for hook in self.hooks:
            given = hook(self.module, dxs, self.gradients)
            if given is None:
                continue
            given = given if isinstance(given, tuple) else (given,)
            _check(self.module, given, dxs)
            dxs = given
        return dxs


def _check(module: Any, given: tuple[Any, ...], dxs: tuple[Any, ...]) -> None:
    """What a hook returned must be able to stand for the gradients it got."""
    wanted = [None if dx is None else (dx.shape, dx.dtype) for dx in dxs]
    found = [(x.shape, x.dtype) if isinstance(x, Tensor) else x for x in given]
    if found != wanted:
        shapes = ", ".join("None" if w is None else f"{w[0]} {w[1]}" for w in wanted)
        raise TypeError(
            f"{type(module).__name__}: a full backward hook must return None or a tuple of "
            f"gradients ({shapes}), got {given!r}"
        )


def _through(tree: Any, gate: _Gate) -> tuple[Any, bool, int]:
    """The tree with its tensors led through a gate, whether one has a node, how many leaves."""
    found = [x for _, x in _tree.leaves(tree)]
    places = [i for i, x in enumerate(found) if isinstance(x, Tensor)]
    if not _graph.is_recording() or all(found[i]._node is None for i in places):
        return tree, False, len(found)
    spread, count = gate.passed, len(found)

    def passed(dys: list[Any]) -> Any:
        """Gradients of all leaves, None for those that are no tensors, and back."""
        whole: list[Any] = [None] * count
        for i, dy in zip(places, dys, strict=True):
            whole[i] = dy
        out = spread(whole)
        return tuple([out[i] for i in places])

    gate.passed = passed
    values = _graph.apply(gate, [found[i] for i in places])
    for i, value in zip(places, values, strict=True):
        value._version = found[i]._version
        if found[i]._node is None:  # it needed no gradient before
            value._node = None
        found[i] = value
    left = iter(found)
    return _tree.mapped(lambda _: next(left), tree), True, len(found)
