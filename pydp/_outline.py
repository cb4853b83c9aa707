"""Outlines: arrays of an example whose shapes are Lengths, and how they pass through operations.

    x      real[2, 7, 64]   outline (b, t, 64)
    y      = linear(x, weight[32, 64])              computed by the kernel, as ever
           type of linear: (real[..., i], real[o, i], real[o]?) -> real[..., o]
           so y's outline is (b, t, 32)

Operations run as they always do, on the example's numbers. An Outliner watches: for each it asks
the op's declared type what the result's sizes are in general, and writes them on the result. What
the type demands of sizes is a guard.

Invariant: an outline with the example's numbers put in is the array's shape. Where a type's words
do not hold for the example (a slice that begins behind the end), nothing is written: the size is a
bare number then, which a second example finds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from pydp import _length
from pydp import _signature as language
from pydp._condition import Condition, at_least
from pydp._context import Watcher, line
from pydp._inference import Inference, Place
from pydp._length import Length, length, size_of
from pydp._notation import Array, Tuple
from pydp._size import SignatureError, Size, symbol

KINDS: Mapping[str, language.Kind] = {"f": "real", "i": "token", "u": "token", "b": "bool"}

REDUCTIONS = (np.all, np.any, np.argmax, np.argmin, np.max, np.min, np.sum)


class Outline(np.ndarray[Any, Any]):
    """An array whose shape may have Lengths."""

    sizes: tuple[int, ...] | None

    def __array_finalize__(self, other: Any) -> None:
        self.sizes = None  # of a view or copy nothing is known

    @property  # type: ignore[misc]  # NumPy's can be set
    def shape(self) -> tuple[int, ...]:
        return super().shape if self.sizes is None else self.sizes

    @property
    def size(self) -> int:
        return super().size if self.sizes is None else math.prod(self.sizes)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """NumPy's elementwise functions, and reductions by them."""
        plain = [np.asarray(x) if isinstance(x, Outline) else x for x in inputs]
        y = getattr(ufunc, method)(*plain, **options)
        if method == "__call__" and type(y) is not tuple:
            return outlined(np.asarray(y), _together([getattr(x, "shape", ()) for x in inputs]))
        if method == "reduce":
            return outlined(np.asarray(y), _reduced(self.shape, **options))
        return y

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        """NumPy's reductions; of what other functions give nothing is known."""
        plain = [np.asarray(x) if isinstance(x, Outline) else x for x in args]
        y = function(*plain, **options)
        if function in REDUCTIONS and args[0] is self:
            kept = {name: options[name] for name in ("axis", "keepdims") if name in options}
            return outlined(np.asarray(y), _reduced(self.shape, **{"axis": None, **kept}))
        return y

    def _no_value(self, *_: Any) -> Any:
        raise SignatureError("a value is asked for, and types have none")

    item = tolist = __bool__ = __int__ = __float__ = _no_value

    def __reduce__(self) -> Any:
        return np.asarray(self).__reduce__()


def outlined(array: Any, sizes: Sequence[int]) -> Any:
    """The array with these sizes written on it."""
    found = array.view(Outline)
    found.sizes = tuple(sizes)
    return found


def _together(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """What the shapes broadcast to."""
    axes = zip_longest(*[reversed(shape) for shape in shapes], fillvalue=1)
    picked = [max(sizes, key=lambda n: (int(n), isinstance(n, Length))) for sizes in axes]
    return tuple(reversed(picked))


def _reduced(
    shape: tuple[int, ...], axis: Any = 0, keepdims: bool = False, **_: Any
) -> tuple[int, ...]:
    given = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = {a % len(shape) for a in given}
    return tuple([1 if i in gone else n for i, n in enumerate(shape) if keepdims or i not in gone])


def type_of(value: Any) -> Any:
    """The type of a tensor or a tuple of them, in general; None of None."""
    if value is None:
        return None
    if isinstance(value, tuple | list):
        return Tuple(tuple([type_of(x) for x in value]))
    array = value._array
    return Array(KINDS[array.dtype.kind], None, tuple(map(size_of, array.shape)))


class Outliner(Watcher):
    """Writes outlines on the results of operations. `example` has the number of each name."""

    def __init__(self, example: Mapping[str, int]) -> None:
        self.example = {name: language.size(n) for name, n in example.items()}
        self.steps: list[tuple[str, Any]] = []  # (op and types in general, line)

    def length(self, general: Size) -> int:
        value = general.substitute(self.example).value
        assert value is not None, general
        return length(value, general)

    def applied(
        self, op: Any, inputs: Any, arguments: tuple[Any, ...], results: tuple[Any, ...]
    ) -> None:
        known = any(x is not None and isinstance(x._array, Outline) for x in inputs)
        if not known and not _has_length(arguments):
            return
        if not hasattr(op, "type_at"):
            return  # a rule of a user's own: nothing is declared
        types = [type_of(x) for x in inputs]
        self.steps.append((f"{op.name} {', '.join(map(str, types))}", line()))
        found = self._result(op, types, arguments)
        parts = found.items if isinstance(found, Tuple) else (found,) * len(results)
        for result, part in zip(results, parts, strict=True):
            if isinstance(part, Array) and result is not None and result._array is not None:
                self._write(result, part)

    def _result(self, op: Any, types: list[Any], arguments: tuple[Any, ...]) -> Any:
        if op.broadcasts_before is not None:
            types = broadcast(types, op.broadcasts_before)
        scheme = language.parse(op.type_at(types, *arguments))
        own = {n: f"{n}.0" for n in scheme.names if n not in self.example}
        scheme = scheme._renamed(own, {n: f"{n}.0" for n in scheme.dots})
        inference = Inference()
        inference.enter(self.example)
        inference.enter(scheme.names)
        places = Place("argument", "the call"), Place("parameter", op.name)
        try:
            result = inference.apply(scheme.type, types, places)
            for condition in scheme.conditions:
                now = condition.substitute(inference.sizes).substitute(self.example)
                if now.verdict is False:  # the op did what it does elsewhere
                    return language.ANY
                inference.require(condition)
        except SignatureError as error:
            raise type(error)(f"{op.name}: {error}", error.subject) from None
        for name, general in inference.sizes.items():
            if name in self.example:
                self.require(op, Condition(symbol(name), "==", general))
        for condition in inference.conditions:
            self.require(op, condition)
        return inference.resolve(result)

    def require(self, op: Any, condition: Condition) -> None:
        """What a type demands: the example must satisfy it."""
        if not condition.names <= self.example.keys():
            return  # about a size that the type leaves open
        if condition.substitute(self.example).verdict is False:
            raise SignatureError(f"{op.name}: {condition} is false")
        _length.note(condition)

    def _write(self, result: Any, part: Array) -> None:
        shape = np.shape(np.asarray(result._array))
        if part.dots is not None or any(
            not axis.names <= self.example.keys() for axis in part.axes
        ):
            return  # the type does not say
        sizes = tuple([self.length(axis) for axis in part.axes])
        if tuple(map(int, sizes)) != shape:
            return
        for axis in part.axes:
            _length.note(at_least(axis, 0))
        result._array = outlined(result._array, sizes)


def _has_length(value: Any) -> bool:
    """Whether there is a Length among an op's arguments."""
    if isinstance(value, slice):
        return _has_length((value.start, value.stop, value.step))
    if isinstance(value, tuple | list):
        return any(map(_has_length, value))
    return isinstance(value, Length)


def broadcast(types: list[Any], fixed: int) -> list[Any]:
    """The types with all axes but the last `fixed` broadcast: each is 1 or what the others are."""
    heads = [t.axes[: len(t.axes) - fixed] for t in types if t is not None]
    rank = max(map(len, heads), default=0)
    one = language.size(1)
    common: list[Size] = []
    for i in range(rank):
        axes = [head[i - rank] for head in heads if len(head) >= rank - i]
        common.append(next((axis for axis in axes if not axis.same(one)), one))

    def spread(t: Any) -> Any:
        if t is None:
            return None
        head = t.axes[: len(t.axes) - fixed]
        kept = [
            common[i] if i < rank - len(head) or head[i - rank].same(one) else head[i - rank]
            for i in range(rank)
        ]
        return Array(t.kind, None, (*kept, *t.axes[len(t.axes) - fixed :]))

    return [spread(t) for t in types]
