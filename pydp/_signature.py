"""Type signatures: the types of boxes as values, to compose, apply, specialise and check.

    >>> conv = parse("real[..., 3, h, w] -> real[..., 64, (h - 7) // 4 + 1, (w - 7) // 4 + 1]")
    >>> pool = parse("real[..., c, h, w] -> real[..., c, (h - 3) // 2 + 1, (w - 3) // 2 + 1]")
    >>> print(conv >> pool)
    real[..., 3, h, w] -> real[..., 64, (h - 15) // 8 + 1, (w - 15) // 8 + 1]
    >>> print((conv >> pool).check(h=224, w=224))
    real[..., 3, 224, 224] -> real[..., 64, 27, 27]

A `Signature` is a closed scheme: its names are its own. To use one is to instantiate it, to give
every name a fresh copy ("h.17"), so that two boxes that both say h do not mean the same h; closing
a result gives what is left readable names again (h, h2, ...). Between the two works an `Inference`.

The layers, each a file: `_size` (arithmetic in normal form), `_size_text`, `_condition` (proved,
refuted, solved or open), `_notation` (tree, parser, text), `_inference` (unification), here the
operations, and above them `_signature_paths` (boxes beside each other).

Decisions:

- A type that says only `any` is compatible with everything and carries nothing across: what is not
  declared is not checked. The kind in `any[..., d]` is compatible with every kind.
- No axis is empty, but where its length is a number that was given. So what an axis is computed
  from must leave something: ``h - 2`` is there from h = 3 on. For a size in view the type says it,
  of an intermediate one the condition stays, unless a size in view or another condition implies it.
- `...` stands anywhere in an array, once: `real[..., d]` is vectors of any batch, `real[n, c, ...]`
  has channels on axis 1. Where one meets the other there is one axis in front (see `_inference`),
  which is narrower than what would run; so beside such boxes ``>>`` is not always associative.
- In ``f >> g`` the names of f stay and those of g are replaced, as far as the equations allow.
- Sizes that do not fit are a ValueError, kinds (and numbers of arguments) a TypeError too; both are
  SignatureErrors.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from pydp._condition import Condition, at_least
from pydp._inference import Inference, Place
from pydp._notation import (
    ANY,
    Anything,
    Array,
    Function,
    Inner,
    Kind,
    Optional,
    Tuple,
    Type,
    array,
    read,
    read_size,
)
from pydp._signature_words import dots_in, explained, names_in, primes, readable, short
from pydp._size import KindError, SignatureError, Size, SizeLike, product, size, symbol

__all__ = [
    "ANY",
    "UNDECLARED",
    "Anything",
    "Array",
    "Condition",
    "Function",
    "Inference",
    "Kind",
    "KindError",
    "Optional",
    "Signature",
    "SignatureError",
    "Size",
    "Tuple",
    "Type",
    "apply",
    "array",
    "at_least",
    "clash",
    "compose",
    "match",
    "parse",
    "product",
    "read_size",
    "size",
    "symbol",
]

Shape: TypeAlias = "tuple[Kind, Sequence[int]]"  # a kind and the numbers of a concrete array

_copies = itertools.count(1)


class Signature:
    """A type and its conditions. Immutable; made by `parse` and by the operations.

    Two signatures are equal when they are written alike, names included: `specialise` speaks of
    names.

    >>> parse("real[h, w] -> real[h*w + h]") == parse("real[h,w]->real[h*(1 + w)]")
    True
    """

    __slots__ = ("_text", "conditions", "dots", "names", "type")

    def __init__(self, type_: Type, conditions: Iterable[Condition] = ()) -> None:
        self.type = type_
        self.conditions = tuple(conditions)
        self.names = names_in(type_, self.conditions)
        self.dots = dots_in(type_)
        self._text = ""

    @classmethod
    def close(cls, type_: Type, inference: Inference, written: Type | None = None) -> Signature:
        """The scheme of a type after inference: resolved, conditions pruned, names readable."""
        found = cls(*inference.close(type_, written))
        result = found._renamed(readable(found.names), primes(found.dots))
        if len(result.conditions) > 1:  # one order, whatever the order in which they arose
            ordered = sorted(result.conditions, key=lambda c: (c.form == ">=", str(c)))
            result = cls(result.type, ordered)
        return result

    def instantiate(self) -> Signature:
        """The same type with fresh names; it prints like the original.

        >>> f = parse("real[..., t, d] -> real[..., d]")
        >>> f.instantiate().names == f.names, str(f.instantiate())
        (False, 'real[..., t, d] -> real[..., d]')
        """
        number = next(_copies)
        names = {n: f"{n.partition('.')[0]}.{number}" for n in self.names}
        return self._renamed(names, {n: f"{n.partition('.')[0]}.{number}" for n in self.dots})

    def into(self, inference: Inference) -> Type:
        """A fresh copy of the type for use in an inference, where its conditions hold from now on.

        >>> inference = Inference()
        >>> norm = parse("real[..., d] -> real[..., d]").into(inference)
        >>> add = parse("(real[...], real[...]) -> real[...]").into(inference)
        >>> x = parse("real[8, t, 64]").into(inference)
        >>> y = inference.apply(add, [x, inference.apply(norm, [x])])
        >>> print(Signature.close(y, inference))
        real[8, t, 64]
        """
        copy = self.instantiate()
        inference.enter(copy.names)
        inference.conditions += copy.conditions
        return copy.type

    def _replaced(self, sizes: Mapping[str, Size], dots: Mapping[str, Inner]) -> Signature:
        conditions = [c.substitute(sizes) for c in self.conditions]
        return Signature(self.type.replace(sizes, dots), conditions)

    def _renamed(self, names: Mapping[str, str], dots: Mapping[str, str]) -> Signature:
        if not names and not dots:
            return self
        sizes = {old: symbol(new) for old, new in names.items()}
        return self._replaced(sizes, {old: (new, (), 0) for old, new in dots.items()})

    # ---- a function's parts ---------------------------------------------------------------------

    @property
    def function(self) -> Function:
        """The type as a function; an undeclared one is ``any -> any``, a value is a KindError."""
        if isinstance(self.type, Anything):
            return Function((ANY,), ANY)
        if not isinstance(self.type, Function):
            raise KindError(f"{self} is not the type of a function", "types")
        return self.type

    # ---- known sizes ----------------------------------------------------------------------------

    def specialise(self, **sizes: SizeLike) -> Signature:
        """Some names made known; what becomes decidable is decided.

        >>> linear = parse("real[..., i] -> real[..., o]")
        >>> print(linear.specialise(i=512, o=2*symbol("t")))
        real[..., 512] -> real[..., 2*t]
        """
        values = {name: size(value) for name, value in sizes.items()}
        inference = Inference()
        try:
            for name, value in values.items():
                if name not in self.names:
                    known = ", ".join(self.names) or "none"
                    raise SignatureError(f"no size is called {name}; its names are: {known}")
                inference.enter(value.names)
            given = self._replaced(values, {})
            inference.enter(self.names)
            for value in values.values():
                inference.require(Condition(value, ">=", 0))
            for condition, written in zip(given.conditions, self.conditions, strict=True):
                inference.require(condition, written)
            return Signature.close(given.type, inference, self.type)
        except SignatureError as error:
            words = ", ".join(f"{name} = {value}" for name, value in values.items())
            raise explained(error, f"{words}: ", [("type", self)]) from None

    def check(self, **sizes: SizeLike) -> Signature:
        """As `specialise`, and nothing may stay open.

        >>> quarter = parse("real[..., h, w] -> real[..., h // 4, w // 4] where h % 4 == 0")
        >>> print(quarter.check(h=32))
        real[..., 32, w] -> real[..., 8, w // 4]
        >>> quarter.check(h=30)
        Traceback (most recent call last):
        pydp._size.SignatureError: h = 30: sizes do not fit
          type  : real[..., h, w] -> real[..., h // 4, w // 4] where h % 4 == 0
          h % 4 == 0 is false: 2 against 0
        >>> quarter.check(w=32)
        Traceback (most recent call last):
        pydp._size.SignatureError: open: h % 4 == 0; give h a value
          type  : real[..., h, 32] -> real[..., h // 4, 8] where h % 4 == 0
        """
        result = self.specialise(**sizes)
        if result.conditions:
            conditions = ", ".join(map(str, result.conditions))
            names = ", ".join(sorted({name for c in result.conditions for name in c.names}))
            raise SignatureError(f"open: {conditions}; give {names} a value\n  type  : {result}")
        return result

    def __rshift__(self, other: Signature) -> Signature:
        return compose(self, other)

    def __str__(self) -> str:
        if not self._text:
            shown = self._renamed(readable(self.names), primes(self.dots))
            conditions = ", ".join(map(str, shown.conditions))
            self._text = f"{shown.type} where {conditions}" if conditions else str(shown.type)
        return self._text

    def __repr__(self) -> str:
        return f"<signature {self}>"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, Signature) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))


# ---- the operations -----------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def parse(text: str) -> Signature:
    """The signature that `text` writes (see `_notation`). Its equations are solved at once.

    >>> print(parse("real[a, b] -> real[b] where a == b + 1"))
    real[a, a - 1] -> real[a - 1]
    """
    tree, conditions = read(text)
    written = Signature(tree, conditions)
    inference = Inference()
    inference.enter(written.names)
    try:
        for condition in conditions:
            inference.require(condition)
        return Signature.close(tree, inference)
    except SignatureError as error:
        raise explained(error, "", [("type", written)]) from None


def compose(
    f: Signature | str, g: Signature | str, names: tuple[str, str] = ("first", "second")
) -> Signature:
    """The type of ``f >> g``: f's results are g's arguments. `names` name the boxes in messages.

    >>> embed, mean = parse("token[...] -> real[..., 64]"), parse("real[..., t, d] -> real[..., d]")
    >>> print(compose(embed, mean))
    token[..., t] -> real[..., 64]
    >>> compose("real[..., 3] -> real[..., 64]", "real[..., 32] -> real[..., 8]", ("A", "B"))
    Traceback (most recent call last):
    pydp._size.SignatureError: A >> B: sizes do not fit
      A  : real[..., 3] -> real[..., 64]
      B  : real[..., 32] -> real[..., 8]
      64 (output axis -1 of the first) against 32 (input axis -1 of the second)
    """
    first, second = _signature(f), _signature(g)
    inference = Inference()
    inference.enter(first.names)
    inference.conditions += first.conditions
    places = Place("output", "the first"), Place("input", "the second")
    try:
        left = first.function
        values = left.result.items if isinstance(left.result, Tuple) else (left.result,)
        result = inference.apply(second.into(inference), values, places)
        inference.forget(left.result)
        return Signature.close(Function(left.arguments, result), inference)
    except SignatureError as error:
        title = f"{short(names[0])} >> {short(names[1])}: "
        raise explained(error, title, [(names[0], first), (names[1], second)]) from None


def clash(
    f: Signature, g: Signature, names: tuple[str, str], hint: str | None = None
) -> SignatureError:
    """The error of a composition that does not fit, with what would mend it."""
    try:
        compose(f, g, names)
    except SignatureError as error:
        return type(error)(f"{error}\n  repair: {hint}" if hint else str(error), error.subject)
    raise AssertionError("they fit")


def apply(
    f: Signature | str, *arguments: Signature | str | None, name: str = "function"
) -> Signature:
    """The type of f's result for arguments of these types; None leaves out an optional one.

    Each argument is a scheme of its own. Values that share a name are written as one tuple.

    >>> attention = parse("(real[..., s, d], real[..., t, d], bool[..., t, s]?) -> real[..., t, d]")
    >>> print(apply(attention, "real[8, 20, 64]", "real[n, t, 64]"))
    real[8, t, 64]
    >>> print(apply(attention, "(real[n, t, 64], real[n, t, 64])"))
    real[n, t, 64]
    >>> add_norm = parse("(real[..., d] -> real[..., d]) -> (real[..., d] -> real[..., d])")
    >>> print(apply(add_norm, "real[..., t, 768] -> real[..., t, 768]"))
    real[..., t, 768] -> real[..., t, 768]
    """
    inference = Inference()
    signatures = [None if a is None else _signature(a) for a in arguments]
    values: list[Type | None] = [None if a is None else a.into(inference) for a in signatures]
    if len(values) == 1 and isinstance(values[0], Tuple):
        values = list(values[0].items)
    function = _signature(f)
    try:
        places = Place("argument", "the call"), Place("parameter", short(name))
        result = inference.apply(function.into(inference), values, places)
        for value in values:
            if value is not None:
                inference.forget(value)
        return Signature.close(result, inference)
    except SignatureError as error:
        given = ", ".join("none" if a is None else str(a) for a in signatures)
        boxes = [(name, function), ("arguments", given)]
        raise explained(error, f"{short(name)}: ", boxes) from None


def match(
    f: Signature | str, arguments: Sequence[Shape | None], name: str = "function"
) -> list[tuple[Kind, tuple[int, ...]]]:
    """Kinds and shapes of the results for arrays of these kinds and shapes; None leaves one out.

    >>> matmul = parse("(real[..., n, k], real[..., k, m]) -> real[..., n, m]")
    >>> match(matmul, [("real", (8, 2, 3)), ("real", (8, 3, 5))])
    [('real', (8, 2, 5))]
    >>> match(matmul, [("real", (2, 3)), ("real", (4, 5))], "matmul")
    Traceback (most recent call last):
    pydp._size.SignatureError: matmul: sizes do not fit
      matmul     : (real[..., n, k], real[..., k, m]) -> real[..., n, m]
      arguments  : real[2, 3], real[4, 5]
      4 (argument 2 axis -2 of the call) against k = 3 (parameter 2 axis -2 of matmul)
    """
    given = [None if a is None else Signature(array(a[0], *a[1])) for a in arguments]
    result = apply(f, *given, name=name).type
    found: list[tuple[Kind, tuple[int, ...]]] = []
    for value in result.items if isinstance(result, Tuple) else (result,):
        if not isinstance(value, Array) or value.dots is not None:
            raise SignatureError(f"{short(name)}: a result {value} has no known shape")
        found.append((value.kind, tuple(int(axis) for axis in value.axes)))
    return found


def _signature(value: Signature | str) -> Signature:
    return value if isinstance(value, Signature) else parse(value)


# What a module that declares nothing has.
UNDECLARED = parse("any -> any")
