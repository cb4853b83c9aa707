"""Lengths: ints of an example that remember what they are in general.

`check` runs a module on a small example and reads the general statement off it. In the example a
tensor's axis has 7 elements; it is a Length, the int 7 that remembers its size `t`, so what is
computed from it remembers too:

    b, t, d = x.shape            Length 5: b     Length 7: t     int 64
    x.reshape(b * t, d)          Length 35: b*t

A comparison that sizes alone do not decide (`if t > 5:`) is answered for the example, and noted as
a guard: what was found holds where the guard does.

Invariant: a Length's int is its size with the example's numbers put in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from pydp._condition import Condition, implied
from pydp._context import Line, line
from pydp._size import Size, size, symbol

HUGE = 1 << 31


class Guard(NamedTuple):
    """A condition that holds in the example, and the line that asked."""

    condition: Condition
    line: Line | None


_guards: ContextVar[list[Guard] | None] = ContextVar("guards", default=None)


@contextmanager
def guarded() -> Iterator[list[Guard]]:
    """Note guards in a list while this lasts."""
    found: list[Guard] = []
    token = _guards.set(found)
    try:
        yield found
    finally:
        _guards.reset(token)


def note(condition: Condition) -> None:
    """The example satisfies this condition, which is open in general.

    That no axis is empty, and none too long for memory, is taken for granted.
    """
    guards = _guards.get()
    if guards is None or condition.verdict is not None:
        return
    if condition.form != "==":
        longer = {name: symbol(name) + 1 for name in condition.names}
        taken = not condition.axis and condition.substitute(longer).verdict
        sides = condition.left.constant, condition.right.constant
        if taken or max(map(abs, sides)) >= HUGE:
            return
    if not implied(condition, [guard.condition for guard in guards]):
        guards[:] = [guard for guard in guards if not implied(guard.condition, [condition])]
        guards.append(Guard(condition, line()))


class Length(int):
    """An int with a size; made by `length`."""

    size: Size

    def __str__(self) -> str:
        return str(self.size)

    def __format__(self, spec: str) -> str:
        return format(str(self.size) if not spec else int(self), spec)

    __repr__ = __str__

    def __hash__(self) -> int:
        return int.__hash__(self)

    def __bool__(self) -> bool:
        return self != 0

    def __ceil__(self) -> int:
        return self

    __floor__ = __trunc__ = __pos__ = __ceil__

    def __neg__(self) -> int:
        return length(-int(self), -self.size)

    def __reduce__(self) -> Any:
        return int, (int(self),)


def length(value: int, general: Size) -> int:
    """The int that remembers this size; a plain int where the size is a number."""
    if general.value is not None:
        return value
    made = Length(value)
    made.size = general
    return made


def size_of(value: int) -> Size:
    """What an int is in general: a Length's size, any other's number."""
    return value.size if isinstance(value, Length) else size(int(value))


def _arithmetic(name: str) -> None:
    """Length <op> int, and int <op> Length, by the ints and by the sizes."""
    on_int: Callable[[int, int], int] = getattr(int, f"__{name}__")
    on_size: Callable[[Size, Size], Size] = getattr(Size, f"__{name}__")

    def forward(self: Length, other: Any) -> Any:
        value = on_int(self, other)
        return (
            value if value is NotImplemented else length(value, on_size(self.size, size_of(other)))
        )

    def reflected(self: Length, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        return length(on_int(other, self), on_size(size_of(other), self.size))

    setattr(Length, f"__{name}__", forward)
    setattr(Length, f"__r{name}__", reflected)


def _comparison(name: str, relation: str, otherwise: str) -> None:
    """Proved, refuted, or as in the example, which is noted."""
    on_int: Callable[[int, int], bool] = getattr(int, f"__{name}__")

    def compare(self: Length, other: Any) -> Any:
        answer = on_int(self, other)
        if answer is NotImplemented:
            return answer
        left, right = self.size, size_of(other)
        note(Condition(left, relation if answer else otherwise, right))
        return answer

    setattr(Length, f"__{name}__", compare)


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    _arithmetic(_name)
for _name, _relation, _otherwise in (
    ("eq", "==", "!="), ("ne", "!=", "=="), ("lt", "<", ">="),
    ("ge", ">=", "<"), ("gt", ">", "<="), ("le", "<=", ">"),
):  # fmt: skip
    _comparison(_name, _relation, _otherwise)
Length.__divmod__ = lambda self, other: (self // other, self % other)  # type: ignore[method-assign]
