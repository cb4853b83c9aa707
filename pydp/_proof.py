"""check: does a module's forward have the type that it declares?

    declared    real[..., t, d] -> real[..., t, 2*d]
    examples    t = 7, d = 11, with no, one and two leading axes
    a run       forward on zeros of these shapes, which remember what they are in general (_outline)
    found       real[b, t, d] -> real[b, t, 2*d]

The sizes of the result, in general, are compared with the declared ones: they are proved equal; or
the example shows them different, which refutes the type; or neither, and a condition stays open.
What forward compared on its way (`if t > 5`) is a condition too.

A size can reach the result as a bare number: by a loop over `range(t)`, by NumPy. Then the general
type that one example shows differs from that of another, and check asks for that size.

Invariant: parameters, buffers, training mode and random numbers are as they were.
"""

from __future__ import annotations

import inspect
import itertools
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from pydp import _graph, _length
from pydp import _signature as language
from pydp._condition import Condition
from pydp._context import no_grad, watching
from pydp._example import FIRST, OTHER, Numbers, example, suits
from pydp._notation import Anything, Array, Function, Optional, Tuple, arrays
from pydp._outline import Outliner, outlined, type_of
from pydp._random import default_generator
from pydp._size import SignatureError, Size, SizeLike, symbol

DTYPES = {"token": "int64", "bool": "bool"}


class Found(NamedTuple):
    """What one example shows: the result's type in general, and what forward compared."""

    result: Any
    guards: tuple[_length.Guard, ...]
    steps: list[tuple[str, Any]]


def check(module: Any, type: str | None = None, **sizes: SizeLike) -> language.Signature:
    """Run the module's forward on types alone: its type, proved.

    - `type`: what to prove; by default what the module declares
    - `sizes`: numbers for names of the type

    Returns the type with the conditions under which it holds: those that are declared, and those
    that forward asks for. SignatureError where forward has another type, with the sizes that clash,
    or where it cannot be run: the message has the line, and the numbers of the example at which it
    fails. SignatureError too where a size is needed as a number (by a loop over `range(t)`): give
    it one, `check(module, t=16)`.

    >>> import pydp
    >>> from pydp import nn
    >>> print(pydp.check(nn.Linear(64, 32)))
    real[..., 64] -> real[..., 32]
    >>> class Twice(nn.Module):
    ...     type = "real[n, t, d] -> real[n, 2*t, d]"
    ...     def forward(self, x):
    ...         return pydp.concat([x, x], axis=-1)
    >>> pydp.check(Twice())
    Traceback (most recent call last):
    pydp._size.SignatureError: Twice: forward has another type
      declared : real[n, t, d] -> real[n, 2*t, d]
      found    : real[n, t, d] -> real[n, t, 2*d]
      2*d against d (axis -1 of the result), 26 against 13 for n = 7, t = 11, d = 13
    """
    name = module.__class__.__name__
    if inspect.isclass(module):
        raise TypeError(f"check: {module.__name__} is a class; write {module.__name__}(…)")
    if not isinstance(type, str | None):
        raise TypeError(f"check: type must be a text, got {type!r}; check makes its own examples")
    declared = module.signature if type is None else language.parse(type)
    if sizes:
        declared = declared.specialise(**sizes)
    function = declared.function
    if any(isinstance(_plain(a), Anything) for a in function.arguments):
        raise SignatureError(
            f"{name}: it declares {declared}, which says nothing; give check a type, or set the "
            f'module\'s, such as type = "real[..., d] -> real[..., d]"'
        )
    conditions: list[Condition] = []
    for head in _heads(declared):
        for guard in Case(name, module, declared, head).prove():
            if not any(guard.weaker_than(c) for c in [*conditions, *declared.conditions]):
                conditions.append(guard)
    return language.Signature(declared.type, [*declared.conditions, *conditions])


def result_of(function: Callable[..., Any], given: Any) -> language.Signature | None:
    """The type of a function on an array of this type; None where examples do not show it."""
    if not isinstance(given, Array):
        return None
    declared = language.Signature(Function((given,), language.ANY))
    found: list[Array] = []
    try:
        for head in reversed(_heads(declared)):
            case = Case("function", function, declared, head)
            closed = case.result()
            result = opened(closed, case.head, given.dots) if isinstance(closed, Array) else None
            if result is None:
                return None
            at = result.at if head else found[0].at if found else 0  # no axes stand anywhere
            found.append(Array(result.kind, result.dots, result.axes, at))
    except SignatureError:
        return None
    if any(str(result) != str(found[0]) for result in found):
        return None
    names = {n for axis in found[0].axes for n in axis.names}
    outer = found[0].replace({n: symbol(n[1:]) for n in names}, {})
    return language.Signature(Function((given,), outer))


def _heads(declared: language.Signature) -> list[tuple[str, ...]]:
    """What `...` stands for in the examples: no axis, one, two."""
    if not declared.dots:
        return [()]
    one, other = ("h", "w") if any(a.at for a in arrays(declared.type)) else ("n", "m")
    return [(), (one,), (one, other)]


def opened(closed: Array, head: Sequence[Size], dots: str | None = "") -> Array | None:
    """The type with a `...` for the axes of a head; None where they do not stand in it."""
    n = len(head)
    for at in range(len(closed.axes) - n + 1):
        before, found, after = closed.axes[:at], closed.axes[at : at + n], closed.axes[at + n :]
        if all(a.same(b) for a, b in zip(found, head, strict=True)):
            return Array(closed.kind, dots, before + after, at)
    return None


def _plain(type_: Any) -> Any:
    return type_.type if isinstance(type_, Optional) else type_


class Case:
    """A type with its `...` replaced by some axes, and a function that may have it."""

    def __init__(
        self, name: str, function: Any, declared: language.Signature, head: Sequence[str]
    ) -> None:
        self.name, self.function, self.declared = name, function, declared
        taken = {*declared.names}
        names = [next(n for n in _variants(h) if n not in taken) for h in head]
        axes = tuple([symbol(n) for n in names])
        closed = declared._replaced({}, dict.fromkeys(declared.dots, (None, axes, 0)))
        self.inner = closed._renamed({n: f"_{n}" for n in closed.names}, {})
        self.head = tuple([symbol(f"_{n}") for n in names])

    def prove(self) -> list[Condition]:
        """The conditions that forward asks for, or a SignatureError."""
        first, other = self.example(FIRST), self.example(OTHER)
        found, again = self.run(first), self.run(other)
        open_ = self.compare(found, first)
        if not same(found, again):
            self.compare(again, other)
            raise self.bound(found, again, first)
        if open_:
            conditions = ", ".join(str(_outer(c)) for c in open_)
            raise self.error(f"open: {conditions}", found)
        ones = dict.fromkeys(first, 1)
        self.at_one(ones)
        return [_outer(c) for c in self._conditions(found, ones)]

    def _conditions(self, found: Found, ones: Mapping[str, int]) -> list[Condition]:
        """What forward compared, but for what `at_one` has looked at: that an axis is not 1."""
        own = {f"_{n}" for n in self.declared.names}
        numbers = {n: language.size(v) for n, v in ones.items()}
        asked = [g.condition for g in found.guards if g.condition.names <= own]
        return [c for c in asked if c.form != "!=" or c.substitute(numbers).verdict is not False]

    def result(self) -> Any:
        """The result's type in general, where two examples agree on it; None where they do not."""
        first = self.example(FIRST)
        found, again = self.run(first), self.run(self.example(OTHER))
        asks = self._conditions(found, dict.fromkeys(first, 1))
        return found.result if same(found, again) and not asks else None

    def example(self, numbers: Numbers) -> dict[str, int]:
        """A number for each name: small, unrelated, and as the conditions want them."""
        found = example(self.inner, [str(axis) for axis in self.head], numbers)
        if found is None:
            raise SignatureError(
                f"{self.name}: found no sizes that satisfy {self.declared}; give "
                f"{', '.join(self.declared.names)} values"
            )
        return found

    # ---- a run

    def run(self, example: Mapping[str, int]) -> Found:
        outliner, real = Outliner(example), _real(self.function)

        def tensor(t: Any) -> Any:
            if isinstance(t, Optional):
                return None
            if isinstance(t, Tuple):
                return tuple(map(tensor, t.items))
            if not isinstance(t, Array):
                raise SignatureError(f"{self.name}: check makes arrays, and {t} is none; wrap it")
            shape = [outliner.length(axis) for axis in t.axes]
            zeros = np.zeros([int(n) for n in shape], DTYPES.get(t.kind, real))
            return _graph.wrap(outlined(zeros, shape))

        arguments = [tensor(a) for a in self.inner.function.arguments]
        while arguments and arguments[-1] is None:
            arguments.pop()
        try:
            with _untouched(self.function), watching(outliner), _length.guarded() as guards:
                y = self.function(*arguments)
        except Exception as error:
            raise self._failed(error, example) from error
        return Found(type_of(y), tuple(guards), outliner.steps)

    def _failed(self, error: Exception, example: Mapping[str, int]) -> SignatureError:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        return SignatureError(
            f"{self.name}: forward fails on its own type\n  declared : {self.declared}\n"
            f"  {kind}{_outer_text(str(error))}{_numbers(example)}{_where(error)}"
        )

    # ---- the verdict

    def error(self, title: str, found: Found, detail: str = "") -> SignatureError:
        shown = str(Function(self.inner.function.arguments, found.result))
        return SignatureError(
            f"{self.name}: {title}\n  declared : {self.declared}\n  found    : "
            + _outer_text(f"{shown}\n  {detail}" if detail else shown)
        )

    def compare(self, found: Found, example: Mapping[str, int]) -> list[Condition]:
        """The conditions under which the result is as declared: none where that is proved. A
        SignatureError where the example shows that it is not."""
        numbers = {n: language.size(v) for n, v in example.items()}
        clashes = _clashes(found.result, self.inner.function.result, numbers)
        open_ = []
        for clash in clashes:
            if isinstance(clash, str):
                raise self.error("forward has another type", found, clash + _numbers(example))
            open_.append(clash)
        return open_

    def at_one(self, example: Mapping[str, int]) -> None:
        """Where every size is 1, things broadcast that otherwise do not."""
        if suits(self.inner, example):
            try:
                single = self.run(example)
            except SignatureError:
                return  # it may ask for more than one
            self.compare(single, example)

    def bound(self, found: Found, again: Found, example: dict[str, int]) -> SignatureError:
        """The error of a size that is used as a number: which one, and where."""
        guilty = [n for n in example if self._moves(n, found, example)] or list(example)
        names = [_outer_text(n) for n in guilty]
        steps = itertools.zip_longest(found.steps, again.steps, fillvalue=("", None))
        where = next((a[1] or b[1] for a, b in steps if a[0] != b[0]), None)
        return SignatureError(
            f"{self.name}: {' and '.join(names)} is used as a number"
            + (f" (at {where}, or before)" if where else "")
            + f", as in a loop over range({names[0]}); its type can be shown for numbers only: "
            f"check(module, {', '.join(f'{n}=…' for n in names)})\n  declared : {self.declared}"
        )

    def _moves(self, name: str, found: Found, example: Mapping[str, int]) -> bool:
        """Whether what is found changes with this number alone."""
        moved = {**example, name: example[name] + 2}
        if not suits(self.inner, moved):
            return False
        try:
            return not same(found, self.run(moved))
        except SignatureError:
            return True


def same(a: Found, b: Found) -> bool:
    """Whether two examples show the same type in general, by the same steps."""
    return str(a.result) == str(b.result) and [s[0] for s in a.steps] == [s[0] for s in b.steps]


def _clashes(found: Any, declared: Any, numbers: Mapping[str, Size]) -> Iterator[str | Condition]:
    """Where two types differ: in words, or as a condition that is open."""
    match found, declared:
        case (Anything(), _) | (_, Anything()) | (None, _):
            pass
        case Tuple(), Tuple() if len(found.items) == len(declared.items):
            for a, b in zip(found.items, declared.items, strict=True):
                yield from _clashes(a, b, numbers)
        case Array(), Array():
            if found.kind != declared.kind and "any" not in (found.kind, declared.kind):
                yield f"{found.kind} against {declared.kind}"
            if len(found.axes) != len(declared.axes):
                yield f"{len(found.axes)} axes against {len(declared.axes)}"
            pairs = zip(reversed(found.axes), reversed(declared.axes), strict=False)
            for i, (x, y) in enumerate(pairs, 1):
                m, n = x.substitute(numbers).value, y.substitute(numbers).value
                if m != n:
                    values = "" if x.value == m and y.value == n else f", {m} against {n}"
                    yield f"{x} against {y} (axis -{i} of the result){values}"
                elif not x.same(y):
                    yield Condition(x, "==", y)
        case _:
            yield f"{found} against {declared}"


def _real(function: Any) -> Any:
    """The dtype of reals that suits a module's own."""
    own = [*function.parameters(), *function.buffers()] if hasattr(function, "parameters") else []
    return next((t.dtype for t in own if t.dtype.kind == "f"), np.dtype(np.float32))


# ---- what stays as it was -----------------------------------------------------------------------


@contextmanager
def _untouched(module: Any) -> Iterator[None]:
    """No gradients; buffers and random numbers are given back as they were."""
    state = default_generator.get_state()
    owners = module.modules() if hasattr(module, "modules") else []
    before = [(owner, *own) for owner in owners for own in owner._own_buffers()]
    try:
        for owner, name, buffer in before:
            object.__setattr__(owner, name, _graph.wrap(buffer._array.copy()))
        with no_grad():
            yield
    finally:
        for owner, name, buffer in before:
            object.__setattr__(owner, name, buffer)
        default_generator.set_state(state)


# ---- names, and words ---------------------------------------------------------------------------
# In an example a name has an underscore, so that it is none of an op's own.


def _outer(condition: Condition) -> Condition:
    return condition.substitute({n: symbol(n[1:]) for n in condition.names if n[0] == "_"})


def _outer_text(text: str) -> str:
    return re.sub(r"(?<![\w.])_(?=[A-Za-z])", "", text)


def _numbers(example: Mapping[str, int]) -> str:
    said = ", ".join(f"{_outer_text(n)} = {v}" for n, v in example.items())
    return f" for {said}" if said else ""


def _where(error: Exception) -> str:
    """The line of the user's that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = os.path.dirname(os.path.abspath(__file__)) + os.sep, "pydp/"  # compiled, too
    own = [f for f in frames if not f.filename.startswith(ours)]
    return f", at {own[-1].filename}:{own[-1].lineno} in {own[-1].name}" if own else ""


def _variants(name: str) -> Iterator[str]:
    yield name
    for i in itertools.count(2):
        yield f"{name}{i}"
