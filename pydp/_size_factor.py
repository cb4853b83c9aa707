"""Factoring a size: (h + 1)*(w - 2) from h*w - 2*h + w - 2; to print it and to know its sign.

A size that came from multiplying axes is a product of sums with one atom each. If a polynomial is
``x*A + B`` for an atom x that is neither in A nor in B, then it is ``(x + k)*A`` exactly when ``B =
k*A``: so trying each atom once finds all such factors. What is left over is the last factor,
whatever it is.
"""

from __future__ import annotations

from math import gcd

from pydp._size import (
    Atom,
    Monomial,
    Size,
    Terms,
    accumulate,
    add_term,
    atom_key,
    monomial_key,
    size,
)

# A long division of hostile text could go on for 10^5 terms.
MAX_STEPS = 64


def factors(value: Size) -> list[Size]:
    """Sizes whose product is `value`; an integer other than 1 comes first.

    >>> from pydp._size import symbol
    >>> h, w = symbol("h"), symbol("w")
    >>> print(*factors(6*(h + 1)*(w - 2)), sep="; ")
    6; h + 1; w - 2
    """
    content = gcd(*value.terms.values())
    if content == 0:
        return [value]
    rest = Size({m: c // content for m, c in value.terms.items()})
    found: list[Size] = []
    for atom in sorted({a for m in rest.terms for a in m}, key=atom_key):
        while (split := _split(rest, atom)) is not None:
            factor, rest = split
            found.append(factor)
    if rest.value is not None:  # 1 or -1
        content *= rest.value
    else:
        found.append(rest)
    return [size(content), *found] if content != 1 or not found else found


def _split(value: Size, atom: Atom) -> tuple[Size, Size] | None:
    """``value = (atom + k) * cofactor`` with an integer k and an open cofactor, or None."""
    cofactor: Terms = {}
    rest: Terms = {}
    for monomial, coefficient in value.terms.items():
        if atom not in monomial:
            rest[monomial] = coefficient
            continue
        i = monomial.index(atom)
        cofactor[monomial[:i] + monomial[i + 1 :]] = coefficient
    if not cofactor or (rest and (set(cofactor) == {()} or any(atom in m for m in cofactor))):
        return None
    monomial, unit = next(iter(cofactor.items()))
    k, left_over = divmod(rest.get(monomial, 0), unit)
    if left_over or rest != {m: k * c for m, c in cofactor.items() if k}:
        return None
    return Size({(atom,): 1}) + k, Size(cofactor)


def divide_exactly(numerator: Size, divisor: Size) -> Size | None:
    """The polynomial q with q * divisor == numerator; None if there is none or it is very long.

    Long division by leading terms.
    """
    leader = min(divisor.terms, key=lead_key)
    rest, result = dict(numerator.terms), Terms()
    while rest:
        monomial = min(rest, key=lead_key)
        cofactor = cofactor_of(monomial, leader)
        if cofactor is None or rest[monomial] % divisor.terms[leader] or len(result) == MAX_STEPS:
            return None
        q = rest[monomial] // divisor.terms[leader]
        add_term(result, cofactor, q)
        accumulate(rest, (Size({cofactor: q}) * divisor).terms, -1)
    return Size(result)


def lead_key(monomial: Monomial) -> tuple[int, tuple[str, ...]]:
    """Highest degree first, then alphabetical: an order that multiplication respects."""
    return -len(monomial), monomial_key(monomial)


def cofactor_of(monomial: Monomial, part: Monomial) -> Monomial | None:
    """monomial / part, or None where it does not divide."""
    rest = list(monomial)
    for atom in part:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)
