"""Sums of products over pairs of axes: tensordot and vecdot, and over none: outer. _contract.py
says how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydp._arguments import axis_index, integer
from pydp.ops._contract import Part, contract, numbers, permuted, plain
from pydp.ops._math import multiply
from pydp.ops._shape import expand_dims


def tensordot(x1: Any, x2: Any, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Any:
    """The sum over pairs of axes, one of x1 and one of x2; the others follow each other.

    Type: ``any -> any``; with axes=1 ``(any[..., k], any[k, n]) -> any[..., n]``.

    axes   a number n: the last n axes of x1 with the first n of x2; or two sequences of equal
           length: axis axes[0][i] of x1 with axis axes[1][i] of x2

    ValueError where numbers or sizes of axes differ.

    >>> import pydp
    >>> pydp.tensordot(pydp.ones((2, 3, 4)), pydp.ones((4, 3, 5)), axes=((1, 2), (1, 0))).shape
    (2, 5)
    """
    x1, x2 = numbers("tensordot", x1, x2)
    if isinstance(axes, (tuple, list)):
        if len(axes) != 2:
            raise ValueError(f"tensordot: axes must be an int or two sequences, got {axes!r}")
        pairs = [a if isinstance(a, (tuple, list)) else (a,) for a in axes]
        first, second = (
            [axis_index(a, x.ndim, "tensordot") for a in given]
            for x, given in ((x1, pairs[0]), (x2, pairs[1]))
        )
    else:
        n = integer(axes, "tensordot", "axes", 0)
        if n > min(x1.ndim, x2.ndim):
            raise ValueError(
                f"tensordot: axes must be at most the number of axes of {x1.shape} and {x2.shape}, "
                f"got {n}"
            )
        first, second = list(range(x1.ndim - n, x1.ndim)), list(range(n))
    if len(first) != len(second) or len({*first}) < len(first) or len({*second}) < len(second):
        raise ValueError(f"tensordot: axes {axes!r} do not pair axes one to one")
    for i, j in zip(first, second, strict=True):
        if x1.shape[i] != x2.shape[j]:
            raise ValueError(
                f"tensordot: axis {i} of {x1.shape} and axis {j} of {x2.shape} differ in size"
            )
    left = tuple([f"x{i}" for i in range(x1.ndim)])
    right = tuple(
        [left[first[second.index(j)]] if j in second else f"w{j}" for j in range(x2.ndim)]
    )
    output = tuple([n for n in (*left, *right) if (n in left) != (n in right)])
    return permuted(contract(Part(x1, left), Part(x2, right), frozenset(output), output), output)


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """The dot products of vectors along an axis; the other axes broadcast.

    Type: ``(any[..., n], any[..., n]) -> any[...]``, y = Σ_i x1_i x2_i.

    axis   counted from the end of both: -1 … -(the smaller number of axes)

    ValueError where the sizes along the axis differ or the other axes do not broadcast.

    >>> import pydp
    >>> pydp.vecdot(pydp.tensor([1.0, 2.0]), pydp.tensor([[3.0, 4.0], [5.0, 6.0]]))
    tensor([11., 17.])
    """
    x1, x2 = numbers("vecdot", x1, x2)
    at = integer(axis, "vecdot", "axis")
    least = min(x1.ndim, x2.ndim)
    if at >= 0 and x1.ndim == x2.ndim:
        at -= least
    if not -least <= at < 0:
        raise IndexError(
            f"vecdot: axis {axis} is out of range for {x1.ndim} and {x2.ndim} axes: it must be "
            f"-1 … -{least}"
        )
    if x1.shape[at] != x2.shape[at]:
        raise ValueError(f"vecdot: {x1.shape} and {x2.shape} differ in size along axis {at}")
    names = [[f"{i}" if i != at else "k" for i in range(-x.ndim, 0)] for x in (x1, x2)]
    longer = names[0] if x1.ndim >= x2.ndim else names[1]
    size: dict[str, int] = {}
    for x, labels in zip((x1, x2), names, strict=True):
        for name, n in zip(labels, x.shape, strict=True):
            if size.setdefault(name, n) == 1:
                size[name] = n
            elif n not in (1, size[name]):
                raise ValueError(f"vecdot: {x1.shape} and {x2.shape} do not broadcast")
    output = tuple([n for n in longer if n != "k"])
    a, b = (plain(Part(x, tuple(labels)), size) for x, labels in ((x1, names[0]), (x2, names[1])))
    return permuted(contract(a, b, frozenset(output), output), output)


def outer(x1: Any, x2: Any) -> Any:
    """The product of each element of one vector with each of another: y[i, j] = x1[i] x2[j].

    Type: ``(any[m], any[n]) -> any[m, n]``. ValueError where x1 or x2 is no vector (NumPy's
    flattens). The standard's linalg.outer.

    >>> import pydp
    >>> pydp.outer(pydp.tensor([1.0, 2.0]), pydp.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    x1, x2 = numbers("outer", x1, x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"outer: x1 and x2 must have one axis, got {x1.shape} and {x2.shape}")
    return multiply(expand_dims(x1, 1), expand_dims(x2, 0))
