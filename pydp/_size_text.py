"""How a size is written: from the normal form back to what a person would have typed.

The normal form expands products, hides ``%`` and leaves no whole multiple inside a quotient, which
is right for proofs and poor for reading. Printing undoes it by four identities, tried in this
order:

    h - 4*(h // 4)                   ->  h % 4
    (h + 1) // 4 - 1                 ->  (h - 7) // 4 + 1      (input - window) // stride + 1
    h*w + h                          ->  h*(w + 1)             when it factors completely
    anything else                    ->  a sum, positive terms first

Invariant: what is printed parses to the same normal form (a property test holds it to that).
"""

from __future__ import annotations

from typing import NamedTuple

from pydp._size import Atom, Monomial, Quotient, Size, Terms, monomial_key, size
from pydp._size_factor import factors

# How tightly a text binds. `*`, `//` and `%` are on one level in Python, read from the left: so
# `3*h // 4` is (3*h) // 4 while a quotient inside a product needs its parentheses.
SUM, QUOTIENT, PRODUCT, ATOM = range(4)


class Piece(NamedTuple):
    """`coefficient` times `text`, one summand; the text "" stands for 1."""

    coefficient: int
    text: str
    level: int


def size_text(value: Size) -> str:
    return _written(value)[0]


def _written(value: Size) -> tuple[str, int]:
    """The text and how tightly it binds."""
    return (
        _as_remainder(value)
        or _as_window(value)
        or _as_product(value)
        or _as_sum([_piece(m, c) for m, c in _in_order(value.terms)])
    )


def _parenthesised(value: Size, at_least: int) -> str:
    text, level = _written(value)
    return text if level >= at_least else f"({text})"


def _operation(numerator: Size, operator: str, divisor: Size) -> str:
    return f"{_parenthesised(numerator, PRODUCT)} {operator} {_parenthesised(divisor, ATOM)}"


def _atom(atom: Atom) -> tuple[str, int]:
    if isinstance(atom, str):
        return atom, ATOM
    return _operation(atom.numerator, "//", atom.divisor), QUOTIENT


def _in_order(terms: Terms) -> list[tuple[Monomial, int]]:
    """Higher degrees first, then alphabetical, the constant last."""
    return sorted(terms.items(), key=lambda item: (-len(item[0]), monomial_key(item[0])))


def _piece(monomial: Monomial, coefficient: int) -> Piece:
    if len(monomial) == 1:
        return Piece(coefficient, *_atom(monomial[0]))
    texts = (text if level == ATOM else f"({text})" for text, level in map(_atom, monomial))
    return Piece(coefficient, "*".join(texts), PRODUCT)


def _as_sum(pieces: list[Piece]) -> tuple[str, int]:
    """Joins pieces with their signs: positive ones first, the constant last."""
    pieces = sorted(pieces, key=lambda p: (not p.text, p.coefficient < 0))
    if pieces and pieces[0].coefficient < 0 < pieces[-1].coefficient:  # `5 - h`, not `-h + 5`
        pieces = pieces[-1:] + pieces[:-1]
    result, level = "", ATOM
    for coefficient, text, piece_level in pieces:
        number = abs(coefficient)
        if not text:
            text, piece_level = str(number), ATOM
        elif number != 1:
            text = f"{number}*({text})" if piece_level < PRODUCT else f"{number}*{text}"
            piece_level = PRODUCT
        if result:
            result += f" {'+' if coefficient > 0 else '-'} {text}"
            level = SUM
        elif coefficient > 0:
            result, level = text, piece_level
        else:
            result = f"-{text}" if piece_level >= PRODUCT else f"-({text})"
            level = SUM
    return result or "0", level


def _as_remainder(value: Size) -> tuple[str, int] | None:
    """``k*(a % m) + rest`` where the size holds k*a - k*m*(a // m), completely."""
    for atom in _quotients(value):
        product = atom.divisor * Size({(atom,): 1})
        monomial, unit = next(iter(product.terms.items()))
        k, left_over = divmod(-value.terms.get(monomial, 0), unit)
        if not k or left_over:
            continue
        rest = value - k * (atom.numerator - product)
        numerator = atom.numerator
        m = atom.divisor.value or 0
        if m > 2:  # its quotient may be here as the negative one: -(a//m) = (m - 1 - a)//m
            mirrored = m - 1 - numerator
            other = value + k * (mirrored + product)
            if len(other.terms) < len(rest.terms):
                k, rest = -k, other
                numerator = Size({t: r for t, c in mirrored.terms.items() if (r := c % m)})
        gone = {t for t in (*numerator.terms, *product.terms) if t}
        if gone.isdisjoint(rest.terms):
            remainder = Piece(k, _operation(numerator, "%", atom.divisor), QUOTIENT)
            return _as_sum([remainder, *(_piece(t, c) for t, c in _in_order(rest.terms))])
    return None


def _quotients(value: Size) -> list[Quotient]:
    found = {atom for monomial in value.terms for atom in monomial if isinstance(atom, Quotient)}
    return sorted(found, key=lambda atom: atom.key)


def _as_window(value: Size) -> tuple[str, int] | None:
    """``(a + c) // m + rest``, whole multiples put back inside, where a quotient stands alone."""
    monomials = [m for m in value.terms if any(isinstance(a, Quotient) for a in m)]
    if len(monomials) != 1 or len(monomials[0]) != 1:
        return None
    quotient = monomials[0][0]
    sign = value.terms[monomials[0]]
    assert isinstance(quotient, Quotient)
    m = quotient.divisor.value
    if sign not in (1, -1) or m is None:
        return None
    # value = sign * (numerator // m + rest)
    numerator, rest = quotient.numerator, (value - Size({(quotient,): sign})) * sign
    inside = Size({k: rest.terms[k] for k in numerator.terms if k and k in rest.terms})
    if m == 2:
        # Both h // 2 and (h + 1) // 2 are normal forms; moving a -h inside would swap them.
        if sign < 0:
            return None
        leader = min((k for k in numerator.terms if k), key=monomial_key)
        if numerator.terms[leader] + 2 * inside.terms.get(leader, 0) < 0:
            inside = size(0)
    elif sign < 0 and not inside.terms:
        return None
    numerator, rest = numerator + m * inside, rest - inside
    if sign < 0:  # -(a // m) = (m - 1 - a) // m
        numerator, rest = m - 1 - numerator, -rest
    constant = numerator.constant + m * rest.constant
    numerator, rest = numerator - numerator.constant, rest - rest.constant
    if constant % m == 0:
        rest += constant // m
    elif constant > 0:
        numerator += constant
    else:
        numerator, rest = numerator + (constant - m), rest + 1
    lone = Piece(1, _operation(numerator, "//", size(m)), QUOTIENT)
    others = [_piece(k, c) for k, c in _in_order(rest.terms)]
    return _as_sum([*others, lone] if any(piece.text for piece in others) else [lone, *others])


def _as_product(value: Size) -> tuple[str, int] | None:
    """A product of several factors; of one only if that is a window: 3*(h // 4 + 2)."""
    if len(value.terms) < 2:
        return None
    parts = factors(value)
    number = parts[0].value
    sums = parts if number is None else parts[1:]
    if len(sums) == 1 and (number is None or _as_window(sums[0]) is None):
        return None
    texts = [_parenthesised(part, ATOM) for part in sums]
    if number is not None and abs(number) != 1:
        texts.insert(0, str(abs(number)))
    negative = number is not None and number < 0
    return ("-" if negative else "") + "*".join(texts), SUM if negative else PRODUCT
