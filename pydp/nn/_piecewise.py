"""The activations of straight pieces as modules, among them PReLU, whose slope is learnt."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer, number
from pydp.nn import init
from pydp.nn._arguments import new_parameter
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter


class ReLU6(Module):
    """min(max(0, x), 6).

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.ReLU6()(pydp.tensor([-2.0, 3.0, 9.0]))
    tensor([0., 3., 6.])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.relu6(x)


class Hardsigmoid(Module):
    """relu6(x + 3) / 6.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Hardsigmoid()(pydp.tensor([-4.0, 0.0, 4.0]))
    tensor([0. , 0.5, 1. ])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.hardsigmoid(x)


class Hardswish(Module):
    """x relu6(x + 3) / 6.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Hardswish()(pydp.tensor([-4.0, 1.5, 4.0]))
    tensor([0.   , 1.125, 4.   ])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.hardswish(x)


class LeakyReLU(Module):
    """x above 0, negative_slope x elsewhere.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.LeakyReLU(0.2)
    LeakyReLU(negative_slope=0.2)
    """

    type = "real[...] -> real[...]"

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = number(negative_slope, "LeakyReLU", "negative_slope")

    def forward(self, x: Any) -> Any:
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope:g}"


class Hardtanh(Module):
    """x, cut to [min_val, max_val].

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Hardtanh(0.0, 2.0)
    Hardtanh(min_val=0, max_val=2)
    """

    type = "real[...] -> real[...]"

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val = number(min_val, "Hardtanh", "min_val")
        self.max_val = number(max_val, "Hardtanh", "max_val")
        if not self.min_val < self.max_val:
            raise ValueError(
                f"Hardtanh: min_val must be below max_val, got {min_val} and {max_val}"
            )

    def forward(self, x: Any) -> Any:
        return ops.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val:g}, max_val={self.max_val:g}"


class Softshrink(Module):
    """x, brought nearer to 0 by lambd.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Softshrink()
    Softshrink(lambd=0.5)
    """

    type = "real[...] -> real[...]"

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = number(lambd, "Softshrink", "lambd")
        if not self.lambd >= 0:
            raise ValueError(f"Softshrink: lambd must be at least 0, got {lambd}")

    def forward(self, x: Any) -> Any:
        return ops.softshrink(x, self.lambd)

    def extra_repr(self) -> str:
        return f"lambd={self.lambd:g}"


class Hardshrink(Module):
    """x outside [-lambd, lambd], 0 within.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Hardshrink()
    Hardshrink(lambd=0.5)
    """

    type = "real[...] -> real[...]"

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = number(lambd, "Hardshrink", "lambd")
        if not self.lambd >= 0:
            raise ValueError(f"Hardshrink: lambd must be at least 0, got {lambd}")

    def forward(self, x: Any) -> Any:
        return ops.hardshrink(x, self.lambd)

    def extra_repr(self) -> str:
        return f"lambd={self.lambd:g}"


class Threshold(Module):
    """x above the threshold, `value` elsewhere.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Threshold(1.0, 20.0)
    Threshold(threshold=1, value=20)
    """

    type = "real[...] -> real[...]"

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold = number(threshold, "Threshold", "threshold")
        self.value = number(value, "Threshold", "value")

    def forward(self, x: Any) -> Any:
        return ops.threshold(x, self.threshold, self.value)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold:g}, value={self.value:g}"


class PReLU(Module):
    """x above 0, weight x elsewhere: LeakyReLU with a slope that is learnt.

    Shape: ``real[...] -> real[...]``; with num_parameters = c, one slope for each channel,
    ``real[n, c, ...] -> real[n, c, ...]``.

    Arguments
      num_parameters  how many slopes: 1, or as many as there are channels
      init            what they begin with

    Parameters
      weight  [num_parameters]

    >>> import pydp
    >>> pydp.nn.PReLU()(pydp.tensor([-2.0, 3.0])).detach()
    tensor([-0.5,  3. ])
    """

    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = integer(num_parameters, "PReLU", "num_parameters", least=1)
        self.init = number(init, "PReLU", "init")
        self.weight = new_parameter(self.num_parameters)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The initial slopes again."""
        init.constant_(self.weight, self.init)

    @property
    def type(self) -> str:
        shape = "real[...]" if self.num_parameters == 1 else f"real[n, {self.num_parameters}, ...]"
        return f"{shape} -> {shape}"

    def forward(self, x: Any) -> Any:
        return ops.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
