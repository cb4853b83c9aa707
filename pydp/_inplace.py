"""Writes in place: how often a memory was written, by what, and who else looks at it.

A version belongs to a memory and is shared by all values over it:

    [count]                       of writes; all that most memories ever need
    [count, op, line, views]      the last write, and weak references to the views in the graph
"""

from __future__ import annotations

import weakref
from typing import Any


def last_change(version: list[Any]) -> str:
    if len(version) == 1 or version[1] is None:
        return ""
    return f"; it was last changed by {version[1]} at {version[2]}"


def note_view(x: Any, y: Any) -> None:
    """y lies in x's memory: they share a version, and a write may move y in the graph."""
    y._version = version = x._version
    if y._node is not None:
        if len(version) < 4:
            version.extend([None, None, []][len(version) - 1 :])
        views = version[3]
        if len(views) >= 16 and len(views) & (len(views) - 1) == 0:
            views[:] = [ref for ref in views if ref() is not None]
        views.append(weakref.ref(y))
