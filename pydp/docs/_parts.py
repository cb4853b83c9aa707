"""Parts of pages that need no page to be made: pictures, calls, what opens on a click."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator
from html import escape
from typing import Any

from pydp.docs._contents import full
from pydp.docs._prose import fenced

BAR = r"\|"


def joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def figure(svg: str, caption: str, large: str = "") -> Iterator[str]:
    """A picture, with what it shows, and where it is as large as it was drawn."""
    width = re.search(r'width="([\d.]+)"', svg)
    style = f' style="--natural: {width[1]}px"' if width else ""
    yield f'```{{raw}} html\n<figure class="diagram"{style}>\n{svg.strip()}\n</figure>\n```'
    link = f' · <a href="{large}">larger</a>' if large else ""
    said = f"<code>{escape(caption)}</code>{link}"
    yield f'```{{raw}} html\n<p class="drawn">{said}</p>\n```'


def folded(title: str, text: str) -> Iterator[str]:
    """Text that opens on a click."""
    title = re.sub(r"`(.*?)`", r"<code>\1</code>", title)
    yield f"```{{raw}} html\n<details><summary>{title}</summary>\n```"
    yield text
    yield "```{raw} html\n</details>\n```"


def quoted(text: str) -> str:
    return f":::{{container}} head\n\n{text}:::"


def signature(name: str, value: Any) -> str:
    """How it is called."""
    return fenced(call(full(name).removeprefix("pydp.") if "nn." in name else full(name), value),
                  "python", "call")  # fmt: skip


def asked(name: str, value: Any) -> str:
    """A name at Python's prompt, and the answer."""
    answer = "" if value is None else f"\n{value!r}"
    return fenced(f">>> {name}{answer}", "pycon")


def call(name: str, value: Any) -> str:
    """A call with all arguments and their defaults.

    >>> call("f", lambda x, *, axis=None: x)
    'f(x, *, axis=None)'
    """
    parameters = _parameters(value)
    if parameters is None:
        return name
    words = []
    star = False
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            star = True
            words.append(f"*{parameter.name}")
        elif parameter.kind is parameter.VAR_KEYWORD:
            words.append(f"**{parameter.name}")
        else:
            if parameter.kind is parameter.KEYWORD_ONLY and not star:
                star = True
                words.append("*")
            default = parameter.default
            said = "" if default is parameter.empty else f"={_default(default)}"
            words.append(f"{parameter.name}{said}")
    if words and words[0].startswith("*_"):  # not for callers
        return name
    indent = " " * (len(name) + 1)
    joints = [word.replace(" ", "\0") for word in words]
    lines = textwrap.fill(", ".join(joints), 88, initial_indent=indent, subsequent_indent=indent)
    return f"{name}({lines.replace(chr(0), ' ').strip()})"


def _default(value: Any) -> str:
    text = repr(value)
    return "…" if " at 0x" in text or text.startswith("<") else text


def _parameters(value: Any) -> list[inspect.Parameter] | None:
    """Without self. A class is called as its __init__ says, or as a tuple's __new__."""
    function = value
    if isinstance(value, type):
        function = inspect.getattr_static(value, "__init__")
        if not inspect.isfunction(function):
            function = inspect.getattr_static(value, "__new__")
            if not issubclass(value, tuple):
                return []
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    return [p for p in found if p.name not in ("self", "cls")]


def arguments_of(value: Any) -> list[str]:
    """The names of its arguments."""
    return [p.name for p in _parameters(value) or []] if callable(value) else []


def members(kind: type[Any], elsewhere: Collection[Any]) -> dict[str, Any]:
    """What a class has, with what it inherits from classes of pydp, but for some."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.split(".")[0] == "pydp" and not any(base is e for e in elsewhere):
            found |= vars(base)
    return found
