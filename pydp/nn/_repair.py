"""What would mend a wiring that does not fit, where one thing evidently would."""

from __future__ import annotations

import inspect
from typing import Any

from pydp._op import language
from pydp.nn._repr import box


def following(
    before: language.Signature, left: str, module: Any, name: str, signature: str | None = None
) -> language.Signature:
    """The type of what comes before (`left`, in messages) and then the module, or that part of the
    module which this signature is. Where they do not fit, the error says what would mend it."""
    then = language.parse(signature) if signature else module.signature
    try:
        return language.compose(before, then)
    except language.SignatureError:
        names = left, f"{name}: {box(module)}"
        raise language.clash(before, then, names, repair(module, before)) from None


def repair(module: Any, before: language.Signature) -> str | None:
    """The module's constructor with the size that comes before it; or a box to put between."""
    result = before.instantiate().function.result  # its names are none of the module's
    given = module.signature.function.arguments[0]
    if not (isinstance(result, language.Array) and isinstance(given, language.Array)):
        return None
    if given.kind == "real" and result.kind == "token":
        return "tokens become vectors by an nn.Embedding between the two"
    result, given = language.Inference().aligned(result, given)
    pairs = zip(reversed(result.axes), reversed(given.axes), strict=False)
    clashes = [
        (a.value, b.value)
        for a, b in pairs
        if a.value is not None and b.value is not None and a.value != b.value
    ]
    if len(clashes) != 1:
        return None
    have, want = clashes[0]
    named = [name for name, value in _arguments(module) if type(value) is int and value == want]
    inputs = [name for name in named if name.startswith(("in", "num_features", "d", "embed"))]
    chosen = inputs if len(inputs) == 1 else named
    return f"{type(module).__name__}({chosen[0]}={have}, …)" if len(chosen) == 1 else None


def _arguments(module: Any) -> list[tuple[str, Any]]:
    """What the constructor was given, by name."""
    args, kwargs = module._made
    try:
        bound = inspect.signature(type(module)).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return []
    return list(bound.arguments.items())
