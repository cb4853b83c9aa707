"""GroupNorm and InstanceNorm2d: groups of channels, or each, brought to one scale in each image."""

from __future__ import annotations

from typing import Any

from pydp import ops
from pydp._arguments import integer, real_tensor
from pydp.nn import init
from pydp.nn._arguments import flag, new_parameter
from pydp.nn._lifted import NO_ARRAY, lifted
from pydp.nn._module import Module
from pydp.nn._parameter import Parameter
from pydp.ops._norm import positive


class _PerImage(Module):
    """What both share: the parameters."""

    weight: Parameter | None
    bias: Parameter | None

    def _begin(self, channels: int, eps: float, affine: bool) -> None:
        name = type(self).__name__
        self.eps = positive(eps, name, "eps")
        self.affine = flag(affine, name, "affine")
        self.weight = new_parameter(channels) if self.affine else None
        self.bias = new_parameter(channels) if self.affine else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The weight ones, the bias zeros."""
        if self.weight is not None and self.bias is not None:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def _checked(self, x: Any, op: str, channels: int) -> Any:
        x = real_tensor(x, op, "x")
        if x.ndim < 2 or x.shape[1] != channels:
            raise ValueError(
                f"{op}: x must have {channels} channels on axis 1, got shape {x.shape}"
            )
        return x


class GroupNorm(_PerImage):
    """(x - mean) / sqrt(var + eps) weight + bias for groups of neighbouring channels of each image.

    Shape: ``real[n, c, ...] -> real[n, c, ...]`` with c num_channels.

    Arguments
      num_groups  must divide num_channels
      eps         above 0
      affine      whether there are parameters

    Parameters
      weight  [num_channels], ones
      bias    [num_channels], zeros

    It differs from PyTorch's in nothing but the missing `device` and `dtype` (see `astype`).

    >>> import pydp
    >>> pydp.nn.GroupNorm(2, 6)
    GroupNorm(2, 6, eps=1e-05)  12 parameters
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True
    ) -> None:
        self.num_groups = integer(num_groups, "GroupNorm", "num_groups", least=1)
        self.num_channels = integer(num_channels, "GroupNorm", "num_channels", least=1)
        if self.num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: num_channels must be a multiple of num_groups {self.num_groups}, got "
                f"{self.num_channels}"
            )
        self._begin(self.num_channels, eps, affine)

    @property
    def type(self) -> str:
        shape = f"real[n, {self.num_channels}, ...]"
        return f"{shape} -> {shape}"

    def forward(self, x: Any) -> Any:
        x = self._checked(x, "group_norm", self.num_channels)
        return ops.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        out = f"{self.num_groups}, {self.num_channels}, eps={self.eps:g}"
        return out if self.affine else f"{out}, affine=False"


class InstanceNorm2d(_PerImage):
    """(x - mean) / sqrt(var + eps) for each channel of each image, and weight and bias with affine.

    Shape: ``real[..., c, h, w] -> real[..., c, h, w]`` with c num_features.

    Parameters, with affine=True
      weight  [num_features], ones
      bias    [num_features], zeros

    It differs from PyTorch's: there are no running statistics, so no `momentum` and
    `track_running_stats`, and nothing changes in evaluation mode.

    >>> import pydp
    >>> pydp.nn.InstanceNorm2d(6)
    InstanceNorm2d(6)
    """

    def __init__(self, num_features: int, eps: float = 1e-5, affine: bool = False) -> None:
        self.num_features = integer(num_features, "InstanceNorm2d", "num_features", least=1)
        self._begin(self.num_features, eps, affine)

    @property
    def type(self) -> str:
        shape = f"real[..., {self.num_features}, h, w]"
        return f"{shape} -> {shape}"

    def forward(self, x: Any) -> Any:
        if getattr(x, "_array", NO_ARRAY).ndim != 4:
            return lifted(self.forward, x, "chw")
        x = self._checked(x, "instance_norm", self.num_features)
        return ops.instance_norm(x, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        out = f"{self.num_features}"
        out += f", eps={self.eps:g}" if self.eps != 1e-5 else ""
        return f"{out}, affine=True" if self.affine else out
