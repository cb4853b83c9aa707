"""Collapse: many vectors to one."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._arguments import checked_mask, one_of, vectors
from pydp.nn._module import Module

HOWS = ("first", "last", "mean", "max")


class Collapse(Module):
    """A sequence of vectors as one vector: its first, its last, their mean, or their maximum.

    Shape: ``real[..., t, d] -> real[..., d]``.

    Arguments
      how  "first" (BERT's pooler), "last" (a recurrent model has then read all), "mean" or "max"
      d    the size of the vectors, for the type; any if not given

    A call takes `x`, and `mask`: which of x count, ``bool[..., t]`` (False: padding). Of a sequence
    of padding alone the result is 0.

    >>> import pydp
    >>> x = pydp.tensor([[1.0, 5.0], [3.0, 1.0], [9.0, 9.0]])
    >>> pydp.nn.Collapse("mean")(x, pydp.tensor([True, True, False]))
    tensor([2., 3.])
    """

    def __init__(self, how: str = "mean", d: int | None = None) -> None:
        self.how = one_of(how, HOWS, "Collapse", "how")
        self.d = d

    @property
    def type(self) -> str:
        d = "d" if self.d is None else self.d
        return f"(real[..., t, {d}], bool[..., t]?) -> real[..., {d}]"

    def forward(self, x: Any, mask: Any = None) -> Any:
        x = vectors(x, "Collapse", "x", "t, d", self.d)
        if mask is None:
            return self._all(x)
        mask = checked_mask(mask, "Collapse", "mask", x.shape[:-1])
        return self._some(x, ops.broadcast_to(mask, x.shape[:-1]))

    def _all(self, x: Any) -> Any:
        if self.how == "first":
            return x[..., 0, :]
        if self.how == "last":
            return x[..., -1, :]
        return ops.mean(x, axis=-2) if self.how == "mean" else ops.max(x, axis=-2)

    def _some(self, x: Any, mask: Any) -> Any:
        here = ops.expand_dims(mask, -1)
        kept = ops.where(here, x, 0.0)
        if self.how == "mean":
            return ops.sum(kept, axis=-2) / ops.clip(ops.sum(here, axis=-2), 1)
        if self.how == "max":
            found = ops.max(ops.where(here, x, -float("inf")), axis=-2)
            return ops.where(ops.any(here, axis=-2), found, 0.0)
        steps = ops.astype(mask, "int64")
        if self.how == "first":
            at = ops.argmax(steps, axis=-1, keepdims=True)
        else:
            at = mask.shape[-1] - 1 - ops.argmax(ops.flip(steps, -1), axis=-1, keepdims=True)
        shape = (*x.shape[:-2], 1, x.shape[-1])
        at = ops.broadcast_to(ops.expand_dims(at, -1), shape)
        return ops.squeeze(ops.take_along_axis(kept, at, axis=-2), -2)

    def extra_repr(self) -> str:
        return repr(self.how) if self.d is None else f"{self.how!r}, {self.d}"
