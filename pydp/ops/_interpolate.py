"""interpolate: images and signals at another size.

Two linear ops, each the gradient of the other: interpolate is a matrix for each axis,
interpolate_backward their transposes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pydp import _kernels
from pydp._arguments import integer, number, real_tensor
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._shape import expand_dims, squeeze

AXES = {"nearest": (3, 4), "linear": (3,), "bilinear": (4,)}  # of x, for each mode
SIDES = ("height", "width")


class Resize(NamedTuple):
    """Sizes (h, w) of x and of y, places of x to one of y, how a place is read."""

    size: tuple[int, int]
    out: tuple[int, int]
    step: tuple[float, float]
    linear: bool
    corners: bool  # whether the corners' centres meet, rather than their edges
    scale: tuple[float, float] | None  # what the sizes of y come from, if it is that

    def arguments(self) -> tuple[float, float, bool, bool]:
        return *self.step, self.linear, self.corners

    def matrices(self) -> list[Array]:
        """For each axis [out, size], naively: y = matrix @ x. For the references."""
        found = []
        for n, out, step in zip(self.size, self.out, self.step, strict=True):
            matrix = np.zeros((out, n))
            for o in range(out):
                place = step * o if self.corners else step * (o + 0.5) - 0.5
                if not self.linear:
                    place = float(np.float32(step * o))
                place = o if self.linear and n == out else min(max(place, 0), n - 1)
                i = int(place)
                part = place - i if self.linear else 0
                matrix[o, i] += 1 - part
                if part:
                    matrix[o, i + 1] += part
            found.append(matrix)
        return found


class Interpolate(Op):
    name = "interpolate"
    type = "real[n, c, h, w] -> real[n, c, oh, ow]"

    @staticmethod
    def typing(resize: Resize) -> str:
        scales = resize.scale or (None, None)
        sizes = [
            scaled_size(letter, scale) or str(out)
            for letter, out, scale in zip("hw", resize.out, scales, strict=True)
        ]
        return f"real[n, c, h, w] -> real[n, c, {', '.join(sizes)}]"

    @staticmethod
    def forward(needs: Any, x: Array, resize: Resize) -> Any:
        dense = _dense(x)
        y = _like(dense, resize.out)
        _kernels.interpolate_forward(dense, y, *resize.arguments())
        return y, None

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, resize: Resize) -> Any:
        return (apply(InterpolateBackward, (dy,), resize),)

    @staticmethod
    def reference(x: Array, resize: Resize) -> Array:
        h, w = resize.matrices()
        y: Array = np.einsum("oh,nchw,pw->ncop", h, x, w)
        return y


class InterpolateBackward(Op):
    name = "interpolate_backward"
    type = "real[n, c, oh, ow] -> real[n, c, h, w]"

    @staticmethod
    def typing(resize: Resize) -> str:
        (h, w), (oh, ow) = resize.size, resize.out
        return f"real[n, c, {oh}, {ow}] -> real[n, c, {h}, {w}]"

    @staticmethod
    def forward(needs: Any, dy: Array, resize: Resize) -> Any:
        dense = _dense(dy)
        dx = _like(dense, resize.size)
        _kernels.interpolate_backward(dense, dx, *resize.arguments())
        return dx, None

    @staticmethod
    def backward(saved: Any, ddx: Any, needs: Any, resize: Resize) -> Any:
        return (apply(Interpolate, (ddx,), resize),)

    @staticmethod
    def reference(dy: Array, resize: Resize) -> Array:
        h, w = resize.matrices()
        dx: Array = np.einsum("oh,ncop,pw->nchw", h, dy, w)
        return dx


def _dense(x: Array) -> Array:
    """In C order as it is, anything else channels-last."""
    return x if x.flags.c_contiguous else _kernels.in_order_of(x, (4, 1, 3, 2))


def _like(x: Array, size: tuple[int, int]) -> Array:
    """A new array (n, c, *size) in the layout of x."""
    empty = _kernels.empty if x.flags.c_contiguous else _kernels.empty_channels_last
    return empty((*x.shape[:2], *size), x.dtype)


# ---- arguments -----------------------------------------------------------------------------------


def scaled_size(letter: str, scale: float | None) -> str | None:
    """floor(scale · size) as a type writes it; None where that is no short formula."""
    above, below = (0.0 if scale is None else scale).as_integer_ratio()
    if not above or max(above, below) > 64:
        return None
    return f"{above}*{letter} // {below}" if below > 1 else f"{above}*{letter}"


def checked_size(size: Any, axes: int | None, op: str) -> tuple[int, ...] | None:
    """size for each of so many axes; where axes is None, as many as are given."""
    if size is None:
        return None
    given = size if isinstance(size, (tuple, list)) else (size,) * (axes or 1)
    _check_count(given, axes, op, "size", "an int", size)
    return tuple([integer(n, op, "size", 1) for n in given])


def checked_scale(scale: Any, axes: int | None, op: str) -> tuple[float, ...] | None:
    if scale is None:
        return None
    given = scale if isinstance(scale, (tuple, list)) else (scale,) * (axes or 1)
    _check_count(given, axes, op, "scale_factor", "a number", scale)
    scales = tuple([number(s, op, "scale_factor") for s in given])
    for s in scales:
        if not 0 < s < math.inf:
            raise ValueError(f"{op}: scale_factor must be positive and finite, got {s}")
    return scales


def _check_count(
    given: Sequence[Any], axes: int | None, op: str, argument: str, one: str, value: Any
) -> None:
    allowed = (1, 2) if axes is None else (axes,)
    if len(given) not in allowed:
        listed = " or ".join(str(n) for n in allowed)
        raise ValueError(f"{op}: {argument} must be {one} or {listed}, got {value!r}")


def check_options(
    op: str, size: Any, scale_factor: Any, mode: Any, align_corners: Any, recompute: Any
) -> None:
    """What can be said of the arguments before x is known."""
    if not isinstance(mode, str) or mode not in AXES:
        listed = ", ".join(repr(name) for name in AXES)
        raise ValueError(f"{op}: mode must be one of {listed}, got {mode!r}")
    if (size is None) == (scale_factor is None):
        got = "neither" if size is None else "both"
        raise ValueError(f"{op}: expected either size or scale_factor, got {got}")
    flags = {"align_corners": align_corners, "recompute_scale_factor": recompute}
    for name, flag in flags.items():
        if flag is not None and not isinstance(flag, bool):
            raise TypeError(f"{op}: {name} must be a bool or None, got {flag!r}")
    if mode == "nearest" and align_corners is not None:
        raise ValueError(f"{op}: align_corners is for the linear modes, got {align_corners}")
    if recompute and scale_factor is None:
        raise ValueError(f"{op}: recompute_scale_factor is for scale_factor, got size {size!r}")


def _step(n: int, out: int, scale: float | None, corners: bool) -> float:
    if corners:
        return (n - 1) / (out - 1) if out > 1 else 0.0
    return n / out if scale is None else 1 / scale


def _resize(
    shape: tuple[int, ...],
    sizes: tuple[int, ...] | None,
    scales: tuple[float, ...] | None,
    linear: bool,
    corners: bool,
    recompute: bool,
) -> Resize:
    """The geometry for axes of these sizes; a signal is an image of height 1."""
    if len(shape) == 1:
        shape, sizes, scales = (1, *shape), sizes and (1, *sizes), scales and (1.0, *scales)
    (h, w), scale = shape, None if scales is None else (scales[0], scales[1])
    if sizes is None:
        assert scale is not None
        oh, ow = (_scaled(n, s, name) for n, s, name in zip(shape, scale, SIDES, strict=True))
    else:
        oh, ow = sizes
    for n, name in zip(shape, SIDES, strict=True):
        if n < 1:
            raise ValueError(f"interpolate: {name} of x must be at least 1, got {n}")
    by = (None, None) if recompute or scale is None else scale
    step = _step(h, oh, by[0], corners), _step(w, ow, by[1], corners)
    return Resize((h, w), (oh, ow), step, linear, corners, scale)


def _scaled(n: int, scale: float, name: str) -> int:
    if n * scale >= 1 << 31:
        raise ValueError(f"interpolate: scale_factor {scale} makes {name} {n} 2**31 or more")
    out = math.floor(n * scale)
    if n and out < 1:
        raise ValueError(f"interpolate: scale_factor {scale} leaves nothing of {name} {n}")
    return out


def interpolate(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Any:
    """Images or signals at another size: each y[o] is read off x at a place s(o) of each axis.

    Type: ``real[n, c, h, w] -> real[n, c, oh, ow]``, or ``real[n, c, w] -> real[n, c, ow]``.

    - `size`: the sizes of y, an int or one for each axis; or
    - `scale_factor`: a number or one for each axis; the sizes are floor(scale_factor · size of x).
    - `mode`: "nearest" takes the pixel floor(s), s = o · step. "bilinear" (images) and "linear"
      (signals) weigh the two neighbours of s by their distance, s = (o + 1/2) · step - 1/2.
    - `align_corners` (linear modes): True lays the first and last pixels on each other:
      s = o · (size of x - 1) / (size of y - 1).
    - `recompute_scale_factor`: step is 1 / scale_factor; with True, as with `size`, it is
      size of x / size of y, which differs where floor took something off.

    Images may have any strides; y is in C order where x is, else channels-last. ValueError and
    TypeError for arguments outside their range.

    Indices and weights are PyTorch's, but that it takes a scale_factor for 1 or 2 where floor gives
    these sizes, in small images and in all gradients of "nearest". Its modes "nearest-exact",
    "bicubic", "area" and "trilinear", and `antialias`, are not here.

    >>> import pydp
    >>> pydp.interpolate(pydp.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    >>> pydp.interpolate(pydp.tensor([[[0.0, 3.0]]]), size=4, mode="linear", align_corners=True)
    tensor([[[0., 1., 2., 3.]]])
    """
    x = real_tensor(x, "interpolate", "x")
    check_options("interpolate", size, scale_factor, mode, align_corners, recompute_scale_factor)
    if x.ndim not in AXES[mode]:
        axes = " or ".join(str(n) for n in AXES[mode])
        raise ValueError(f"interpolate: mode {mode!r} takes x of {axes} axes, got shape {x.shape}")
    resize = _resize(
        x.shape[2:],
        checked_size(size, x.ndim - 2, "interpolate"),
        checked_scale(scale_factor, x.ndim - 2, "interpolate"),
        mode != "nearest",
        bool(align_corners),
        bool(recompute_scale_factor),
    )
    if x.ndim == 3:
        return squeeze(apply(Interpolate, (expand_dims(x, 2),), resize), 2)
    return apply(Interpolate, (x,), resize)
