"""Batch norm over images (n, c, …): kernels forward and backward; channels-last in memory.

    training    x, weight, bias ──> y, mean, var;   running statistics ──> moved towards them
    inference   x, weight, bias, running statistics ──> y
    backward    x, dy, weight, mean, var ──> dx, dweight, dbias

Running statistics are written by a kernel of their own, after y stands: a call that raises has
changed nothing, and a recorded step moves them again each time it is replayed.

Group norm is the same with other sets of elements (_group_norm.py): `groups` is 0 for batch norm,
else the number of groups that the channels of each image fall into.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pydp import _graph, _kernels
from pydp._arguments import number, same_float
from pydp._arrays import INT64, Array
from pydp._context import is_recomputing
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._math import sqrt, square
from pydp.ops._norm import dense, images, of_shape, positive, wanted
from pydp.ops._reduce import mean as mean_over
from pydp.ops._reduce import sum as sum_over

Wants = tuple[bool, ...]


class Images(NamedTuple):
    """What is normalised: images (n, c, …) with `spatial` axes after the channels; over the whole
    batch (groups 0), or in each image by groups of channels."""

    spatial: int
    groups: int
    eps: float

    @property
    def ndim(self) -> int:
        return 2 + self.spatial

    def split(self, x: Any) -> tuple[Any, tuple[int, ...]]:
        """x with the elements that share statistics along axes of their own; those axes."""
        if not self.groups:
            return x, self.across()
        n, c, *rest = x.shape
        x = x.reshape((n, self.groups, c // self.groups, *rest))
        return x, tuple(range(2, x.ndim))

    def across(self) -> tuple[int, ...]:
        """All axes but that of the channels."""
        return (0, *range(2, self.ndim))

    def per_channel(self, a: Any) -> Any:
        """[c] as [c, 1, …], to meet x in broadcasting."""
        return a.reshape((-1, *[1] * self.spatial))

    def affine_reference(self, h: Array, weight: Any, bias: Any) -> Array:
        h = h if weight is None else h * self.per_channel(weight)
        return np.asarray(h if bias is None else h + self.per_channel(bias))


class Tracking(NamedTuple):
    """Running statistics, [c], to be moved; momentum -1 makes them averages over all batches."""

    mean: Array
    var: Array
    batches: Array | None
    momentum: float


def new_like(x: Array) -> Array:
    return _kernels.empty_channels_last(x.shape, x.dtype)


class BatchNorm(Op):
    name = "batch_norm"
    type = "(real[n, c, ...], real[c]?, real[c]?) -> real[n, c, ...]"

    @staticmethod
    def forward(
        needs: Any, x: Array, weight: Any, bias: Any, of: Images, tracking: Tracking | None
    ) -> Any:
        y, c = new_like(x), x.shape[1:2]
        mean, var = _kernels.empty(c, x.dtype), _kernels.empty(c, x.dtype)
        _kernels.batch_norm_forward(
            _kernels.channels_last(x), dense(weight), dense(bias), mean, var, y, 0, of.eps
        )
        if tracking is not None:
            count = x.size // c[0]
            _kernels.batch_norm_track(mean, var, *tracking[:3], count, tracking.momentum)
        return y, (x, weight, mean, var)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, of: Images, tracking: Any) -> Any:
        return gradients(saved, dy, needs, of, True)

    @staticmethod
    def reference(x: Array, weight: Any, bias: Any, of: Images, tracking: Any) -> Array:
        mean, var = (f(x, axis=of.across(), keepdims=True) for f in (np.mean, np.var))
        return of.affine_reference((x - mean) / np.sqrt(var + of.eps), weight, bias)


class BatchNormInference(Op):
    name = "batch_norm_inference"
    type = "(real[n, c, ...], real[c]?, real[c]?, real[c], real[c]) -> real[n, c, ...]"

    @staticmethod
    def forward(
        needs: Any, x: Array, weight: Any, bias: Any, mean: Array, var: Array, of: Images
    ) -> Any:
        y = new_like(x)
        _kernels.batch_norm_inference(
            _kernels.channels_last(x), dense(weight), dense(bias), _kernels.contiguous(mean),
            _kernels.contiguous(var), y, 0, of.eps,
        )  # fmt: skip
        return y, (x, weight, mean, var)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, of: Images) -> Any:
        return *gradients(saved, dy, needs, of, False), None, None

    @staticmethod
    def reference(x: Array, weight: Any, bias: Any, mean: Array, var: Array, of: Images) -> Array:
        mean, var = of.per_channel(mean), of.per_channel(var)
        return of.affine_reference((x - mean) / np.sqrt(var + of.eps), weight, bias)


def gradients(saved: Any, dy: Any, needs: Any, of: Images, trains: bool) -> Any:
    """dx, dweight, dbias, for the rules that save x, weight, mean, var."""
    x, weight, mean, var = saved
    wants = tuple([need is not None for need in needs[:3]])
    return apply(BatchNormBackward, (x, dy, weight, mean, var), of, trains, wants)


class BatchNormBackward(Op):
    """dx = rstd (g − mean g − h mean(g h)), with g = dy · weight and h = (x − mean) rstd, the means
    over what shares statistics; dweight = Σ dy h, dbias = Σ dy. `wants` says which of the three.

    `trains`: mean and var are x's own; without it they are constants and dx = rstd g.
    """

    name = "batch_norm_backward"
    type = (
        "(real[n, c, ...], real[n, c, ...], real[c]?, real[c], real[c])"
        " -> (real[n, c, ...], real[c], real[c])"
    )

    @staticmethod
    def typing(of: Images, trains: bool, wants: Wants) -> str:
        x, mean = "real[n, c, ...]", f"real[n, {of.groups}]" if of.groups else "real[c]"
        return f"({x}, {x}, real[c]?, {mean}, {mean}) -> ({x}, real[c], real[c])"

    @staticmethod
    def forward(needs: Any, x: Array, dy: Array, weight: Any, mean: Array, var: Array, of: Images,
                trains: bool, wants: Wants) -> Any:  # fmt: skip
        dx = new_like(x) if wants[0] else None
        dweight, dbias = [wanted(x.shape[1:2], x.dtype, want) for want in wants[1:]]
        _kernels.batch_norm_backward(
            _kernels.channels_last(x), _kernels.channels_last(dy), dense(weight),
            _kernels.contiguous(mean), _kernels.contiguous(var), dx, dweight, dbias, of.groups,
            of.eps, trains,
        )  # fmt: skip
        return (dx, dweight, dbias), (x, dy, weight, mean, var)

    @staticmethod
    def composed(x: Any, dy: Any, weight: Any, mean: Any, var: Any, of: Images, trains: bool,
                 wants: Wants) -> Any:  # fmt: skip
        z, axes = of.split(x)
        g, _ = of.split(dy if weight is None else dy * of.per_channel(weight))
        if trains:
            mean = mean_over(z, axes, keepdims=True)
            var = mean_over(square(z - mean), axes, keepdims=True)
        else:
            mean, var = of.per_channel(mean), of.per_channel(var)
        r = 1.0 / sqrt(var + of.eps)
        h, dx = (z - mean) * r, r * g
        if trains:
            share = mean_over(g, axes, keepdims=True) + h * mean_over(g * h, axes, keepdims=True)
            dx = dx - r * share
        dweight = sum_over(dy * h.reshape(x.shape), of.across())
        return dx.reshape(x.shape), dweight, sum_over(dy, of.across())

    @staticmethod
    def reference(x: Array, dy: Array, weight: Any, mean: Array, var: Array, of: Images,
                  trains: bool, wants: Wants) -> Any:  # fmt: skip
        z, axes = of.split(x)
        g, _ = of.split(dy if weight is None else dy * of.per_channel(weight))
        kept = [1 if i in axes else n for i, n in enumerate(z.shape)]
        rstd = 1 / np.sqrt(var.reshape(kept) + of.eps)
        h, dx = (z - mean.reshape(kept)) * rstd, g
        if trains:
            dx = g - np.mean(g, axes, keepdims=True) - h * np.mean(g * h, axes, keepdims=True)
        dweight = np.sum(dy * h.reshape(x.shape), of.across())
        return (dx * rstd).reshape(x.shape), dweight, np.sum(dy, of.across())


# ---- what people call ----------------------------------------------------------------------------


def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    num_batches_tracked: Any = None,
) -> Any:
    """(x − mean) / √(var + ε) · weight + bias for each channel, over all images and pixels.

    Type: ``(real[n, c, ...], real[c]?, real[c]?, real[c]?, real[c]?) -> real[n, c, ...]``.

    - ``x``: (n, c, …), at least 2 axes, any strides. The result is channels-last in memory.
    - ``training``: mean and (biased) variance are those of x, which must have more than 1 value per
      channel; else they are ``running_mean`` and ``running_var``, which must then be given.
    - ``running_mean``, ``running_var``: real [c]; training moves them in place towards those of x,
      ``running += momentum · (new − running)``, with the unbiased variance. They get no gradient.
    - ``momentum``: from 0 to 1; None for the average over all batches so far.
    - ``num_batches_tracked``: an int64 tensor of one element (0-d) that training counts up; needed
      where momentum is None.

    An empty batch leaves the running statistics as they are; so does a call that raises. As
    PyTorch's but for num_batches_tracked, which its modules count outside.

    >>> import pydp
    >>> x = pydp.tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> mean, var = pydp.zeros(2), pydp.ones(2)
    >>> pydp.batch_norm(x, mean, var, training=True, eps=1e-12)
    tensor([[-1., -1.],
            [ 1.,  1.]])
    >>> mean
    tensor([0.2, 2. ])

    Reference: Ioffe, Szegedy, Batch normalization, 2015.
    """
    op = "batch_norm"
    x = images(x, op)
    c = x.shape[1:2]
    of = Images(x.ndim - 2, 0, positive(eps, op, "eps"))
    if not isinstance(training, (bool, np.bool_)):
        raise TypeError(f"{op}: training must be a bool, got {training!r}")
    weight, bias = of_shape(weight, c, op, "weight"), of_shape(bias, c, op, "bias")
    if (running_mean is None) != (running_var is None):
        raise ValueError(f"{op}: running_mean and running_var must be given both or neither")
    mean = of_shape(running_mean, c, op, "running_mean")
    var = of_shape(running_var, c, op, "running_var")
    same_float(op, x=x, weight=weight, bias=bias, running_mean=mean, running_var=var)
    if not training:
        if running_mean is None:
            raise ValueError(f"{op}: running_mean and running_var must be given unless training")
        return apply(BatchNormInference, (x, weight, bias, mean, var), of)
    if x.size == c[0] != 0:
        raise ValueError(
            f"{op}: training must have more than 1 value per channel, got x of shape {x.shape}"
        )
    tracking, written = _tracking(op, running_mean, running_var, num_batches_tracked, momentum)
    if not x.size or is_recomputing():  # remat's second run of a batch that was counted
        return apply(BatchNorm, (x, weight, bias), of, None)
    y = apply(BatchNorm, (x, weight, bias), of, tracking)
    _graph.changed(written, op)
    return y


def _tracking(
    op: str, mean: Any, var: Any, batches: Any, momentum: Any
) -> tuple[Tracking | None, list[Any]]:
    """What training shall move, after all of it has been checked; the tensors that it writes."""
    if momentum is not None:
        momentum = number(momentum, op, "momentum")
        if not 0 <= momentum <= 1:
            raise ValueError(f"{op}: momentum must be from 0 to 1, got {momentum:g}")
    if mean is None:
        return None, []
    if momentum is None and batches is None:
        raise ValueError(f"{op}: momentum None must come with num_batches_tracked")
    named = {"running_mean": mean, "running_var": var, "num_batches_tracked": batches}
    named = {name: tensor for name, tensor in named.items() if tensor is not None}
    for name, tensor in named.items():
        if not isinstance(tensor, _graph.Value):
            raise TypeError(
                f"{op}: {name} must be a tensor, which training writes, got {type(tensor).__name__}"
            )
        if tensor.requires_grad:
            raise ValueError(f"{op}: {name} is written by training and must not require a gradient")
        flags = tensor._array.flags
        if not (flags.c_contiguous and flags.writeable):
            raise ValueError(f"{op}: {name} must be contiguous and writeable, training writes it")
    if batches is not None and (batches.dtype != INT64 or batches.shape != ()):
        raise ValueError(
            f"{op}: num_batches_tracked must be an int64 tensor of shape (), got {batches.dtype} "
            f"{batches.shape}"
        )
    count = None if batches is None else batches._array
    factor = -1.0 if momentum is None else momentum
    return Tracking(mean._array, var._array, count, factor), list(named.values())
