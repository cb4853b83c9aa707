"""The array functions as methods of a tensor: each one line, the function of pydp/ops it names.

Where NumPy's or PyTorch's method has another name than the standard's function, this has the
standard's.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydp import ops

if TYPE_CHECKING:
    from pydp._tensor import Tensor


class Methods:
    """The part of Tensor that its users call on shapes, order and sums."""

    __slots__ = ()

    # ---- shapes

    def broadcast_to(self, *shape: Any) -> Tensor:
        return ops.broadcast_to(self, shape[0] if len(shape) == 1 else shape)

    def expand_dims(self, axis: int | Sequence[int] = 0) -> Tensor:
        return ops.expand_dims(self, axis)

    def moveaxis(self, source: Any, destination: Any) -> Tensor:
        return ops.moveaxis(self, source, destination)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        return ops.swapaxes(self, axis1, axis2)

    def flatten(self, start_axis: int = 0, end_axis: int = -1) -> Tensor:
        return ops.flatten(self, start_axis, end_axis)

    def unflatten(self, axis: int, sizes: Sequence[int]) -> Tensor:
        return ops.unflatten(self, axis, sizes)

    def flip(self, axis: Any = None) -> Tensor:
        return ops.flip(self, axis)

    def roll(self, shift: Any, axis: Any = None) -> Tensor:
        return ops.roll(self, shift, axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        return ops.repeat(self, repeats, axis)

    def tile(self, repetitions: Sequence[int]) -> Tensor:
        return ops.tile(self, repetitions)

    def chunk(self, chunks: int, axis: int = 0) -> tuple[Tensor, ...]:
        return ops.chunk(self, chunks, axis)

    def unstack(self, axis: int = 0) -> tuple[Tensor, ...]:
        return ops.unstack(self, axis)

    # ---- elements by number

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        return ops.take(self, indices, axis)

    def take_along_axis(self, indices: Any, axis: int = -1) -> Tensor:
        return ops.take_along_axis(self, indices, axis)

    def diagonal(self, offset: int = 0) -> Tensor:
        return ops.diagonal(self, offset)

    def nonzero(self) -> tuple[Tensor, ...]:
        return ops.nonzero(self)

    # ---- order

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.argmin(self, axis=axis, keepdims=keepdims)

    def sort(self, axis: int = -1, descending: bool = False) -> Tensor:
        return ops.sort(self, axis, descending)

    def argsort(self, axis: int = -1, descending: bool = False) -> Tensor:
        return ops.argsort(self, axis, descending)

    def topk(self, k: int, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
        return ops.topk(self, k, axis, largest)

    # ---- sums and products

    def prod(self, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
        return ops.prod(self, axis, keepdims, dtype)

    def var(self, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
        return ops.var(self, axis, correction, keepdims)

    def std(self, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
        return ops.std(self, axis, correction, keepdims)

    def logsumexp(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.logsumexp(self, axis, keepdims)

    def cumulative_sum(
        self, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Tensor:
        return ops.cumulative_sum(self, axis, dtype, include_initial)

    def cumulative_prod(
        self, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Tensor:
        return ops.cumulative_prod(self, axis, dtype, include_initial)

    def cumsum(
        self, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Tensor:
        return ops.cumsum(self, axis, dtype, include_initial)

    def cumprod(
        self, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Tensor:
        return ops.cumprod(self, axis, dtype, include_initial)

    def diff(self, axis: int = -1, n: int = 1) -> Tensor:
        return ops.diff(self, axis, n)

    def all(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.all(self, axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.any(self, axis, keepdims)

    def count_nonzero(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        return ops.count_nonzero(self, axis, keepdims)

    def trace(self, offset: int = 0) -> Tensor:
        return ops.trace(self, offset)

    # ---- products of two

    def matmul(self, other: Any) -> Tensor:
        return ops.matmul(self, other)

    def vecdot(self, other: Any, axis: int = -1) -> Tensor:
        return ops.vecdot(self, other, axis)

    def tensordot(self, other: Any, axes: Any = 2) -> Tensor:
        return ops.tensordot(self, other, axes)

    # ---- elementwise, triangles

    def sign(self) -> Tensor:
        return ops.sign(self)

    def square(self) -> Tensor:
        return ops.square(self)

    def sin(self) -> Tensor:
        return ops.sin(self)

    def cos(self) -> Tensor:
        return ops.cos(self)

    def floor(self) -> Tensor:
        return ops.floor(self)

    def ceil(self) -> Tensor:
        return ops.ceil(self)

    def round(self) -> Tensor:
        return ops.round(self)

    def softmax(self, axis: int = -1) -> Tensor:
        return ops.softmax(self, axis)

    def log_softmax(self, axis: int = -1) -> Tensor:
        return ops.log_softmax(self, axis)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        return ops.clip(self, min, max)

    def tril(self, k: int = 0) -> Tensor:
        return ops.tril(self, k)

    def triu(self, k: int = 0) -> Tensor:
        return ops.triu(self, k)
