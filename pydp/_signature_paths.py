"""Types of boxes that stand beside each other: on two paths that meet, or on one input.

alike(f, g)     x ──┬── f ──┐             beside([f, g])     x ──┬── f ── f(x)
                    └── g ──┴ + ──                               └── g ── g(x)
"""

from __future__ import annotations

from collections.abc import Sequence

from pydp._inference import Inference, Place
from pydp._notation import ANY, Anything, Array, Function, Tuple, Type
from pydp._signature import Signature, parse
from pydp._signature_words import explained, short
from pydp._size import SignatureError, Size, size


def beside(
    boxes: Sequence[tuple[str, Signature]], join: str | None = None, axis: int = -1
) -> Signature:
    """The type of several functions of one argument: their results in a tuple, or joined along an
    axis ("concat"), or added ("add").

    >>> f, g = parse("real[..., 4] -> real[..., 3]"), parse("real[n, d] -> real[n, 5]")
    >>> print(beside([("f", f), ("g", g)]))
    real[n, 4] -> (real[n, 3], real[n, 5])
    >>> print(beside([("f", f), ("g", g)], "concat"))
    real[n, 4] -> real[n, 8]
    """
    inference = Inference()
    functions: list[Function] = []
    for name, signature in boxes:
        type_ = signature.into(inference)
        function = type_ if isinstance(type_, Function) else Function((ANY,), ANY)
        try:
            if functions:
                first = functions[0]
                places = Place("input", boxes[0][0]), Place("input", name)
                inference.unify_lists(first.arguments, function.arguments, *places)
            if functions and join:
                places = Place("output", boxes[0][0]), Place("output", name)
                left, right = [inference.resolve(f.result) for f in (functions[0], function)]
                if join == "concat":
                    left, right = [_with(axis, size(0), x) for x in (left, right)]
                inference.unify(left, right, *places)
        except SignatureError as error:
            raise explained(error, "Parallel: ", [boxes[0], (name, signature)]) from None
        functions.append(function)
    parts = [inference.resolve(f.result) for f in functions]
    result: Type = parts[0] if join else Tuple(tuple(parts))
    if join == "concat":
        known = [x.axes[axis] for x in parts if isinstance(x, Array) and len(x.behind) >= -axis]
        result = _with(axis, sum(known, size(0)), result) if len(known) == len(parts) else ANY
    shown = next((f for f in functions if not isinstance(f.arguments[0], Anything)), functions[0])
    return Signature.close(Function(shown.arguments, result), inference)


def _with(axis: int, value: Size, x: Type) -> Type:
    """The type with this size of an axis; `any` where it is no array that has it."""
    if not isinstance(x, Array) or len(x.behind) < -axis:
        return ANY
    axes = [*x.axes]
    axes[axis] = value
    return Array(x.kind, x.dots, tuple(axes), x.at)


def alike(
    f: Signature | str, g: Signature | str, names: tuple[str, str] = ("first", "second")
) -> Signature:
    """The one type of two functions whose results are added, or of which either may stand.

    >>> print(alike("real[..., d] -> real[..., d]", "real[n, 64] -> real[n, 64]"))
    real[n, 64] -> real[n, 64]
    """
    first, second = parsed(f), parsed(g)
    inference = Inference()
    inference.enter(first.names)
    inference.conditions += first.conditions
    left, right = first.function, second.into(inference)
    try:
        if isinstance(right, Function):
            inputs, outputs = [
                (Place(what, names[0]), Place(what, names[1])) for what in ("input", "output")
            ]
            inference.unify_lists(left.arguments, right.arguments, *inputs)
            inference.unify(left.result, right.result, *outputs)
        learned = left if isinstance(right, Anything) or _says_more(left, right) else right
        return Signature.close(learned, inference)
    except SignatureError as error:
        title = f"{short(names[0])} + {short(names[1])}: "
        raise explained(error, title, [(names[0], first), (names[1], second)]) from None


def _says_more(a: Type, b: Type) -> bool:
    """Whether a has fewer parts of which nothing is known."""
    return str(a).count("any") <= str(b).count("any")


def parsed(value: Signature | str) -> Signature:
    return value if isinstance(value, Signature) else parse(value)
