"""Sums of products over named axes: einsum, tensordot, vecdot.

Each is lowered to permuted views, batched matrix products and sums, so gradients of every order
come from those. Two operands are joined like this:

    axes of both that stay    ── batch ──┐
    axes of both that go      ── k ──────┤   (batch, m, k) × (batch, k, n) -> (batch, m, n)
    the others of the first   ── m ──────┤
    the others of the second  ── n ──────┘   one axis each, merged where there are several

A batch axis stays an axis of its own, and the product reads any strides, so an operand is copied
only where axes that lie apart in memory have to be merged. Of three operands and more the pair goes
first that shrinks the memory most (the greedy path of opt_einsum, Smith and Gray, 2018).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

from pydp._op import axis_index, integer
from pydp._op import operands as tensors
from pydp.ops._diagonal import Diagonal
from pydp.ops._math import multiply
from pydp.ops._matmul import matmul
from pydp.ops._reduce import sum as total
from pydp.ops._shape import permute_dims, reshape, squeeze, view

MAX_TEXT = 4096
MAX_OPERANDS = 64

Labels = tuple[str, ...]


class Part(NamedTuple):
    """A tensor and the names of its axes."""

    x: Any
    labels: Labels


# ---- the subscripts ------------------------------------------------------------------------------

_TERM = re.compile(r"([A-Za-z]*)(\.\.\.)?([A-Za-z]*)")


@lru_cache(maxsize=1024)
def parsed(subscripts: str, ranks: tuple[int, ...]) -> tuple[tuple[Labels, ...], Labels]:
    """The labels of each operand and of the result; the axes of `...` are "1", "2" from its end."""
    if len(subscripts) > MAX_TEXT:
        raise ValueError(f"einsum: subscripts of {len(subscripts)} characters; at most {MAX_TEXT}")
    text = re.sub(r"[ \t]", "", subscripts)
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ranks):
        raise ValueError(
            f"einsum: {subscripts!r} names {len(terms)} operands, {len(ranks)} are given"
        )
    labels, dots = [], 0
    for k, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        before, ellipsis, behind = _split(term, subscripts)
        more = rank - len(before) - len(behind)
        if more < 0 or (more and not ellipsis):
            raise ValueError(
                f"einsum: operand {k} has {rank} axes, {term!r} in {subscripts!r} names "
                f"{len(before) + len(behind)}"
            )
        labels.append((*before, *_dots(more), *behind))
        dots = max(dots, more)
    if arrow:
        before, ellipsis, behind = _split(output, subscripts)
        if dots and not ellipsis:
            raise ValueError(f"einsum: the output of {subscripts!r} lacks the operands' '...'")
    else:
        letters = re.sub(r"[,.]", "", inputs)
        before, behind = "", "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    result = (*before, *_dots(dots), *behind)
    known = {label for term in labels for label in term}
    for label in result:
        if label not in known:
            raise ValueError(f"einsum: output letter {label!r} of {subscripts!r} is in no operand")
        if result.count(label) > 1:
            raise ValueError(f"einsum: output letter {label!r} of {subscripts!r} stands twice")
    return tuple(labels), result


def _split(term: str, subscripts: str) -> tuple[str, bool, str]:
    """(letters before, whether there is a `...`, letters behind)."""
    found = _TERM.fullmatch(term)
    if found is None:
        raise ValueError(
            f"einsum: {term!r} in {subscripts!r} must be letters a-z and A-Z, and at most one '...'"
        )
    return found[1], bool(found[2]), found[3]


def _dots(n: int) -> Labels:
    return tuple([str(i) for i in range(n, 0, -1)])


# ---- joining -------------------------------------------------------------------------------------


def contract(a: Part, b: Part, keep: Sequence[str], order: Labels = ()) -> Part:
    """The product of two parts, summed over the axes that are not kept.

    `order` is the order that the result should have in memory, where it is known.
    """
    a = summed(a, [n for n in a.labels if n in b.labels or n in keep])
    b = summed(b, [n for n in b.labels if n in a.labels or n in keep])
    shared = [n for n in a.labels if n in b.labels]
    batch = [n for n in shared if n in keep]
    inner = [n for n in shared if n not in keep]
    if not inner:
        return _outer(a, b, order)
    if order and order[-1] in a.labels and order[-1] not in b.labels:
        a, b = b, a
    larger = a if a.x.size >= b.x.size else b
    inner = _in_memory(larger, inner)
    left = _in_memory(a, [n for n in a.labels if n not in shared])
    right = _in_memory(b, [n for n in b.labels if n not in shared])
    size = _sizes((a, b))
    m, k, n = (math.prod([size[name] for name in group]) for group in (left, inner, right))
    head = [size[name] for name in batch]
    y = matmul(
        reshape(_permuted(a, (*batch, *left, *inner)), (*head, m, k)),
        reshape(_permuted(b, (*batch, *inner, *right)), (*head, k, n)),
    )
    labels = (*batch, *left, *right)
    return Part(reshape(y, [size[name] for name in labels]), labels)


def summed(part: Part, keep: Sequence[str]) -> Part:
    """The part without the axes that are not kept."""
    gone = tuple([i for i, name in enumerate(part.labels) if name not in keep])
    if not gone:
        return part
    # bool and small integers are summed in their own type, as products of matrices are
    y = total(part.x, gone, dtype=None if part.x.dtype.kind == "f" else part.x.dtype)
    return Part(y, tuple([name for name in part.labels if name in keep]))


def _outer(a: Part, b: Part, order: Labels) -> Part:
    """Nothing is summed: one product of two broadcast views."""
    both = {*a.labels, *b.labels}
    labels = tuple([n for n in order if n in both])
    labels += tuple([n for n in dict.fromkeys((*a.labels, *b.labels)) if n not in labels])
    aligned = []
    for part in (a, b):
        y = _permuted(part, [n for n in labels if n in part.labels])
        sizes = dict(zip(part.labels, part.x.shape, strict=True))
        aligned.append(reshape(y, [sizes.get(n, 1) for n in labels]))
    return Part(multiply(*aligned), labels)


def _permuted(part: Part, labels: Sequence[str]) -> Any:
    order = tuple([part.labels.index(n) for n in labels])
    return part.x if order == tuple(range(len(order))) else permute_dims(part.x, order)


def _in_memory(part: Part, labels: Sequence[str]) -> list[str]:
    """These axes from the outermost in memory to the innermost: so they merge to a view."""
    stride = dict(zip(part.labels, part.x._array.strides, strict=True))
    return sorted(labels, key=lambda name: -abs(stride[name]))


def _sizes(parts: Sequence[Part]) -> dict[str, int]:
    return {n: size for p in parts for n, size in zip(p.labels, p.x.shape, strict=True)}


def _next_pair(parts: Sequence[Part], output: Labels) -> tuple[int, int]:
    """The pair whose product is smallest, less what it frees."""
    if len(parts) == 2:
        return 0, 1
    size = _sizes(parts)

    def growth(pair: tuple[int, int]) -> int:
        a, b = parts[pair[0]], parts[pair[1]]
        others = {n for k, p in enumerate(parts) if k not in pair for n in p.labels}
        stays = {n for n in (*a.labels, *b.labels) if n in others or n in output}
        return int(math.prod([size[n] for n in stays]) - a.x.size - b.x.size)

    return min(combinations(range(len(parts)), 2), key=growth)


# ---- what people call ----------------------------------------------------------------------------


def _numbers(op: str, *operands: Any) -> list[Any]:
    values = tensors(op, *operands)
    if values[0].dtype.kind == "b":
        raise TypeError(f"{op}: operands must be numbers, got bool; use astype")
    return values


def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's sum: the product of the operands, summed over the letters that are not in the
    output.

    Type: ``any -> any``; of "ij,jk->ik" it is (any[i, j], any[j, k]) -> any[i, k], and so for all.

    subscripts   a letter (a-z, A-Z) for each axis of each operand, operands separated by commas;
                 after "->" those of the result. Without "->" the result has the letters that occur
                 once, in alphabetical order. A letter twice in one operand takes the diagonal.
                 "..." stands for the other axes, which broadcast.
    operands     one for each term, of one dtype after promotion; an axis of length 1 broadcasts

    ValueError where letters, axes and sizes do not fit. As NumPy's and PyTorch's, without the
    form of alternating operands and lists.

    >>> import pydp
    >>> x, w = pydp.ones((2, 3)), pydp.ones((3, 4))
    >>> pydp.einsum("ij,jk->ik", x, w).shape
    (2, 4)
    >>> pydp.einsum("...ii", pydp.eye(3))
    tensor(3.)
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: subscripts must be text, got {type(subscripts).__name__}")
    if not 1 <= len(operands) <= MAX_OPERANDS:
        raise ValueError(f"einsum: operands must be 1 to {MAX_OPERANDS}, got {len(operands)}")
    values = _numbers("einsum", *operands)
    terms, output = parsed(subscripts, tuple([x.ndim for x in values]))
    size: dict[str, int] = {}
    for k, (x, labels) in enumerate(zip(values, terms, strict=True)):
        for name, n in zip(labels, x.shape, strict=True):
            if size.setdefault(name, n) == 1:
                size[name] = n
            elif n not in (1, size[name]):
                axis = "an axis of '...'" if name.isdigit() else f"letter {name!r}"
                raise ValueError(
                    f"einsum: {axis} of {subscripts!r} is {n} in operand {k}, {size[name]} before"
                )
    parts = [_plain(Part(x, labels), size) for x, labels in zip(values, terms, strict=True)]
    while len(parts) > 1:
        i, j = _next_pair(parts, output)
        b, a = parts.pop(j), parts.pop(i)
        keep = {*output, *(n for p in parts for n in p.labels)}
        parts.insert(0, contract(a, b, tuple(keep), () if parts else output))
    return _permuted(summed(parts[0], output), output)


def _plain(part: Part, size: dict[str, int]) -> Part:
    """Without axes of length 1 that broadcast, and with each letter once."""
    x, labels = part
    thin = [i for i, n in enumerate(labels) if x.shape[i] == 1 and size[n] != 1]
    if thin:
        x, labels = squeeze(x, thin), tuple([n for i, n in enumerate(labels) if i not in thin])
    for name in dict.fromkeys(labels):
        while labels.count(name) > 1:
            rest = [i for i, n in enumerate(labels) if n != name]
            same = [i for i, n in enumerate(labels) if n == name]
            x = view(Diagonal, permute_dims(x, (*rest, *same)), 0)
            labels = (*[labels[i] for i in rest], *[name] * (len(same) - 1))
    return Part(x, labels)


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
    x1, x2 = _numbers("tensordot", x1, x2)
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
    return _permuted(contract(Part(x1, left), Part(x2, right), output, output), output)


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """The dot products of vectors along an axis; the other axes broadcast.

    Type: ``(any[..., n], any[..., n]) -> any[...]``, y = Σ_i x1_i x2_i.

    axis   counted from the end of both: -1 … -(the smaller number of axes)

    ValueError where the sizes along the axis differ or the other axes do not broadcast.

    >>> import pydp
    >>> pydp.vecdot(pydp.tensor([1.0, 2.0]), pydp.tensor([[3.0, 4.0], [5.0, 6.0]]))
    tensor([11., 17.])
    """
    x1, x2 = _numbers("vecdot", x1, x2)
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
    a, b = (_plain(Part(x, tuple(labels)), size) for x, labels in ((x1, names[0]), (x2, names[1])))
    return _permuted(contract(a, b, output, output), output)
