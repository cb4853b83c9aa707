"""Hooks are lists of functions; a handle takes one away again."""

from __future__ import annotations

from typing import Any, Self


class Handle:
    """What registering a hook gives: `remove()` takes it away, and so does the end of a `with`."""

    __slots__ = ("_hook", "_hooks")

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks = hooks
        self._hook = hook
        hooks.append(hook)

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        hook, self._hook = self._hook, None
        if hook is not None and hook in self._hooks:
            self._hooks.remove(hook)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()
