"""Sizes: the numbers inside a type signature, known or open, in one normal form.

A size is an integer polynomial over *atoms*; an atom is a name (``h``) or a floor quotient (``(h +
1) // 4``). Written as a sum of monomials it has exactly one form, so two sizes that simplify to the
same sum are proved equal by comparing dictionaries. What makes this worth having is the rule for
quotients of quotients, which holds for all integers a, b and all m, n > 0:

    (a//m + b)//n  =  (a + b*m)//(m*n)

An axis that has run through any number of convolutions and pools is therefore one quotient: its
numerator says how many pixels an output sees, its divisor how far apart two outputs look.

    >>> h = symbol("h")
    >>> conv = lambda x: (x + 2*2 - 11)//4 + 1         # window 11, stride 4, padding 2
    >>> pool = lambda x: (x - 3)//2 + 1                # window 3, stride 2
    >>> print(conv(h), pool(conv(h)), sep="; ")
    (h - 7) // 4 + 1; (h - 15) // 8 + 1
    >>> int(pool(conv(224)))
    27

Invariants. A quotient with a constant divisor m has m > 1, coefficients in [0, m), no factor common
to m and its coefficients, and not exactly one bare quotient in its numerator (that would collapse).
Floor division is Python's, for negative numbers too. Names stand for integers >= 0, which `bounds`
uses and the normal form does not; whether a sum can be an axis is asked with names >= 1.

Equality is honest: ``==`` is True when proved, False when refuted, and raises when it is neither,
because taking the False branch of an open question is how a shape checker comes to lie.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from math import gcd, prod
from typing import SupportsIndex, TypeAlias

# Hostile text must fail fast. `weight` counts the atoms of a size written out in full and bounds
# the cost of everything below; `depth` counts quotients in quotients and bounds the recursion.
MAX_WEIGHT = 500
MAX_DEPTH = 12
MAX_INTEGER = 2**127


class SignatureError(ValueError):
    """A type that cannot be read, or types that do not fit; `subject` is what does not."""

    def __init__(self, message: str, subject: str = "sizes") -> None:
        super().__init__(message)
        self.subject = subject


class KindError(SignatureError, TypeError):
    """Types that differ in more than sizes: real against token, an array against a function."""


class Quotient:
    """The atom ``numerator // divisor``. Only `_size_quotient` makes it, which has the rules."""

    numerator: Size
    divisor: Size
    __slots__ = ("_hash", "_key", "divisor", "numerator")

    def __init__(self, numerator: Size, divisor: Size) -> None:
        self.numerator = numerator
        self.divisor = divisor
        self._hash = hash((numerator, divisor))
        self._key = ""

    @property
    def key(self) -> str:
        """Orders atoms; exact, whereas the printed form is made for the eye."""
        if not self._key:
            self._key = f"~({self.numerator.key})//({self.divisor.key})"
        return self._key

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Quotient)
            and self._hash == other._hash
            and self.numerator.same(other.numerator)
            and self.divisor.same(other.divisor)
        )

    def __hash__(self) -> int:
        return self._hash


Atom: TypeAlias = str | Quotient
Monomial: TypeAlias = tuple[
    Atom, ...
]  # sorted by `atom_key`, repeated for powers; () is the constant
Terms: TypeAlias = dict[Monomial, int]  # no coefficient is zero
SizeLike: TypeAlias = "Size | SupportsIndex"


class Size:
    """An integer polynomial over names and floor quotients. Immutable; behaves like an int.

    >>> h, w = symbol("h"), symbol("w")
    >>> print((h + 1)*(w + 1) - h*w, 2*h % 4, (6*h + 5)//3, sep="; ")
    h + w + 1; 2*(h % 2); 2*h + 1
    >>> h + 1 == 1 + h, h == h + 1, h >= 0
    (True, False, True)
    >>> h == w
    Traceback (most recent call last):
    pydp._size.SignatureError: whether h == w is open: it depends on h, w
    >>> range(h)
    Traceback (most recent call last):
    pydp._size.SignatureError: the size h is open: give h a value
    """

    __slots__ = ("_hash", "_key", "_names", "_text", "depth", "terms", "weight")

    # NumPy integers leave `np.int64(2) * h` to us.
    __array_ufunc__ = None

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.weight: int
        self.depth: int
        weight = depth = 0
        for monomial, coefficient in terms.items():
            weight += 1 + len(monomial)
            if not -MAX_INTEGER < coefficient < MAX_INTEGER:
                raise SignatureError("a number in a size is too large")
            for atom in monomial:
                if isinstance(atom, Quotient):
                    weight += atom.numerator.weight + atom.divisor.weight
                    depth = max(depth, 1 + atom.numerator.depth, 1 + atom.divisor.depth)
        if weight > MAX_WEIGHT or depth > MAX_DEPTH:
            raise SignatureError("a size is too complicated")
        self.weight = weight
        self.depth = depth
        self._names: frozenset[str] | None = None
        self._hash: int | None = None
        self._key = ""
        self._text = ""

    # ---- what it is -----------------------------------------------------------------------------

    @property
    def value(self) -> int | None:
        """The number, or None while a name is open."""
        if not self.terms:
            return 0
        return self.terms.get(()) if len(self.terms) == 1 else None

    @property
    def constant(self) -> int:
        return self.terms.get((), 0)

    @property
    def names(self) -> frozenset[str]:
        if self._names is None:
            found: set[str] = set()
            for monomial in self.terms:
                for atom in monomial:
                    if isinstance(atom, Quotient):
                        found |= atom.numerator.names | atom.divisor.names
                    else:
                        found.add(atom)
            self._names = frozenset(found)
        return self._names

    @property
    def key(self) -> str:
        if not self._key:
            terms = sorted((monomial_key(m), c) for m, c in self.terms.items())
            self._key = "+".join(f"{c}*{'*'.join(keys)}" for keys, c in terms)
        return self._key

    def same(self, other: Size) -> bool:
        """Equal normal forms. Unlike ``==`` it never raises: False means *not proved equal*."""
        return self is other or self.terms == other.terms

    def content(self) -> int:
        """The greatest common divisor of the coefficients other than the constant one."""
        return gcd(*(c for m, c in self.terms.items() if m))

    def bounds(self, least: int = 0) -> tuple[int | None, int | None]:
        """An interval that holds every value for names >= least; None is no bound.

        >>> ((symbol("h") + 9)//4).bounds(), (symbol("h") - 1).bounds(1)
        ((2, None), (0, None))
        """
        low: int | None = 0
        high: int | None = 0
        for monomial, coefficient in self.terms.items():
            term_low, term_high = coefficient, coefficient
            interval: tuple[int | None, int | None] = (1, 1)
            for atom in monomial:
                interval = _product_bounds(interval, _atom_bounds(atom, least))
            lo, hi = interval if coefficient > 0 else interval[::-1]
            low = None if low is None or lo is None else low + lo * term_low
            high = None if high is None or hi is None else high + hi * term_high
        return low, high

    @property
    def is_axis(self) -> bool:
        """Whether it is >= 1 where all names are; a number is known, and may be 0."""
        if all(c > 0 and all(isinstance(a, str) for a in m) for m, c in self.terms.items()):
            return True
        low, _ = self.bounds(1)
        return low is not None and low >= 1

    # ---- arithmetic -----------------------------------------------------------------------------

    def __add__(self, other: SizeLike) -> Size:
        if (b := _coerce(other)) is None:
            return NotImplemented
        terms = dict(self.terms)
        accumulate(terms, b.terms, 1)
        return Size(terms)

    def __sub__(self, other: SizeLike) -> Size:
        if (b := _coerce(other)) is None:
            return NotImplemented
        terms = dict(self.terms)
        accumulate(terms, b.terms, -1)
        return Size(terms)

    def __mul__(self, other: SizeLike) -> Size:
        if (b := _coerce(other)) is None:
            return NotImplemented
        if len(self.terms) * len(b.terms) > 4 * MAX_WEIGHT:
            raise SignatureError("a size is too complicated")
        terms: Terms = {}
        for m1, c1 in self.terms.items():
            for m2, c2 in b.terms.items():
                monomial = tuple(sorted(m1 + m2, key=atom_key)) if m1 and m2 else m1 or m2
                add_term(terms, monomial, c1 * c2)
        return Size(terms)

    def __floordiv__(self, other: SizeLike) -> Size:
        from pydp._size_quotient import floor_quotient  # here, because it is written in sizes

        b = _coerce(other)
        return NotImplemented if b is None else floor_quotient(self, b)

    def __mod__(self, other: SizeLike) -> Size:
        b = _coerce(other)
        return NotImplemented if b is None else self - b * (self // b)

    def __neg__(self) -> Size:
        return Size({m: -c for m, c in self.terms.items()})

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: SizeLike) -> Size:
        b = _coerce(other)
        return NotImplemented if b is None else b - self

    def __rfloordiv__(self, other: SizeLike) -> Size:
        b = _coerce(other)
        return NotImplemented if b is None else b // self

    def __rmod__(self, other: SizeLike) -> Size:
        b = _coerce(other)
        return NotImplemented if b is None else b % self

    def substitute(self, values: Mapping[str, Size]) -> Size:
        """The size with names replaced, in normal form again.

        >>> print(((symbol("h") + 1)//2).substitute({"h": 2*symbol("t")}))
        t
        """
        if values.keys().isdisjoint(self.names):
            return self
        result: Terms = {}
        for monomial, coefficient in self.terms.items():
            factors: Monomial = ()
            product: Size | None = None
            for atom in monomial:
                if isinstance(atom, Quotient):
                    if values.keys().isdisjoint(atom.numerator.names | atom.divisor.names):
                        factors += (atom,)
                        continue
                    divisor = atom.divisor.substitute(values)
                    new = atom.numerator.substitute(values) // divisor
                elif atom in values:
                    new = values[atom]
                else:
                    factors += (atom,)
                    continue
                product = new if product is None else product * new
            if product is None:
                add_term(result, monomial, coefficient)
            else:
                term = product * Size({factors: 1}) if factors else product
                accumulate(result, term.terms, coefficient)
        return Size(result)

    # ---- asking for numbers and truth -----------------------------------------------------------

    def __index__(self) -> int:
        if (value := self.value) is None:
            names = ", ".join(sorted(self.names))
            raise SignatureError(f"the size {self} is open: give {names} a value")
        return value

    __int__ = __index__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Size | SupportsIndex) or (b := _coerce(other)) is None:
            return NotImplemented
        if self.same(b):
            return True
        difference = self - b
        low, high = difference.bounds()
        if (low is not None and low > 0) or (high is not None and high < 0):
            return False
        if difference.constant % (difference.content() or 1):
            return False
        return self._open("==", b)

    def __ge__(self, other: SizeLike) -> bool:
        if (b := _coerce(other)) is None:
            return NotImplemented
        low, high = (self - b).bounds()
        if low is not None and low >= 0:
            return True
        if high is not None and high < 0:
            return False
        return self._open(">=", b)

    def __gt__(self, other: SizeLike) -> bool:
        b = _coerce(other)
        return NotImplemented if b is None else self >= b + 1

    def __le__(self, other: SizeLike) -> bool:
        b = _coerce(other)
        return NotImplemented if b is None else b >= self

    def __lt__(self, other: SizeLike) -> bool:
        b = _coerce(other)
        return NotImplemented if b is None else b >= self + 1

    def __bool__(self) -> bool:
        return self != 0

    def _open(self, relation: str, other: Size) -> bool:
        names = ", ".join(sorted(self.names | other.names))
        raise SignatureError(f"whether {self} {relation} {other} is open: it depends on {names}")

    def __hash__(self) -> int:
        if self._hash is None:
            value = self.value
            self._hash = hash(frozenset(self.terms.items()) if value is None else value)
        return self._hash

    def __str__(self) -> str:
        if not self._text:
            from pydp._size_text import size_text  # the eye's form is made on request, next door

            self._text = size_text(self)
        return self._text

    def __repr__(self) -> str:
        return f"<size {self}>"


def symbol(name: str) -> Size:
    """The open size called `name`."""
    return Size({(name,): 1})


def size(value: SizeLike) -> Size:
    """An integer as a size; a size as itself. A bool is not a number of elements.

    >>> size(True)
    Traceback (most recent call last):
    TypeError: a size is an integer, got True
    """
    result = None if isinstance(value, bool) else _coerce(value)
    if result is None:
        raise TypeError(f"a size is an integer, got {value!r}")
    return result


def atom_key(atom: Atom) -> str:
    """Names in alphabetical order, then quotients ("~" comes after every letter)."""
    return atom if isinstance(atom, str) else atom.key


def monomial_key(monomial: Monomial) -> tuple[str, ...]:
    return tuple(map(atom_key, monomial))


# ---- small helpers ------------------------------------------------------------------------------


def _coerce(value: object) -> Size | None:
    if isinstance(value, Size):
        return value
    if type(value) is int:
        return Size({(): value}) if value else Size({})
    if isinstance(general := getattr(value, "size", None), Size):
        return general  # a Length, an int that knows what it is in general
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
    return Size({(): number}) if number else Size({})


def add_term(terms: Terms, monomial: Monomial, coefficient: int) -> None:
    if total := terms.get(monomial, 0) + coefficient:
        terms[monomial] = total
    else:
        terms.pop(monomial, None)


def accumulate(terms: Terms, more: Mapping[Monomial, int], sign: int) -> None:
    for monomial, coefficient in more.items():
        add_term(terms, monomial, sign * coefficient)


def _atom_bounds(atom: Atom, least: int) -> tuple[int | None, int | None]:
    if isinstance(atom, str):
        return least, None
    low, high = atom.numerator.bounds(least)
    if (m := atom.divisor.value) is not None:
        return (None if low is None else low // m), (None if high is None else high // m)
    divisor_low, _ = atom.divisor.bounds(least)
    nonnegative = low is not None and low >= 0 and divisor_low is not None and divisor_low >= 0
    return (0 if nonnegative else None), None


def _product_bounds(
    a: tuple[int | None, int | None], b: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    (a_low, a_high), (b_low, b_high) = a, b
    if a_low is None or b_low is None or a_low < 0 or b_low < 0:
        ends = [a_low, a_high, b_low, b_high]
        if None in ends:
            return None, None
        corners = [x * y for x in (a_low, a_high) for y in (b_low, b_high)]  # type: ignore[operator]
        return min(corners), max(corners)
    return a_low * b_low, (None if a_high is None or b_high is None else a_high * b_high)


def product(sizes: Iterable[SizeLike]) -> Size:
    """The number of elements of a shape; 1 for no axes."""
    return prod(map(size, sizes), start=size(1))
