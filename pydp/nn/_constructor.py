"""What a module is made with, held against its constructor's signature before the constructor runs.

Python's own error names the base that has the `__init__`, not the class that was called, and for a
class without `__init__` there would be none at all: `ReLU(inplace=True)` would pass unheard.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any


def check_made_with(cls: type, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """TypeError where `cls(*args, **kwargs)` does not fit. A decorated constructor takes what its
    decorator takes; one that does not say what it takes judges by itself."""
    constructor = inspect.getattr_static(cls, "__init__")
    try:
        takes = inspect.signature(constructor, follow_wrapped=False)
    except (TypeError, ValueError):
        return
    if constructor is object.__init__:
        takes = takes.replace(parameters=list(takes.parameters.values())[:1])
    try:
        takes.bind(None, *args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}: {error}; write {cls.__name__}{_shown(takes)}") from None


def _shown(takes: inspect.Signature) -> inspect.Signature:
    """Without self and annotations."""
    parameters = [p.replace(annotation=p.empty) for p in takes.parameters.values()]
    named = parameters and parameters[0].kind != inspect.Parameter.VAR_POSITIONAL
    return inspect.Signature(parameters[1:] if named else parameters)
