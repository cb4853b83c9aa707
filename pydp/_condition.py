"""Conditions: what must be true of the sizes in a type, and what can be decided about it.

Every relation between two sizes is brought to one of three forms, ``E == 0``, ``E != 0`` or ``E >=
0``, with E in normal form and divided by the common factor of its coefficients. Then it is either
*proved* or *refuted* on the spot, or an equation is *solved* for a name that occurs in it once with
coefficient 1, or it stays *open*: a condition of the type, decided when more sizes become known.

    h + w == w + h           proved     the normal form is 0
    h + 3 == 2               refuted    names are >= 0, so the left side is at least 3
    2*h == 2*w + 1           refuted    2 does not divide 1
    2*h == 4*w + 6           solved     h = 2*w + 3
    256*h*w == 9216          open       kept as written, known to be h*w == 36

Incomplete by nature (whether a polynomial has an integer root cannot be decided in general), never
wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import lcm

from pydp._size import Monomial, Quotient, Size, SizeLike, Terms, monomial_key, size
from pydp._size_factor import factors

RELATIONS = ("==", "!=", ">=", "<=", ">", "<")


class Condition:
    """``left relation right``, remembered as written beside its normal form.

    >>> from pydp._size import symbol
    >>> h, w = symbol("h"), symbol("w")
    >>> c = Condition(256*h*w, "==", 9216)
    >>> print(c, c.verdict, c.form, c.normal)
    256*h*w == 9216 None == h*w - 36
    >>> c.substitute({"h": size(5), "w": size(5)}).verdict
    False
    """

    __slots__ = ("axis", "form", "left", "normal", "relation", "right", "verdict")

    def __init__(self, left: SizeLike, relation: str, right: SizeLike) -> None:
        self.left, self.relation, self.right = size(left), relation, size(right)
        self.axis: tuple[Size, int] | None = None  # of `at_least`: in our words, not an author's
        difference = self.left - self.right
        if relation in ("==", "!="):
            self.form, self.normal = relation, _equation(difference)
        elif relation in RELATIONS:
            if relation[0] == "<":
                difference = -difference
            self.form = ">="
            self.normal = _inequality(difference if "=" in relation else difference - 1)
        else:
            raise ValueError(f"a relation is one of {', '.join(RELATIONS)}, got {relation!r}")
        self.verdict = self._decide()

    def _decide(self) -> bool | None:
        """True where proved, False where refuted, None where open."""
        least = 1 if self.axis else 0
        low, high = self.normal.bounds(least)
        if self.form == ">=":
            if low is not None and low >= 0:
                return True
            if high is not None and high < 0:
                return False
            low = _least(self.normal, least)
            return True if low is not None and low >= 0 else None
        if not self.normal.terms:
            return self.form == "=="
        if (low is not None and low > 0) or (high is not None and high < 0):
            return self.form == "!="
        return None

    @property
    def names(self) -> frozenset[str]:
        return self.normal.names

    def substitute(self, values: Mapping[str, Size]) -> Condition:
        if values.keys().isdisjoint(self.left.names | self.right.names):
            return self
        if self.axis:
            value, least = self.axis
            return at_least(value.substitute(values), least)
        left, right = self.left.substitute(values), self.right.substitute(values)
        return Condition(left, self.relation, right)

    def solve(self, age: Callable[[str], object]) -> tuple[str, Size] | None:
        """``(name, value)`` where the equation says ``name == value``; the oldest names are kept.

        >>> from pydp._size import symbol
        >>> h, w = symbol("h"), symbol("w")
        >>> name, value = Condition(2*h, "==", 4*w + 6).solve(age=str)
        >>> print(name, "=", value)
        h = 2*w + 3
        >>> Condition(2*h, "==", 3*w).solve(age=str), Condition(h, "==", 2*(h//2)).solve(age=str)
        (None, None)
        """
        if self.form != "==":
            return None
        terms = self.normal.terms
        # There is no common factor left, so nothing but a coefficient 1 or -1 divides exactly.
        alone = {m[0] for m, c in terms.items() if len(m) == 1 and c in (1, -1)}
        for m in terms:
            for atom in m:
                if isinstance(atom, Quotient):
                    alone -= atom.numerator.names | atom.divisor.names
                elif len(m) > 1:
                    alone.discard(atom)
        names = [atom for atom in alone if isinstance(atom, str)]
        if not names:
            return None
        name = max(names, key=age)  # type: ignore[arg-type]
        rest = Size({m: c for m, c in terms.items() if m != (name,)})
        return name, (-rest if terms[name,] == 1 else rest)

    def weaker_than(self, other: Condition) -> bool:
        """Whether `other` says the same or more: h >= 7 beside h >= 31."""
        a, b = self.normal.terms, other.normal.terms
        if self.form != other.form or self.normal.names != other.normal.names:
            return False
        if self.form != ">=":
            return a == b
        more = self.normal.constant - other.normal.constant
        return more >= 0 and {**a, (): 0} == {**b, (): 0}

    def __str__(self) -> str:
        left, relation, right = self.left, self.relation, self.right
        if left.value is not None and right.value is None:
            left, right = right, left
            relation = relation.translate(str.maketrans("<>", "><"))
        return f"{left} {relation} {right}"

    def __repr__(self) -> str:
        return f"<condition {self}>"


def at_least(value: Size, least: int = 1) -> Condition:
    """The condition that `value` can be an axis (or another whole number, from `least` on), in the
    simplest words. It is taken for granted that no axis is empty: names are >= 1 in it.

    >>> from pydp._size import symbol
    >>> print(at_least((symbol("h") - 7)//4 + 1), "and", at_least(5 - symbol("w")))
    h >= 7 and w <= 4
    """
    condition = Condition.__new__(Condition)  # not to take its own words apart again
    condition.axis, condition.form = (value, least), ">="
    condition.normal = _inequality(value - least)
    terms, constant = condition.normal.terms, condition.normal.constant
    more = Size({m: c for m, c in terms.items() if m and c > 0})
    less = Size({m: -c for m, c in terms.items() if m and c < 0})
    if any(len(m) > 1 for m in terms) and len(factors(value)) > 1:
        condition.left, condition.relation, condition.right = value, ">=", size(least)
    elif more.terms:
        condition.left, condition.relation, condition.right = more, ">=", less - constant
    else:
        condition.left, condition.relation, condition.right = less, "<=", size(constant)
    condition.verdict = condition._decide()
    return condition


def implied(condition: Condition, others: Sequence[Condition]) -> bool:
    """Whether one of the others says it; for a product, whether they say it of each factor."""
    if any(condition.weaker_than(other) for other in others):
        return True
    if condition.axis is None or not others:
        return False
    value, _ = condition.axis
    if any(other.form == "==" and _is_number(value, other) for other in others):
        return True
    parts = factors(value)
    return len(parts) > 1 and all(part.is_axis or implied(at_least(part), others) for part in parts)


def _is_number(value: Size, equation: Condition) -> bool:
    """Whether it says value == k, for a number k >= 1."""
    for one, other in ((equation.left, equation.right), (equation.right, equation.left)):
        if one.same(value) and other.value is not None and other.value >= 1:
            return True
    return False


def _least(value: Size, names: int) -> int | None:
    """A lower bound for names from `names` on, where quotients stand beside what they are of; None
    where there is none.

    a//m is at most a/m and at least (a - m + 1)/m: so 2*h - 3*(h//2) is at least (4*h - 3*h)/2.
    """
    quotients: dict[Monomial, tuple[Size, int]] = {}
    for monomial in value.terms:
        atom = monomial[0] if len(monomial) == 1 else ""
        if isinstance(atom, Quotient) and (m := atom.divisor.value):
            quotients[monomial] = atom.numerator, m
    if not quotients:
        return None
    scale, relaxed = lcm(*[m for _, m in quotients.values()]), size(0)
    for monomial, c in value.terms.items():
        if monomial in quotients:
            a, m = quotients[monomial]
            relaxed += (a if c < 0 else a - (m - 1)) * (c * scale // m)
        else:
            relaxed += Size({monomial: c * scale})
    low, _ = relaxed.bounds(names)
    return None if low is None else -(-low // scale)


def _equation(difference: Size) -> Size:
    """Divided by the common factor, first coefficient positive; 1, never 0, where it cannot be."""
    content = difference.content()
    if not content:
        return difference
    if difference.constant % content:
        return size(1)
    leader = min((m for m in difference.terms if m), key=lambda m: (-len(m), monomial_key(m)))
    if difference.terms[leader] < 0:
        content = -content
    return Size({m: c // content for m, c in difference.terms.items()})


def _inequality(difference: Size) -> Size:
    """Divided by the common factor, the constant rounded down; a quotient by itself is opened.

    a//m + k >= 0 says a + k*m >= 0, because a//m >= -k exactly when a >= -k*m.
    """
    while content := difference.content():
        terms: Terms = {m: c // content for m, c in difference.terms.items() if m}
        constant = difference.constant // content
        difference = Size(terms) + constant
        if len(terms) != 1:
            break
        ((monomial, coefficient),) = terms.items()
        atom = monomial[0]
        if len(monomial) != 1 or isinstance(atom, str) or atom.divisor.value is None:
            break
        m = atom.divisor.value
        if coefficient > 0:
            difference = atom.numerator + constant * m
        else:  # constant >= a//m  says  constant*m + m - 1 >= a
            difference = constant * m + m - 1 - atom.numerator
    return difference
