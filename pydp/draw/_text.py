"""Texts of a diagram: how wide they are, and how large numbers are said.

Nobody can measure a text without the font that will show it, and a picture does not know its
reader's fonts. So the table below has, for each character, the width in the widest sans-serif font
that a page is likely to fall back to (DejaVu Sans), in parts of the font's size, rounded up to
twentieths. In Helvetica, Arial, Segoe or Roboto a text is a little narrower.

Invariant: no label is wider than `width` says, so none leaves its box.
"""

from __future__ import annotations

from pydp._size import Size

WIDTHS = {
    0.30: "IJijl'",
    0.35: " ,./:;\\|·",
    0.40: "()-[]ft",
    0.45: "!r",
    0.50: '"*_`',
    0.55: "?csz",
    0.60: "FLkvxy",
    0.65: "$0123456789EPSTYabdeghnopqu{}",
    0.70: "ABCKRVXZ",
    0.75: "NU",
    0.80: "&DGHOQ",
    0.85: "#+<=>^w~×−÷→←",
    0.90: "M",
    1.00: "%@m…—",
    1.05: "W",
}
WIDTH = {character: width for width, characters in WIDTHS.items() for character in characters}
BOLDER = 0.1  # what a bold character is wider by
UNKNOWN = 1.05


def width(text: str, points: float, bold: bool = False) -> float:
    """How much room a text takes at this font size.

    >>> width("Conv2d", 10)
    39.0
    """
    more = BOLDER if bold else 0.0
    return round(sum(WIDTH.get(c, UNKNOWN) + more for c in text) * points, 2)


def shortened(text: str, points: float, room: float) -> str:
    """The text, or as much of it as there is room for."""
    if width(text, points) <= room:
        return text
    while text and width(text + "…", points) > room:
        text = text[:-1]
    return text.rstrip(" ,(") + "…"


def lines(text: str, points: float, room: float, most: int = 2) -> list[str]:
    """The text in a few lines, which end at commas.

    >>> lines("96, 256, 5, padding=2, groups=2", 10, 150)
    ['96, 256, 5, padding=2,', 'groups=2']
    """
    found: list[str] = []
    for part in text.split(", ") if text else []:
        longer = f"{found[-1]}, {part}" if found else part
        if not found or (width(longer + ",", points) > room and len(found) < most):
            found.append(part)
        else:
            found[-1] = longer
    return [*[f"{line}," for line in found[:-1]], *[shortened(x, points, room) for x in found[-1:]]]


def human(count: int) -> str:
    """A large number in at most four digits.

    >>> [human(n) for n in (0, 950, 23296, 61_100_840, 4_089_184_256)]
    ['0', '950', '23.3 k', '61.1 M', '4.09 G']
    """
    units = ["", " k", " M", " G", " T", " P"]
    value = float(count)
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    unit = units[0]
    digits = 0 if not unit or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f}{unit}"


def counted(count: Size, longest: int = 40, unit: str = "") -> str:
    """A count, perhaps open: `1.54 k·t² + 7.08 M·t`; "" where that gets long.

    >>> from pydp._size import size, symbol
    >>> t = symbol("t")
    >>> counted(size(714_188_480)), counted(7_077_888 * t + 1536 * t * t)
    ('714 M', '1.54 k·t² + 7.08 M·t')
    >>> counted(4096 * t, unit="B")
    '4.10 kB·t'
    """
    if count.value is not None:
        return _with_unit(count.value, unit)
    parts = []
    for monomial, factor in sorted(count.terms.items(), key=lambda item: -len(item[0])):
        if factor < 0 or not all(isinstance(atom, str) for atom in monomial):
            return ""
        powers = [(str(a), monomial.count(a)) for a in dict.fromkeys(monomial)]
        names = [a + {1: "", 2: "²", 3: "³"}.get(n, f"^{n}") for a, n in powers]
        parts.append("·".join([_with_unit(factor, unit), *names]))
    text = " + ".join(parts)
    return text if len(text) <= longest else ""


def _with_unit(count: int, unit: str) -> str:
    text = human(count)
    return text if not unit else f"{text}{unit}" if " " in text else f"{text} {unit}"
