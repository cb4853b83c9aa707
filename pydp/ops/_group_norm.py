"""Group norm and instance norm: the kernels of batch norm, with statistics for each image.

channels of an image    [ 0 1 2 | 3 4 5 ]     two groups: each is normalised by itself
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pydp import _kernels
from pydp._arguments import integer, same_float
from pydp._arrays import Array
from pydp._graph import apply
from pydp._op import Op
from pydp.ops._batch_norm import Images, gradients, new_like
from pydp.ops._norm import dense, images, of_shape, positive


class GroupNorm(Op):
    name = "group_norm"
    type = "(real[n, c, ...], real[c]?, real[c]?) -> real[n, c, ...]"

    @staticmethod
    def forward(needs: Any, x: Array, weight: Any, bias: Any, of: Images) -> Any:
        y, shape = new_like(x), (x.shape[0], of.groups)
        mean, var = _kernels.empty(shape, x.dtype), _kernels.empty(shape, x.dtype)
        _kernels.batch_norm_forward(
            _kernels.channels_last(x), dense(weight), dense(bias), mean, var, y, of.groups, of.eps
        )
        return y, (x, weight, mean, var)

    @staticmethod
    def backward(saved: Any, dy: Any, needs: Any, of: Images) -> Any:
        return gradients(saved, dy, needs, of, True)

    @staticmethod
    def reference(x: Array, weight: Any, bias: Any, of: Images) -> Array:
        z, axes = of.split(x)
        mean, var = (f(z, axis=axes, keepdims=True) for f in (np.mean, np.var))
        h = (z - mean) / np.sqrt(var + of.eps)
        return of.affine_reference(h.reshape(x.shape), weight, bias)


def group_norm(
    x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """(x − mean) / √(var + ε) · weight + bias, for groups of neighbouring channels of each image.

    Type: ``(real[n, c, ...], real[c]?, real[c]?) -> real[n, c, ...]``.

    - ``x``: (n, c, …), at least 2 axes, any strides. The result is channels-last in memory.
    - ``num_groups``: must divide c. 1 normalises the whole image, c each channel of it.
    - ``weight``, ``bias``: real [c].
    - ``eps``: above 0. The variance is the biased one.

    >>> import pydp
    >>> pydp.group_norm(pydp.tensor([[1.0, 3.0, 10.0, 30.0]]), 2, eps=1e-12)
    tensor([[-1.,  1., -1.,  1.]])

    Reference: Wu, He, Group normalization, 2018.
    """
    return _by_groups("group_norm", x, num_groups, weight, bias, eps)


def instance_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """(x − mean) / √(var + ε) · weight + bias, for each channel of each image.

    Type: ``(real[n, c, ...], real[c]?, real[c]?) -> real[n, c, ...]``. Group norm with as many
    groups as channels; x must have more than 1 pixel. It differs from PyTorch's: there are no
    running statistics.

    >>> import pydp
    >>> pydp.instance_norm(pydp.tensor([[[1.0, 3.0], [10.0, 30.0]]]), eps=1e-12)
    tensor([[[-1.,  1.],
             [-1.,  1.]]])

    Reference: Ulyanov, Vedaldi, Lempitsky, Instance normalization, 2016.
    """
    x = images(x, "instance_norm")
    if math.prod(x.shape[2:]) == 1:
        raise ValueError(f"instance_norm: x must have more than 1 pixel, got shape {x.shape}")
    return _by_groups("instance_norm", x, max(x.shape[1], 1), weight, bias, eps)


def _by_groups(op: str, x: Any, num_groups: Any, weight: Any, bias: Any, eps: Any) -> Any:
    x = images(x, op)
    c = x.shape[1]
    groups = integer(num_groups, op, "num_groups", 1)
    if c % groups:
        raise ValueError(f"{op}: num_groups must divide the {c} channels of x, got {groups}")
    weight, bias = of_shape(weight, (c,), op, "weight"), of_shape(bias, (c,), op, "bias")
    same_float(op, x=x, weight=weight, bias=bias)
    of = Images(x.ndim - 2, groups, positive(eps, op, "eps"))
    return apply(GroupNorm, (x, weight, bias), of)
