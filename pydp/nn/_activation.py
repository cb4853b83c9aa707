"""Activations as modules, for Sequential; a box of your own calls pydp.relu and its kin."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._op import integer
from pydp.nn._arguments import one_of
from pydp.nn._module import Module


class ReLU(Module):
    """max(0, x).

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.ReLU()(pydp.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.relu(x)


class GELU(Module):
    """x Φ(x), Φ the normal distribution function; with approximate="tanh" BERT's form of it.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.GELU(approximate="tanh")
    GELU(approximate='tanh')
    """

    type = "real[...] -> real[...]"

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = one_of(approximate, ("none", "tanh"), "GELU", "approximate")

    def forward(self, x: Any) -> Any:
        return ops.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Tanh(Module):
    """The hyperbolic tangent.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Tanh()(pydp.tensor([0.0]))
    tensor([0.])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)).

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Sigmoid()(pydp.tensor([0.0]))
    tensor([0.5])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.sigmoid(x)


class Softmax(Module):
    """exp(x) divided by its sum along an axis: a distribution.

    Shape: ``real[..., n] -> real[..., n]``.

    It differs from PyTorch's: the argument is `axis` (there `dim`) and has a default.

    >>> import pydp
    >>> pydp.nn.Softmax()(pydp.tensor([1.0, 1.0]))
    tensor([0.5, 0.5])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = integer(axis, type(self).__name__, "axis")

    @property
    def type(self) -> str:
        return "real[..., n] -> real[..., n]" if self.axis == -1 else "any -> any"

    def forward(self, x: Any) -> Any:
        return ops.softmax(x, self.axis)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


class LogSoftmax(Softmax):
    """log softmax, computed without overflow.

    Shape: ``real[..., n] -> real[..., n]``.

    It differs from PyTorch's as `Softmax` does.

    >>> import pydp
    >>> pydp.nn.LogSoftmax(axis=0)
    LogSoftmax(axis=0)
    """

    def forward(self, x: Any) -> Any:
        return ops.log_softmax(x, self.axis)
