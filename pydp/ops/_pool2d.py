"""What the pools over windows of images share: their geometry, built and checked once.

On each axis, entry k of output o's window lies at position o · stride - padding + k · dilation. An
adaptive axis, with stride 0, is cut into as many equal parts as there are outputs; a window takes
whole every entry that its part touches: from ⌊o · size / out⌋ to below ⌈(o + 1) · size / out⌉.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydp import _kernels
from pydp._arguments import integer
from pydp._arrays import Array
from pydp.ops._signal import axis_name, one_axis, reader


class Axis(NamedTuple):
    """One axis: sizes of x and y, window (adaptive: at most), stride, padding, dilation."""

    size: int
    out: int
    window: int
    stride: int
    padding: int
    dilation: int

    def start(self, o: Any) -> Any:
        """Where entry 0 of output o's window lies."""
        return o * self.stride - self.padding if self.stride else o * self.size // self.out

    def inside(self, o: int) -> list[tuple[int, int]]:
        """(k, position) of the entries of output o's window that are not padding."""
        start = self.start(o)
        if not self.stride:
            end = -(-(o + 1) * self.size // self.out)
            return list(enumerate(range(start, end)))
        entries = [(k, start + k * self.dilation) for k in range(self.window)]
        return [(k, i) for k, i in entries if 0 <= i < self.size]

    def out_type(self, name: str, ceil_mode: bool) -> str:
        """The size of y as a quotient of x's size `name`."""
        reach = self.dilation * (self.window - 1)
        room = 2 * self.padding - reach - 1
        if ceil_mode:  # rounded up, but no window begins behind x: the smaller of the two
            room += min(self.stride - 1, reach - self.padding)
        return f"({name} + {room}) // {self.stride} + 1"


class Pool2d(NamedTuple):
    """The members of pd_pool2d_geometry (csrc/kernels/pool2d.h), in its order.

    The axes are `h` and `w`: size of x, size of y, window, stride, padding, dilation. The last two
    are not the struct's: whether the size of y is given, not computed from x's, and whether it is
    rounded up.
    """

    n: int
    c: int
    h_in: int
    h_out: int
    h_window: int
    h_stride: int
    h_padding: int
    h_dilation: int
    w_in: int
    w_out: int
    w_window: int
    w_stride: int
    w_padding: int
    w_dilation: int
    count_include_pad: int = 0
    divisor: int = 0
    adaptive: bool = False
    ceil_mode: bool = False

    @property
    def h(self) -> Axis:
        return Axis(*self[2:8])

    @property
    def w(self) -> Axis:
        return Axis(*self[8:14])

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return self.n, self.c, self.h_in, self.w_in

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        return self.n, self.c, self.h_out, self.w_out

    def x_type(self) -> str:
        return f"real[n, c, {self.h_in}, {self.w_in}]"

    def y_type(self) -> str:
        return f"real[n, c, {self.h_out}, {self.w_out}]"

    def out_type(self) -> str:
        """The type of y for any x, with h and w for the sizes of x."""
        if self.adaptive:
            return self.y_type()
        h, w = self.h.out_type("h", self.ceil_mode), self.w.out_type("w", self.ceil_mode)
        return f"real[n, c, {h}, {w}]"

    def typing(self) -> str:
        """The signature of the pool's forward."""
        return f"real[n, c, h, w] -> {self.out_type()}"

    def windows(self) -> Iterator[tuple[int, int, list[tuple[int, int, int]]]]:
        """(o, p, entries) of each output, entries as (k, i, j); for the references."""
        for o in range(self.h_out):
            for p in range(self.w_out):
                yield (
                    o,
                    p,
                    [
                        (ky * self.w_window + kx, i, j)
                        for ky, i in self.h.inside(o)
                        for kx, j in self.w.inside(p)
                    ],
                )


def pool2d(
    op: str,
    x: Array,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    count_include_pad: bool = False,
    divisor_override: int | None = None,
) -> Pool2d:
    """The geometry of a pool over x (n, c, h, w), or the error of its first bad argument.

    Of max_pool1d and avg_pool1d x is (n, c, l), and the image is of height 1.
    """
    n, c, height, width = image_shape(op, x)
    if not isinstance(ceil_mode, bool):
        raise TypeError(f"{op}: ceil_mode must be a bool, got {ceil_mode!r}")
    if not isinstance(count_include_pad, bool):
        raise TypeError(f"{op}: count_include_pad must be a bool, got {count_include_pad!r}")
    two = reader(op)
    windows = two(kernel_size, op, "kernel_size", 1)
    strides = windows if stride is None else two(stride, op, "stride", 1)
    paddings = two(padding, op, "padding", 0)
    dilations = two(dilation, op, "dilation", 1)
    sizes = zip((height, width), windows, strides, paddings, dilations, strict=True)
    h, w = [_axis(op, axis_name(i, op), *numbers, ceil_mode) for i, numbers in enumerate(sizes)]
    integer(windows[0] * windows[1], op, "the number of entries of a window")
    divisor = 0
    if divisor_override is not None:
        divisor = integer(divisor_override, op, "divisor_override", 1)
    return Pool2d(n, c, *h, *w, int(count_include_pad), divisor, False, ceil_mode)


def image_shape(op: str, x: Array) -> tuple[int, ...]:
    """(n, c, h, w) of an image, (n, c, 1, l) of a signal."""
    axes, names = (3, "n, c, l") if one_axis(op) else (4, "n, c, h, w")
    if x.ndim != axes:
        raise ValueError(f"{op}: x must have {axes} axes ({names}), got shape {x.shape}")
    return (*x.shape[:2], 1, x.shape[2]) if one_axis(op) else x.shape


def _axis(
    op: str, name: str, size: int, window: int, stride: int, padding: int, dilation: int, ceil: bool
) -> Axis:
    """One axis with its output size; PyTorch's rule, by which with ceil_mode the last window may
    leave x on the right but must begin inside x or its left padding."""
    if size < 1:
        raise ValueError(f"{op}: {name} of x must be at least 1, got {size}")
    if padding > window // 2:
        raise ValueError(
            f"{op}: padding must be at most half of kernel_size {window}, got {padding}"
        )
    reach = dilation * (window - 1) + 1
    out = (size + 2 * padding - reach + (stride - 1 if ceil else 0)) // stride + 1
    if ceil and (out - 1) * stride >= size + padding:
        out -= 1
    if out < 1:
        raise ValueError(
            f"{op}: a window that reaches over {reach} does not fit into {name} {size} with "
            f"padding {padding}: the output would have size {out}"
        )
    axis = Axis(size, out, window, stride, padding, dilation)
    # steps longer than x can pass over it: from the left padding beyond its end
    if dilation > size and not all(start % dilation < size for start in range(-padding, 0, stride)):
        raise ValueError(
            f"{op}: with dilation {dilation} and padding {padding} a window has no entry inside "
            f"{name} {size}"
        )
    return axis


def new_y(pool: Pool2d, dtype: Any) -> Array:
    return _kernels.empty_channels_last(pool.y_shape, dtype)


def new_x(pool: Pool2d, dtype: Any) -> Array:
    return _kernels.empty_channels_last(pool.x_shape, dtype)


def adaptive_pool2d(op: str, x: Array, output_size: Any) -> Pool2d:
    """The geometry of a pool over x (n, c, h, w) into an image of output_size."""
    n, c, *sizes = image_shape(op, x)
    wanted = output_sizes(op, output_size, 1 if one_axis(op) else 2)
    both = (1, *wanted) if one_axis(op) else wanted
    h, w = [_adaptive_axis(op, axis_name(i, op), sizes[i], both[i]) for i in range(2)]
    return Pool2d(n, c, *h, *w, 0, 0, True)


def output_sizes(op: str, given: Any, axes: int) -> tuple[int | None, ...]:
    """One size for each axis, or None where it stays."""
    several = given if isinstance(given, (tuple, list)) else (given,) * axes
    if len(several) != axes:
        ints = "an int or two" if axes == 2 else "an int or a tuple of one"
        raise ValueError(f"{op}: output_size must be {ints}, got {given!r}")
    return tuple([None if n is None else integer(n, op, "output_size", 1) for n in several])


def _adaptive_axis(op: str, name: str, size: int, wanted: int | None) -> Axis:
    """Parts of whole entries are windows side by side, as of an ordinary pool."""
    if size < 1:
        raise ValueError(f"{op}: {name} of x must be at least 1, got {size}")
    out = wanted or size
    size = int(size)  # the windows are these numbers', whatever the size is in general
    if size * out >= 1 << 62:  # the kernels multiply them
        raise ValueError(f"{op}: {name} {size} of x is too large")
    if size % out == 0:
        return Axis(size, out, size // out, size // out, 0, 1)
    return Axis(size, out, size // out + 2, 0, 0, 1)  # an entry more at each end, at most
