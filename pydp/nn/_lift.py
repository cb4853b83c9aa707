"""Lift: a box for one vector, on every vector of a sequence, of a batch of sequences …

f        real[n, d] -> real[n, e]          n vectors
Lift(f)  real[..., d] -> real[..., e]      as many axes in front as there are
"""

from __future__ import annotations

from typing import Any

from pydp._op import language
from pydp.nn._lifted import lifted
from pydp.nn._module import Module, checked_module


class Lift(Module):
    """f on all leading axes: they are brought to one, f's first, and back.

    Shape: ``(real[n, d] -> real[n, e]) -> (real[..., d] -> real[..., e])``, for any axes in place
    of d and e. Most boxes need no Lift: where a type has `...`, any leading axes do.

    ValueError at construction where f's type does not begin with one size on both sides, or has a
    `...` itself.

    >>> import pydp
    >>> from pydp import nn
    >>> class Norm(nn.Module):
    ...     type = "real[n, d] -> real[n, 1]"
    ...     def forward(self, x):
    ...         return pydp.sum(x * x, axis=1, keepdims=True)
    >>> nn.Lift(Norm())(pydp.ones((2, 3, 4))).shape
    (2, 3, 1)
    """

    def __init__(self, f: Module) -> None:
        self.f = checked_module(f, "Lift")
        self._parts()

    def _parts(self) -> tuple[language.Array, language.Array]:
        """The type's argument and result; both begin with the axis that is lifted."""
        function = self.f.signature.function
        given, result = function.arguments[0], function.result
        alone = len(function.arguments) == 1
        if alone and isinstance(given, language.Array) and isinstance(result, language.Array):
            closed = given.dots is None and result.dots is None
            if closed and given.axes and result.axes and given.axes[0].same(result.axes[0]):
                return given, result
        raise ValueError(
            "Lift: f's type must begin with one size on both sides and have no '...', as "
            f"real[n, d] -> real[n, e] has, it is {self.f.signature}"
        )

    @property
    def type(self) -> str:
        given, result = [language.Array(part.kind, "", part.axes[1:]) for part in self._parts()]
        conditions = ", ".join(map(str, self.f.signature.conditions))
        return f"{given} -> {result}" + (f" where {conditions}" if conditions else "")

    def forward(self, x: Any) -> Any:
        return lifted(self.f, x, [str(axis) for axis in self._parts()[0].axes[1:]])
