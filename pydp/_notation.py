"""The notation of type signatures: the tree, its text, and the parser between them.

    signature  =  type [ "where" condition { "," condition } ]
    type       =  item [ "->" type ]                                 an arrow binds to the right
    item       =  "any" | kind "[" [ axes ] "]" | "(" [ argument { "," argument } ] ")"
    argument   =  type | item "?"                                    `?`: may be left out
    axes       =  axis { "," axis }                                  with one "..." at most
    axis       =  size | "..."
    kind       =  "real" | "token" | "bool" | "any"
    condition  =  size ( "==" | "!=" | ">=" | "<=" | ">" | "<" ) size
    size       =  integers and names under + - * // % and parentheses, as in Python

    >>> tree, conditions = read("(real[..., d] -> real[..., d]) -> (real[..., d] -> real[..., d])")
    >>> print(tree.result)
    real[..., d] -> real[..., d]
    >>> tree, conditions = read("real[..., h] -> real[..., h // 4 where h % 4 == 0")
    Traceback (most recent call last):
    pydp._size.SignatureError: expected ',' or ']', got 'where'
      real[..., h] -> real[..., h // 4 where h % 4 == 0
                                       ^

Invariants of the tree: a function whose one argument is a tuple *is* a function of several
arguments (so parentheses never need doubling); a tuple has not one item; `Optional` appears only
among a function's arguments. Every tree prints to a text that reads as that tree. `...` stands for
any number of axes; it is one variable, the same in every array of a signature; `...'` is a second
one, which only composition over an undeclared type (`any`) produces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias, TypeVar, cast

from pydp._condition import RELATIONS, Condition
from pydp._size import SignatureError, Size, SizeLike, size, symbol

T = TypeVar("T")
Kind: TypeAlias = Literal["real", "token", "bool", "any"]
KINDS = ("real", "token", "bool", "any")
RESERVED = frozenset((*KINDS, "where"))

MAX_TEXT = 10_000  # characters; more is no signature
MAX_NESTING = 64  # parentheses inside parentheses
MAX_CONDITIONS = 200

# What a `...` stands for: some axes, and perhaps another `...` with so many of them before it.
Inner: TypeAlias = "tuple[str | None, tuple[Size, ...], int]"


# ---- the tree -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class Array:
    """``kind[axes]``, with a ``...`` before the axis number `at`.

    `dots` is None without a ``...``, and `at` is 0 then; else the primes, "" mostly.
    """

    kind: Kind
    dots: str | None
    axes: tuple[Size, ...]
    at: int = 0

    @property
    def behind(self) -> tuple[Size, ...]:
        """The axes that can be counted from the end."""
        return self.axes[self.at :]

    def replace(self, sizes: Mapping[str, Size], dots: Mapping[str, Inner]) -> Array:
        axes = tuple(axis.substitute(sizes) for axis in self.axes)
        if self.dots is None or self.dots not in dots:
            return Array(self.kind, self.dots, axes, self.at)
        inner, more, before = dots[self.dots]
        more = tuple(axis.substitute(sizes) for axis in more)
        at = 0 if inner is None else self.at + before
        return Array(self.kind, inner, (*axes[: self.at], *more, *axes[self.at :]), at)

    def __str__(self) -> str:
        words = [str(axis) for axis in self.axes]
        if self.dots is not None:
            words.insert(self.at, f"...{self.dots}")
        return f"{self.kind}[{', '.join(words)}]"


@dataclass(frozen=True, eq=False, slots=True)
class Anything:
    """The type of what is not declared. It is compatible with every type and says nothing."""

    def replace(self, sizes: Mapping[str, Size], dots: Mapping[str, Inner]) -> Anything:
        return self

    def __str__(self) -> str:
        return "any"


@dataclass(frozen=True, eq=False, slots=True)
class Tuple:
    """Several values; none is ``()``."""

    items: tuple[Type, ...]

    def replace(self, sizes: Mapping[str, Size], dots: Mapping[str, Inner]) -> Tuple:
        return Tuple(tuple(item.replace(sizes, dots) for item in self.items))

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


@dataclass(frozen=True, eq=False, slots=True)
class Optional:
    """``type?``: an argument that may be left out."""

    type: Type

    def replace(self, sizes: Mapping[str, Size], dots: Mapping[str, Inner]) -> Optional:
        return Optional(self.type.replace(sizes, dots))

    def __str__(self) -> str:
        return f"{_one_item(self.type)}?"


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """``arguments -> result``."""

    arguments: tuple[Type | Optional, ...]
    result: Type

    def __post_init__(self) -> None:
        if len(self.arguments) == 1 and isinstance(self.arguments[0], Tuple):
            object.__setattr__(self, "arguments", self.arguments[0].items)

    def replace(self, sizes: Mapping[str, Size], dots: Mapping[str, Inner]) -> Function:
        arguments = tuple(a.replace(sizes, dots) for a in self.arguments)
        return Function(arguments, self.result.replace(sizes, dots))

    def __str__(self) -> str:
        if len(self.arguments) == 1:
            arguments = _one_item(self.arguments[0])
        else:
            arguments = f"({', '.join(map(str, self.arguments))})"
        return f"{arguments} -> {_one_item(self.result)}"


Type: TypeAlias = Array | Anything | Tuple | Function
ANY = Anything()


def _one_item(type_: Type | Optional) -> str:
    return f"({type_})" if isinstance(type_, Function) else str(type_)


def array(kind: Kind, *axes: SizeLike) -> Array:
    """An array type from integers and sizes, as an op's typing function returns it.

    >>> n, h = symbol("n"), symbol("h")
    >>> print(array("real", n, 64, (h - 7)//4 + 1))
    real[n, 64, (h - 7) // 4 + 1]
    """
    if kind not in KINDS:
        raise ValueError(f"a kind is one of {', '.join(KINDS)}, got {kind!r}")
    return Array(kind, None, tuple(map(size, axes)))


def arrays(type_: Type | Optional) -> Iterator[Array]:
    """Every array in a type, from left to right."""
    match type_:
        case Array():
            yield type_
        case Tuple(items=items):
            for item in items:
                yield from arrays(item)
        case Optional(type=inner):
            yield from arrays(inner)
        case Function(arguments=arguments, result=result):
            for argument in arguments:
                yield from arrays(argument)
            yield from arrays(result)
        case Anything():
            pass


# ---- the parser ---------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<space>[ \t\n]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]+)"
    r"|(?P<mark>\.\.\.'*|->|//|[=!<>]=|[-+*%()\[\],?<>])"
)


def read(text: str) -> tuple[Type, list[Condition]]:
    """The tree and the conditions that `text` writes down."""
    parser = _Parser(text)
    tree = parser.type()
    conditions = []
    if parser.accept("where"):
        conditions.append(parser.condition())
        while parser.accept(","):
            conditions.append(parser.condition())
            if len(conditions) > MAX_CONDITIONS:
                parser.fail(f"more than {MAX_CONDITIONS} conditions", parser.starts[-1])
    parser.finish()
    return tree, conditions


def read_size(text: str) -> Size:
    """One size.

    >>> print(read_size("(h - 3)//2 + 1"))
    (h - 3) // 2 + 1
    """
    parser = _Parser(text)
    result = parser.sum()
    parser.finish()
    return result


class _Parser:
    """Recursive descent; `position` is the token looked at, `nesting` the open parentheses."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a signature is text, got {type(text).__name__}")
        self.text = text
        self.tokens: list[str] = []
        self.starts: list[int] = []
        self.position = self.nesting = 0
        if len(text) > MAX_TEXT:
            raise SignatureError(f"a text of {len(text)} characters; at most {MAX_TEXT} are read")
        start = 0
        while start < len(text):
            match = _TOKEN.match(text, start)
            if match is None:
                self.fail(f"unexpected {text[start]!a}", start)
            if match.lastgroup != "space":
                self.tokens.append(match.group())
                self.starts.append(start)
            start = match.end()
        self.tokens.append("")
        self.starts.append(len(text))

    # Looking and taking.

    @property
    def token(self) -> str:
        return self.tokens[self.position]

    def accept(self, token: str) -> bool:
        if self.tokens[self.position] != token:
            return False
        self.position += 1
        return True

    def expect(self, *wanted: str) -> str:
        token = self.token
        if token not in wanted:
            self.unexpected(" or ".join(map(repr, wanted)))
        self.position += 1
        return token

    def finish(self) -> None:
        if self.token:
            self.unexpected("the end")

    def unexpected(self, wanted: str) -> NoReturn:
        got = repr(self.token) if self.token else "the end"
        self.fail(f"expected {wanted}, got {got}", self.starts[self.position])

    def fail(self, message: str, at: int) -> NoReturn:
        """Raises with the text around `at` and a caret below it."""
        first, last = max(0, at - 60), min(len(self.text), at + 40)
        excerpt = "".join(c if " " <= c <= "~" else "?" for c in self.text[first:last])
        before, after = "..." * (first > 0), "..." * (last < len(self.text))
        caret = " " * (at - first + len(before)) + "^"
        raise SignatureError(f"{message}\n  {before}{excerpt}{after}\n  {caret}")

    def enter(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.fail(f"more than {MAX_NESTING} nested parentheses", self.starts[self.position])
        self.position += 1

    def leave(self, *closing: str) -> None:
        self.expect(*closing)
        self.nesting -= 1

    # Types.

    def type(self) -> Type:
        return self.plain(self.arrows(self.item()))

    def arrows(self, first: Type | Optional) -> Type | Optional:
        """``first -> item -> ... -> item``, folded from the right; without an arrow `first`."""
        items = [first]
        while self.accept("->"):
            items.append(self.item())
            if len(items) > MAX_NESTING:
                self.fail(f"more than {MAX_NESTING} arrows", self.starts[self.position])
        if len(items) == 1:
            return first
        result = self.plain(items.pop())
        while items:
            result = Function((items.pop(),), result)
        return result

    def item(self) -> Type | Optional:
        """A type that is not an arrow, perhaps with its ``?``."""
        token = self.token
        result: Type | Optional
        if token == "(":
            result = self.group()
        elif token == "any" and self.tokens[self.position + 1] != "[":
            self.position += 1
            result = ANY
        elif token in KINDS:
            result = self.array()
        else:
            self.unexpected("a type such as real[..., d]")
        return Optional(self.plain(result)) if self.accept("?") else result

    def plain(self, item: Type | Optional) -> Type:
        """Refuses `?` anywhere but in the argument list of a function."""
        parts = item.items if isinstance(item, Tuple) else (item,)
        if any(isinstance(part, Optional) for part in parts):
            self.fail("only an argument can be optional", self.starts[self.position - 1])
        return cast(Type, item)

    def group(self) -> Type | Optional:
        """``(a, b, ...)``; parentheses around one type are only parentheses."""
        self.enter()
        items: list[Type | Optional] = []
        if self.token != ")":
            items.append(self.arrows(self.item()))
            while self.accept(","):
                items.append(self.arrows(self.item()))
        self.leave(",", ")")  # a comma is possible too, says the message
        if len(items) == 1:
            return items[0]
        for item in items:
            self.plain(item.type if isinstance(item, Optional) else item)
        return Tuple(cast("tuple[Type, ...]", tuple(items)))

    def array(self) -> Array:
        kind = cast(Kind, self.tokens[self.position])
        self.position += 1
        self.expect("[")
        axes: list[Size] = []
        dots, at = None, 0
        if self.token != "]":
            more = True
            while more:
                if not self.token.startswith("..."):
                    axes.append(self.sum())
                elif dots is None:
                    dots, at = self.token[3:], len(axes)
                    self.position += 1
                else:
                    self.fail("a second '...'", self.starts[self.position])
                more = self.accept(",")
        self.expect(",", "]")
        return Array(kind, dots, tuple(axes), at)

    # Conditions and sizes.

    def condition(self) -> Condition:
        left = self.sum()
        relation = self.expect(*RELATIONS)
        return self.computed(Condition, left, relation, self.sum())

    def sum(self) -> Size:
        result = self.term()
        while (operator := self.token) in ("+", "-"):
            self.position += 1
            right = self.term()
            result = self.computed(Size.__add__ if operator == "+" else Size.__sub__, result, right)
        return result

    def term(self) -> Size:
        result = self.factor()
        while (operator := _PRODUCTS.get(self.token)) is not None:
            self.position += 1
            result = self.computed(operator, result, self.factor())
        return result

    def factor(self) -> Size:
        negative = False
        while self.accept("-"):
            negative = not negative
        token = self.token
        if token == "(":
            self.enter()
            result = self.sum()
            self.leave(")")
        elif token[:1].isdigit():
            if len(token) > 19 or int(token) >= 2**63:
                self.fail("a size of 2**63 or more", self.starts[self.position])
            self.position += 1
            result = size(int(token))
        elif token.isidentifier() and token not in RESERVED:
            self.position += 1
            result = symbol(token)
        else:
            self.unexpected("a size")
        return -result if negative else result

    def computed(self, operation: Callable[..., T], *operands: object) -> T:
        """Arithmetic that refuses (a zero divisor, a size too complicated) does so at a place."""
        try:
            return operation(*operands)
        except SignatureError as error:
            self.fail(str(error), self.starts[self.position - 1])


_PRODUCTS = {"*": Size.__mul__, "//": Size.__floordiv__, "%": Size.__mod__}
