"""Random tensors by distribution: all are the generator's uniform, normal or exponential numbers,
moved and scaled, or places chosen by them.

    normal        mean + std · z            uniform       low + (high − low) · u
    exponential   e / rate                  bernoulli     u < p

So a sample is differentiable in the parameters of its distribution (it is reparameterised), and the
same on every instruction set: what NumPy computes here it rounds as IEEE 754 says.

    multinomial   with replacement: where u falls among the sums of weights
                  without: the n smallest of e_i / p_i (Efraimidis and Spirakis, 2006)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arguments import integer, number, real_tensor, sizes_argument
from pydp._arrays import FLOAT32, FLOAT64, INT64, Array, checked_dtype, numpy_op
from pydp._random import Generator, chosen, probability
from pydp.ops._math import add, divide, multiply, subtract
from pydp.ops._shape import reshape, value
from pydp.ops._take import take


def _parameter(x: Any, op: str, name: str, least: float = -math.inf) -> Any:
    """A finite number, or a float tensor; both not below `least`."""
    if isinstance(x, (_graph.Value, np.ndarray, list)):
        x = real_tensor(x, op, name)
        if least > -math.inf and not numpy_op(np.all, x._array >= least):
            raise ValueError(f"{op}: {name} must be at least {least:g} everywhere")
        return x
    found = number(x, op, name)
    if not least <= found < math.inf or found == -math.inf:
        bound = f" and at least {least:g}" if least > -math.inf else ""
        raise ValueError(f"{op}: {name} must be finite{bound}, got {found}")
    return found


def _frame(op: str, shape: Any, dtype: Any, *parameters: Any) -> tuple[tuple[int, ...], Any]:
    """Shape and dtype of a sample: those asked for, or else those of the parameters."""
    arrays = [p._array for p in parameters if isinstance(p, _graph.Value)]
    if dtype is None:
        dtype = np.result_type(*arrays) if arrays else FLOAT32
    if shape is None:
        try:
            return np.broadcast_shapes(*[a.shape for a in arrays]), checked_dtype(dtype, op)
        except ValueError:
            shapes = ", ".join(str(a.shape) for a in arrays)
            raise ValueError(f"{op}: parameters of shapes {shapes} do not broadcast") from None
    sizes = sizes_argument(shape, op)
    for a in arrays:
        fits = a.ndim <= len(sizes) and all(
            m in (1, n) for m, n in zip(a.shape[::-1], sizes[::-1], strict=False)
        )
        if not fits:
            raise ValueError(f"{op}: a parameter of shape {a.shape} does not broadcast to {sizes}")
    return sizes, checked_dtype(dtype, op)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    shape: Any = None,
    dtype: Any = None,
    generator: Generator | None = None,
) -> Any:
    """Normal numbers: mean + std · z.

    Type: ``(real[...], real[...]) -> real[...]``.

    mean, std   numbers or tensors, which broadcast; std >= 0. Gradients reach them.
    shape       of the result; None: that of mean and std

    >>> import pydp
    >>> pydp.normal(5.0, 0.0, (2,))
    tensor([5., 5.])
    """
    mean, std = _parameter(mean, "normal", "mean"), _parameter(std, "normal", "std", 0.0)
    sizes, found = _frame("normal", shape, dtype, mean, std)
    z = _graph.wrap(chosen(generator, "normal").normal(sizes, found))
    return add(mean, multiply(std, z))


def uniform(
    low: Any = 0.0,
    high: Any = 1.0,
    shape: Any = None,
    dtype: Any = None,
    generator: Generator | None = None,
) -> Any:
    """Numbers from low to high: low + (high − low) · u with u in [0, 1).

    Type: ``(real[...], real[...]) -> real[...]``. `high` itself can come out by rounding. Gradients
    reach tensors low and high. Otherwise as `normal`.

    >>> import pydp
    >>> pydp.uniform(2.0, 2.0, (3,))
    tensor([2., 2., 2.])
    """
    low, high = _parameter(low, "uniform", "low"), _parameter(high, "uniform", "high")
    sizes, found = _frame("uniform", shape, dtype, low, high)
    u = _graph.wrap(chosen(generator, "uniform").uniform(sizes, found))
    if isinstance(low, float) and isinstance(high, float):
        if low > high:
            raise ValueError(f"uniform: low must be at most high, got {low} and {high}")
        return add(low, multiply(high - low, u))
    return add(low, multiply(subtract(high, low), u))


def exponential(
    rate: Any = 1.0, shape: Any = None, dtype: Any = None, generator: Generator | None = None
) -> Any:
    """Exponential numbers of mean 1 / rate.

    Type: ``real[...] -> real[...]``. PyTorch's `rate`; NumPy's `scale` is 1 / rate. ValueError for
    a rate that is not above 0. Otherwise as `normal`.

    >>> import pydp
    >>> bool(pydp.all(pydp.exponential(2.0, (100,)) >= 0))
    True
    """
    rate = _parameter(rate, "exponential", "rate", 0.0)
    if rate == 0.0 if isinstance(rate, float) else numpy_op(np.any, rate._array == 0):
        raise ValueError("exponential: rate must be above 0, got 0")
    sizes, found = _frame("exponential", shape, dtype, rate)
    return divide(_graph.wrap(chosen(generator, "exponential").exponential(sizes, found)), rate)


def bernoulli(p: Any, shape: Any = None, generator: Generator | None = None) -> Any:
    """Booleans that are True with probability p.

    Type: ``real[...] -> bool[...]``. `p` is a number or a tensor; without `shape` the result has
    p's. (PyTorch's has the dtype of p.) ValueError where p is not in 0 … 1.

    >>> import pydp
    >>> pydp.bernoulli(pydp.tensor([0.0, 1.0]))
    tensor([False,  True])
    """
    if isinstance(p, (_graph.Value, np.ndarray, list)):
        p = _parameter(p, "bernoulli", "p", 0.0)
        if not numpy_op(np.all, p._array <= 1):
            raise ValueError("bernoulli: p must be between 0 and 1 everywhere")
        sizes, _ = _frame("bernoulli", shape, None, p)
        level: Any = p._array
    else:
        level = probability(p, "bernoulli")
        sizes = sizes_argument(() if shape is None else shape, "bernoulli")
    u = chosen(generator, "bernoulli").uniform(sizes, FLOAT64)
    return _graph.wrap(np.asanyarray(numpy_op(np.less, u, level)))


def rand_like(x: Any, dtype: Any = None, generator: Generator | None = None) -> Any:
    """Numbers in [0, 1) in x's shape and dtype.

    >>> import pydp
    >>> pydp.rand_like(pydp.zeros((2, 3))).shape
    (2, 3)
    """
    x = value(x, "rand_like")
    return _graph.wrap(chosen(generator, "rand_like").uniform(x.shape, dtype or x.dtype))


def randn_like(x: Any, dtype: Any = None, generator: Generator | None = None) -> Any:
    """Normal numbers of mean 0 and deviation 1 in x's shape and dtype.

    >>> import pydp
    >>> pydp.randn_like(pydp.zeros((2, 3))).shape
    (2, 3)
    """
    x = value(x, "randn_like")
    return _graph.wrap(chosen(generator, "randn_like").normal(x.shape, dtype or x.dtype))


# ---- choosing ------------------------------------------------------------------------------------


def permutation(x: Any, axis: int = 0, generator: Generator | None = None) -> Any:
    """0 … x - 1 in random order (int64), or a tensor's slices along an axis in random order.

    Type: ``any[...] -> any[...]``. A copy; gradients go back to where each slice came from.

    >>> import pydp
    >>> sorted(pydp.permutation(4).tolist())
    [0, 1, 2, 3]
    """
    source = chosen(generator, "permutation")
    if not isinstance(x, (_graph.Value, np.ndarray, list)) or getattr(x, "ndim", 1) == 0:
        return _graph.wrap(source.permutation(x))
    x = value(x, "permutation")
    return take(x, _graph.wrap(source.permutation(x.shape[axis])), axis)


def shuffle(x: Any, axis: int = 0, generator: Generator | None = None) -> None:
    """Put a tensor's slices along an axis into random order, in place, as NumPy's does.

    Type: ``any[...] -> ()``. `permutation` gives a copy. TypeError where x is no tensor.

    >>> import pydp
    >>> x = pydp.arange(4)
    >>> pydp.shuffle(x)
    >>> sorted(x.tolist())
    [0, 1, 2, 3]
    """
    if not isinstance(x, _graph.Value):
        raise TypeError(f"shuffle: x must be a tensor, got {type(x).__name__}")
    if not x.ndim:
        raise ValueError("shuffle: x must have an axis, got shape ()")
    x[...] = permutation(x, axis, generator)


def multinomial(
    p: Any, n: int, replacement: bool = False, generator: Generator | None = None
) -> Any:
    """n places drawn with the weights p, for each row of p; the first drawn first.

    Type: ``real[..., k] -> token[..., n]`` (int64).

    p             weights, at least 0 and not all 0; they need not add to 1
    n             how many; without replacement at most the weights that are not 0
    replacement   whether a place can be drawn again

    >>> import pydp
    >>> pydp.multinomial(pydp.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    p = value(p, "multinomial")
    if p.dtype.kind not in "fiu" or not p.ndim:
        raise TypeError(f"multinomial: p must be real with an axis, got {p.dtype}, shape {p.shape}")
    n = integer(n, "multinomial", "n", 0)
    weights = numpy_op(np.asarray, p._array, FLOAT64)
    if not (np.all(weights >= 0) and np.all(weights < np.inf) and np.all(weights.sum(-1) > 0)):
        raise ValueError("multinomial: p must be finite, at least 0, and not all 0 in any row")
    possible = int(np.count_nonzero(weights, -1).min(initial=n))
    if not replacement and n > possible:
        raise ValueError(
            f"multinomial: n must be at most the {possible} weights that are not 0, got {n}; or "
            "say replacement=True"
        )
    source = chosen(generator, "multinomial")
    return _graph.wrap(numpy_op(_drawn, weights, n, bool(replacement), source))


def _drawn(weights: Array, n: int, replacement: bool, source: Generator) -> Array:
    lead = weights.shape[:-1]
    if not replacement:
        with np.errstate(divide="ignore", invalid="ignore"):
            keys = source.exponential(weights.shape, FLOAT64) / weights
        order = np.argsort(keys, -1, kind="stable")
        return np.ascontiguousarray(order[..., :n], INT64)
    u = source.uniform((*lead, n), FLOAT64)
    y = np.empty((*lead, n), INT64)
    for row in np.ndindex(lead):
        sums = np.cumsum(weights[row])
        y[row] = np.searchsorted(sums / sums[-1], u[row], side="right")
    return y


def choice(
    x: Any,
    shape: Any = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
    generator: Generator | None = None,
) -> Any:
    """Slices of x along an axis, chosen at random; an int x means 0 … x - 1.

    Type: ``any[...] -> any[...]``: `shape` stands in the place of the axis.

    replace   whether a slice can be chosen again
    p         a weight for each slice; None: all alike

    ValueError where more are asked for than there are. NumPy's `Generator.choice`.

    >>> import pydp
    >>> pydp.choice(pydp.tensor([5.0, 7.0]), (2,), p=[0.0, 1.0])
    tensor([7., 7.])
    """
    if isinstance(x, (_graph.Value, np.ndarray, list)):
        x = value(x, "choice")
        if not x.ndim:
            raise ValueError("choice: x must be an int or have an axis, got shape ()")
        count = x.shape[axis]
    else:
        x = count = integer(x, "choice", "x", 1)
    sizes = sizes_argument(shape, "choice")
    n = math.prod(sizes)
    source = chosen(generator, "choice")
    if p is not None:
        weights = value(p, "choice")
        if weights.shape != (count,):
            raise ValueError(f"choice: p must have shape ({count},), got {weights.shape}")
        ids = multinomial(weights, n, replace, source)
    elif not replace and n > count:
        raise ValueError(f"choice: {n} of {count} without replacement; say replace=True")
    elif not replace:
        ids = _graph.wrap(source.permutation(count)[:n])
    else:
        ids = _graph.wrap(source.integers(0, count, (n,)))
    ids = reshape(ids, sizes)
    return ids if isinstance(x, int) else take(x, ids, axis)
