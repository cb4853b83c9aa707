"""Call: a function that stands in a chain of modules.

Its type is found by trying it on examples of what comes before it (`_proof.result_of`), each time a
type is asked for: a function may depend on anything. Where all that it refers to is constant, as in

    lambda x: pydp.mean(x, axis=(-1, -2))

what was found once is remembered; else a chain of n functions, built by n times `>>`, would try
them n² times.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from pydp._op import language
from pydp.nn._module import Module

CONSTANT = (str, bytes, int, float, type(None), type(...))
LIBRARIES = {"pydp", "numpy", *sys.stdlib_module_names}  # the names in them stay what they are


class Call(Module):
    """A function as a module, so that it can stand between others: what `>>` makes of one.

    Shape: ``any -> any``, or as given by `type`. In a chain the function is tried on an example of
    what comes before it, and its type found so; it must not depend on sizes (a loop over an axis).

    >>> import pydp
    >>> from pydp import nn
    >>> net = nn.Linear(2, 8) >> pydp.tanh >> nn.Linear(8, 3)
    >>> net[1]
    Call(tanh)
    >>> nn.Call(pydp.tanh, type="real[...] -> real[...]").signature
    <signature real[...] -> real[...]>
    """

    def __init__(self, function: Callable[..., Any], type: str | None = None) -> None:
        if not callable(function) or isinstance(function, Module):
            raise TypeError(f"Call: function must be a function, got {function!r}")
        self.function = function
        self.declared = None if type is None else str(language.parse(type))

    @property
    def type(self) -> str:
        return self.declared or "any -> any"

    def after(self, before: language.Signature) -> language.Signature:
        """The type behind a box of this type."""
        if self.declared is not None:
            return self.signature
        given = str(before.function.result)
        try:
            constants = tuple(_constants(self.function))
        except _ChangesError:
            found = _found.__wrapped__(self.function, given, ())
        else:
            found = _found(self.function, given, constants)
        return found or self.signature

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


@functools.lru_cache(maxsize=1024)
def _found(
    function: Callable[..., Any], given: str, constants: tuple[Any, ...]
) -> language.Signature | None:
    from pydp._proof import result_of  # types are not needed to compute

    return result_of(function, language.parse(given).type)


class _ChangesError(Exception):
    """A function refers to something that may be another thing, or changed, the next time."""


def _constants(value: Any, seen: tuple[Any, ...] = ()) -> Iterator[Any]:
    """All constants that a function refers to, and those that these refer to; _ChangesError where
    there is something else, such as a list, a module with weights, the object of a method."""
    if isinstance(value, tuple):
        for item in value:
            yield from _constants(item, seen)
    elif isinstance(value, functools.partial):
        yield from _constants((value.func, value.args, *value.keywords.items()), seen)
    elif isinstance(value, FunctionType) and not _in_a_library(value.__module__):
        if value not in seen:
            yield from _constants(tuple(_references(value)), (*seen, value))
    elif isinstance(value, CONSTANT) or _in_a_library(_home(value)):
        yield type(value), value  # 1 and True are equal
    else:
        raise _ChangesError


def _home(value: Any) -> Any:
    """The Python module that a module, class or function is in; None of other things."""
    if isinstance(value, ModuleType):
        return value.__name__
    owner = getattr(value, "__self__", None)  # of a method; of a builtin function the module
    own = isinstance(value, (type, FunctionType, BuiltinFunctionType))
    return value.__module__ if own and isinstance(owner, ModuleType | None) else None


def _in_a_library(name: Any) -> bool:
    return isinstance(name, str) and name.partition(".")[0] in LIBRARIES


def _references(function: FunctionType) -> Iterator[Any]:
    """What a function's names stand for: in its closure, its defaults, its globals."""
    try:
        yield from [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError as error:  # not yet assigned
        raise _ChangesError from error
    yield function.__defaults__
    yield from (function.__kwdefaults__ or {}).values()
    codes = [function.__code__]
    for code in codes:  # inner functions' too, which are found on the way
        codes += [c for c in code.co_consts if isinstance(c, CodeType)]
        names = [n for n in code.co_names if n in function.__globals__]
        yield from [function.__globals__[n] for n in names]
