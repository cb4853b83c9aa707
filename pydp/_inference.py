"""Inference: what is known about the names of several types that meet, found by unification.

Two arrays that must be the same array give equations: their axes are paired from both sides, and
what is left over of the longer one is what the `...` of the shorter one stands for. An equation is
proved, refuted, solved for a name, or kept as a condition (`_condition`). Functions and tuples meet
part by part.

    real[..., t, d]      meets  real[8, 10, 64]       d = 64, t = 10, ... = 8
    real[..., d2]        meets  real[..., t, d]       d2 = d, the first `...` = the second `...`, t
    real[n, c, ...]      meets  real[8, 3, 32, 32]    n = 8, c = 3, ... = 32, 32
    real[..., 16, h, w]  meets  real[n, c, ...]       the batch: the first `...` = n, so c = 16

The last has no most general answer: 5 axes would do, too, with c among what the first `...` stands
for. Of the dots that stand further in front one axis is a batch, as people write, so they are one
axis there (more only if else the other array had axes left over).

Invariant: the bindings are idempotent: no bound name occurs in the value of any name, so resolving
a type is one pass, and a name can never come to contain itself. Of two open names the older one is
kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydp._condition import Condition, at_least, implied
from pydp._notation import ANY, Anything, Array, Function, Inner, Optional, Tuple, Type, arrays
from pydp._size import KindError, SignatureError, Size, symbol


class Place(NamedTuple):
    """Where a type stands, for messages: the `what` of the `owner`, as in "output of the first"."""

    what: str
    owner: str

    def axis(self, i: int) -> str:
        return f"({self.what} axis {i} of {self.owner})"

    def part(self, name: str) -> Place:
        return Place(f"{self.what}'s {name}", self.owner)

    def number(self, i: int) -> Place:
        return Place(f"{self.what} {i + 1}", self.owner)

    def __str__(self) -> str:
        return f"({self.what} of {self.owner})"


class Inference:
    """Bindings of names, and conditions still open. A clash is a SignatureError of one line.

    >>> from pydp._notation import read
    >>> (x, _), (f, _) = read("real[8, 10, 64]"), read("real[..., t, d] -> token[..., d // t]")
    >>> inference = Inference()
    >>> y = inference.apply(f, [x])
    >>> print(y, "is", inference.resolve(y))
    token[..., d // t] is token[8, 6]
    """

    def __init__(self) -> None:
        self.sizes: dict[str, Size] = {}
        self.dots: dict[str, Inner] = {}
        self.conditions: list[Condition] = []
        self._ages: dict[str, int] = {}
        self._forgotten: list[Size] = []

    def enter(self, names: Iterable[str]) -> None:
        """These names are older than all that enter later."""
        for name in names:
            self._ages.setdefault(name, len(self._ages))

    def _age(self, name: str) -> tuple[int, str]:
        """Names that never entered came with a caller's own sizes: they are the oldest."""
        return self._ages.get(name, -1), name

    # ---- equations ------------------------------------------------------------------------------

    def require(self, condition: Condition, written: Condition | None = None) -> None:
        """Adds a condition: proved it vanishes, refuted it raises, an equation is solved if it can.

        `written` is the same condition before sizes were filled in, for the message.
        """
        pending = [(condition, written or condition)]
        while pending:
            condition, asked = pending.pop()
            now = condition.substitute(self.sizes)
            if now.verdict is True:
                continue
            if now.verdict is False:
                raise SignatureError(_refuted(asked, now))
            solution = now.solve(self._age)
            if solution is None:
                self.conditions.append(now)
                continue
            name, value = solution
            self._bind(name, value)
            # Knowing it may decide or solve conditions that were open.
            pending += [(c, c) for c in self.conditions if name in c.names]
            self.conditions = [c for c in self.conditions if name not in c.names]

    def _bind(self, name: str, value: Size) -> None:
        one = {name: value}
        self.sizes = {n: v.substitute(one) for n, v in self.sizes.items()}
        self.sizes[name] = value
        self.forget_size(value)

    def forget_size(self, value: Size) -> None:
        """`value` was an axis and leaves the view: that it is not empty stays as a condition."""
        if not value.is_axis and not any(value.same(old) for old in self._forgotten):
            self._forgotten.append(value)
            self.conditions.append(at_least(value))

    def forget(self, type_: Type) -> None:
        """As `forget_size`, for every axis in an intermediate type."""
        for found in arrays(type_):
            for axis in found.axes:
                self.forget_size(axis)

    def equate(self, a: Size, b: Size, a_place: str = "", b_place: str = "") -> None:
        """Two sizes are the same number."""
        if a.same(b):
            return
        equation = Condition(a, "==", b)
        try:
            self.require(equation)
        except SignatureError as error:
            now = equation.substitute(self.sizes)
            if now.verdict is not False:  # it is another condition that fails because of this
                raise
            left, right = _known_as(a, now.left), _known_as(b, now.right)
            raise SignatureError(f"{left} {a_place} against {right} {b_place}") from error

    # ---- types ----------------------------------------------------------------------------------

    def unify(self, a: Type, b: Type, a_place: Place, b_place: Place) -> None:
        """The two types are one. `any` is compatible with everything and learns nothing."""
        match a, b:
            case (Anything(), _) | (_, Anything()):
                pass
            case Array(), Array():
                self._unify_arrays(a, b, a_place, b_place)
            case Tuple(), Tuple():
                self.unify_lists(a.items, b.items, a_place.part("item"), b_place.part("item"))
            case Function(), Function():
                parts = a_place.part("argument"), b_place.part("argument")
                self.unify_lists(a.arguments, b.arguments, *parts)
                self.unify(a.result, b.result, a_place.part("result"), b_place.part("result"))
            case _:
                raise KindError(f"{_what(a)} {a_place} against {_what(b)} {b_place}", "types")

    def unify_lists(
        self,
        a: Sequence[Type | Optional | None],
        b: Sequence[Type | Optional | None],
        a_place: Place,
        b_place: Place,
    ) -> None:
        """One by one. What has no partner, or None, must be optional; a lone `any` takes all."""
        if any(len(side) == 1 and isinstance(side[0], Anything) for side in (a, b)):
            return
        alone = len(a) == len(b) == 1
        for i, (x, y) in enumerate(itertools.zip_longest(a, b)):
            x_place = a_place if alone else a_place.number(i)
            y_place = b_place if alone else b_place.number(i)
            if x is None or y is None:
                if not isinstance(x or y, Optional | None):
                    detail = f"{_count(a)} {a_place} against {_count(b)} {b_place}"
                    raise KindError(detail, "numbers of values")
                continue
            x = x.type if isinstance(x, Optional) else x
            y = y.type if isinstance(y, Optional) else y
            self.unify(x, y, x_place, y_place)

    def _unify_arrays(self, a: Array, b: Array, a_place: Place, b_place: Place) -> None:
        if a.kind != b.kind and "any" not in (a.kind, b.kind):
            raise KindError(f"{a.kind} {a_place} against {b.kind} {b_place}", "kinds")
        a, b = a.replace({}, self.dots), b.replace({}, self.dots)
        x, y = self.aligned(a, b)
        for i in range(1, min(len(x.axes), len(y.axes)) + 1):
            places = a_place.axis(_counted(-i, a, x)), b_place.axis(_counted(-i, b, y))
            self.equate(x.axes[-i], y.axes[-i], *places)
        if x.dots != y.dots or len(x.axes) != len(y.axes):
            raise SignatureError(
                f"{_rank(a)} {a_place} against {_rank(b)} {b_place}", "numbers of axes"
            )

    def aligned(self, a: Array, b: Array) -> tuple[Array, Array]:
        """The two arrays with their `...` bound so that their axes are pairs, where that is
        possible."""
        for short, long in ((a, b), (b, a)):
            before = short.at if long.dots is None else long.at
            end = len(long.axes) - len(short.behind)
            if short.dots not in (None, long.dots) and short.at <= before <= end:
                inner = long.dots, long.axes[short.at : end], before - short.at
                return self._bound(short, inner, a, b)
        if a.dots is None or b.dots is None:
            return a, b
        if a.dots == b.dots:  # in other places: they stand for nothing
            return (a, b) if a.at == b.at else self._bound(a, (None, (), 0), a, b)
        # Each has axes that the other's dots stand for: the batch is one, if the rest has room.
        batch, other = (a, b) if a.at < b.at else (b, a)
        most = other.at - batch.at
        n = max(1, most - (len(batch.behind) - len(other.behind)))
        axes = other.axes[batch.at : batch.at + n]
        return self.aligned(*self._bound(batch, (None, axes, 0), a, b))

    def _bound(self, owner: Array, value: Inner, a: Array, b: Array) -> tuple[Array, Array]:
        """a and b after what the owner's dots stand for was bound."""
        assert owner.dots is not None
        one = {owner.dots: value}
        for name, (dots, axes, at) in self.dots.items():
            found = Array("any", dots, axes, at).replace({}, one)
            self.dots[name] = found.dots, found.axes, found.at
        self.dots[owner.dots] = value
        return a.replace({}, one), b.replace({}, one)

    def apply(
        self,
        function: Type,
        arguments: Sequence[Type | None],
        places: tuple[Place, Place] = (
            Place("argument", "the call"),
            Place("parameter", "the function"),
        ),
    ) -> Type:
        """The result type for these argument types; None leaves out an optional argument."""
        if isinstance(function, Anything):
            return ANY
        if not isinstance(function, Function):
            raise KindError(f"{_what(function)} is used as a function", "types")
        parameters = function.arguments
        required = [p for p in parameters if not isinstance(p, Optional)]
        if len(required) == 1 and isinstance(required[0], Tuple) and None not in arguments[1:]:
            # One tuple may come as its items; beside it are only parameters that are left out.
            items = [a for a in arguments if a is not None]
            if not isinstance(items[0] if items else None, Tuple):
                arguments = [Tuple(tuple(items))]
        self.unify_lists(arguments, parameters, *places)
        return function.result

    # ---- results --------------------------------------------------------------------------------

    def resolve(self, type_: Type) -> Type:
        """The type with everything known filled in."""
        return type_.replace(self.sizes, self.dots)

    def close(self, type_: Type, written: Type | None = None) -> tuple[Type, list[Condition]]:
        """The resolved type, and the open conditions that neither its sizes nor others imply.

        `written` is the same type before sizes were filled in, for the message.
        """
        shown = self.resolve(type_)
        in_view: list[Condition] = []
        for before, found in zip(arrays(written or type_), arrays(shown), strict=True):
            for i, axis in enumerate(reversed(found.axes)):
                name = before.axes[-1 - i] if i < len(before.axes) else axis
                if axis.is_axis and (axis.value != 0 or name.is_axis):
                    continue
                in_view.append(at_least(axis))
                if in_view[-1].verdict is False:
                    _, high = axis.bounds()
                    what = "leaves nothing" if high == 0 else "is negative"
                    raise SignatureError(f"{_known_as(name, axis)} {what}")
        kept: list[Condition] = []
        for condition in self.conditions:
            now = condition.substitute(self.sizes)
            if now.verdict is False:
                raise SignatureError(_refuted(condition, now))
            if now.verdict is None and not implied(now, [*in_view, *kept]):
                kept = [*(c for c in kept if not implied(c, [*in_view, now])), now]
        return shown, kept


# ---- words for messages -------------------------------------------------------------------------


def plain(value: Size) -> Size:
    """A size with the names its author wrote: h for the copy h.17."""
    return value.substitute(_plain_names(value.names))


def _plain_names(names: Iterable[str]) -> dict[str, Size]:
    return {n: symbol(n.partition(".")[0]) for n in names if "." in n}


def _known_as(written: Size, known: Size) -> str:
    """ "64", or "d = 64" where it is so by what was found before."""
    before, after = plain(written), plain(known)
    if before.same(after) or (after.value is None and before.names & after.names):
        return str(before)
    return f"{before} = {after}"


def _refuted(condition: Condition, now: Condition) -> str:
    written = condition.substitute(_plain_names(condition.left.names | condition.right.names))
    return f"{written} is false: {plain(now.left)} against {plain(now.right)}"


def _what(type_: Type) -> str:
    match type_:
        case Array():
            return "an array"
        case Function():
            return "a function"
        case Tuple(items=items):
            return f"{len(items)} values"
        case _:
            return "anything"


def _count(items: Sequence[Type | Optional | None]) -> str:
    most = sum(item is not None for item in items)
    least = sum(not isinstance(item, Optional | None) for item in items)
    numbers = str(most) if least == most else f"{least} to {most}"
    return f"{numbers} value{'' if numbers == '1' else 's'}"


def _counted(i: int, written: Array, filled: Array) -> int:
    """The axis -i of an array whose `...` was filled in, counted from where its place is known."""
    return len(filled.axes) + i if len(filled.axes) + i < written.at else i


def _rank(a: Array) -> str:
    count = f"{len(a.axes)} ax{'i' if len(a.axes) == 1 else 'e'}s"
    return count if a.dots is None else f"{count} or more"
