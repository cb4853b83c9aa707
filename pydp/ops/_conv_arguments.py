"""What the convolutions ask of their arguments, in one dimension and in two."""

from __future__ import annotations

from typing import Any

from pydp._arguments import real_tensor, same_float
from pydp.ops._pad import pad
from pydp.ops._signal import Two, one_axis, reader

Sides = tuple[Two, Two]  # padding above and below, left and right
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def operands(op: str, x: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """The three as tensors of one dtype, the first two of so many axes as `op` asks for."""
    x, weight = real_tensor(x, op, "x"), real_tensor(weight, op, "weight")
    bias = None if bias is None else real_tensor(bias, op, "bias")
    same_float(op, x=x, weight=weight, bias=bias)
    sizes, window = ("l", "k") if one_axis(op) else ("h, w", "kh, kw")
    if x.ndim != weight.ndim or x.ndim != (3 if one_axis(op) else 4):
        channels = "c, o/groups" if "transpose" in op else "o, c/groups"
        raise ValueError(
            f"{op}: x must be [n, c, {sizes}] and weight [{channels}, {window}], got shapes "
            f"{x.shape} and {weight.shape}"
        )
    return x, weight, bias


def check_bias(op: str, bias: Any, channels: int) -> None:
    if bias is not None and bias.shape != (channels,):
        raise ValueError(f"{op}: bias must be ({channels},), got {bias.shape}")


def padding_sides(op: str, padding: Any, kernel: Two, stride: Two, dilation: Two) -> Sides:
    """Padding on each side; "same" has the larger half of an odd total behind, as PyTorch's."""
    if not isinstance(padding, str):
        high, wide = reader(op)(padding, op, "padding", 0)
        return (high, high), (wide, wide)
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        ints = "an int or a tuple of one" if one_axis(op) else "an int, two"
        raise ValueError(f'{op}: padding must be {ints}, "same" or "valid", got {padding!r}')
    if stride != (1, 1):
        shown = stride[1] if one_axis(op) else stride
        raise ValueError(f'{op}: padding "same" needs stride 1, got {shown}')
    high, wide = [d * (max(k, 1) - 1) for d, k in zip(dilation, kernel, strict=True)]
    return (high // 2, high - high // 2), (wide // 2, wide - wide // 2)


def padded(op: str, x: Any, sides: Sides, mode: str) -> tuple[Any, Sides]:
    """x and the zeros that remain to be put around it."""
    if not isinstance(mode, str) or mode not in PADDING_MODES:
        listed = ", ".join(repr(name) for name in PADDING_MODES)
        raise ValueError(f"{op}: padding_mode must be one of {listed}, got {mode!r}")
    if mode == "zeros" or sides == ((0, 0), (0, 0)):
        return x, sides
    last_first = sides[1] if x.ndim == 3 else sides[1] + sides[0]
    return pad(x, last_first, mode), ((0, 0), (0, 0))
