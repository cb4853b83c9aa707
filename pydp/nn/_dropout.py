"""Dropout: zeros at random while training."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp.nn._arguments import number_within
from pydp.nn._module import Module


class Dropout(Module):
    """While training each element is 0 with probability p, and divided by 1 - p otherwise; in
    evaluation mode x itself.

    Shape: ``real[...] -> real[...]``. The numbers are those of `pydp.manual_seed`.

    >>> import pydp
    >>> x = pydp.tensor([1.0, 2.0])
    >>> pydp.nn.Dropout(0.5).eval()(x) is x
    True
    """

    type = "real[...] -> real[...]"

    def __init__(self, p: float = 0.5) -> None:
        self.p = number_within(p, "Dropout", "p", 0.0, 1.0)

    def forward(self, x: Any) -> Any:
        return ops.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"
