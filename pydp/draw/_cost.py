"""What an operation costs: multiply-adds, and the memory of its result.

A multiply-add is one product and its addition to a sum. Those of products, convolutions, attention
and recurrences are counted; what is done once for each element (bias, activation, normalisation,
softmax) is not, as in the literature: AlexNet has 714,188,480 of them for one image.

The rules are data: name of the op -> (types of its inputs, type of its result) -> a size. A size
may be open, and then so is the count: a Linear(64, 32) needs 2048*n.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydp._notation import Array
from pydp._size import Size, product, size

NONE = size(0)
ITEMSIZE = {"real": 4, "token": 8, "bool": 1, "any": 4}


def elements(type_: Any) -> Size:
    """How many numbers an array of this type has."""
    return product(type_.axes)


def _linear(x: Array, weight: Array, *_: Any) -> Size:
    return elements(x) * weight.axes[0]  # each number of x meets a column of [o, i]


def _matmul(x: Array, y: Array, *_: Any, result: Array) -> Size:
    return elements(result) * x.axes[-1]


def _convolution(x: Array, weight: Array, *_: Any, result: Array) -> Size:
    return elements(result) * product(weight.axes[1:])  # a window of [o, i / groups, k, l]


def _transposed(x: Array, weight: Array, *_: Any) -> Size:
    return elements(x) * product(weight.axes[1:])  # each number of x is spread by [i, o, k, l]


def _attention(q: Array, k: Array, v: Array, *_: Any) -> Size:
    t_s = product(q.axes[:-1]) * k.axes[-2]  # pairs, in every head
    return t_s * q.axes[-1] + t_s * v.axes[-1]  # q·k, then the weighted sum of v


def _packed_attention(x: Array, *_: Any, result: Array) -> Size:
    return 2 * (elements(result) * x.axes[-2])


def _recurrence(x: Array, weight_ih: Array, bias: Any, weight_hh: Array, *_: Any) -> Size:
    steps = product(x.axes[:-1])  # of all rows; each meets both matrices
    return steps * (elements(weight_ih) + elements(weight_hh))


RULES: Mapping[str, Callable[..., Size]] = {
    "linear": _linear,
    "linear_cross_entropy": _linear,
    "matmul": _matmul,
    "conv2d": _convolution,
    "conv_transpose2d": _transposed,
    "attention": _attention,
    "packed_attention": _packed_attention,
    "lstm": _recurrence,
    "gru": _recurrence,
    "rnn": _recurrence,
}
WANT_RESULT = {"matmul", "conv2d", "packed_attention"}

# Ops whose result is (mostly) a view of their input, and so costs no memory of its own.
VIEWS = frozenset(
    {"reshape", "permute_dims", "getitem", "broadcast_to", "alias", "apart", "flip", "diagonal"}
)


def multiply_adds(op: str, inputs: Sequence[Any], result: Any) -> Size:
    """How many multiply-adds an op does on inputs of these types (None: absent)."""
    rule = RULES.get(op)
    if rule is None:
        return NONE
    return rule(*inputs, result=result) if op in WANT_RESULT else rule(*inputs)


def memory(op: str, results: Sequence[Any]) -> Size:
    """The bytes of an op's results."""
    if op in VIEWS:
        return NONE
    return sum([elements(r) * ITEMSIZE[r.kind] for r in results if r is not None], NONE)
