"""Docstrings as Markdown: every kind of piece, nothing lost, nothing that Markdown would take for
its own."""

import inspect

import pytest

from pydp.docs import _contents, _prose
from pydp.docs._prose import Piece, formula, inline, markdown, pieces

DOCSTRING = """y = x Wᵀ + b: every output is a
    weighted sum.

    Arguments
      size   what it is,
             and more
      width  another
    and in the end

    - `x`: one,
      on two lines
    - `y`: two

    For each t::

        h' = a  h

        c' = c

    x        a tensor
    padding  as in `pad`

    >>> 1 + 1
    2

    Some, 2019.
    """


def link(text):
    return f"<{text}>"


def test_pieces():
    assert [piece.kind for piece in pieces(DOCSTRING)] == [
        "prose", "prose", "items", "prose", "bullets", "prose", "block", "items", "example", "prose"
    ]  # fmt: skip
    found = list(pieces(DOCSTRING))
    assert found[2].items == (("size", "what it is,\nand more"), ("width", "another"))
    assert found[4].items == (("", "`x`: one,\non two lines"), ("", "`y`: two"))
    assert found[6].text == "h' = a  h\n\nc' = c"
    assert found[8].text == ">>> 1 + 1\n2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a * b_c [0] <l> |x| #1 ^2", r"a \* b\_c \[0\] \<l\> \|x\| \#1 \^2"),
        ("``x * y`` and `conv2d`", "`x * y` and <conv2d>"),
        ("``b[...,\n s]``", "`b[..., s]`"),
        ("- x\n1. y\n+ z", "\\- x\n1\\. y\n\\+ z"),
    ],
)
def test_inline(text, expected):
    assert inline(text, link) == expected


def test_items_are_a_list_of_definitions():
    piece = Piece("items", items=(("form", '"a": one\n"b": two'), ("`d`", "size")))
    assert markdown(piece, link) == '`form`\n: "a": one\\\n  "b": two\n\n<d>\n: size'


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("y = x Wᵀ + b: every output.", ("", "y = x Wᵀ + b", "every output.")),
        ("One step: max(0, x), a map.", ("One step:", "max(0, x)", "a map.")),
        ("The largest value of each window.", ("The largest value of each window.", "", "")),
        ("h = f(x); y = h.", ("", "h = f(x); y = h", "")),
        ("A box, as AddNorm(f) has it.", ("A box, as AddNorm(f) has it.", "", "")),
    ],
)
def test_formula(sentence, expected):
    assert formula(sentence) == expected


def letters(text):
    return [c for c in text if c.isalnum()]


def test_no_word_of_a_public_docstring_is_lost():
    for name, value in _contents.public().items():
        if callable(value):
            doc = inspect.getdoc(value)
            found = list(pieces(doc))
            said = [p.text + "".join([term + what for term, what in p.items]) for p in found]
            assert letters("".join(said)) == letters(doc), name
            assert letters("".join(_prose.formula(found[0].text))) == letters(found[0].text), name
