"""The product of two tensors with named axes, summed over some: what einsum is made of.

    axes of both that stay    ── batch ──┐
    axes of both that go      ── k ──────┤   (batch, m, k) × (batch, k, n) -> (batch, m, n)
    the others of the first   ── m ──────┤
    the others of the second  ── n ──────┘   one axis each, merged where there are several

A batch axis stays an axis of its own, and the product reads any strides, so an operand is copied
only where axes that lie apart in memory have to be merged. Everything is done by views, `matmul`
and `sum`: gradients of every order come from those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pydp._arrays import operands
from pydp.ops._diagonal import Diagonal
from pydp.ops._math import multiply
from pydp.ops._matmul import matmul
from pydp.ops._reduce import sum as total
from pydp.ops._shape import permute_dims, reshape, squeeze, view

Labels = tuple[str, ...]


class Part(NamedTuple):
    """A tensor and the names of its axes."""

    x: Any
    labels: Labels


def numbers(op: str, *given: Any) -> list[Any]:
    values = operands(op, *given)
    if values[0].dtype.kind == "b":
        raise TypeError(f"{op}: operands must be numbers, got bool; use astype")
    return values


def plain(part: Part, size: dict[str, int]) -> Part:
    """Without axes of length 1 that broadcast, and with each letter once."""
    x, labels = part
    thin = [i for i, n in enumerate(x.shape) if n == 1 and size[labels[i]] != 1]
    if thin:
        x, labels = squeeze(x, thin), tuple([n for i, n in enumerate(labels) if i not in thin])
    if len(set(labels)) == len(labels):
        return Part(x, labels)
    for name in dict.fromkeys(labels):
        while labels.count(name) > 1:
            rest = [i for i, n in enumerate(labels) if n != name]
            same = [i for i, n in enumerate(labels) if n == name]
            x = view(Diagonal, permute_dims(x, (*rest, *same)), 0)
            labels = (*[labels[i] for i in rest], *[name] * (len(same) - 1))
    return Part(x, labels)


class Groups(NamedTuple):
    """What becomes of the axes of two operands."""

    a_stays: Labels  # of each operand's axes those that the other has, or that are kept
    b_stays: Labels
    batch: Labels
    inner: Labels
    left: Labels
    right: Labels
    swapped: bool  # b first, so that the result lies in memory as it is wanted


@lru_cache(maxsize=4096)
def grouped(a: Labels, b: Labels, keep: frozenset[str], order: Labels) -> Groups:
    a = tuple([n for n in a if n in b or n in keep])
    b = tuple([n for n in b if n in a or n in keep])
    shared = [n for n in a if n in b]
    return Groups(
        a_stays=a,
        b_stays=b,
        batch=tuple([n for n in shared if n in keep]),
        inner=tuple([n for n in shared if n not in keep]),
        left=tuple([n for n in a if n not in b]),
        right=tuple([n for n in b if n not in a]),
        swapped=bool(order) and order[-1] in a and order[-1] not in b,
    )


def contract(a: Part, b: Part, keep: frozenset[str], order: Labels = ()) -> Part:
    """The product of two parts, summed over the axes that are not kept.

    `order` is the order that the result should have in memory, where it is known.
    """
    groups = grouped(a.labels, b.labels, keep, order)
    a, b = summed(a, groups.a_stays), summed(b, groups.b_stays)
    if not groups.inner:
        return _outer(a, b, order)
    left, right = groups.left, groups.right
    if groups.swapped:
        a, b, left, right = b, a, right, left
    batch, inner = groups.batch, _in_memory(a if a.x.size >= b.x.size else b, groups.inner)
    left, right = _in_memory(a, left), _in_memory(b, right)
    size = sizes_of((a, b))
    m, k, n = (math.prod([size[name] for name in group]) for group in (left, inner, right))
    head = [size[name] for name in batch]
    y = matmul(
        _reshaped(permuted(a, (*batch, *left, *inner)), (*head, m, k)),
        _reshaped(permuted(b, (*batch, *inner, *right)), (*head, k, n)),
    )
    labels = (*batch, *left, *right)
    return Part(_reshaped(y, tuple([size[name] for name in labels])), labels)


def summed(part: Part, keep: Labels) -> Part:
    """The part without the axes that are not kept."""
    if part.labels == keep:
        return part
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
        y = permuted(part, tuple([n for n in labels if n in part.labels]))
        sizes = dict(zip(part.labels, part.x.shape, strict=True))
        aligned.append(reshape(y, [sizes.get(n, 1) for n in labels]))
    return Part(multiply(*aligned), labels)


def permuted(part: Part, labels: Labels) -> Any:
    if part.labels == labels:
        return part.x
    return permute_dims(part.x, tuple([part.labels.index(n) for n in labels]))


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.shape == shape else reshape(x, shape)


def _in_memory(part: Part, labels: Labels) -> Labels:
    """These axes from the outermost in memory to the innermost: so they merge to a view."""
    if len(labels) < 2:
        return labels
    stride = dict(zip(part.labels, part.x._array.strides, strict=True))
    return tuple(sorted(labels, key=lambda name: -abs(stride[name])))


def sizes_of(parts: Sequence[Part]) -> dict[str, int]:
    return {n: size for p in parts for n, size in zip(p.labels, p.x.shape, strict=True)}
