"""Layer norm and RMS norm over the last axes: kernels forward and backward.

    forward    x, weight, bias ──> y, and per row (mean and) rstd = 1 / √(var + ε)
    backward   x, dy, weight, those ──> dx, dweight, dbias, in one pass

A row is all elements of the normalised axes. Each backward kernel is an op of its own; second
derivatives go through its composed form, which takes the statistics from x again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import integer, real_tensor, same_float
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._math import sqrt, square
from pydp.ops._norm import Shape, dense, of_shape, positive, wanted
from pydp.ops._reduce import mean as mean_over
from pydp.ops._reduce import sum as sum_over

Wants = tuple[bool, ...]


def _types(axes: int) -> tuple[str, str]:
    """The types of x and of weight."""
    sizes = ", ".join([f"d{i}" for i in range(axes)])
    return f"real[..., {sizes}]", f"real[{sizes}]"


def _last(axes: int) -> tuple[int, ...]:
    return tuple(range(-axes, 0))


def _first(x: Any, axes: int) -> tuple[int, ...]:
    return tuple(range(x.ndim - axes))


def _length(x: Array, axes: int) -> int:
    return math.prod(x.shape[x.ndim - axes :])


class LayerNorm(Op):
    """Of the arguments, `axes` is how many of the last axes are normalised together."""

    name = "layer_norm"
    type = "(real[..., d], real[d]?, real[d]?) -> real[..., d]"

    @staticmethod
    def typing(axes: int, eps: float) -> str:
        x, weight = _types(axes)
        return f"({x}, {weight}?, {weight}?) -> {x}"

    @staticmethod
    def forward(needs: Any, x: Array, weight: Any, bias: Any, axes: int, eps: float) -> Any:
        y, mean, rstd = _kernels.layer_norm_forward(x, weight, bias, axes, eps, needs is not None)
        return y, (x, weight, mean, rstd)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axes: int, eps: float) -> Any:
        x, weight, mean, rstd = saved
        wants = tuple([need is not None for need in needs])
        return apply(LayerNormBackward, (x, dy, weight, mean, rstd), axes, eps, wants)

    @staticmethod
    def reference(x: Array, weight: Any, bias: Any, axes: int, eps: float) -> Array:
        mean = np.mean(x, axis=_last(axes), keepdims=True)
        var = np.mean((x - mean) ** 2, axis=_last(axes), keepdims=True)
        y = (x - mean) / np.sqrt(var + eps)
        y = y if weight is None else y * weight
        return np.asarray(y if bias is None else y + bias)


class LayerNormBackward(Op):
    """dx = rstd (g − mean g − h mean(g h)), with g = dy · weight and h = (x − mean) rstd;
    dweight = Σ dy h and dbias = Σ dy over the rows. `wants` says which of the three."""

    name = "layer_norm_backward"
    type = (
        "(real[..., d], real[..., d], real[d]?, real[...], real[...]) -> "
        "(real[..., d], real[d], real[d])"
    )

    @staticmethod
    def typing(axes: int, eps: float, wants: Wants) -> str:
        x, weight = _types(axes)
        return f"({x}, {x}, {weight}?, real[...], real[...]) -> ({x}, {weight}, {weight})"

    @staticmethod
    def forward(needs: Any, x: Array, dy: Array, weight: Any, mean: Array, rstd: Array, axes: int,
                eps: float, wants: Wants) -> Any:  # fmt: skip
        normalised = x.shape[x.ndim - axes :]
        dx = wanted(x.shape, x.dtype, wants[0])
        dweight, dbias = [wanted(normalised, x.dtype, want) for want in wants[1:]]
        _kernels.layer_norm_backward(
            _kernels.contiguous(x), _kernels.contiguous(dy), dense(weight),
            _kernels.contiguous(mean), _kernels.contiguous(rstd), dx, dweight, dbias,
            _length(x, axes),
        )  # fmt: skip
        return (dx, dweight, dbias), (x, dy, weight, mean, rstd)

    @staticmethod
    def composed(x: Any, dy: Any, weight: Any, mean: Any, rstd: Any, axes: int, eps: float,
                 wants: Wants) -> Any:  # fmt: skip
        last = _last(axes)
        d = x - mean_over(x, last, keepdims=True)
        r = 1.0 / sqrt(mean_over(square(d), last, keepdims=True) + eps)
        h = d * r
        g = dy if weight is None else dy * weight
        share = mean_over(g, last, keepdims=True) + h * mean_over(g * h, last, keepdims=True)
        return r * (g - share), sum_over(dy * h, _first(x, axes)), sum_over(dy, _first(x, axes))

    @staticmethod
    def reference(x: Array, dy: Array, weight: Any, mean: Array, rstd: Array, axes: int,
                  eps: float, wants: Wants) -> Any:  # fmt: skip
        mean, rstd = (a.reshape(a.shape + (1,) * axes) for a in (mean, rstd))
        h, g = (x - mean) * rstd, dy if weight is None else dy * weight
        share = [np.mean(a, axis=_last(axes), keepdims=True) for a in (g, g * h)]
        dx = rstd * (g - share[0] - h * share[1])
        return dx, np.sum(dy * h, axis=_first(x, axes)), np.sum(dy, axis=_first(x, axes))


class RMSNorm(Op):
    name = "rms_norm"
    type = "(real[..., d], real[d]?) -> real[..., d]"

    @staticmethod
    def typing(axes: int, eps: float) -> str:
        x, weight = _types(axes)
        return f"({x}, {weight}?) -> {x}"

    @staticmethod
    def forward(needs: Any, x: Array, weight: Any, axes: int, eps: float) -> Any:
        y = _kernels.empty(x.shape, x.dtype)
        rstd = wanted(x.shape[: x.ndim - axes], x.dtype, needs is not None)
        _kernels.rms_norm_forward(
            _kernels.contiguous(x), dense(weight), y, rstd, _length(x, axes), eps
        )
        return y, (x, weight, rstd)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, axes: int, eps: float) -> Any:
        x, weight, rstd = saved
        wants = tuple([need is not None for need in needs])
        return apply(RMSNormBackward, (x, dy, weight, rstd), axes, eps, wants)

    @staticmethod
    def reference(x: Array, weight: Any, axes: int, eps: float) -> Array:
        y = x / np.sqrt(np.mean(x * x, axis=_last(axes), keepdims=True) + eps)
        return np.asarray(y if weight is None else y * weight)


class RMSNormBackward(Op):
    """dx = rstd (g − h mean(g h)), with g = dy · weight and h = x rstd; dweight = Σ dy h."""

    name = "rms_norm_backward"
    type = "(real[..., d], real[..., d], real[d]?, real[...]) -> (real[..., d], real[d])"

    @staticmethod
    def typing(axes: int, eps: float, wants: Wants) -> str:
        x, weight = _types(axes)
        return f"({x}, {x}, {weight}?, real[...]) -> ({x}, {weight})"

    @staticmethod
    def forward(needs: Any, x: Array, dy: Array, weight: Any, rstd: Array, axes: int, eps: float,
                wants: Wants) -> Any:  # fmt: skip
        dx = wanted(x.shape, x.dtype, wants[0])
        dweight = wanted(x.shape[x.ndim - axes :], x.dtype, wants[1])
        _kernels.rms_norm_backward(
            _kernels.contiguous(x), _kernels.contiguous(dy), dense(weight),
            _kernels.contiguous(rstd), dx, dweight, _length(x, axes),
        )  # fmt: skip
        return (dx, dweight), (x, dy, weight, rstd)

    @staticmethod
    def composed(x: Any, dy: Any, weight: Any, rstd: Any, axes: int, eps: float,
                 wants: Wants) -> Any:  # fmt: skip
        last = _last(axes)
        r = 1.0 / sqrt(mean_over(square(x), last, keepdims=True) + eps)
        h = x * r
        g = dy if weight is None else dy * weight
        dx = r * (g - h * mean_over(g * h, last, keepdims=True))
        return dx, sum_over(dy * h, _first(x, axes))

    @staticmethod
    def reference(x: Array, dy: Array, weight: Any, rstd: Array, axes: int, eps: float,
                  wants: Wants) -> Any:  # fmt: skip
        rstd = rstd.reshape(rstd.shape + (1,) * axes)
        h, g = x * rstd, dy if weight is None else dy * weight
        dx = rstd * (g - h * np.mean(g * h, axis=_last(axes), keepdims=True))
        return dx, np.sum(dy * h, axis=_first(x, axes))


# ---- what people call ----------------------------------------------------------------------------


def sizes_of(normalized_shape: Any, op: str, least: int = 0) -> Shape:
    """An int or several: the sizes of the last axes, normalised together."""
    several = isinstance(normalized_shape, (tuple, list))
    sizes = tuple(normalized_shape) if several else (normalized_shape,)
    if not sizes:
        raise ValueError(f"{op}: normalized_shape must have at least 1 axis, got {sizes}")
    return tuple([integer(n, op, "normalized_shape", least) for n in sizes])


def _normalised_axes(x: Any, normalized_shape: Any, op: str, **affine: Any) -> int:
    """How many axes are normalised: given, or those of the first weight that is."""
    name, sizes = "normalized_shape", x._array.shape[-1:]
    if normalized_shape is not None:
        sizes = sizes_of(normalized_shape, op)
    else:
        for argument, value in affine.items():
            if value is not None:
                name, sizes = f"{argument}'s shape", real_tensor(value, op, argument)._array.shape
                break
    if not sizes or x._array.shape[-len(sizes) :] != sizes:
        raise ValueError(f"{op}: {name} must be the last axes of x {x.shape}, got {sizes}")
    return len(sizes)


def layer_norm(
    x: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    normalized_shape: Any = None,
) -> Any:
    """(x − mean) / √(var + ε) · weight + bias, mean and (biased) variance over the last axes.

    Type: ``(real[..., d], real[d]?, real[d]?) -> real[..., d]``, for one axis.

    - ``weight``, ``bias``: real, of the shape of the last axes of x, which are normalised together.
    - ``eps``: above 0.
    - ``normalized_shape``: the sizes of those axes, an int or several; only needed where neither
      weight nor bias is given and it is not the last axis alone.

    The mean is taken off before the variance is taken, so a large one costs nothing; a constant row
    gives ``bias``. ValueError where the shapes do not fit. It differs from PyTorch's in the order
    of arguments: there normalized_shape comes second and must be given.

    >>> import pydp
    >>> pydp.layer_norm(pydp.tensor([[1.0, 3.0], [10.0, 30.0]]), eps=1e-12)
    tensor([[-1.,  1.],
            [-1.,  1.]])

    Reference: Ba, Kiros, Hinton, Layer normalization, 2016.
    """
    op = "layer_norm"
    x = real_tensor(x, op, "x")
    eps = positive(eps, op, "eps")
    axes = _normalised_axes(x, normalized_shape, op, weight=weight, bias=bias)
    shape = x._array.shape[-axes:]
    weight, bias = of_shape(weight, shape, op, "weight"), of_shape(bias, shape, op, "bias")
    same_float(op, x=x, weight=weight, bias=bias)
    return apply(LayerNorm, (x, weight, bias), axes, eps)


def rms_norm(
    x: Any, weight: Any = None, eps: float | None = None, normalized_shape: Any = None
) -> Any:
    """x / √(mean(x²) + ε) · weight, the mean over the last axes.

    Type: ``(real[..., d], real[d]?) -> real[..., d]``, for one axis. Arguments as in `layer_norm`;
    ``eps`` None is the machine epsilon of x's dtype, as in PyTorch.

    >>> import pydp
    >>> pydp.rms_norm(pydp.tensor([3.0, 4.0, 0.0, 0.0]))
    tensor([1.2, 1.6, 0. , 0. ])

    Reference: Zhang, Sennrich, Root mean square layer normalization, 2019.
    """
    op = "rms_norm"
    x = real_tensor(x, op, "x")
    eps = float(np.finfo(x.dtype).eps) if eps is None else positive(eps, op, "eps")
    axes = _normalised_axes(x, normalized_shape, op, weight=weight)
    weight = of_shape(weight, x.shape[x.ndim - axes :], op, "weight")
    same_float(op, x=x, weight=weight)
    return apply(RMSNorm, (x, weight), axes, eps)
