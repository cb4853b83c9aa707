"""Initial values: functions that fill a tensor in place and return it.

They record nothing and count up the tensor's version. Numbers come from pydp's own counter-based
generator, so the same seed gives the same weights on every machine and for every number of
threads; `generator` is one to draw from instead of the one that `manual_seed` sets.

Weights are drawn where they stay, then scaled and shifted there: a model is built in no more memory
than it has.

fan_in is the number of inputs that one output sees: weight.shape[1] times the size of the window;
fan_out likewise with weight.shape[0].

Sources: Glorot and Bengio 2010 (xavier), He et al. 2015 (kaiming), Saxe et al. 2014 (orthogonal).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import number
from pydp._arrays import Array
from pydp._random import Generator, chosen
from pydp._tensor import Tensor

# ---- distributions -----------------------------------------------------------------------------


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform in [a, b).

    >>> import pydp
    >>> w = pydp.nn.init.uniform_(pydp.tensor([0.0] * 100), -2.0, 2.0)
    >>> bool((abs(w.numpy()) <= 2).all())
    True
    """
    _check("uniform_", tensor, a=a, b=b)
    if a > b:
        raise ValueError(f"uniform_: a must be at most b, got {a} and {b}")
    _check("uniform_", tensor, **{"b - a": b - a})
    return _draw(tensor, chosen(generator, "uniform_").fill_uniform, b - a, a)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Normal with this mean and standard deviation.

    >>> import pydp
    >>> pydp.nn.init.normal_(pydp.tensor([0.0, 0.0]), mean=3.0, std=0.0)
    tensor([3., 3.])
    """
    _check("normal_", tensor, mean=mean, std=std)
    if std < 0:
        raise ValueError(f"normal_: std must be at least 0, got {std}")
    return _draw(tensor, chosen(generator, "normal_").fill_normal, std, mean)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal, and drawn again where a value falls outside [a, b].

    As in PyTorch, a and b are values, not multiples of std. It differs from PyTorch's: an interval
    that holds less than 1 % of the distribution is refused.

    >>> import pydp
    >>> w = pydp.nn.init.trunc_normal_(pydp.tensor([0.0] * 100), std=0.02, a=-0.04, b=0.04)
    >>> bool((abs(w.numpy()) <= 0.04).all())
    True
    """
    _check("trunc_normal_", tensor, mean=mean, std=std, a=a, b=b)
    if std <= 0:
        raise ValueError(f"trunc_normal_: std must be above 0, got {std}")
    below, above = [math.erf((x - mean) / (std * math.sqrt(2))) for x in (a, b)]
    if above - below < 0.02:
        raise ValueError(
            f"trunc_normal_: [a, b] must hold at least 1 % of the distribution, "
            f"got [{a}, {b}] with mean {mean} and std {std}"
        )
    source = chosen(generator, "trunc_normal_")

    def draw(values: Array) -> None:
        flat = values.reshape(-1)  # a view: it lies in C order
        source.fill_normal(flat)
        _scale(flat, std, mean)
        while (outside := _outside(flat, a, b)).size:
            again = source.normal(outside.size, flat.dtype)
            _scale(again, std, mean)
            flat[outside] = again

    return _draw(tensor, draw)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """val everywhere.

    >>> import pydp
    >>> pydp.nn.init.constant_(pydp.tensor([1.0, 2.0]), 0.5)
    tensor([0.5, 0.5])
    """
    _check("constant_", tensor, val=val)
    _graph.changed((tensor,), "nn.init")
    tensor._array.fill(val)
    return tensor


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere.

    >>> import pydp
    >>> pydp.nn.init.zeros_(pydp.tensor([1.0, 2.0]))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere.

    >>> import pydp
    >>> pydp.nn.init.ones_(pydp.tensor([5.0, 2.0]))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


# ---- by the number of inputs and outputs ---------------------------------------------------------


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform within ±gain √(6 / (fan_in + fan_out)): keeps the variance of tanh layers.

    >>> import pydp
    >>> w = pydp.nn.init.xavier_uniform_(pydp.tensor([[0.0] * 4] * 2))
    >>> bool((abs(w.numpy()) <= 1).all())
    True
    """
    bound = math.sqrt(3.0) * _xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with deviation gain √(2 / (fan_in + fan_out)).

    >>> import pydp
    >>> pydp.nn.init.xavier_normal_(pydp.tensor([[0.0] * 4] * 2)).shape
    (2, 4)
    """
    return normal_(tensor, 0.0, _xavier_std("xavier_normal_", tensor, gain), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform within ±gain √(3 / fan): keeps the variance of relu layers.

    mode is "fan_in" (forward) or "fan_out" (backward); for gain see `calculate_gain`.

    >>> import pydp
    >>> w = pydp.nn.init.kaiming_uniform_(pydp.tensor([[0.0] * 6] * 2), nonlinearity="relu")
    >>> bool((abs(w.numpy()) <= 1).all())
    True
    """
    std = _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with deviation gain / √fan; arguments as `kaiming_uniform_`.

    >>> import pydp
    >>> pydp.nn.init.kaiming_normal_(pydp.tensor([[0.0] * 6] * 2), mode="fan_out").shape
    (2, 6)
    """
    std = _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity)
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Rows (or columns, the fewer) orthogonal and of length gain; later axes count as one.

    Q of the QR decomposition of normal numbers, its signs set so that every such matrix is equally
    likely. The decomposition is LAPACK's: the last bits may differ between machines.

    >>> import pydp
    >>> w = pydp.nn.init.orthogonal_(pydp.tensor([[0.0] * 3] * 3)).numpy()
    >>> bool((abs(w @ w.T - [[1, 0, 0], [0, 1, 0], [0, 0, 1]]) < 1e-6).all())
    True
    """
    _check("orthogonal_", tensor, gain=gain)
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: tensor must have at least 2 axes, got shape {tensor.shape}")
    if tensor.size == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.size // tensor.shape[0]
    source = chosen(generator, "orthogonal_")
    normal = source.normal((max(rows, columns), min(rows, columns)), np.float64)
    q, r = np.linalg.qr(normal)
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
    _graph.changed((tensor,), "nn.init")
    tensor._array[...] = (q if rows >= columns else q.T).reshape(tensor.shape)
    _scale(tensor._array, gain, 0.0)
    return tensor


GAINS: dict[str, Callable[[float], float]] = {
    "linear": lambda a: 1.0,
    "conv2d": lambda a: 1.0,
    "sigmoid": lambda a: 1.0,
    "tanh": lambda a: 5.0 / 3.0,
    "relu": lambda a: math.sqrt(2.0),
    "leaky_relu": lambda a: math.sqrt(2.0 / (1.0 + a * a)),
    "selu": lambda a: 0.75,
}


def calculate_gain(nonlinearity: str, param: float = 0.01) -> float:
    """By what factor to widen the weights before a nonlinearity; `param` is leaky_relu's slope.

    >>> import pydp
    >>> pydp.nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if not isinstance(nonlinearity, str) or nonlinearity not in GAINS:
        raise ValueError(
            f"calculate_gain: nonlinearity must be one of {', '.join(GAINS)}, got {nonlinearity!r}"
        )
    return GAINS[nonlinearity](number(param, "calculate_gain", "param"))


# ---- arguments -----------------------------------------------------------------------------------


def _check(function: str, tensor: Any, **numbers: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{function}: expected a tensor, got {type(tensor).__name__}")
    if tensor.dtype.kind != "f":
        raise TypeError(f"{function}: tensor must be float32 or float64, got {tensor.dtype}")
    if not tensor._array.flags.writeable:
        raise ValueError(f"{function}: the tensor's memory is read-only")
    largest = np.finfo(tensor.dtype).max
    for name, value in numbers.items():
        found = number(value, function, name)
        if not math.isfinite(found):
            raise ValueError(f"{function}: {name} must be finite, got {found}")
        if abs(found) > float(largest):
            raise ValueError(f"{function}: {name} does not fit into {tensor.dtype}, got {found}")


def _fans(function: str, tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight [out, in, window …]."""
    if tensor.ndim < 2:
        raise ValueError(f"{function}: tensor must have at least 2 axes, got shape {tensor.shape}")
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def _xavier_std(function: str, tensor: Tensor, gain: float) -> float:
    _check(function, tensor, gain=gain)
    return gain * math.sqrt(2.0 / max(1, sum(_fans(function, tensor))))


def _kaiming_std(function: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    _check(function, tensor, a=a)
    fan_in, fan_out = _fans(function, tensor)
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"{function}: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = fan_in if mode == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fan))


# ---- writing -------------------------------------------------------------------------------------

PIECE = 1 << 20  # elements that are looked at together, where that takes memory


def _draw(
    tensor: Tensor, draw: Callable[[Array], None], scale: float = 1.0, shift: float = 0.0
) -> Tensor:
    """What `draw` writes into an array in C order, times scale plus shift, in the tensor's own
    memory. Only where that lies in another order is there an array besides."""
    array = tensor._array
    in_order = array.flags.c_contiguous
    values = array if in_order else np.empty(array.shape, array.dtype)
    _graph.changed((tensor,), "nn.init")  # first: Ctrl-C in between leaves no write unseen
    draw(values)
    if not in_order:
        array[...] = values
    _scale(array, scale, shift)
    return tensor


def _scale(array: Array, scale: float, shift: float) -> None:
    """array · scale + shift in place, each step rounded: the same on every machine."""
    array *= array.dtype.type(scale)
    array += array.dtype.type(shift)


def _outside(flat: Array, a: float, b: float) -> Array:
    """Where numbers are below a or above b."""
    found = [
        start + np.flatnonzero((piece < a) | (piece > b))
        for start in range(0, flat.size, PIECE)
        for piece in [flat[start : start + PIECE]]
    ]
    return np.concatenate(found) if found else np.empty(0, np.int64)
