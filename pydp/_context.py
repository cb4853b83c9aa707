"""What holds in one thread or task: whether operations are recorded, who watches them, and what a
function that runs again must find as it was.

All of it is in context variables, so a setting ends with its block, nests, and is never seen by
another thread or asyncio task. This file imports nothing of pydp.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, Self

# ---- recording ---------------------------------------------------------------------------------

recording: ContextVar[bool] = ContextVar("recording", default=True)
_before: ContextVar[tuple[bool, ...]] = ContextVar("before", default=())


def is_recording() -> bool:
    """Whether operations are recorded here, so that gradients can be computed.

    >>> import pydp
    >>> with pydp.no_grad():
    ...     pydp.is_recording()
    False
    """
    return recording.get()


class Recording:
    """A context that turns recording on or off: nests, ends with an exception too, and belongs to
    its own thread and task. Also a decorator of functions, generators and coroutines."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __enter__(self) -> None:
        before = recording.get()
        try:
            _before.set((*_before.get(), before))
            recording.set(self._on)
        except BaseException:  # Ctrl-C between the two
            recording.set(before)
            raise

    def __exit__(self, *exception: object) -> None:
        before = _before.get()
        recording.set(before[-1])
        _before.set(before[:-1])

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def steps(*args: Any, **kwargs: Any) -> Any:
                return (yield from _Steps(function(*args, **kwargs), self))

            return steps

        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def task(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return task

        @wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return within


class _Steps:
    """A generator each of whose steps runs in a context, which does not reach what lies between."""

    def __init__(self, steps: Any, context: Recording) -> None:
        self._steps = steps
        self._context = context

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        with self._context:
            return next(self._steps)

    def send(self, value: Any) -> Any:
        with self._context:
            return self._steps.send(value)

    def throw(self, error: BaseException) -> Any:
        with self._context:
            return self._steps.throw(error)

    def close(self) -> None:
        with self._context:
            self._steps.close()


def no_grad() -> Recording:
    """A context (or decorator) in which nothing is recorded.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> with pydp.no_grad():
    ...     (w * 2).requires_grad
    False
    """
    return Recording(False)


def enable_grad() -> Recording:
    """A context (or decorator) in which operations are recorded, inside no_grad too.

    >>> import pydp
    >>> w = pydp.tensor([1.0, 2.0], requires_grad=True)
    >>> with pydp.no_grad(), pydp.enable_grad():
    ...     (w * 2).requires_grad
    True
    """
    return Recording(True)


# ---- watching ----------------------------------------------------------------------------------


class Watcher:
    """One who is told of every operation of a thread or task while `watching` lasts."""

    def applied(
        self, op: Any, inputs: Any, arguments: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        """An op has given these results, recorded if they have nodes."""

    def before_backward(self, node: Any, dy: Any) -> None:
        """The walk comes to a node with its gradient."""

    def after_backward(self, node: Any, parts: Any) -> None:
        """The node's backward gave these gradients; None if it raised an exception."""

    def enter(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A module is called."""

    def leave(self, module: Any, result: Any) -> None:
        """Its call has ended, with this result; None after an exception."""


# One entry for each watcher of any thread: while it is empty, nothing else need be asked.
watched: list[Watcher] = []
watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Let the watcher be told of what happens in this thread or task."""
    watched.append(watcher)
    token = watchers.set((*watchers.get(), watcher))
    try:
        yield
    finally:
        watchers.reset(token)
        watched.remove(watcher)


# ---- running again -----------------------------------------------------------------------------

Surrounding = Callable[[], AbstractContextManager[Any]]

# What to enter again when a function is run again later, outermost first.
_surroundings: ContextVar[tuple[Surrounding, ...]] = ContextVar("surroundings", default=())
_recomputing: ContextVar[bool] = ContextVar("recomputing", default=False)


def is_recomputing() -> bool:
    """Whether `remat` runs a function for the second time: then a module must not count the batch
    once more (running statistics, step counters)."""
    return _recomputing.get()


@contextmanager
def surrounding(make: Surrounding) -> Iterator[None]:
    """Enter make(), and remember it for functions that are run again after it has ended."""
    token = _surroundings.set((*_surroundings.get(), make))
    try:
        with make():
            yield
    finally:
        _surroundings.reset(token)


def surroundings_now() -> tuple[Surrounding, ...]:
    """What `again` will need to give a function its surroundings back."""
    return _surroundings.get()


@contextmanager
def again(surroundings: tuple[Surrounding, ...]) -> Iterator[None]:
    """The surroundings of an earlier run, for a run that repeats it."""
    tokens = _surroundings.set(surroundings), _recomputing.set(True)
    try:
        with ExitStack() as stack:
            for make in surroundings:
                stack.enter_context(make())
            yield
    finally:
        _surroundings.reset(tokens[0])
        _recomputing.reset(tokens[1])


# ---- lines -------------------------------------------------------------------------------------

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Line(NamedTuple):
    """A line of somebody's source."""

    file: str
    number: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number} in {self.function}"


def line() -> Line | None:
    """The line outside pydp that is being run; None where there is none (a bare thread)."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_PACKAGE):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
