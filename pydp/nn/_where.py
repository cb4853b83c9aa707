"""Where in a model an error was raised: `AlexNet/features.3: Conv2d: conv2d: groups must …`.

Every module's call passes an exception through `say_where` on its way up; nothing is done while
all goes well. A module knows its own name for a child only by looking, so the path grows by one
part at each level, and the message is written anew.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def say_where(error: Exception, module: Any) -> None:
    """Put the module in front of the error's message. The error stays the object it is.

    The chain of modules so far is kept with the error; a module that named itself is not named
    twice. Where the error's arguments are not one text (an OSError's, a KeyError's), the place is
    a note below the message.
    """
    text, chain, written = getattr(error, "_pydp_where", ("", (), None))
    plain = len(error.args) == 1 and type(error.args[0]) is str and not isinstance(error, KeyError)
    if plain and error.args[0] != written:  # a new error, or one that was given other words
        text, chain = error.args[0].removeprefix(f"{type(module).__name__}: "), ()
    chain = (module, *chain)
    names = [_name_in(above, below) for above, below in pairwise(chain)]
    where = type(module).__name__
    if names:
        where += f"/{'.'.join(names)}: {type(chain[-1]).__name__}"
    if plain:
        written = f"{where}: {text}"
        error.args = (written,)
    else:
        notes = [note for note in getattr(error, "__notes__", ()) if note != written]
        written = f"in {where}"
        error.__notes__ = [*notes, written]
    error._pydp_where = (text, chain, written)  # type: ignore[attr-defined]


def _name_in(above: Any, below: Any) -> str:
    """The path from one module to another, which it need not hold."""
    for path, module in above.named_modules():
        if module is below and path:
            return str(path)
    return f"<{type(below).__name__}>"
