"""Floor division of sizes: the rules that give every quotient one form.

They are equations between integers, valid for negative ones too, and each is applied until none
applies; that they agree with Python's ``//`` on numbers is a property test. Two forms that are
equal may still differ (h//2 + (h + 1)//2 is h, and nobody is told): equal forms prove, different
forms say nothing.
"""

from __future__ import annotations

import operator
from functools import reduce
from math import gcd

from pydp._size import (
    Quotient,
    SignatureError,
    Size,
    Terms,
    accumulate,
    add_term,
    monomial_key,
    size,
)
from pydp._size_factor import cofactor_of, divide_exactly, lead_key


def floor_quotient(numerator: Size, divisor: Size) -> Size:
    """``numerator // divisor`` in normal form.

    For a constant divisor m, until nothing changes:

        g = gcd(m, coefficients):   (g*a + c)//(g*n)   = (a + c//g)//n      c constant
        whole multiples come out:   (m*a + b)//m       = a + b//m
        one of X and -X is kept:    (-a)//m            = -((a + m - 1)//m)
        a lone quotient collapses:  (a//n + b)//m      = (a + b*n)//(n*m)
    """
    m = divisor.value
    if m is None:
        return _open_quotient(numerator, divisor)
    if m == 0:
        raise SignatureError(f"division by zero: {numerator} // 0")
    sign = 1 if m > 0 else -1
    terms = {k: sign * c for k, c in numerator.terms.items()}  # a // -m = -a // m
    m, sign = abs(m), 1
    whole: Terms = {}  # the result so far is  whole + sign * (terms // m)
    while True:
        constant = terms.pop((), 0)
        g = gcd(m, *terms.values())  # without terms it is m, and the constant is divided
        m //= g
        terms = {k: c // g for k, c in terms.items()}
        constant //= g
        if m == 1:
            accumulate(whole, terms, sign)
            add_term(whole, (), sign * constant)
            return Size(whole)
        if _points_down(terms, m):
            terms = {k: -c for k, c in terms.items()}
            constant = m - 1 - constant
            sign = -sign
        terms[()] = constant
        accumulate(whole, {k: q for k, c in terms.items() if (q := c // m)}, sign)
        terms = {k: r for k, c in terms.items() if (r := c % m)}
        inner = _lone_quotient(terms)
        if inner is None:
            add_term(whole, (Quotient(Size(terms), size(m)),), sign)
            return Size(whole)
        del terms[(inner,)]
        n = int(inner.divisor)
        terms = {k: c * n for k, c in terms.items()}
        accumulate(terms, inner.numerator.terms, 1)
        m *= n


def _points_down(terms: Terms, m: int) -> bool:
    """Whether -X is the one of X, -X to keep: the first residue that tells them apart is above m/2.

    For m = 2 no residue tells them apart; there the sign as written decides.
    """
    for monomial in sorted(terms, key=monomial_key) if len(terms) > 1 else terms:
        coefficient = terms[monomial]
        if m == 2 and coefficient % 2:
            return coefficient < 0
        if 2 * (coefficient % m) not in (0, m):
            return 2 * (coefficient % m) > m
    return False


def _lone_quotient(terms: Terms) -> Quotient | None:
    found = None
    for monomial, coefficient in terms.items():
        if coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Quotient):
            if found is not None or monomial[0].divisor.value is None:
                return None
            found = monomial[0]
    return found


def _open_quotient(numerator: Size, divisor: Size) -> Size:
    """By a divisor with names in it: exact division, common factors, whole multiples of one term.

    >>> from pydp._size import symbol
    >>> n, h, w = symbol("n"), symbol("h"), symbol("w")
    >>> print(n*h*w // (n*w), (n*h + 3)//n, (h - 1)*(w - 2) // (w - 2), sep="; ")
    h; h + 3 // n; h - 1
    """
    if (exact := divide_exactly(numerator, divisor)) is not None:
        return exact
    leader = min(divisor.terms, key=lead_key)
    if divisor.terms[leader] < 0:
        numerator, divisor = -numerator, -divisor
    whole = size(0)
    if len(divisor.terms) == 1:
        rest: Terms = {}
        for monomial, coefficient in numerator.terms.items():
            cofactor = cofactor_of(monomial, leader)
            q, r = divmod(coefficient, divisor.terms[leader]) if cofactor is not None else (0, 0)
            if cofactor is not None and q:
                whole += Size({cofactor: q})
                coefficient = r
            if coefficient:
                rest[monomial] = coefficient
        numerator = Size(rest)
    both = [*numerator.terms, *divisor.terms]
    common = [a for a in both[0] if all(a in m for m in both)]
    factor = reduce(operator.mul, (Size({(a,): 1}) for a in dict.fromkeys(common)), size(1))
    factor *= gcd(*numerator.terms.values(), *divisor.terms.values())
    if factor.value != 1:
        above, below = divide_exactly(numerator, factor), divide_exactly(divisor, factor)
        assert above is not None and below is not None
        return whole + floor_quotient(above, below)
    return whole + Size({(Quotient(numerator, divisor),): 1})
