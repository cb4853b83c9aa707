"""Activations as modules, for Sequential; a box of your own calls pydp.relu and its kin."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer, number
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


class SiLU(Module):
    """x sigmoid(x), also called swish.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.SiLU()(pydp.tensor([0.0, 100.0]))
    tensor([  0., 100.])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.silu(x)


class Mish(Module):
    """x tanh(log(1 + exp(x))).

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Mish()(pydp.tensor([0.0, 100.0]))
    tensor([  0., 100.])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.mish(x)


class SELU(Module):
    """elu, scaled so that layers keep mean 0 and variance 1.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.SELU()(pydp.tensor([0.0, 1.0]))
    tensor([0.      , 1.050701])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.selu(x)


class LogSigmoid(Module):
    """log(sigmoid(x)), without overflow or loss of digits.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.LogSigmoid()(pydp.tensor([-200.0]))
    tensor([-200.])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.logsigmoid(x)


class Softsign(Module):
    """x / (1 + |x|).

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Softsign()(pydp.tensor([-1.0, 3.0]))
    tensor([-0.5 ,  0.75])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.softsign(x)


class Tanhshrink(Module):
    """x - tanh(x).

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Tanhshrink()(pydp.tensor([0.0, 100.0]))
    tensor([ 0., 99.])
    """

    type = "real[...] -> real[...]"

    def forward(self, x: Any) -> Any:
        return ops.tanhshrink(x)


class Softplus(Module):
    """log(1 + exp(beta x)) / beta; x itself where beta x is above the threshold.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.Softplus()
    Softplus(beta=1, threshold=20)
    """

    type = "real[...] -> real[...]"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = number(beta, "Softplus", "beta")
        self.threshold = number(threshold, "Softplus", "threshold")
        if self.beta == 0:
            raise ValueError(f"Softplus: beta must not be 0, got {beta}")

    def forward(self, x: Any) -> Any:
        return ops.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta:g}, threshold={self.threshold:g}"


class ELU(Module):
    """x above 0, alpha (exp(x) - 1) elsewhere.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.ELU(0.5)
    ELU(alpha=0.5)
    """

    type = "real[...] -> real[...]"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number(alpha, "ELU", "alpha")

    def forward(self, x: Any) -> Any:
        return ops.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha:g}"


class CELU(Module):
    """x above 0, alpha (exp(x / alpha) - 1) elsewhere.

    Shape: ``real[...] -> real[...]``.

    >>> import pydp
    >>> pydp.nn.CELU(0.5)
    CELU(alpha=0.5)
    """

    type = "real[...] -> real[...]"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number(alpha, "CELU", "alpha")
        if self.alpha == 0:
            raise ValueError(f"CELU: alpha must not be 0, got {alpha}")

    def forward(self, x: Any) -> Any:
        return ops.celu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha:g}"


class GLU(Module):
    """a sigmoid(b), a the first half of x along an axis and b the second.

    Shape: ``real[..., 2*n] -> real[..., n]``.

    It differs from PyTorch's: the argument is `axis` (there `dim`).

    >>> import pydp
    >>> pydp.nn.GLU()(pydp.tensor([1.0, 2.0, 0.0, 100.0]))
    tensor([0.5, 2. ])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = integer(axis, "GLU", "axis")

    @property
    def type(self) -> str:
        return "real[..., 2*n] -> real[..., n]" if self.axis == -1 else "any -> any"

    def forward(self, x: Any) -> Any:
        return ops.glu(x, self.axis)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


class Softmin(Softmax):
    """softmax(-x): the smallest gets most.

    Shape: ``real[..., n] -> real[..., n]``.

    It differs from PyTorch's as `Softmax` does.

    >>> import pydp
    >>> pydp.nn.Softmin()(pydp.tensor([1.0, 1.0, 1000.0]))
    tensor([0.5, 0.5, 0. ])
    """

    def forward(self, x: Any) -> Any:
        return ops.softmin(x, self.axis)
