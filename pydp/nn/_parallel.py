"""Parallel: several boxes beside each other, on one input.

      ┌── f ──┐
x ────┼── g ──┼── (f(x), g(x), h(x)), or joined
      └── h ──┘
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from pydp import ops
from pydp._arguments import integer
from pydp._op import language, paths
from pydp.nn._arguments import one_of
from pydp.nn._combinators import _List
from pydp.nn._module import Module
from pydp.nn._power import keep_apart
from pydp.nn._repr import box

JOINS = (None, "concat", "add")


class Parallel(_List):
    """The results of several modules for the same x: a tuple, or joined.

    Shape: ``real[...] -> (real[...], real[...])``, composed of the modules' types.

    Arguments
      join  None for a tuple; "concat" along `axis`; "add"
      axis  which axis "concat" joins, counted from the end (-3: the channels of images)

    SignatureError at construction where the modules cannot have one x, or "add" finds results of
    different sizes.

    Szegedy et al., "Going deeper with convolutions", 2015, figure 2.

    >>> import pydp
    >>> from pydp import nn
    >>> nn.Parallel(nn.Linear(4, 3), nn.Linear(4, 5), join="concat").signature
    <signature real[..., 4] -> real[..., 8]>
    """

    def __init__(self, *modules: Module, join: str | None = None, axis: int = -1) -> None:
        self.join = one_of(join, JOINS, "Parallel", "join")
        self.axis = integer(axis, "Parallel", "axis")
        if self.axis >= 0:
            raise ValueError(f"Parallel: axis is counted from the end, -1 or less, got {axis}")
        if not modules:
            raise ValueError("Parallel: give at least one module")
        self._renew(modules)
        keep_apart("Parallel", self._own_modules())
        self.signature  # noqa: B018  raises where types do not fit

    @property
    def signature(self) -> language.Signature:
        named = self._own_modules()
        boxes = [(f"{name}: {box(module)}", module.signature) for name, module in named]
        return paths.beside(boxes, self.join, self.axis)

    @property
    def type(self) -> str:
        return str(self.signature)

    def forward(self, x: Any) -> Any:
        ys = [module(x) for module in self]
        if self.join == "concat":
            return ops.concat(ys, axis=self.axis)
        return reduce(ops.add, ys) if self.join == "add" else tuple(ys)

    def extra_repr(self) -> str:
        if self.join is None:
            return ""
        return f"join={self.join!r}" + (f", axis={self.axis}" if self.axis != -1 else "")
