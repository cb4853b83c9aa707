"""The modules that pad signals [..., w] and images [..., h, w]: one for each mode of `pad`."""

from __future__ import annotations

from typing import Any, ClassVar

from pydp import ops
from pydp._arguments import integer, number
from pydp.nn._module import Module


class _Pad(Module):
    """Places before and after the last axes; which axes and by what mode, a subclass says.

    padding is an int for all sides, or two for each axis, the last axis first: (left, right, above,
    below). A negative number cuts places off. See `pydp.pad`.
    """

    axes: ClassVar[str]
    mode: ClassVar[str]
    value = 0.0

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        name, sides = type(self).__name__, 2 * len(self.axes)
        given = padding if isinstance(padding, (tuple, list)) else (padding,) * sides
        if len(given) != sides:
            raise ValueError(f"{name}: padding must be an int or {sides}, got {padding!r}")
        self.padding = tuple([integer(n, name, "padding") for n in given])

    @property
    def type(self) -> str:
        low, high = self.padding[::2], self.padding[1::2]
        added = [a + b for a, b in zip(low[::-1], high[::-1], strict=True)]
        sizes = [f"{letter} + {n}" for letter, n in zip(self.axes, added, strict=True)]
        return f"any[..., {', '.join(self.axes)}] -> any[..., {', '.join(sizes)}]"

    def forward(self, x: Any) -> Any:
        return ops.pad(x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        same = len(set(self.padding)) == 1
        return str(self.padding[0] if same else self.padding)


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = number(value, type(self).__name__, "value")

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, value={self.value:g}"


class ZeroPad1d(_Pad):
    """Zeros on both sides of a signal: (left, right), or an int for both.

    Shape: ``any[..., w] -> any[..., w + left + right]``.

    >>> import pydp
    >>> pydp.nn.ZeroPad1d((2, 1)).signature
    <signature any[..., w] -> any[..., w + 3]>
    """

    axes, mode = "w", "constant"


class ZeroPad2d(_Pad):
    """Zeros around an image: (left, right, above, below), or an int for all.

    Shape: ``any[..., h, w] -> any[..., h + above + below, w + left + right]``.

    >>> import pydp
    >>> pydp.nn.ZeroPad2d(1).signature
    <signature any[..., h, w] -> any[..., h + 2, w + 2]>
    """

    axes, mode = "hw", "constant"


class ConstantPad1d(_ConstantPad):
    """As `ZeroPad1d`, with `value` in place of zeros.

    Shape: ``any[..., w] -> any[..., w + left + right]``.

    >>> import pydp
    >>> pydp.nn.ConstantPad1d(1, 9.0)(pydp.tensor([1.0, 2.0]))
    tensor([9., 1., 2., 9.])
    """

    axes = "w"


class ConstantPad2d(_ConstantPad):
    """As `ZeroPad2d`, with `value` in place of zeros.

    Shape: ``any[..., h, w] -> any[..., h + above + below, w + left + right]``.

    >>> import pydp
    >>> pydp.nn.ConstantPad2d((1, 0, 0, 0), 9.0)(pydp.tensor([[1.0, 2.0]]))
    tensor([[9., 1., 2.]])
    """

    axes = "hw"


class ReflectionPad1d(_Pad):
    """A signal mirrored at its first and last place, which are not repeated.

    Shape: ``any[..., w] -> any[..., w + left + right]``.

    >>> import pydp
    >>> pydp.nn.ReflectionPad1d(2)(pydp.tensor([1.0, 2.0, 3.0]))
    tensor([3., 2., 1., 2., 3., 2., 1.])
    """

    axes, mode = "w", "reflect"


class ReflectionPad2d(_Pad):
    """An image mirrored at its outer pixels, which are not repeated: (left, right, above, below).

    Shape: ``any[..., h, w] -> any[..., h + above + below, w + left + right]``.

    >>> import pydp
    >>> pydp.nn.ReflectionPad2d((1, 0, 0, 0))(pydp.tensor([[1.0, 2.0]]))
    tensor([[2., 1., 2.]])
    """

    axes, mode = "hw", "reflect"


class ReplicationPad1d(_Pad):
    """A signal with its first and last place repeated.

    Shape: ``any[..., w] -> any[..., w + left + right]``.

    >>> import pydp
    >>> pydp.nn.ReplicationPad1d(2)(pydp.tensor([1.0, 2.0]))
    tensor([1., 1., 1., 2., 2., 2.])
    """

    axes, mode = "w", "replicate"


class ReplicationPad2d(_Pad):
    """An image with its outer pixels repeated: (left, right, above, below).

    Shape: ``any[..., h, w] -> any[..., h + above + below, w + left + right]``.

    >>> import pydp
    >>> pydp.nn.ReplicationPad2d((1, 0, 0, 0))(pydp.tensor([[1.0, 2.0]]))
    tensor([[1., 1., 2.]])
    """

    axes, mode = "hw", "replicate"


class CircularPad1d(_Pad):
    """A signal that continues at its other end.

    Shape: ``any[..., w] -> any[..., w + left + right]``.

    >>> import pydp
    >>> pydp.nn.CircularPad1d(1)(pydp.tensor([1.0, 2.0, 3.0]))
    tensor([3., 1., 2., 3., 1.])
    """

    axes, mode = "w", "circular"


class CircularPad2d(_Pad):
    """An image that continues at its other side: (left, right, above, below).

    Shape: ``any[..., h, w] -> any[..., h + above + below, w + left + right]``.

    >>> import pydp
    >>> pydp.nn.CircularPad2d((1, 0, 0, 0))(pydp.tensor([[1.0, 2.0]]))
    tensor([[2., 1., 2.]])
    """

    axes, mode = "hw", "circular"
