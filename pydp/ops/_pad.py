"""pad: places before and after a tensor along its last axes, and places cut off.

y[o] = x[i], i = o - low along each axis; an i outside x is `value`, or brought inside by the
mode. The gradient adds up what each x[i] became: of the constant mode that is a pad by the
negative widths, of the others pad_backward, whose gradient is pad again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import integer, sequence
from pydp._arrays import Array, scalar
from pydp._graph import apply
from pydp._op import Op, language
from pydp.ops._shape import value as tensor_value

Widths = tuple[tuple[int, int], ...]  # (before, after) of each axis
NUMPY_MODES: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _sizes(shape: Sequence[Any], widths: Widths) -> tuple[Any, ...]:
    return tuple([n + (low + high) for n, (low, high) in zip(shape, widths, strict=True)])


def _lows(widths: Widths) -> tuple[int, ...]:
    return tuple([low for low, _ in widths])


class Pad(Op):
    name = "pad"
    type = "any[...] -> any[...]"

    @staticmethod
    def type_at(types: Sequence[Any], widths: Widths, mode: str, value: Any) -> str:
        (x,) = types
        return f"{x} -> {language.array(x.kind, *_sizes(x.axes, widths))}"

    @staticmethod
    def forward(needs: Any, x: Array, widths: Widths, mode: str, value: Any) -> Any:
        dense, fill = _kernels.in_order_of(x, x.strides), np.array(value, x.dtype)
        sizes = _sizes(x.shape, widths)
        y = _kernels.pad(dense, fill, _lows(widths), sizes, _kernels.pad_modes[mode])
        return y, (x.shape,)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, widths: Widths, mode: str, value: Any) -> Any:
        if mode == "constant":
            opposite = tuple([(-low, -high) for low, high in widths])
            return (apply(Pad, (dy,), opposite, mode, 0),)
        return (apply(PadBackward, (dy,), widths, mode, saved[0]),)

    @staticmethod
    def reference(x: Array, widths: Widths, mode: str, value: Any) -> Array:
        more = [(max(low, 0), max(high, 0)) for low, high in widths]
        if not x.ndim:
            return x
        if mode == "constant":
            y = np.pad(x, more, constant_values=value)
        else:
            y = np.pad(x, more, mode=NUMPY_MODES[mode])
        cuts = zip(y.shape, widths, strict=True)
        return y[tuple([slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in cuts])]


class PadBackward(Op):
    name = "pad_backward"
    type = "real[...] -> real[...]"

    @staticmethod
    def type_at(types: Sequence[Any], widths: Widths, mode: str, shape: tuple[int, ...]) -> str:
        return f"{types[0]} -> {language.array(types[0].kind, *shape)}"

    @staticmethod
    def forward(needs: Any, dy: Array, widths: Widths, mode: str, shape: Any) -> Any:
        dense = _kernels.in_order_of(dy, dy.strides)
        return _kernels.pad_backward(dense, _lows(widths), shape, _kernels.pad_modes[mode]), None

    @staticmethod
    def backward(saved: Any, ddx: Any, needs: Any, widths: Widths, mode: str, shape: Any) -> Any:
        return (apply(Pad, (ddx,), widths, mode, 0),)

    @staticmethod
    def reference(dy: Array, widths: Widths, mode: str, shape: tuple[int, ...]) -> Array:
        dx = np.zeros(shape)
        numbers = np.arange(dx.size).reshape(shape)
        np.add.at(dx.reshape(-1), Pad.reference(numbers, widths, mode, 0), dy)
        return dx


def _widths(padding: Any, shape: tuple[int, ...]) -> Widths:
    """PyTorch's order, the last axis first, as (before, after) of every axis."""
    given = sequence(padding, "pad", "padding")
    if len(given) % 2 or len(given) > 2 * len(shape):
        raise ValueError(
            f"pad: padding must hold two ints for each of the last axes, of which x of shape "
            f"{shape} has {len(shape)}, got {padding!r}"
        )
    ints = [integer(n, "pad", "padding") for n in given]
    pairs = [(ints[i], ints[i + 1]) for i in range(0, len(ints), 2)]
    return ((0, 0),) * (len(shape) - len(pairs)) + tuple(pairs[::-1])


def _check(n: int, low: int, high: int, axis: int, mode: str) -> None:
    """Refuse widths that the mode cannot fill from an axis of length n."""
    if n + low + high < 0:
        raise ValueError(
            f"pad: padding ({low}, {high}) leaves less than nothing of axis {axis} of length {n}"
        )
    if mode == "constant" or (low == 0 and high == 0):
        return
    if n < 1:
        raise ValueError(f"pad: mode {mode!r} needs an element to repeat, axis {axis} has none")
    most = {"reflect": n - 1, "circular": n}.get(mode, max(low, high))
    if max(low, high) > most:
        raise ValueError(
            f"pad: mode {mode!r} pads axis {axis} of length {n} by at most {most}, "
            f"got ({low}, {high})"
        )


def pad(x: Any, padding: Sequence[int], mode: str = "constant", value: float = 0.0) -> Any:
    """x with places before and after its elements along its last axes.

    Type: ``any[..., h, w] -> any[..., h + c + d, w + a + b]`` for padding (a, b, c, d).

    - `x`: a tensor of any dtype. The result's axes lie in memory in the order of x's.
    - `padding`: two ints for each axis, before and after, the last axis first; axes without are
      left as they are. A negative number cuts places off.
    - `mode`: what stands there. For x = 1 2 3 and padding (2, 2):

      - "constant": `value`, `v v 1 2 3 v v`
      - "reflect": x mirrored at its first and last element, `3 2 1 2 3 2 1`; less than its length
      - "replicate": the nearest element, `1 1 1 2 3 3 3`
      - "circular": x again, `2 3 1 2 3 1 2`, once at most; what is to be cut off is, before

    ValueError for widths that x cannot fill, and for a value with another mode than "constant".

    The order of `padding` is PyTorch's (NumPy's is the first axis first); all modes take any number
    of axes.

    >>> import pydp
    >>> pydp.pad(pydp.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    >>> pydp.pad(pydp.tensor([1, 2, 3]), (-1, 2))
    tensor([2, 3, 0, 0])
    """
    x = tensor_value(x, "pad")
    widths = _widths(padding, x.shape)
    if not isinstance(mode, str) or mode not in _kernels.pad_modes:
        listed = ", ".join(repr(name) for name in _kernels.pad_modes)
        raise ValueError(f"pad: mode must be one of {listed}, got {mode!r}")
    fill = scalar(value, x.dtype, "pad")
    if x.dtype.kind in "iu" and fill != value:
        raise ValueError(f"pad: value must be whole for x of {x.dtype}, got {value}")
    if mode != "constant" and not fill == 0:
        raise ValueError(f"pad: value is for mode 'constant', got {value} for {mode!r}")
    if mode == "circular" and any(n < 0 for pair in widths for n in pair):
        cuts = zip(x.shape, widths, strict=True)
        x = x[tuple([slice(max(-low, 0), max(n + min(high, 0), 0)) for n, (low, high) in cuts])]
        widths = tuple([(max(low, 0), max(high, 0)) for low, high in widths])
    for axis, (n, (low, high)) in enumerate(zip(x.shape, widths, strict=True)):
        _check(n, low, high, axis, mode)
    return apply(Pad, (x,), widths, mode, fill.item())
